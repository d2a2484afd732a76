"""The kinetic kernels: the paper's equation, the reference's numbers, the same bits everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_layouts import SHAPES, Problem, isas

from hpcqke.kernels import kinetic, reference


@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
@pytest.mark.parametrize("module", [kinetic, reference], ids=["kinetic", "reference"])
def test_is_the_paper(module, nflavors, species, W):
    """Transport, moments and i[rho, h] agree with NumPy's complex matrices."""
    p = Problem(nflavors, species, W)
    kernel = p.kernel(module)
    F = p.rows()
    kernel.transport(p.X, p.lo, p.hi, F, 0, p.nz)
    np.testing.assert_allclose(p.to_natural(F), p.paper_transport(), rtol=0, atol=5e-14)
    np.testing.assert_allclose(p.chunk_moments(kernel, p.nblk).sum(axis=0), p.paper_moments(),
                               rtol=0, atol=1e-14)
    for mode in (None, p.mode):
        F = np.zeros_like(p.X)
        kernel.commutator(p.X, p.A, p.B, mode, F)
        paper = p.paper_commutator(p.A, p.B, mode is not None)
        np.testing.assert_allclose(p.to_natural(F), paper, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
@pytest.mark.parametrize(
    ("order", "filter"), [(0, 0), (2, 0), (4, 0.1), (6, 0), (6, 1), (8, 0), (8, 0.5)]
)
def test_is_the_reference(nflavors, species, W, order, filter):
    """Bit for bit where the order of operations is the same, else to the last place."""
    p = Problem(nflavors, species, W, width=order // 2)
    chunks = [0, p.nblk // 2, p.nblk]
    fast = p.kernel(kinetic, chunks, order=order, filter=filter)
    plain = p.kernel(reference, chunks, order=order, filter=filter)
    np.testing.assert_array_equal(p.chunk_moments(fast, 2), p.chunk_moments(plain, 2))
    F, G = p.rows(), p.rows()
    fast.transport(p.X, p.lo, p.hi, F, 0, p.nz)
    plain.transport(p.X, p.lo, p.hi, G, 0, p.nz)
    np.testing.assert_array_equal(F, G)
    for mode in (None, p.mode):
        F, G = p.fused(fast, mode), p.fused(plain, mode)
        np.testing.assert_allclose(F, G, rtol=0, atol=1e-15 * np.abs(G).max())
        if nflavors == 2:
            np.testing.assert_array_equal(F, G)


@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
@pytest.mark.parametrize("ext", [False, True])
def test_fused_is_split(nflavors, species, W, ext):
    """One pass gives the bits of transport, moments, combine and commutator."""
    p = Problem(nflavors, species, W, nv=21)
    kernel = p.kernel(kinetic)
    for mode in (None, p.mode):
        total, F = np.empty((p.nz, 2 * p.C)), p.rows()
        kinetic.combine(p.chunk_moments(kernel, p.nblk), 1, total)
        A, B = 0.7 * total[:, :p.C], 0.7 * total[:, p.C:]
        A, B = (A + p.A, B + p.B) if ext else (A.copy(), B.copy())
        kernel.transport(p.X, p.lo, p.hi, F, 0, p.nz)
        kernel.commutator(p.X, A, B, mode, F)
        np.testing.assert_array_equal(p.fused(kernel, mode, ext), F)


@pytest.mark.parametrize(("nflavors", "species"), [(2, 1), (2, 2), (3, 2)])
def test_rows_do_not_know_their_place(nflavors, species):
    """Any sub-range of rows, any split between X and ghosts, any address: the same bits."""
    p = Problem(nflavors, species, 8)
    kernel = p.kernel(kinetic)
    whole = p.fused(kernel)
    for z0, z1 in ((0, 4), (4, 17), (17, 21), (3, 3), (8, 16)):
        F = p.rows()
        kernel.fused(p.X, p.lo, p.hi, F, z0, z1, 0.7, p.A, p.B, None)
        np.testing.assert_array_equal(F[z0:z1], whole[z0:z1])
        assert np.isnan(F[:z0]).all()
        assert np.isnan(F[z1:]).all()
    z0, z1 = 5, 12
    ghosted = np.concatenate([p.lo, p.X, p.hi])
    part = [np.zeros(rows * p.X.shape[1] + 1)[1:].reshape(rows, -1) for rows in (4, z1 - z0, 4)]
    for rows, first in zip(part, (z0, z0 + 4, z1 + 4), strict=True):
        rows[...] = ghosted[first:first + len(rows)]
    F = np.zeros(part[1].size + 3)[3:].reshape(part[1].shape)
    kernel.fused(part[1], part[0], part[2], F, 0, z1 - z0, 0.7, p.A[z0:z1], p.B[z0:z1], None)
    np.testing.assert_array_equal(F, whole[z0:z1])


@pytest.mark.parametrize(("nflavors", "species"), [(2, 1), (2, 2), (3, 1), (3, 2)])
@pytest.mark.parametrize("nv", [3, 8, 16])
def test_width_of_blocks_does_not_matter(nflavors, species, nv):
    """W = 1, 2, 4, 8 lanes and their groups of chunks give the same moments and rates."""
    seen = []
    for W in (1, 2, 4, 8):
        p = Problem(nflavors, species, W, nv=nv)
        kernel = p.kernel(kinetic)
        total, F = np.empty((p.nz, 2 * p.C)), p.rows()
        kinetic.combine(p.chunk_moments(kernel, p.nblk), 8 // W, total)
        kernel.transport(p.X, p.lo, p.hi, F, 0, p.nz)
        A, B = np.ascontiguousarray(total[:, :p.C]), np.ascontiguousarray(total[:, p.C:])
        kernel.commutator(p.X, A, B, p.mode, F)
        seen.append((total, p.to_natural(F)))
    for total, rate in seen[:-1]:
        np.testing.assert_array_equal(total, seen[-1][0])
        np.testing.assert_array_equal(rate, seen[-1][1])


@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
def test_instruction_set_does_not_matter(nflavors, species, W):
    """AVX-512, AVX2 and SSE2 give the same bits."""
    p = Problem(nflavors, species, W, nv=37)
    seen = [p.fused(p.kernel(kinetic, isa=isa), p.mode) for isa in isas()]
    assert kinetic.isa() == isas()[0]
    for rate in seen[1:]:
        np.testing.assert_array_equal(rate, seen[0])


@pytest.mark.parametrize(("nflavors", "species"), [(2, 1), (2, 2), (3, 1), (3, 2)])
@pytest.mark.parametrize("order", [4, 6, 8])
@pytest.mark.parametrize("isa", isas())
def test_simple_stages_are_served_alike(nflavors, species, order, isa):
    """One or two targets, each its base and the slope: the bits of the slope in memory."""
    p = Problem(nflavors, species, 8, nv=19, nz=29, width=order // 2)
    kernel = p.kernel(kinetic, order=order, filter=0, isa=isa)
    F, rng = p.fused(kernel), np.random.default_rng(6)
    for count in (1, 2):
        bases = list(rng.uniform(-1, 1, (count, *p.X.shape)))
        targets = [bases[0].copy(), p.rows()][:count]
        stage = kinetic.Stage(targets, [targets[0], *bases[1:]], [[]] * count)
        stage.coefficients[:, 0] = c = rng.uniform(-1, 1, count)
        kernel.fused_stage(p.X, p.lo, p.hi, 0, p.nz, 0.7, p.A, p.B, None, stage)
        for o in range(count):
            np.testing.assert_array_equal(targets[o], bases[o] + c[o] * F)


@pytest.mark.parametrize(("nflavors", "order"), [(2, 6), (2, 2), (3, 8)])
@pytest.mark.parametrize("off", [0, 1])
@pytest.mark.parametrize("isa", isas())
def test_size_does_not_matter(nflavors, order, off, isa):
    """A state beyond the caches, whose slopes bypass them: the bits of one period of it."""
    p = Problem(nflavors, 2, 8, nv=16, nz=40, width=order // 2)
    p.lo, p.hi = p.X[-p.width:].copy(), p.X[:p.width].copy()
    kernel = p.kernel(kinetic, order=order, filter=0, isa=isa)
    periods = 2 + (16 << 20) // p.X.nbytes
    X, A, B = (np.tile(a, (periods, 1)) for a in (p.X, p.A, p.B))

    def somewhere():
        """`off` numbers past a multiple of 64 bytes."""
        room = np.empty(X.size + 16)
        start = -(room.ctypes.data // 8) % 8 + off
        return room[start:start + X.size].reshape(X.shape)

    F, target, K = somewhere(), somewhere(), somewhere()
    kernel.fused(X, p.lo, p.hi, F, 0, len(X), 0.7, A, B, None)
    slope = np.tile(p.fused(kernel), (periods, 1))
    np.testing.assert_array_equal(F, slope)
    stage = kinetic.Stage([target], [X], [[]], K)
    stage.coefficients[0, 0] = 0.3
    kernel.fused_stage(X, p.lo, p.hi, 0, len(X), 0.7, A, B, None, stage)
    np.testing.assert_array_equal(K, slope)
    np.testing.assert_array_equal(target, X + 0.3 * slope)


@pytest.mark.parametrize("nz", [1, 2, 7, 8, 9])
@pytest.mark.parametrize(("nflavors", "W"), [(2, 1), (2, 8), (3, 2)])
def test_few_rows(nflavors, W, nz):
    """Fewer rows than are summed at once: each row's sums and slopes are its own."""
    p = Problem(nflavors, 2, W, nz=nz)
    kernel = p.kernel(kinetic)
    np.testing.assert_allclose(p.chunk_moments(kernel, p.nblk).sum(axis=0), p.paper_moments(),
                               rtol=0, atol=1e-14)
    np.testing.assert_allclose(p.fused(kernel), p.fused(p.kernel(reference)), rtol=0, atol=5e-14)


@pytest.mark.parametrize("module", [kinetic, reference], ids=["kinetic", "reference"])
def test_combine(module):
    """Groups by adjacent pairs with 0.0 for the missing, then in order: no other order's bits."""
    x = np.random.default_rng(3).uniform(-1, 1, (7, 5, 8))
    out = np.empty((5, 8))
    expected = {
        1: (((((x[0] + x[1]) + x[2]) + x[3]) + x[4]) + x[5]) + x[6],
        2: (((x[0] + x[1]) + (x[2] + x[3])) + (x[4] + x[5])) + x[6],
        4: ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + x[6]),
        8: ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + x[6]),
    }
    for group, total in expected.items():
        module.combine(x, group, out)
        np.testing.assert_array_equal(out, total)
    assert (expected[1] != expected[8]).any()


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_order_of_the_derivative(order):
    """d_t rho = -v d_z rho: sin(z - v t) is carried to the right, with the stencil's order."""
    errors = []
    for nz in (16, 32):
        p = Problem(2, 1, 1, nv=2, nz=nz, width=order // 2)
        dz = 2 * np.pi / nz
        z = dz * np.arange(-p.width, nz + p.width)
        ghosted = np.repeat(np.sin(z)[:, None], p.X.shape[1], axis=1)
        lo, X, hi = (ghosted[a:b].copy() for a, b in
                     ((0, p.width), (p.width, p.width + nz), (p.width + nz, None)))
        F = np.empty_like(X)
        p.kernel(kinetic, order=order, dz=dz, filter=0).transport(X, lo, hi, F, 0, nz)
        exact = -p.cos[None, :, None, None] * np.cos(z[p.width:-p.width])[:, None, None, None]
        errors.append(np.abs(p.to_natural(F) - exact).max() / np.abs(p.cos).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.3)


def test_filter_damps_the_sawtooth_only():
    """A cell-to-cell zigzag decays at the rate filter/dz; what is constant stays."""
    p = Problem(2, 1, 1, nv=1, width=3)
    kernel = p.kernel(kinetic, order=6, dz=0.5, filter=0.2)
    for pattern, rate in (((-1.0) ** np.arange(27), -0.4), (np.ones(27), 0.0)):
        ghosted = np.repeat(pattern[:, None], 4, axis=1)
        F = p.rows()
        kernel.transport(ghosted[3:24].copy(), ghosted[:3].copy(), ghosted[24:].copy(), F, 0, 21)
        np.testing.assert_allclose(F, rate * ghosted[3:24], rtol=0, atol=1e-15)


@pytest.mark.parametrize("nflavors", [2, 3])
def test_commutator_conserves(nflavors):
    """i[rho, h] leaves Tr rho and Tr rho^2 alone, and vanishes for h = rho."""
    p = Problem(nflavors, 1, 8, nv=1)
    x = p.natural[p.width:p.width + p.nz, :, 0]
    F = np.zeros_like(p.X)
    p.kernel(kinetic).commutator(p.X, p.A, 0 * p.B, None, F)
    rate = p.to_natural(F)[:, :, 0]
    weights = np.array([1.0] * nflavors + [2.0] * 6) if nflavors == 3 else np.ones(4)
    trace = rate[..., :3].sum(axis=-1) if nflavors == 3 else rate[..., 0]
    np.testing.assert_allclose(trace, 0, atol=1e-15)
    np.testing.assert_allclose((rate * x * weights[:p.C]).sum(axis=-1), 0, atol=5e-15)
    F[...] = 0
    p.kernel(kinetic).commutator(p.X, np.ascontiguousarray(x[:, 0]), 0 * p.B, None, F)
    np.testing.assert_allclose(F, 0, atol=1e-16)


def test_signs():
    """dP/dt = W x P; the flux enters with -v; antineutrinos count negatively in the moments."""
    p = Problem(2, 2, 1, nv=1, nz=1)
    p.v[:] = 0.5
    kernel = p.kernel(kinetic, order=0)
    X, F, out = np.zeros((1, 8)), np.zeros((1, 8)), np.empty((1, 1, 8))
    X[0, 1] = X[0, 5] = 1.0  # P and Pbar along x
    W_z = np.array([[0.0, 0.0, 0.0, 1.0]])
    kernel.commutator(X, W_z, 0 * W_z, None, F)
    np.testing.assert_array_equal(F, [[0, 0, 1, 0, 0, 0, 1, 0]])
    F[...] = 0
    kernel.commutator(X, 0 * W_z, W_z, None, F)
    np.testing.assert_array_equal(F, [[0, 0, -0.5, 0, 0, 0, -0.5, 0]])
    X[0, 1] = 3.0
    kernel.moments(X, out)
    np.testing.assert_array_equal(out[0, 0], p.weight[0, 0] * np.array([0, 2, 0, 0, 0, 1, 0, 0]))


def test_refuses_what_does_not_fit():
    """Wrong shapes and parameters are a ValueError, never a wild pointer."""
    p = Problem(2, 2, 8)
    kernel = p.kernel(kinetic)
    F = p.rows()
    bad = [
        lambda: kernel.fused(p.X, p.lo[:3], p.hi, F, 0, p.nz, 1.0, None, None, None),
        lambda: kernel.fused(p.X, p.lo, p.hi, F[:-1], 0, p.nz, 1.0, None, None, None),
        lambda: kernel.fused(p.X, p.lo, p.hi, F, 0, p.nz + 1, 1.0, None, None, None),
        lambda: kernel.fused(p.X, p.lo, p.hi, F, 0, p.nz, 1.0, p.A[:-1], None, None),
        lambda: kernel.fused(p.X, p.lo, p.hi, F, 0, p.nz, 1.0, None, None, p.mode[:1]),
        lambda: kernel.transport(p.X[:, 1:].copy(), p.lo, p.hi, F, 0, p.nz),
        lambda: kernel.moments(p.X, np.empty((1, p.nz, 8))),
        lambda: kernel.commutator(p.X, p.A[:, :3].copy(), p.B, None, F),
        lambda: p.kernel(kinetic, [0, 1]),
        lambda: p.kernel(kinetic, order=3),
        lambda: p.kernel(kinetic, dz=0.0),
        lambda: p.kernel(kinetic, isa="abacus"),
        lambda: kinetic.combine(np.empty((2, 3, 8)), 3, np.empty((3, 8))),
    ]
    for call in bad:
        with pytest.raises(ValueError, match=r"."):
            call()
