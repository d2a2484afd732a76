"""Two-stage Gauss-Legendre Runge-Kutta ("gauss2") in a PETSc TS of type python.

    Y_i = rho + h sum_j a_ij f(t + c_j h, Y_j),    rho' = rho + (h/2) [f(Y_1) + f(Y_2)],
    c = 1/2 -+ sqrt(3)/6,    a = (1/4, 1/4 - sqrt(3)/6; 1/4 + sqrt(3)/6, 1/4)

Order 4, symplectic: b_i a_ij + b_j a_ji = b_i b_j, so every quadratic invariant is kept, |P|^2 and
K + U among them (Hairer, Lubich & Wanner, Geometric Numerical Integration, IV.2.1). PETSc's own
TSIRK needs an assembled matrix; here Y_1, Y_2 are the fixed point of the equations above, iterated
from Y_i = rho + c_i h f(t, rho) until they change by rounding only. An iteration shrinks the error
by h rate/sqrt(12). It begins with rho and t alone and counts by a maximum norm, so a run has the
same bits on every number of ranks and after a restart.
"""

from __future__ import annotations

import math

import numpy as np

from hpcqke.fused_rk import GaveUp, largest
from hpcqke.kernels import kinetic
from hpcqke.stages import make_stage

SPREAD = math.sqrt(3) / 6
C = np.array([0.5 - SPREAD, 0.5 + SPREAD])
A = np.array([[0.25, 0.25 - SPREAD], [0.25 + SPREAD, 0.25]])
B = np.array([0.5, 0.5])

ONE_ULP = float(np.finfo(float).eps)
ROUNDING = 1e-13  # below this share of rho a change that shrinks no more is rounding
MOST_ITERATIONS = 100
REACH = 2.0  # h rate: an iteration shrinks the error by 0.58, 65 of them are enough


class Gauss2:
    """The context of the TS. ``end_of_step(t, h)`` -> (h, t after it) is the caller's clock."""

    def __init__(self, ps, equation, end_of_step) -> None:
        self.ps, self.equation, self.end_of_step = ps, equation, end_of_step
        self._vec = None

    def step(self, ts) -> None:
        """One step of the solution, called by PETSc; sets the time. `GaveUp` if it is too long."""
        if self._vec is None:
            self._prepare(ts.getSolution())
        t = ts.getTime()
        h, t_new = self.end_of_step(t, ts.getTimeStep())
        self._solve(t, h)
        self._run(self._update, h).apply(self._K[1], 0, len(self._y))
        self._vec.stateIncrease()
        ts.setTime(t_new)

    def _prepare(self, vec) -> None:
        """The vectors and kernel stages: each iteration reads one pair of Y, writes the other."""
        ps = self.ps
        self._vec, self._y = vec, ps.array(vec)
        self._vecs = [[ps.create_vec() for _ in range(2)] for _ in range(2)]
        self._Y = [[ps.array(v) for v in pair] for pair in self._vecs]
        self._K = K = [ps.aligned() for _ in range(2)]
        y, first = self._y, [[], []]
        self._start = make_stage(self._Y[0], [y, y], first, C[:, None], None)
        self._first_slope = make_stage([], [], [], [], K[0])
        self._second_slope = [
            make_stage(new, [y, y], [[K[0]], [K[0]]], A[:, ::-1], K[1]) for new in self._Y[::-1]
        ]
        self._update = make_stage([y], [y], [[K[0]]], [B[::-1]], None)

    @staticmethod
    def _run(stage_and_weights, h: float):
        stage, weights = stage_and_weights
        np.multiply(weights, h, out=stage.coefficients)
        return stage

    def _solve(self, t: float, h: float) -> None:
        """Leave K_j = f(t + c_j h, Y_j) of the fixed point."""
        equation, y = self.equation, self._y
        size = self._largest(y, [(y,)], [1.0], 1.0) or 1.0
        equation.evaluate_stage(t, self._vec, y, self._run(self._start, h))
        before = math.inf
        for iteration in range(MOST_ITERATIONS):
            now = iteration % 2
            vecs, Y, Y_new = self._vecs[now], self._Y[now], self._Y[1 - now]
            equation.evaluate_stage(t + C[0] * h, vecs[0], Y[0], self._first_slope[0])
            stage = self._run(self._second_slope[now], h)
            equation.evaluate_stage(t + C[1] * h, vecs[1], Y[1], stage)
            change = self._largest(y, zip(Y_new, Y, strict=True), [1.0, -1.0], size)
            if change <= ONE_ULP or before <= change <= ROUNDING:
                return
            before = change
        rate = sum(equation.max_rates().values())
        allowed = min(REACH / rate if rate > 0 else math.inf, h / 2)
        raise GaveUp(
            f"the fixed point of gauss2 does not converge in {MOST_ITERATIONS} iterations; "
            f"time.step = {allowed:.2g} is short enough"
        )

    def _largest(self, y, combinations, weights, size: float) -> float:
        """max over the arrays, and all ranks, of |sum_j weight_j array_j|/size."""
        weights = np.array(weights)
        norms = [kinetic.error_norm(y, y, x, weights, size, 0.0) for x in combinations]
        return largest(self.ps.comm, float(np.max(norms)))  # np.max: not-a-number wins

    def destroy(self, ts=None) -> None:
        """Free the stage vectors."""
        if self._vec is not None:
            for vec in (*self._vecs[0], *self._vecs[1]):
                vec.destroy()
            self._vec = None
