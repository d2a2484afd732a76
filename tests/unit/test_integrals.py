"""Sums that do not depend on their order, and the search for what is not finite."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from kernel_layouts import Problem, to_matrix

from hpcqke.kernels import guard, integrals


def limbs(p: Problem, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """mode_integrals of rows X with scale 1 and 16."""
    linear = np.full((X.shape[1], 2), -1, np.int64)
    square = np.full((X.shape[1] // p.C, 2), -1, np.int64)
    integrals.mode_integrals(X, p.species, p.C, p.W, 1.0, 16.0, linear, square)
    return linear, square


@pytest.mark.parametrize(("nflavors", "species", "W"), [(2, 1, 1), (2, 2, 8), (3, 1, 4), (3, 2, 8)])
def test_integrals_are_right(nflavors, species, W):
    """sum_z x exactly (values of few bits), sum_z Q as Tr rho^2 by complex matrices."""
    p = Problem(nflavors, species, W)
    linear, square = limbs(p, p.X)
    total = linear @ [2.0**-40, 2.0**-80]
    np.testing.assert_allclose(total, p.X.sum(axis=0), rtol=0, atol=1e-14)
    rho = to_matrix(p.natural[p.width:p.width + p.nz])
    trace, purity = np.einsum("...ii", rho).real, np.einsum("...ij,...ji", rho, rho).real
    Q = 2 * purity - trace**2 if nflavors == 2 else purity - trace**2 / 3
    got = 16 * (square @ [2.0**-40, 2.0**-80]).reshape(p.nblk, species, W).swapaxes(1, 2)
    np.testing.assert_allclose(got.reshape(-1, species)[:p.nv], Q.sum(axis=0), rtol=0, atol=1e-13)


def test_integrals_are_exact():
    """A value's limbs represent it to 2^-81 of the scale: hi + lo is the rational sum."""
    p = Problem(2, 2, 8)
    linear, _ = limbs(p, p.X)
    for column in (0, 5, 17):
        exact = sum(Fraction(float(x)) for x in p.X[:, column])
        hi, lo = (int(n) for n in linear[column])
        assert abs(Fraction(hi, 2**40) + Fraction(lo, 2**80) - exact) <= Fraction(p.nz, 2**81)


def test_integrals_do_not_depend_on_the_order():
    """Any permutation and any split of the rows give the same integers."""
    p = Problem(3, 2, 8, nz=50)
    whole = limbs(p, p.X)
    shuffled = limbs(p, p.X[np.random.default_rng(2).permutation(p.nz)])
    parts = [limbs(p, p.X[rows].copy()) for rows in (slice(0, 13), slice(13, 14), slice(14, 50))]
    for n in range(2):
        np.testing.assert_array_equal(shuffled[n], whole[n])
        np.testing.assert_array_equal(sum(part[n] for part in parts), whole[n])


def test_scale_is_included():
    """x = scale itself, and -scale, fit."""
    X = np.array([[4.0, -4.0, 0.0, 1.0]])
    linear, square = np.empty((4, 2), np.int64), np.empty((1, 2), np.int64)
    integrals.mode_integrals(X, 1, 4, 1, 4.0, 32.0, linear, square)
    assert linear.tolist() == [[2**40, 0], [-(2**40), 0], [0, 0], [2**38, 0]]
    assert square.tolist() == [[17 * 2**35, 0]]
    with pytest.raises(ValueError, match="columns"):
        integrals.mode_integrals(X, 1, 4, 1, 4.0, 32.0, linear[:, :1].copy(), square)


def test_max_abs():
    """The largest magnitude, whatever its sign."""
    X = np.array([[0.5, -3.0], [2.0, 1e-300]])
    assert integrals.max_abs(X) == 3.0
    assert integrals.max_abs(np.empty((0, 4))) == 0.0
    for n in range(1, 20):
        for i in range(n):
            row = np.arange(n, dtype=float)[None, ::-1].copy()
            row[0, i] = -20.0
            assert integrals.max_abs(row) == 20.0
            row[0, i] = np.nan
            assert np.isnan(integrals.max_abs(row))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -np.nan])
def test_guard_finds_the_first(bad):
    """The flat index of the first non-finite value; huge, tiny and -0.0 are finite."""
    X = np.random.default_rng(4).normal(size=(30, 17))
    X[0, :4] = np.finfo(float).max, -np.finfo(float).max, 5e-324, -0.0
    assert guard.first_nonfinite(X) == -1
    assert guard.first_nonfinite(np.empty((0, 3))) == -1
    for z, i in ((29, 16), (11, 3), (0, 0)):
        X[z, i] = bad
        assert guard.first_nonfinite(X) == z * 17 + i
