"""The kernels of the gradient terms: the paper's equation, its conservation laws, the same bits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from kernel_layouts import SHAPES, isas, to_components, to_matrix

from hpcqke.kernels import bracket, reference_bracket
from hpcqke.kernels.kinetic import DIFFERENCE
from hpcqke.momentum_operator import MomentumOperator, finite_volumes, on_axis

MODULES = pytest.mark.parametrize("module", [bracket, reference_bracket],
                                  ids=["bracket", "reference"])
OPERATORS = ("axis-2", "axis-4", "volumes", "random")
DZ = 0.1


def operator(kind: str, momenta: int, directions: int, rng) -> tuple[np.ndarray, MomentumOperator]:
    """v and X for differences along v = +-1, finite volumes, or any numbers."""
    if kind.startswith("axis"):
        v = np.array([1.0, -1.0])
        return v, on_axis(0.25 * np.arange(momenta), v, int(kind[-1]))
    edges = np.linspace(-1, 1, directions + 1)
    v = (edges[1:] + edges[:-1]) / 2
    X = finite_volumes(np.linspace(0, momenta / 4, momenta + 1), edges)
    if kind == "random":
        below, above = rng.uniform(-1, 1, (2, momenta, directions))
        below[:, 0] = above[:, -1] = 0
        X = replace(X, along_p=rng.uniform(-1, 1, (5, momenta, directions)), below=below,
                    above=above)
    return v, X


@dataclass
class Problem:
    """A random state on nz rows, momenta and directions, and a mean field, in blocks of W lanes."""

    nflavors: int
    species: int
    W: int
    kind: str = "random"
    momenta: int = 6
    directions: int = 11
    nz: int = 5
    order: int = 8

    def __post_init__(self):
        rng = np.random.default_rng(5)
        self.C, self.w = self.nflavors**2, self.order // 2
        self.v, self.X = operator(self.kind, self.momenta, self.directions, rng)
        self.directions = len(self.v)
        self.per_column = -(-self.directions // self.W)
        modes = (self.momenta, self.directions)
        self.natural = rng.uniform(-1, 1, (self.nz + 2 * self.w, *modes, self.species, self.C))
        self.own = self.natural[self.w:self.w + self.nz]
        self.dA, self.dB = rng.uniform(-1, 1, (2, self.nz, self.C))
        self.B = rng.uniform(-1, 1, (self.nz + 2 * self.w, self.C))
        self.speed = rng.uniform(-1, 1, modes)
        self.sign = np.array([1.0, -1.0])[:self.species, None]

    def lanes(self, x: np.ndarray) -> np.ndarray:
        """(..., momentum, direction) -> (..., block, lane), padded with zeros."""
        padding = self.per_column * self.W - self.directions
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, padding)])
        return np.ascontiguousarray(x.reshape(*x.shape[:-2], -1, self.W))

    def rows(self, x: np.ndarray) -> np.ndarray:
        """(z, momentum, direction, S, C) -> (z, row)."""
        x = self.lanes(x.transpose(0, 3, 4, 1, 2))
        return np.ascontiguousarray(x.transpose(0, 3, 1, 2, 4)).reshape(len(x), -1)

    def to_natural(self, rows: np.ndarray) -> np.ndarray:
        """(z, row) -> (z, momentum, direction, S, C)."""
        x = rows.reshape(len(rows), self.momenta, self.per_column, -1, self.W).swapaxes(3, 4)
        x = x.reshape(len(rows), self.momenta, self.per_column * self.W, self.species, self.C)
        return x[:, :, :self.directions]

    def kernel(self, module, columns=slice(None), isa=None):
        """The Bracket of some columns."""
        v = np.broadcast_to(self.v, (self.momenta, self.directions))
        parts = (v, self.X.along_p, self.X.below, self.X.above, self.speed)
        v, *parts = (self.lanes(a[..., columns, :]) for a in parts)
        return module.Bracket(self.nflavors, self.species, v, self.per_column, *parts,
                              order=self.order, dz=DZ, isa=isa)

    def force(self, module, **options) -> np.ndarray:
        """The force on all columns, zeros beyond, added to 0, as rows."""
        X = self.rows(self.own)
        beyond = np.zeros((self.nz, X.shape[1] // self.momenta * self.X.width))
        F = np.zeros_like(X)
        self.kernel(module, **options).force(X, beyond, beyond, self.dA, self.dB, F, 0, self.nz)
        return F

    def drift(self, module, **options) -> np.ndarray:
        """The drift of all columns, added to 0, as rows."""
        lo, X, hi = np.split(self.rows(self.natural), [self.w, self.w + self.nz])
        F = np.zeros_like(X)
        self.kernel(module, **options).drift(X, lo, hi, self.B, F, 0, self.nz)
        return F

    def paper_force(self) -> np.ndarray:
        """+-X 1/2{rho, dA - v dB} by complex matrices, in natural order."""
        h = self.dA[:, None] - self.v[:, None] * self.dB[:, None]
        rho, h = to_matrix(self.own), to_matrix(h[:, None, :, None])
        g = to_components((rho @ h + h @ rho) / 2)
        return self.sign * np.moveaxis(self.X(np.moveaxis(g, 0, 2)), 2, 0)

    def paper_drift(self) -> np.ndarray:
        """+-D_z(speed 1/2{rho, B}) by complex matrices, in natural order."""
        rho, h = to_matrix(self.natural), to_matrix(self.B[:, None, None, None])
        g = self.speed[..., None, None] * to_components((rho @ h + h @ rho) / 2)
        ahead = {m: g[self.w + m:self.w + m + self.nz] for m in range(-self.w, self.w + 1)}
        slope = sum(c * (ahead[m] - ahead[-m]) for m, c in enumerate(DIFFERENCE[self.w], start=1))
        return self.sign * slope / DZ


@MODULES
@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
def test_is_the_paper(module, nflavors, species, W, kind):
    """Force and drift agree with NumPy's complex matrices and with MomentumOperator."""
    p = Problem(nflavors, species, W, kind)
    for rows, paper in ((p.force(module), p.paper_force()), (p.drift(module), p.paper_drift())):
        np.testing.assert_allclose(p.to_natural(rows), paper, rtol=0, atol=1e-14 * abs(paper).max())


