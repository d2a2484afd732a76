"""The gradient run's whole slope in one pass: what its parts give one after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bracket_problem import DZ, OPERATORS, Problem
from kernel_layouts import SHAPES, isas

from hpcqke.channels import inner_derivative
from hpcqke.gradient_flow import with_trace
from hpcqke.kernels import bracket, kinetic

MU = 0.7


class Sweep:
    """A problem's slope by the sweep and by its parts, with or without what may be left out."""

    def __init__(self, p: Problem, extras: bool, drift: bool, isa=None, filter=0.3) -> None:
        self.p, rng = p, np.random.default_rng(8)
        C, rows = p.C, p.nz + 2 * p.w
        self.lo, self.X, self.hi = (
            np.ascontiguousarray(a) for a in np.split(p.rows(p.natural), [p.w, p.w + p.nz])
        )
        v = p.lanes(np.broadcast_to(p.v, (p.momenta, p.directions)))
        weight = np.ones_like(v)
        self.kinetic = kinetic.Kinetic(p.nflavors, p.species, v, weight, [0, len(v)], order=p.order,
                                       dz=DZ, filter=filter * extras, isa=isa)
        self.bracket = p.kernel(bracket, isa=isa)
        self.sums = rng.uniform(-1, 1, (rows, 2 * C))
        self.potential, self.mean, self.mode = None, None, None
        if extras:
            self.potential, self.mean = rng.uniform(-1, 1, (rows, C)), rng.uniform(-1, 1, (p.nz, C))
            self.mode = rng.uniform(-1, 1, (len(v), p.species * C, p.W))
        column = self.X.shape[1] // p.momenta * p.X.width
        self.before, self.after = rng.uniform(-1, 1, (2, p.nz, column))
        self.drift = drift
        self.sweep = bracket.Sweep(self.bracket, self.kinetic, p.nz, DZ, drift=drift,
                                   potential=self.potential, mean=self.mean, mode=self.mode)

    def __call__(self, **target) -> None:
        around = (self.lo, self.hi, self.before, self.after)
        self.sweep(self.X, *around, MU, self.sums, **target)

    def slope(self) -> np.ndarray:
        F = np.full_like(self.X, np.nan)
        self(F=F)
        return F

    def parts(self) -> np.ndarray:
        p, X, F = self.p, self.X, np.full_like(self.X, np.nan)
        A, B = (np.ascontiguousarray(a) for a in np.split(MU * self.sums, 2, axis=1))
        TA, TB = with_trace(A), with_trace(B)
        if self.potential is not None:
            TA += self.potential
        own = slice(p.w, p.w + p.nz)
        A = A[own] if self.mean is None else A[own] + self.mean
        dA, dB = (inner_derivative(T, p.order, DZ) for T in (TA, TB))
        self.kinetic.transport(X, self.lo, self.hi, F, 0, p.nz)
        self.bracket.force(X, self.before, self.after, dA, dB, F, 0, p.nz)
        if self.drift:
            self.bracket.drift(X, self.lo, self.hi, TB, F, 0, p.nz)
        self.kinetic.commutator(X, A, B[own], self.mode, F)
        return F


@pytest.mark.parametrize("extras", [False, True], ids=["bare", "extras"])
@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
def test_is_the_sum_of_its_parts(nflavors, species, W, kind, extras):
    """Bit for bit without drift, else nearly."""
    p = Problem(nflavors, species, W, kind, nz=19)
    plain = Sweep(p, extras, drift=False)
    np.testing.assert_array_equal(plain.slope(), plain.parts())
    with_drift = Sweep(p, extras, drift=True)
    found, expected = with_drift.slope(), with_drift.parts()
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-15 * np.abs(expected).max())


@pytest.mark.parametrize("order", [2, 4, 6])
@pytest.mark.parametrize("species", [1, 2])
def test_every_width_of_the_stencil(species, order):
    """The loop for pairs of directions, at the other orders."""
    p = Problem(2, species, 2, "axis-4", nz=19, order=order)
    plain = Sweep(p, True, drift=False)
    np.testing.assert_array_equal(plain.slope(), plain.parts())


@pytest.mark.parametrize("kind", ["axis-2", "volumes"])
@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
def test_instruction_set_does_not_matter(nflavors, species, W, kind):
    """AVX-512, AVX2 and SSE2 give the same bits."""
    p = Problem(nflavors, species, W, kind, nz=11)
    for extras in (False, True):
        first, *others = (Sweep(p, extras, True, isa).slope() for isa in isas())
        for other in others:
            np.testing.assert_array_equal(other, first)
        first, *others = (Sweep(p, extras, False, isa).slope() for isa in isas())
        for other in others:
            np.testing.assert_array_equal(other, first)


