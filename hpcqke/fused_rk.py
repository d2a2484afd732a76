"""Explicit Runge-Kutta pairs with their stages fused into the kernel: a PETSc TS of type python.

    Y_i = rho + h sum_j a_ij k_j,   k_i = f(t + c_i h, Y_i),   rho' = rho + h sum_i b_i k_i

PETSc keeps time, steps, events, options and monitors, and gives the tableau (TSRKGetTableau); here
each slope is combined into the next stage while it is still in cache, which is what a step of a
memory-bound problem costs. Stock TSRK (PETSc option -ts_type rk) gives the same to rounding.

Step control is that of TSADAPTBASIC with the maximum norm, which no decomposition changes:
e = max |h sum (b - b^) k| / (atol + rtol max(|rho|, |rho'|)),  h' = h clip(0.9 e^(-1/p), 0.1, 10).
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np

from hpcqke.errors import NumericsError
from hpcqke.kernels import kinetic

SAFETY, SHORTER = 0.9, 0.5
LEAST, MOST = 0.1, 10.0
MOST_REJECTIONS = 10


class GaveUp(NumericsError):
    """No step is short enough."""


@dataclass(frozen=True)
class Tableau:
    """Butcher tableau: A (s, s), b, c, embedded b^ (None if there is none), order p."""

    A: np.ndarray
    b: np.ndarray
    c: np.ndarray
    embedded: np.ndarray | None
    order: int
    first_same_as_last: bool


ORDERS = {"3bs": 3, "4": 4, "5dp": 5, "8vr": 8}


def petsc_tableau(PETSc, rk_type: str) -> Tableau:
    """The tableau of one of PETSc's TSRK types, a key of `ORDERS` (PETSc tells all but those)."""
    ts = PETSc.TS().create(PETSc.COMM_SELF)
    ts.setType("rk")
    ts.setRKType(rk_type)
    library = ctypes.CDLL(PETSc.__file__)
    integer = ctypes.c_int64 if np.dtype(PETSc.IntType).itemsize == 8 else ctypes.c_int32
    pointer = ctypes.POINTER(ctypes.c_double)
    stages, degree, fsal = integer(), integer(), ctypes.c_int()
    A, b, c, embedded, interpolant = (pointer() for _ in range(5))
    error = library.TSRKGetTableau(
        ctypes.c_void_p(ts.handle),
        ctypes.byref(stages),
        ctypes.byref(A),
        ctypes.byref(b),
        ctypes.byref(c),
        ctypes.byref(embedded),
        ctypes.byref(degree),  # of the interpolant
        ctypes.byref(interpolant),
        ctypes.byref(fsal),
    )
    if error:
        raise PETSc.Error(error)
    s = stages.value

    def copy(values, n: int) -> np.ndarray:
        return np.ctypeslib.as_array(values, (n,)).copy()

    tableau = Tableau(
        copy(A, s * s).reshape(s, s),
        copy(b, s),
        copy(c, s),
        copy(embedded, s) if embedded else None,
        ORDERS[rk_type],
        bool(fsal.value),
    )
    ts.destroy()
    return tableau


