"""Splitting integrators: a step is a product of flows that are solved exactly.

    S(h) = A(a_s h) B(b_{s-1} h) A(a_{s-1} h) ... B(b_1 h) A(a_1 h)

A: streaming -v d_z rho (and vacuum oscillations, which are the same at every z and commute with
it): a shift of each direction by v a h, 12-point Lagrange interpolation on the grid.
B: refraction i[rho, mu (M - v F) + matter] of each cell by itself: rotations, so that |P| stays to
rounding (two directions: exact; more: to sixth order in h, see cython_kernels/splitting.h).
Both are reversible: the negative coefficients do no harm.

The step is not limited by dz/v. But waves with (v - v') k h = 2 pi resonate with the steps and
grow, slowly; the interpolation damps them if they are short: at steps up to `longest_step`.

Coefficients: S. Blanes & P. C. Moan, Practical symplectic partitioned Runge-Kutta and
Runge-Kutta-Nystroem methods, J. Comput. Appl. Math. 142 (2002) 313, Tables 2 (S6, order 4) and 3
(S10, order 6).
"""

from __future__ import annotations

import math
from time import perf_counter

import numpy as np

from hpcqke.kernels import splitting
from hpcqke.splitting_ghosts import Exchange

HALVES = {
    "bm4": (
        (0.0792036964311957, 0.353172906049774, -0.0420650803577195),
        (0.209515106613362, -0.143851773179818),
    ),
    "bm6": (
        (
            0.0502627644003922,
            0.413514300428344,
            0.0450798897943977,
            -0.188054853819569,
            0.541960678450780,
        ),
        (0.148816447901042, -0.132385865767784, 0.067307604692185, 0.432666402578175),
    ),
}
"""The first halves of the palindromes a and b; what is missing makes both sum to 1."""

SAFE_CELLS = 6.0
"""Cells that two directions may part in a step before resonant waves grow (found by trial)."""