@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
def test_is_the_reference(nflavors, species, W, kind):
    """Bit for bit where the order of operations is the same, else to the last place."""
    p = Problem(nflavors, species, W, kind)
    for call in (p.force, p.drift):
        fast, plain = call(bracket), call(reference_bracket)
        np.testing.assert_allclose(fast, plain, rtol=0, atol=1e-15 * np.abs(plain).max())
        if nflavors == 2:
            np.testing.assert_array_equal(fast, plain)


@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
def test_instruction_set_does_not_matter(nflavors, species, W, kind):
    """AVX-512, AVX2 and SSE2 give the same bits."""
    p = Problem(nflavors, species, W, kind)
    for call in (p.force, p.drift):
        seen = [call(bracket, isa=isa) for isa in isas()]
        for rate in seen[1:]:
            np.testing.assert_array_equal(rate, seen[0])


@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize(("nflavors", "species"), [(2, 1), (2, 2), (3, 1), (3, 2)])
def test_width_of_blocks_does_not_matter(nflavors, species, kind):
    """W = 1, 2, 4, 8 lanes give the same rates; padding lanes get nothing."""
    for name in ("force", "drift"):
        seen = []
        for W in (1, 2, 4, 8):
            p = Problem(nflavors, species, W, kind)
            rows = getattr(p, name)(bracket)
            seen.append(p.to_natural(rows))
            np.testing.assert_array_equal(rows, p.rows(seen[-1]))
        for rate in seen[1:]:
            np.testing.assert_array_equal(rate, seen[0])


@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize(("nflavors", "species", "W"), [(2, 1, 2), (2, 2, 8), (3, 1, 4), (3, 2, 1)])
def test_columns_do_not_know_their_place(nflavors, species, W, kind):
    """Any split of the columns over ranks, any range of rows: the same bits, added to F.

    A rank may have fewer columns than it needs from its neighbours.
    """
    p = Problem(nflavors, species, W, kind)
    X, u = p.rows(p.own), p.X.width
    column = X.shape[1] // p.momenta
    beyond = np.zeros((p.nz, u * column))
    ghosted = np.concatenate([beyond, X, beyond], axis=1)
    F, G = np.ones_like(X), np.ones_like(X)
    whole = p.kernel(bracket)
    whole.force(X, beyond, beyond, p.dA, p.dB, F, 0, p.nz)
    lo, _, hi = np.split(p.rows(p.natural), [p.w, p.w + p.nz])
    whole.drift(X, lo, hi, p.B, F, 0, p.nz)
    for a, b in ((0, 1), (1, 2), (2, 5), (5, 6)):
        kernel, part = p.kernel(bracket, slice(a, b)), slice(a * column, b * column)
        before = ghosted[:, a * column:(a + u) * column].copy()
        after = ghosted[:, (b + u) * column:(b + 2 * u) * column].copy()
        own, f = X[:, part].copy(), np.ones((p.nz, (b - a) * column))
        for z0, z1 in ((0, 2), (2, 2), (2, 5)):
            kernel.force(own, before, after, p.dA, p.dB, f, z0, z1)
            assert (f[z1:] == 1).all()
            kernel.drift(own, lo[:, part].copy(), hi[:, part].copy(), p.B, f, z0, z1)
            assert (f[z1:] == 1).all()
        G[:, part] = f
    np.testing.assert_array_equal(G, F)