class FusedRK:
    """The context of the TS. ``end_of_step(t, h)`` -> (h, t after it) is the caller's clock."""

    def __init__(
        self, ps, equation, tableau: Tableau, adaptive: bool, end_of_step, relaxation=None
    ) -> None:
        self.ps, self.equation, self.tableau = ps, equation, tableau
        self.relaxation = relaxation
        self.adaptive, self.end_of_step = adaptive, end_of_step
        self.rejections = 0
        self._fresh = True
        self._plan = None
        self._onto = None

    # -- called by PETSc --------------------------------------------------------------------

    def step(self, ts) -> None:
        """One accepted step of the solution; sets the time and the next step size."""
        vec = ts.getSolution()
        if self._plan is None:
            self._plan = (AdaptivePlan if self.adaptive else FixedPlan)(self, vec)
            if self.relaxation is not None:
                self.relaxation.starts_from(self._plan.y)
        t, wanted = ts.getTime(), ts.getTimeStep()
        if not self.adaptive:
            h, t_new = self.end_of_step(t, wanted)
            ts.setTime(self._plan.take(t, h, t_new))
            return
        rtol, atol = ts.getTolerances()
        for rejected in range(MOST_REJECTIONS):
            h, t_new = self.end_of_step(t, wanted)
            error = self._plan.attempt(t, h, t_new, atol, rtol)
            safety = SAFETY * SHORTER if rejected and error > 1 else SAFETY
            factor = safety * error ** (-1 / self.tableau.order) if error > 0 else MOST
            wanted = h * min(max(factor, LEAST), MOST)
            if error <= 1:
                ts.setTime(self._plan.accept(t, h, t_new))
                ts.setTimeStep(wanted)
                return
            self.rejections += 1
        raise GaveUp(f"{MOST_REJECTIONS} rejected steps in a row, the last of {h:.3g}")

    def stretch(self, t: float, h: float, t_new: float, y: np.ndarray, step: np.ndarray) -> float:
        """y += g step with the factor that keeps the energy; returns the time t + g h.

        A step that lands on a segment's end keeps its time: there the stretch, of the order of the
        method's error, is part of that error.
        """
        factor = self.relaxation.factor(t, y, step)
        if self._onto is None:
            self._onto = kinetic.Stage([y], [y], [[]])  # y += factor step, in one pass
        self._onto.coefficients[0, 0] = factor
        self._onto.apply(step, 0, len(y))
        return t_new if self.relaxation.lands(t_new) else t + factor * h

    def forget(self) -> None:
        """The solution was changed from outside: its slope must be evaluated anew."""
        self._fresh = True

    def destroy(self, ts=None) -> None:
        """Free the stage vectors."""
        if self._plan is not None:
            self._plan.destroy()
            self._plan = self._onto = None


class FixedPlan:
    """The stages of a step that is always accepted: rho is updated in place.

    Slopes that no later stage needs are never stored: if every stage uses the slope before it only
    (the classical rk4), a running sum takes the place of all of them.
    """

    def __init__(self, owner: FusedRK, vec) -> None:
        self.owner, ps = owner, owner.ps
        tableau = owner.tableau
        self.stages = s = int(np.flatnonzero(tableau.b)[-1]) + 1
        A, b = tableau.A, tableau.b
        self.vecs = [ps.create_vec() for _ in range(2)]
        self.vec, self.y = vec, ps.array(vec)
        y = self.y
        Y = [ps.array(v) for v in self.vecs]
        self.inputs = [(vec, y)] + [(self.vecs[i % 2], Y[i % 2]) for i in range(1, s)]
        # With relaxation the last stage gives the step alone, onto nothing instead of rho.
        self.step = None if owner.relaxation is None else Y[s % 2]
        start = y if self.step is None else ps.aligned()
        chain = all(not A[i, : i - 1].any() for i in range(2, s))
        self.K = {} if chain else slopes(ps, [j for j in range(s - 1) if needed(A, b, j, s)])
        total = ps.aligned() if chain else None
        self.plan = []
        for i in range(s):
            last = i == s - 1
            targets, bases, sources, weights = [], [], [], []
            if not last:
                used = [j for j in range(i) if A[i + 1, j]] if not chain else []
                targets.append(self.inputs[i + 1][1])
                bases.append(y)
                sources.append([self.K[j] for j in used])
                weights.append([A[i + 1, i], *A[i + 1, used]])
            if chain or last:
                used = [j for j in range(i) if b[j]] if not chain else []
                result = y if self.step is None else self.step
                targets.append(result if last else total)
                bases.append(total if chain and i else start)
                sources.append([self.K[j] for j in used])
                weights.append([b[i], *b[used]])
            self.plan.append(make_stage(targets, bases, sources, weights, self.K.get(i)))

    def take(self, t: float, h: float, t_new: float) -> float:
        """rho(t) -> rho(t + h); returns the new time."""
        equation, c = self.owner.equation, self.owner.tableau.c
        for (vec, X), (stage, weights), ci in zip(self.inputs, self.plan, c, strict=False):
            np.multiply(weights, h, out=stage.coefficients)
            equation.evaluate_stage(t_new if ci == 1 else t + ci * h, vec, X, stage)
        if self.step is not None:
            t_new = self.owner.stretch(t, h, t_new, self.y, self.step)
        self.vec.stateIncrease()
        return t_new

    def destroy(self) -> None:
        for vec in self.vecs:
            vec.destroy()