@pytest.mark.parametrize("species", [1, 2])
@pytest.mark.parametrize("order", [4, 6, 8])
@pytest.mark.parametrize("kind", ["volumes", "random"])
def test_loop_of_a_grid_of_directions(kind, order, species):
    """The slope in one loop, for what it may become, has the bits of the loops of its parts."""
    p = Problem(2, species, 8, kind, directions=19, nz=75, order=order)  # more than a flock
    sweeps = [Sweep(p, True, True, isa, filter=0.0) for isa in isas()]
    expected = sweeps[-1].slope()
    size = np.abs(expected).max()
    np.testing.assert_allclose(expected, sweeps[0].parts(), rtol=0, atol=4e-15 * size)
    base, source = np.random.default_rng(3).uniform(-1, 1, (2, *expected.shape))
    for sweep in sweeps:
        np.testing.assert_array_equal(sweep.slope(), expected)
        for targets, sources, kept in ((1, [], False), (2, [], False), (2, [source], True)):
            made = [np.full_like(base, np.nan) for _ in range(targets)]
            K = np.full_like(base, np.nan) if kept else None
            stage = kinetic.Stage(made, [base] * targets, [sources] * targets, K)
            stage.coefficients[:, 0] = np.arange(1, targets + 1) / 3
            stage.coefficients[:, 1:] = -0.6
            sweep(stage=stage)
            for n, found in enumerate(made, start=1):
                start = base + -0.6 * source if sources else base
                np.testing.assert_array_equal(found, start + n / 3 * expected)
            if kept:
                np.testing.assert_array_equal(K, expected)
        stage = kinetic.Stage([sweep.X], [sweep.X], [[]])  # in place
        stage.coefficients[:] = 0.3
        start = sweep.X.copy()
        sweep(stage=stage)
        np.testing.assert_array_equal(sweep.X, start + 0.3 * expected)


@pytest.mark.parametrize("drift", [False, True])
@pytest.mark.parametrize(("nflavors", "W"), [(2, 2), (2, 8), (3, 4)])
def test_stage(nflavors, W, drift):
    """The Runge-Kutta stage gets every slope once, in its place."""
    p = Problem(nflavors, 2, W, "axis-2", nz=19)
    sweep = Sweep(p, True, drift)
    expected = sweep.slope()
    K, target, source = (np.full_like(sweep.X, np.nan) for _ in range(3))
    source[:] = np.random.default_rng(3).uniform(-1, 1, source.shape)
    stage = kinetic.Stage([target], [sweep.X], [[source]], K)
    stage.coefficients[0] = 0.3, -0.6
    sweep(stage=stage)
    np.testing.assert_array_equal(K, expected)
    np.testing.assert_array_equal(target, (sweep.X + -0.6 * source) + 0.3 * expected)


@pytest.mark.parametrize("drift", [False, True])
def test_rows_do_not_know_their_place(drift):
    """Any split of the rows over ranks gives the same bits."""
    p = Problem(2, 2, 2, "axis-4", nz=19)
    whole = Sweep(p, False, drift)
    expected = whole.slope()
    for first, last in ((0, 5), (5, 6), (6, 19)):
        part = replace(p, nz=last - first)
        part.natural, part.speed = p.natural[first:last + 2 * p.w], p.speed
        piece = Sweep(part, False, drift)
        piece.sums = whole.sums[first:last + 2 * p.w]
        piece.before, piece.after = whole.before[first:last], whole.after[first:last]
        np.testing.assert_array_equal(piece.slope(), expected[first:last])


def test_what_does_not_fit_is_refused():
    """A stage or F, of the right shape; parts of the same state."""
    sweep = Sweep(Problem(2, 1, 2, "axis-2"), True, drift=False)
    with pytest.raises(ValueError, match="one of F and stage"):
        sweep()
    small = np.zeros((1, 8))
    stage = kinetic.Stage([small], [small], [[]])
    with pytest.raises(ValueError, match="a stage of"):
        sweep(stage=stage)
    other = Sweep(Problem(3, 1, 2, "axis-2"), False, drift=False)
    with pytest.raises(ValueError, match="different states"):
        bracket.Sweep(sweep.bracket, other.kinetic, 5, DZ)
    with pytest.raises(ValueError, match="mode must be"):
        bracket.Sweep(sweep.bracket, sweep.kinetic, 5, DZ, mode=np.zeros((1, 1, 1)))
