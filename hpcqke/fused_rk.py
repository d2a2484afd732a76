"""Explicit Runge-Kutta pairs with their stages fused into the kernel: a PETSc TS of type python.

    Y_i = rho + h sum_j a_ij k_j,   k_i = f(t + c_i h, Y_i),   rho' = rho + h sum_i b_i k_i

PETSc keeps time, steps, events, options and monitors, and gives the tableau (TSRKGetTableau); here
each slope is combined into the next stage while it is still in cache, which is what a step of a
memory-bound problem costs. Stock TSRK (PETSc option -ts_type rk) gives the same to rounding.

Step control is that of TSADAPTBASIC with the maximum norm, which no decomposition changes:
e = max |h sum (b - b^) k| / (atol + rtol max(|rho|, |rho'|)),  h' = h clip(0.9 e^(-1/p), 0.1, 10).
"""

from __future__ import annotations

import numpy as np

from hpcqke.errors import NumericsError
from hpcqke.kernels import kinetic
from hpcqke.stages import make_stages
from hpcqke.tableau import Tableau

SAFETY, SHORTER = 0.9, 0.5
LEAST, MOST = 0.1, 10.0
MOST_REJECTIONS = 10


class GaveUp(NumericsError):
    """No step is short enough."""


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
        ledger = self.equation.ledger
        if self._plan is None:
            if ledger:
                X = self.ps.array(ts.getSolution(), readonly=True)
                ledger.open(stages_of(self.tableau, self.adaptive), X)
            self._plan = (AdaptivePlan if self.adaptive else FixedPlan)(self, ts.getSolution())
            if self.relaxation is not None:
                self.relaxation.starts_from(self._plan.y)
        t, wanted = ts.getTime(), ts.getTimeStep()
        if not self.adaptive:
            h, t_new = self.end_of_step(t, wanted)
            ts.setTime(self._plan.take(t, h, t_new))
            self._enter(h)
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
                self._enter(h)
                return
            if ledger:
                ledger.clear()
            self.rejections += 1
        raise GaveUp(f"{MOST_REJECTIONS} rejected steps in a row, the last of {h:.3g}")

    def _enter(self, h: float) -> None:
        """The step into the ledger, if there is one."""
        ledger = self.equation.ledger
        if ledger:
            ledger.step(h, self.tableau.b[: stages_of(self.tableau, self.adaptive)])
            ledger.clear()

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
        self.owner = owner
        tableau = owner.tableau
        s = stages_of(tableau, adaptive=False)
        A, b = tableau.A, tableau.b
        self.c = [float(c) for c in tableau.c[:s]]
        # With relaxation the last stage gives the step alone, onto nothing instead of rho.
        relaxed = owner.relaxation is not None
        result, start = (stage_input(s), "nothing") if relaxed else ("y", "y")
        chain = all(not A[i, : i - 1].any() for i in range(2, s))
        work = []
        for i in range(s):
            last = i == s - 1
            targets, slope = [], None
            if not last:
                used = [j for j in range(i) if A[i + 1, j]] if not chain else []
                weights = [A[i + 1, i], *A[i + 1, used]]
                targets.append((stage_input(i + 1), "y", [f"K{j}" for j in used], weights))
                slope = None if chain or not needed(A, b, i, s) else f"K{i}"
            if chain or last:
                used = [j for j in range(i) if b[j]] if not chain else []
                base, weights = "sum" if chain and i else start, [b[i], *b[used]]
                targets.append((result if last else "sum", base, [f"K{j}" for j in used], weights))
            work.append((stage_input(i), targets, slope))
        self.stages = make_stages(owner.equation, vec, work, {"y", result})
        self._run = self.stages.run
        self.vec, self.y = vec, self.stages.array("y")
        self.step = self.stages.array(result) if relaxed else None

    def take(self, t: float, h: float, t_new: float) -> float:
        """rho(t) -> rho(t + h); returns the new time."""
        self._run(times(self.c, t, h, t_new), h)
        if self.step is not None:
            t_new = self.owner.stretch(t, h, t_new, self.y, self.step)
        self.vec.stateIncrease()
        return t_new

    def destroy(self) -> None:
        self.stages.destroy()