class AdaptivePlan:
    """The stages of a step that may be rejected: rho is kept until the new one is accepted.

    Where the last stage is the first of the next step, its slope is kept: it is the slope at
    exactly the accepted rho and time, so a restarted run that evaluates it anew has the same bits.
    """

    def __init__(self, owner: FusedRK, vec) -> None:
        self.owner, ps = owner, owner.ps
        tableau = owner.tableau
        A, b, s = tableau.A, tableau.b, tableau.b.size
        self.fsal = tableau.first_same_as_last and owner.relaxation is None
        self.vec, self.y = vec, ps.array(vec)
        self.vecs = [ps.create_vec() for _ in range(2)]
        Y = [ps.array(v) for v in self.vecs]
        self.inputs = [(vec, self.y)] + [(self.vecs[i % 2], Y[i % 2]) for i in range(1, s)]
        self.y_new = Y[(s - 1) % 2] if self.fsal else Y[s % 2]
        self.K = list(slopes(ps, range(s)).values())
        self.rise = None if owner.relaxation is None else (ps.aligned(), ps.aligned())
        self.error_weights = b - tableau.embedded
        self.parity = 0
        self.plans = [self._stages(A, b, s, parity) for parity in range(2 if self.fsal else 1)]

    def _order(self, s: int, parity: int) -> list:
        """The slope arrays of a step: the first and the last change places every step if fsal."""
        K = list(self.K)
        if parity:
            K[0], K[s - 1] = K[s - 1], K[0]
        return K

    def _stages(self, A, b, s: int, parity: int) -> list:
        K = self._order(s, parity)
        plan = []
        for i in range(s):
            row = A[i + 1] if i + 1 < s else b
            target = self.inputs[i + 1][1] if i + 1 < s else self.y_new
            if self.fsal and i == s - 1:
                plan.append(make_stage([], [], [], [], K[i]))
                continue
            used = [j for j in range(i) if row[j]]
            sources, weights = [K[j] for j in used], [row[i], *row[used]]
            count = 1
            targets, bases = [target], [self.y]
            if self.rise is not None and i == s - 1:  # the step as well, onto nothing
                step, nothing = self.rise
                targets, bases, count = [target, step], [self.y, nothing], 2
            stage = make_stage(targets, bases, [sources] * count, [weights] * count, K[i])
            plan.append(stage)
        return plan

    def attempt(self, t: float, h: float, t_new: float, atol: float, rtol: float) -> float:
        """The weighted error of a step of h; the new rho waits for `accept`."""
        equation, c = self.owner.equation, self.owner.tableau.c
        plan = self.plans[self.parity]
        K = self._order(len(plan), self.parity)
        for i, ((vec, X), (stage, weights)) in enumerate(zip(self.inputs, plan, strict=True)):
            if len(weights):
                np.multiply(weights, h, out=stage.coefficients)
            if i == 0 and self.fsal and not self.owner._fresh:
                stage.apply(K[0], 0, len(X))
                continue
            equation.evaluate_stage(t_new if c[i] == 1 else t + c[i] * h, vec, X, stage)
        self.owner._fresh = self.owner._fresh and not self.fsal
        error = kinetic.error_norm(self.y, self.y_new, K, h * self.error_weights, atol, rtol)
        return largest(self.owner.ps.comm, error)

    def accept(self, t: float, h: float, t_new: float) -> float:
        """Take the new rho; returns its time."""
        if self.owner.relaxation is None:
            np.copyto(self.y, self.y_new)
        else:
            t_new = self.owner.stretch(t, h, t_new, self.y, self.rise[0])
        self.vec.stateIncrease()
        if self.fsal:
            self.parity = 1 - self.parity
            self.owner._fresh = False
        return t_new

    def destroy(self) -> None:
        for vec in self.vecs:
            vec.destroy()


def needed(A: np.ndarray, b: np.ndarray, j: int, s: int) -> bool:
    """Is slope j used after the stage that follows it?"""
    return bool(A[j + 2 : s, j].any() or (b[j] and j < s - 1))


def slopes(ps, which) -> dict[int, np.ndarray]:
    return {j: ps.aligned() for j in which}


def make_stage(targets, bases, sources, weights, K):
    """A kernel stage and its weights, padded to a rectangle (h times them: its coefficients)."""
    stage = kinetic.Stage(targets, bases, sources, K)
    table = np.zeros(np.shape(stage.coefficients))
    for row, values in zip(table, weights, strict=False):  # no targets: one row of nothing
        row[: len(values)] = values
    return stage, table


def largest(comm, value: float) -> float:
    """The maximum over all ranks; not-a-number counts as infinite."""
    from mpi4py import MPI

    mine = np.array([value if np.isfinite(value) else np.inf])
    if comm.size > 1:
        comm.Allreduce(MPI.IN_PLACE, mine, MPI.MAX)
    return float(mine[0])
