"""The ledger's sums in the kernels: the same in any order, on any instruction set."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_layouts import SHAPES, Problem, isas, to_matrix

from hpcqke.kernels import kinetic

UP = 2.0**30
EIGHT = (4 / 5, -1 / 5, 4 / 105, -1 / 280)


def tallied(p: Problem, isa: str | None, pieces, A=None) -> np.ndarray:
    """The integers of stage 1 of 2, (2, blocks, species, lanes), rows in these pieces."""
    kernel = p.kernel(kinetic, isa=isa)
    tally = kinetic.Tally(kernel, 2)
    tally.scale(UP)
    target = p.rows()
    stage = kinetic.Stage([target], [p.X], [[]])
    for z0, z1 in pieces:
        kernel.fused_stage(p.X, p.lo, p.hi, z0, z1, 0.7, A, None, None, stage, tally, 1)
    assert not tally.sums[:, 0].any()
    assert np.sqrt(tally.squares[1].max()) < 2.0**50
    return tally.sums[:, 1].copy()


@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
def test_sums_are_the_trace(nflavors, species, W, figure):
    """Sum over z of Tr[Omega dz D_z rho] with complex matrices; h beside Omega takes no part."""
    p = Problem(nflavors, species, W, nv=13)
    rho = to_matrix(p.natural)  # (z with ghosts, v, species, N, N)
    own = rho[p.width : -p.width]
    net = own[:, :, 0] - own[:, :, 1] if species == 2 else own[:, :, 0]
    M = np.einsum("v,zvij->zij", p.weights, net)
    F = np.einsum("v,zvij->zij", p.weights * p.cos, net)
    M, F = (X + np.trace(X, axis1=1, axis2=2)[:, None, None] * np.eye(nflavors) for X in (M, F))
    omega = 0.7 * (M[:, None] - p.cos[None, :, None, None] * F[:, None])
    n = len(rho)
    change = sum(c * (rho[4 + m : n - 4 + m] - rho[4 - m : n - 4 - m])
                 for m, c in enumerate(EIGHT, 1))  # fmt: skip
    expected = np.einsum("zvij,zvsji->vs", omega, change).real
    high, low = tallied(p, None, [(0, p.nz)], p.A)
    found = ((high + low / 2**40) / UP).swapaxes(1, 2).reshape(-1, species)[: p.nv]
    error = abs(found - expected).max() / abs(expected).max()
    figure(f"tally {nflavors} {species} {W}", f"{error:.1e} (1e-13)")
    assert error < 1e-13


@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
def test_any_order_any_instruction_set(nflavors, species, W):
    p = Problem(nflavors, species, W, nv=21)
    whole = tallied(p, None, [(0, p.nz)])
    assert whole.any()
    for isa in isas():
        np.testing.assert_array_equal(tallied(p, isa, [(9, 20), (20, 21), (0, 9)]), whole)


def test_what_does_not_fit():
    p = Problem(2, 2, 8)
    kernel = p.kernel(kinetic)
    with pytest.raises(ValueError, match="stages"):
        kinetic.Tally(kernel, 17)
    with pytest.raises(ValueError, match="half-width"):
        kinetic.Tally(p.kernel(kinetic, order=0), 1)
    stage = kinetic.Stage([p.rows()], [p.X], [[]])
    with pytest.raises(ValueError, match="stage 2 of 2"):
        kernel.fused_stage(p.X, p.lo, p.hi, 0, 1, 0.7, None, None, None, stage,
                           kinetic.Tally(kernel, 2), 2)  # fmt: skip