def traces(x: np.ndarray) -> np.ndarray:
    """Tr rho of components."""
    return x[..., 0] if x.shape[-1] == 4 else x[..., :3].sum(axis=-1)


def closed(nflavors: int, species: int, kind: str) -> tuple[Problem, np.ndarray]:
    """A problem that is periodic in z and zero at the ends of the momenta; the modes' weights."""
    p = Problem(nflavors, species, 4, kind, momenta=12, directions=8, nz=16, order=4)
    p.natural[:, :3] = p.natural[:, 9:] = 0
    p.natural[:p.w], p.natural[-p.w:] = p.own[-p.w:], p.own[:p.w]
    edges, v_edges = np.linspace(0, 3, 13), np.linspace(-1, 1, 9)
    volumes = np.outer(np.diff(edges**3) / 3, np.diff(v_edges))
    return p, volumes if kind == "volumes" else np.ones((12, 2))


CLOSED = pytest.mark.parametrize(("nflavors", "species", "kind"), [
    (nflavors, species, kind) for nflavors in (2, 3) for species in (1, 2)
    for kind in ("axis-2", "axis-4", "volumes")])


@MODULES
@CLOSED
def test_number_and_skew_symmetry(module, nflavors, species, kind):
    """sum Tr force = 0 in each row and species; sum Tr(tau X(rho o h)) = -sum Tr(X tau rho o h)."""
    p, weight = closed(nflavors, species, kind)
    force = p.to_natural(p.force(module))
    scale = 1e-15 * np.abs(force).sum()
    number = np.einsum("pd,zpds->zs", weight, traces(force))
    np.testing.assert_allclose(number, 0, atol=scale)
    tau = np.random.default_rng(9).uniform(-1, 1, p.own.shape)
    slope = to_matrix(p.sign * np.moveaxis(p.X(np.moveaxis(tau, 0, 2)), 2, 0))
    rho = to_matrix(p.own)
    h = to_matrix((p.dA[:, None] - p.v[:, None] * p.dB[:, None])[:, None, :, None])
    product = (rho @ h + h @ rho) / 2
    left = np.einsum("pd,zpdsab,zpdsba->", weight, to_matrix(tau), to_matrix(force))
    right = np.einsum("pd,zpdsab,zpdsba->", weight, slope, product)
    assert abs(left) > 1e6 * scale
    assert left == pytest.approx(-right, abs=10 * scale)


@MODULES
@CLOSED
def test_energy(module, nflavors, species, kind):
    """With h = eps +- Omega, Omega = A - v B, the rates of sum eps Tr rho and +-sum Tr(Omega rho)
    add up to zero if rho is carried with the velocity X eps and the drift is X v."""
    p, weight = closed(nflavors, species, kind)
    A, B = np.random.default_rng(8).uniform(-1, 1, (2, p.nz, p.C))
    p.dA, p.dB = periodic_slope(A, p.w), periodic_slope(B, p.w)
    p.B, p.speed = np.concatenate([B[-p.w:], B, B[:p.w]]), p.X.drift
    force, drift = p.to_natural(p.force(module)), p.to_natural(p.drift(module))
    carried = -p.X.speed[..., None, None] * periodic_slope(p.own, p.w)
    kinetic = np.einsum("pd,zpds->", weight * p.X.energy, traces(force))
    omega = to_matrix(A[:, None] - p.v[:, None] * B[:, None])
    refractive = np.einsum("pd,zdab,zpdsba->", weight, omega,
                           to_matrix(p.sign * (carried + force + drift))).real
    assert abs(kinetic) > 0.1
    assert kinetic + refractive == pytest.approx(0, abs=1e-14 * np.abs(force).sum())


def periodic_slope(f: np.ndarray, w: int) -> np.ndarray:
    """D_z f along the first axis."""
    return sum(c * (np.roll(f, -m, 0) - np.roll(f, m, 0))
               for m, c in enumerate(DIFFERENCE[w], start=1)) / DZ


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_order_of_the_drift(order):
    """D_z(rho o B) of rho = sin z, B = 1 + cos z converges with the stencil's order."""
    errors = []
    for nz in (16, 32):
        p = Problem(2, 1, 1, "axis-2", momenta=3, nz=nz, order=order)
        z = 2 * np.pi / nz * np.arange(-p.w, nz + p.w)
        p.natural[...] = 0
        p.natural[..., 0] = np.sin(z)[:, None, None, None]
        p.B = np.stack([1 + np.cos(z), 0 * z, 0 * z, 0 * z], axis=1)
        rate = p.to_natural(p.drift(bracket))[..., 0, 0] * DZ * nz / (2 * np.pi)
        exact = 0.5 * (np.cos(z) + np.cos(2 * z))[p.w:-p.w, None, None] * p.speed
        errors.append(np.abs(rate - exact).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.35)


