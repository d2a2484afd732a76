"""Momentum sums with an energy, and the refractive energy of rows."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_layouts import SHAPES, Problem, isas

from hpcqke import state
from hpcqke.kernels import kinetic
from hpcqke.kernels.bracket import RowSums
from hpcqke.kernels.interaction import energies
from hpcqke.refractive_energy import FLUXES, bilinear, interaction


@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
def test_row_sums(nflavors, species, W):
    """M and F are the kinetic kernel's to the bit, the energy NumPy's, on all instruction sets."""
    p = Problem(nflavors, species, W)
    cuts = sorted({0, p.nblk // 2, p.nblk})
    energy = np.random.default_rng(4).uniform(-1, 1, (p.nblk, species, W))
    energy *= (p.weight != 0)[:, None]
    first, rows, C2 = 3, p.nz + 5, 2 * p.C
    seen = []
    for isa in isas():
        kernel = p.kernel(kinetic, cuts, isa=isa)
        expected = p.chunk_moments(kernel, len(cuts) - 1)
        out = np.full((len(cuts) - 1, rows * (C2 + 1)), np.nan)
        RowSums(kernel, energy, isa=isa).moments(p.X, out, first)
        moments = out[:, : rows * C2].reshape(-1, rows, C2)
        np.testing.assert_array_equal(moments[:, first : first + p.nz], expected)
        found = out[:, rows * C2 :]
        assert np.isnan(np.delete(moments, np.s_[first : first + p.nz], axis=1)).all()
        assert np.isnan(np.delete(found, np.s_[first : first + p.nz], axis=1)).all()
        seen.append(found[:, first : first + p.nz])
        np.testing.assert_array_equal(seen[-1], seen[0])
        bare = np.full((len(cuts) - 1, p.nz * C2), np.nan)
        RowSums(kernel, isa=isa).moments(p.X, bare)
        np.testing.assert_array_equal(bare.reshape(expected.shape), expected)
    X = p.X.reshape(p.nz, p.nblk, species, p.C, W)
    trace = state.trace(np.moveaxis(X, 3, 4))
    total = np.einsum("zbsw,bsw->z", trace, energy)
    np.testing.assert_allclose(seen[0].sum(axis=0), total, rtol=0, atol=1e-13)


@pytest.mark.parametrize("C", [4, 9])
@pytest.mark.parametrize("n", [2, 4, 6])
def test_refractive_energies_of_rows(C, n):
    """Linear and quadratic part and the size of U/mu, as `refractive_energy` has them."""
    sums, change = np.random.default_rng(2).uniform(-1, 1, (2, 7, n, C))
    out = np.full((7, 5), np.nan)
    energies(sums, change, out)
    size = np.abs(bilinear(sums, sums))[:, : FLUXES.stop].sum(axis=1)
    expected = (interaction(sums, change), interaction(change, change) / 2, size)
    np.testing.assert_allclose(out[:, :3].T, expected, rtol=0, atol=1e-14)
    assert np.isnan(out[:, 3:]).all()