class AdaptivePlan:
    """The stages of a step that may be rejected: rho is kept until the new one is accepted.

    Where the last stage is the first of the next step, its slope is kept: it is the slope at
    exactly the accepted rho and time, so a restarted run that evaluates it anew has the same bits.
    """

    def __init__(self, owner: FusedRK, vec) -> None:
        self.owner = owner
        tableau = owner.tableau
        A, b, s = tableau.A, tableau.b, tableau.b.size
        self.c = [float(c) for c in tableau.c]
        # With a ledger every stage is evaluated anew: its sums are those of one step.
        anew = owner.relaxation is not None or owner.equation.ledger is not None
        self.fsal = tableau.first_same_as_last and not anew
        result = stage_input(s - 1 if self.fsal else s)
        work = []
        for i in range(s):
            row, targets = A[i + 1] if i + 1 < s else b, []
            if not (self.fsal and i == s - 1):
                used = [j for j in range(i) if row[j]]
                target = stage_input(i + 1) if i + 1 < s else result
                sources, weights = [f"K{j}" for j in used], [row[i], *row[used]]
                targets.append((target, "y", sources, weights))
                if owner.relaxation is not None and i == s - 1:  # the step as well, onto nothing
                    targets.append(("step", "nothing", sources, weights))
            work.append((stage_input(i), targets, f"K{i}"))
        lasting, ends = {"y", result}, ("K0", f"K{s - 1}")
        if owner.relaxation is not None:
            lasting.add("step")
        error = [f"K{j}" for j in range(s)], b - tableau.embedded, result
        swap = ends if self.fsal else ()
        self.stages = make_stages(owner.equation, vec, work, lasting.union(swap), error, swap)
        self.vec, self.y, self.y_new = vec, self.stages.array("y"), self.stages.array(result)

    def attempt(self, t: float, h: float, t_new: float, atol: float, rtol: float) -> float:
        """The weighted error of a step of h; the new rho waits for `accept`."""
        known = self.fsal and not self.owner._fresh
        error = self.stages.run(times(self.c, t, h, t_new), h, known, atol, rtol)
        self.owner._fresh = self.owner._fresh and not self.fsal
        return largest(self.owner.ps.comm, error)

    def accept(self, t: float, h: float, t_new: float) -> float:
        """Take the new rho; returns its time."""
        if self.owner.relaxation is None:
            np.copyto(self.y, self.y_new)
        else:
            t_new = self.owner.stretch(t, h, t_new, self.y, self.stages.array("step"))
        self.vec.stateIncrease()
        if self.fsal:
            self.stages.swap()
            self.owner._fresh = False
        return t_new

    def destroy(self) -> None:
        self.stages.destroy()


def stages_of(tableau: Tableau, adaptive: bool) -> int:
    """The stages that are evaluated: an error estimate may want more than the step."""
    return tableau.b.size if adaptive else int(np.flatnonzero(tableau.b)[-1]) + 1


def stage_input(i: int) -> str:
    """The name of the array that stage i starts from: two take turns."""
    return f"Y{i % 2}" if i else "y"


def times(c: list[float], t: float, h: float, t_new: float) -> list[float]:
    """The times of the stages; the end of the step is exactly ``t_new``."""
    return [t_new if ci == 1 else t + ci * h for ci in c]


def needed(A: np.ndarray, b: np.ndarray, j: int, s: int) -> bool:
    """Is slope j used after the stage that follows it?"""
    return bool(A[j + 2 : s, j].any() or (b[j] and j < s - 1))


def largest(comm, value: float) -> float:
    """The maximum over all ranks; not-a-number counts as infinite."""
    from mpi4py import MPI

    mine = np.array([value if np.isfinite(value) else np.inf])
    if comm.size > 1:
        comm.Allreduce(MPI.IN_PLACE, mine, MPI.MAX)
    return float(mine[0])