@MODULES
def test_signs_and_factors(module):
    """One number each: the half, the trace of h, -v, antineutrinos, the direction of X."""
    along = np.array([-1.0, 0.0, 1.0])[:, None, None] * np.ones((3, 3, 1))
    zero, v = np.zeros((3, 1)), np.full((3, 1), 0.5)
    kernel = module.Bracket(2, 2, v, 1, along, zero, zero, np.full((3, 1), 2.0), order=2, dz=0.5)
    X, ghost, none, h = (np.zeros((1, n)) for n in (24, 8, 4, 4))
    X[0, 16:24] = [4, 0, 0, 0, 0, 0, 6, 0]  # the last momentum: P0 = 4, antineutrinos P_y = 6

    def middle(dA, dB):
        F = np.zeros_like(X)
        kernel.force(X, ghost, ghost, dA, dB, F, 0, 1)
        assert (F[0, :8] == 0).all()
        return list(F[0, 8:16])

    h[0] = [3, 0, 0, 1]
    assert middle(h, none) == [6, 0, 0, 2, 0, 0, -9, 0]
    assert middle(none, h) == [-3, 0, 0, -1, 0, 0, 4.5, 0]
    h[0] = [0, 0, 1, 0]
    assert middle(h, none) == [0, 0, 2, 0, -3, 0, 0, 0]
    F, lo, hi = np.zeros_like(X), np.zeros_like(X), 2 * X
    B = np.array([[3.0, 0, 0, 1]] * 3)
    kernel.drift(X, lo, hi, B, F, 0, 1)  # 2 * (8 - 0)/(2*0.5) * 3/2
    assert list(F[0, 16:]) == [24, 0, 0, 8, 0, 0, -36, 0]


def test_refuses_what_does_not_fit():
    """Wrong shapes and parameters are a ValueError, never a wild pointer."""
    p = Problem(2, 2, 4, "volumes")
    X = p.rows(p.own)
    F, ghost = np.zeros_like(X), np.zeros((p.nz, X.shape[1] // p.momenta))
    kernel = p.kernel(bracket)
    lo, hi = X[:4], X[:4]

    def make(**changes):
        given = dict(nflavors=2, species=1, v=np.ones((6, 2)), blocks_per_column=2,
                     along_p=np.ones((3, 6, 2)), below=np.ones((6, 2)), above=np.ones((6, 2)),
                     drift=np.ones((6, 2)), order=2, dz=1.0)
        bracket.Bracket(**{**given, **changes})

    make()
    changes = [dict(nflavors=4), dict(species=0), dict(order=0), dict(order=3), dict(dz=0.0),
               dict(isa="abacus"), dict(blocks_per_column=4), dict(blocks_per_column=0),
               dict(v=np.arange(12.0).reshape(6, 2)), dict(v=np.ones((6, 3))),
               dict(along_p=np.ones((2, 6, 2))), dict(along_p=np.ones((3, 5, 2))),
               dict(along_p=np.ones((11, 6, 2))), dict(below=np.ones((6, 1))),
               dict(above=np.ones(6)), dict(drift=np.ones((5, 2)))]
    calls = [
        lambda: kernel.force(X[:, 1:].copy(), ghost, ghost, p.dA, p.dB, F, 0, p.nz),
        lambda: kernel.force(X, ghost, ghost, p.dA, p.dB, F[1:], 0, p.nz),
        lambda: kernel.force(X, ghost, ghost, p.dA, p.dB, F, 0, p.nz + 1),
        lambda: kernel.force(X, ghost[1:], ghost, p.dA, p.dB, F, 0, p.nz),
        lambda: kernel.force(X, ghost, None, p.dA, p.dB, F, 0, p.nz),
        lambda: kernel.force(X, ghost, ghost, p.dA[1:], p.dB, F, 0, p.nz),
        lambda: kernel.force(X, ghost, ghost, p.dA, p.dB[:, 1:].copy(), F, 0, p.nz),
        lambda: kernel.drift(X, lo[1:], hi, p.B, F, 0, p.nz),
        lambda: kernel.drift(X, lo, hi, p.B[1:], F, 0, p.nz),
        lambda: kernel.drift(X, lo, hi, p.B, F, -1, p.nz),
        *(lambda change=change: make(**change) for change in changes),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"."):
            call()