TAPS = np.arange(splitting.POINTS) - (splitting.POINTS // 2 - 1)
TAP_PRODUCTS = np.array([math.prod(int(j - i) for i in TAPS if i != j) for j in TAPS], dtype=float)
"""Points of the interpolation around the one to the left, and prod_{i != j} (x_j - x_i)."""


def coefficients(method: str) -> tuple[list[float], list[float]]:
    """(a, b) of one of `HALVES`: s numbers and s - 1 numbers."""
    a, b = HALVES[method]
    a = [*a, 1 - 2 * math.fsum(a)]
    b = [*b, 0.5 - math.fsum(b)]
    return a + a[-2::-1], b + b[::-1]


def interpolation(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first, weight) of f(z_i + distance dz) = sum_j weight_j f(z_{i + first + j}).

    Lagrange's polynomial through the nearest points, as many on each side. The weights add up to
    1, which keeps sums over the box.
    """
    whole = np.floor(distance)
    away = (distance - whole)[:, None] - TAPS
    ones = np.ones((distance.size, 1))
    before = np.cumprod(np.hstack([ones, away[:, :-1]]), axis=1)
    after = np.cumprod(np.hstack([ones, away[:, :0:-1]]), axis=1)[:, ::-1]
    weight = before * after / TAP_PRODUCTS
    for row in weight:
        row[np.abs(row).argmax()] += 1 - math.fsum(row)
    return whole.astype(int) + TAPS[0], weight


def longest_step(dz: float, v: np.ndarray) -> float:
    """The longest step at which the interpolation damps what resonates with it."""
    apart = float(np.ptp(v))
    return SAFE_CELLS * dz / apart if apart > 0 else math.inf


class Splitting:
    """The context of a TS of type python. ``end_of_step(t, h)`` -> (h, t after it)."""

    def __init__(self, ps, equation, method: str, end_of_step) -> None:
        self.ps, self.equation, self.end_of_step = ps, equation, end_of_step
        self.a, self.b = coefficients(method)
        self._h = None
        self._sets: ArraySets | None = None

    def caution(self, h: float) -> str | None:
        """A line of warning about steps of h, if one is due."""
        longest = longest_step(self.ps.z.dz, self.ps.momentum.v)
        if h <= longest or not self.equation.transport:
            return None
        return (
            f"warning: steps of {h:.4g} are longer than {longest:.4g} = {SAFE_CELLS:g} dz/(v_max - "
            "v_min): waves that resonate with them may grow"
        )

    def step(self, ts) -> None:
        """One step of the solution; sets the time. Called by PETSc."""
        vec = ts.getSolution()
        h, t_new = self.end_of_step(ts.getTime(), ts.getTimeStep())
        self.take(h, self.ps.array(vec))
        vec.stateIncrease()
        ts.setTime(t_new)

    def take(self, h: float, X: np.ndarray) -> None:
        """rho(t) -> rho(t + h), in place."""
        if h != self._h:
            self._prepare(h)
        sets, seconds = self._sets, self.equation.seconds
        begun, waited = perf_counter(), seconds["ghost rows"]
        if sets.exchange is None:
            sets.flows.step(X, self._trace_shift, self._shifts, self._taus)
        else:
            self._stages(sets.flows, sets.exchange, X)
        seconds["kernels"] += perf_counter() - begun - (seconds["ghost rows"] - waited)
        self.equation.calls += len(self.b)

    def _stages(self, flows, exchange, X: np.ndarray) -> None:
        """`Flows.step`, with ghosts from other ranks."""
        flows.unpack(X)
        if self._trace_shift:
            self._fill(exchange.traces)
            flows.traces(self._trace_shift)
        for shift, tau in zip(self._shifts, [*self._taus, None], strict=True):
            self._fill(exchange.changing)
            flows.stage(shift, tau or 0.0, tau is not None)
        flows.pack(X)

    def _fill(self, ghosts) -> None:
        begun = perf_counter()
        ghosts.fill()
        self.equation.seconds["ghost rows"] += perf_counter() - begun

    def _prepare(self, h: float) -> None:
        """The shifts of a step h, and arrays with ghosts enough for them."""
        kinds = {a: self._shift(a * h) for a in self.a}
        self._shifts = [kinds[a] for a in self.a]
        self._taus = h * np.array(self.b)
        self._trace_shift = self._shift(h, turn=False) if self.ps.N == 2 else None
        widths = [max(shift.width for shift in self._shifts)]
        widths.append(self._trace_shift.width if self._trace_shift else 0)
        if self._sets is None or any(np.greater(widths, self._sets.widths)):
            self.destroy()
            self._sets = ArraySets(self.ps, self.equation, *widths)
        self._h = h

    def _shift(self, time: float, turn: bool = True) -> splitting.Shift:
        ps = self.ps
        v = ps.momentum.v if self.equation.transport else np.zeros(ps.nv)
        mode = self.equation.mode_hamiltonian() if turn else None
        turns = None if mode is None else splitting.rotations(time * mode)
        return splitting.Shift(*interpolation(-v * (time / ps.z.dz)), turns)

    def destroy(self, ts=None) -> None:
        """Free the arrays and PETSc's objects."""
        if self._sets:
            self._sets.destroy()
            self._sets, self._h = None, None


class ArraySets:
    """The arrays of a rank, and what fills their ghosts unless the box is all here."""

    def __init__(self, ps, equation, width: int, trace_width: int) -> None:
        self.widths = (width, trace_width)
        self.flows = splitting.Flows(
            ps.N,
            ps.S,
            ps.momentum.v,
            ps.momentum.weight,
            ps.rows,
            max(self.widths),
            places(ps),
            equation.strength(0.0),
            equation.mean_hamiltonian(),
        )
        self.exchange = Exchange(ps, self.flows, *self.widths) if ps.ranks_z > 1 else None

    def destroy(self) -> None:
        """Free PETSc's objects."""
        if self.exchange:
            self.exchange.destroy()


def places(ps) -> np.ndarray:
    """For each number of a row of X the array it lies in, -1 for padding.

    Arrays are ordered (direction, momentum, species, component), components of the trace left out;
    behind them the traces of two flavors.
    """
    traces = ps.N == 2
    shape = (ps.nv, ps.np, ps.S, ps.C - traces)
    index = np.arange(math.prod(shape)).reshape(shape)
    if traces:
        behind = index.size + np.arange(math.prod(shape[:3])).reshape(*shape[:3], 1)
        index = np.concatenate([behind, index], axis=3)
    natural = np.moveaxis(index, 0, 1) + 1  # (momentum, direction, species, component)
    rows = ps.from_natural(np.broadcast_to(natural, (ps.rows, *natural.shape)))
    return rows[0].astype(int) - 1
