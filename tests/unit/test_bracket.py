"""The kernels of the gradient terms: the paper's equation, signs and factors, the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from bracket_problem import DZ, MODULES, OPERATORS, Problem
from kernel_layouts import SHAPES, isas

from hpcqke.kernels import bracket, reference_bracket


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
