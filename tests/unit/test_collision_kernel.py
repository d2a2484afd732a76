"""The collision kernel on random rows: complex matrices in NumPy, padding, bad arguments."""

from __future__ import annotations

import numpy as np
import pytest

from hpcqke.kernels import kinetic
from hpcqke.kernels.collision import Collision
from hpcqke.state import from_matrix, to_matrix

ROWS, MOMENTA = 5, 3
SHAPES = [(n, s, w) for n in (2, 3) for s in (1, 2) for w in (1, 2, 4, 8)]


class Problem:
    """Random rho of 2 blocks for each of 3 momenta, the last lane of each momentum padding."""

    def __init__(self, flavors: int, species: int, lanes: int) -> None:
        draw = np.random.default_rng(7)
        self.flavors, self.species, self.lanes, self.C = flavors, species, lanes, flavors**2
        self.blocks = 2 * MOMENTA
        self.directions = max(2 * lanes - 1, 1)
        shape = (MOMENTA, species, flavors)
        self.absorption, self.scattering = (draw.uniform(0, 2, shape) for _ in range(2))
        self.equilibrium = draw.uniform(0, 1, shape)
        share = draw.uniform(0.1, 1, self.directions)
        self.share = share / share.sum()
        shape = (ROWS, MOMENTA, self.directions, species, self.C)
        self.rho, self.F = draw.normal(size=shape), draw.normal(size=shape)

    def row_of(self, natural: np.ndarray) -> np.ndarray:
        """(rows, momenta, directions, ...) -> rows of blocks, the lanes of padding 0."""
        values = natural.reshape(*natural.shape[:3], -1)
        padded = np.zeros((*values.shape[:2], 2 * self.lanes, values.shape[3]))
        padded[:, :, : self.directions] = values
        blocks = padded.reshape(len(natural), self.blocks, self.lanes, -1).swapaxes(2, 3)
        return np.ascontiguousarray(blocks).reshape(len(natural), -1)

    def lanes_of(self, values: np.ndarray) -> np.ndarray:
        """The same number of a direction at every |p|: (blocks, lanes)."""
        every = np.broadcast_to(values, (1, MOMENTA, self.directions))
        return self.row_of(every[..., None]).reshape(self.blocks, self.lanes)

    def kernel(self, starts=(0, 2, 4, 6)) -> Collision:
        there = self.lanes_of(np.ones(self.directions))
        rates = self.absorption, self.equilibrium, self.scattering
        return Collision(self.lanes_of(self.share), there, starts, *rates)

    def mean(self) -> np.ndarray:
        """<rho>, (momenta, rows, species*component)."""
        mean = np.einsum("d,zpdsc->pzsc", self.share, self.rho)
        return np.ascontiguousarray(mean).reshape(MOMENTA, ROWS, -1)

    def paper(self, scatters: bool) -> np.ndarray:
        """C by matrix products."""
        rho = to_matrix(self.rho)
        one = np.eye(self.flavors)
        gamma, eq, kappa = (
            a[None, :, None, :, :, None] * one
            for a in (self.absorption, self.equilibrium, self.scattering * scatters)
        )
        mean = to_matrix(self.mean().reshape(MOMENTA, ROWS, self.species, self.C))
        mean = mean.swapaxes(0, 1)[:, :, None]
        C = gamma @ (eq - rho) + (eq - rho) @ gamma + kappa @ (mean - rho) + (mean - rho) @ kappa
        return from_matrix(C / 2)


@pytest.mark.parametrize(("flavors", "species", "lanes"), SHAPES)
@pytest.mark.parametrize("scatters", [False, True])
def test_is_the_paper(flavors, species, lanes, scatters):
    """F += C; what is padding stays 0."""
    p = Problem(flavors, species, lanes)
    if not scatters:
        p.scattering[...] = 0.0
    X, F = p.row_of(p.rho), p.row_of(p.F)
    p.kernel().add(X, F, p.mean() if scatters else None)
    expected = p.row_of(p.F + p.paper(scatters))
    np.testing.assert_allclose(F, expected, rtol=0, atol=3e-14)
    padding = p.row_of(np.ones_like(p.rho)) == 0
    assert padding.any() == (lanes * 2 > p.directions)
    assert not F[padding].any()


@pytest.mark.parametrize(("flavors", "species", "lanes"), SHAPES)
def test_averages(flavors, species, lanes):
    """The weighted sums of each |p|; of pieces, the whole after `combine`."""
    p = Problem(flavors, species, lanes)
    X, values = p.row_of(p.rho), species * p.C
    found = np.full((MOMENTA, ROWS, values), np.nan)
    p.kernel().moments(X, found)
    np.testing.assert_allclose(found, p.mean(), rtol=0, atol=3e-15)
    pieces, total = np.zeros((6, ROWS, values)), np.zeros((ROWS, values))
    p.kernel(range(7)).moments(X, pieces)
    kinetic.combine(pieces, 1, total)
    np.testing.assert_allclose(total, p.mean().sum(axis=0), rtol=0, atol=1e-14)


@pytest.mark.parametrize("flavors", [2, 3])
def test_rows_do_not_know_their_place(flavors):
    """Some rows alone have the bits that they have among others."""
    p = Problem(flavors, 2, 8)
    X, whole = p.row_of(p.rho), p.row_of(p.F)
    kernel, mean = p.kernel(), p.mean()
    kernel.add(X, whole, mean)
    part = p.row_of(p.F)[1:3].copy()
    kernel.add(X[1:3].copy(), part, np.ascontiguousarray(mean[:, 1:3]))
    np.testing.assert_array_equal(part, whole[1:3])


def test_wrong_arguments_are_named():
    """ValueError, not a crash."""
    p = Problem(2, 2, 4)
    weight = p.lanes_of(p.share)
    rates = p.absorption, p.equilibrium, p.scattering
    with pytest.raises(ValueError, match="absorption of shape"):
        Collision(weight, weight, [0, 6], p.absorption[0], *rates[1:])
    with pytest.raises(ValueError, match="absorption's shape"):
        Collision(weight, weight, [0, 6], p.absorption, p.equilibrium[:2], p.scattering)
    with pytest.raises(ValueError, match="weight of shape"):
        Collision(weight[:5], weight[:5], [0, 5], *rates)
    with pytest.raises(ValueError, match="there"):
        Collision(weight, weight[:3], [0, 6], *rates)
    with pytest.raises(ValueError, match="chunk_start"):
        Collision(weight, weight, [0, 5], *rates)
    kernel, X = p.kernel(), p.row_of(p.rho)
    with pytest.raises(ValueError, match="columns"):
        kernel.moments(X[:, 1:].copy(), np.zeros((3, ROWS, 8)))
    with pytest.raises(ValueError, match="out must be"):
        kernel.moments(X, np.zeros((3, ROWS, 7)))
    with pytest.raises(ValueError, match="X and F"):
        kernel.add(X, X[1:].copy(), None)
    with pytest.raises(ValueError, match="average"):
        kernel.add(X, X.copy(), np.zeros((2, ROWS, 8)))
