"""The Integrator: a PETSc TS that owns time, step control and the user's PETSc options.

Methods: ``rk3bs rk4 rk5dp rk8vr`` are PETSc's explicit Runge-Kutta pairs 3bs, 4, 5dp, 8vr, adaptive
if the case gives a tolerance, fixed if it gives a step; they run fused into the kernels
(`hpcqke.fused_rk`) unless the user's options speak to PETSc's own type (-ts_type, -ts_rk_*,
-ts_adapt_*), which then does the steps. ``bm4 bm6`` are splittings with fixed steps
(`hpcqke.splitting`). ``midpoint`` is TSTHETA with theta = 1/2 on the implicit midpoint, solved
without a matrix; ``gauss2`` is the two-stage Gauss method, solved by its own fixed point
(`hpcqke.gauss`). Both keep quadratic invariants.

A run is cut into segments that end exactly on the times at which something is written. Everything
that a step depends on is (t, rho, dt, segment): a run restarted from them gives the same bits. For
stock TSRK that asks for a fresh start of every step (TSRestartStep), since PETSc's reuse of the
last stage differs from a new evaluation in the last bit, and for the maximum norm.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from dataclasses import dataclass

from hpcqke import parallel
from hpcqke.errors import CaseError, NumericsError
from hpcqke.fused_rk import FusedRK, GaveUp
from hpcqke.gauss import Gauss2
from hpcqke.relaxation import Relaxation
from hpcqke.splitting import HALVES, Splitting
from hpcqke.tableau import petsc_tableau

RK_TYPES = {"rk3bs": "3bs", "rk4": "4", "rk5dp": "5dp", "rk8vr": "8vr"}
STOCK = ("ts_type", "ts_rk_", "ts_adapt_")
SOLVERS = ("-ts_", "-snes_", "-ksp_", "-pc_")
NO_LIMIT = 2**31 - 2  # one less than "not set"


@dataclass
class Progress:
    """Where a run stands: all that a step depends on besides rho."""

    t: float
    step: int
    dt: float
    segment_start: float
    segment_step: int = 0
    segment_end: float = math.nan


class Integrator:
    """Drives d_t rho = equation.rhs by PETSc TS.

    ``options`` are the user's PETSc options; they are applied last. ``after_step(progress, vec)``
    is called after every accepted step and returns True to stop.
    """

    def __init__(self, time, ps, equation, after_step: Callable, options: list[str] = ()) -> None:
        PETSc = self._PETSc = parallel.start_petsc()
        self.time, self.ps, self.equation = time, ps, equation
        self.after_step = after_step
        self.ts = ts = PETSc.TS().create(ps.comm)
        ts.setRHSFunction(equation.rhs)  # PETSc makes what vectors it needs
        ts.setMaxSteps(NO_LIMIT)
        ts.setMaxTime(time.end)
        ts.setTimeStep(time.step or self._first_step())
        self.fused: FusedRK | Gauss2 | Splitting | None = None
        self._relaxes = False
        self._given = [o for o in options if o.startswith(SOLVERS)]
        try:
            self._apply(self._defaults(options), options)
        except CaseError:
            self._forget_options()  # another run of this process must not find them
            raise
        ts.setPostStep(self._post_step)
        self._setup = ps.create_vec()
        ts.setSolution(self._setup)
        ts.setUp()
        self._restarts = ts.getType() == "rk"
        self._refuse_unused(options)
        self.max_steps = ts.getMaxSteps()
        self.end = min(time.end, ts.getMaxTime())
        self.first_step = ts.getTimeStep()
        self.stopped = False

    def _first_step(self) -> float:
        """A cautious first step for step control to grow from."""
        rate = sum(self.equation.max_rates().values())
        return min(0.1 / rate if rate > 0 else math.inf, self.time.end - self.time.start)

    def _defaults(self, options: list[str]) -> dict[str, str]:
        """Set the type; returns the options that belong to it."""
        ts, time = self.ts, self.time
        adaptive = time.tolerance is not None
        stock = [o for o in options if o.lstrip("-").startswith(STOCK)]
        if stock and time.relaxation:
            raise CaseError(
                [f"time.relaxation = true: not with {stock[0]}, PETSc's own steps; must be false"]
            )
        if stock and self.equation.ledger:
            raise CaseError([f"terms.ledger: not with {stock[0]}, PETSc's own steps"])
        if time.integrator == "gauss2" or time.integrator in HALVES:
            if stock:
                chosen = f'time.integrator = "{time.integrator}"'
                raise CaseError([f"{chosen}: not with {stock[0]}, PETSc's own steps"])
            clock = self._end_of_step
            if time.integrator in HALVES:
                stepper = Splitting(self.ps, self.equation, time.integrator, clock)
            else:
                stepper = Gauss2(self.ps, self.equation, clock)
            self._steps_by(stepper, adaptive)
            return {}
        if time.integrator == "midpoint":
            ts.setType("theta")
            ts.setTheta(0.5)
            ts.setThetaEndpoint(False)
            return {
                "snes_mf": "",
                "snes_rtol": "1e-12",
                "snes_atol": "1e-14",
                "snes_stol": "0",
                "ksp_type": "gmres",
                "ksp_rtol": "1e-4",
                "pc_type": "none",
                "ts_adapt_type": "none",
            }
        if adaptive:
            ts.setTolerances(rtol=time.tolerance, atol=time.tolerance)
        if not stock:
            tableau = petsc_tableau(self._PETSc, RK_TYPES[time.integrator])
            keep = Relaxation(self.equation, lambda t: t == self._until)
            self._relaxes = time.relaxation
            stepper = FusedRK(
                self.ps,
                self.equation,
                tableau,
                adaptive,
                self._end_of_step,
                keep if time.relaxation else None,
            )
            self._steps_by(stepper, adaptive)
            return {}
        ts.setType("rk")
        ts.setRKType(RK_TYPES[time.integrator])
        return {
            "ts_adapt_type": "basic" if adaptive else "none",
            "ts_adapt_wnormtype": "infinity",
        }

    def _steps_by(self, stepper: FusedRK | Gauss2 | Splitting, adaptive: bool) -> None:
        """Let ``stepper`` do the steps of the TS."""
        self.fused, self.fixed = stepper, not adaptive
        self.ts.setType("python")
        self.ts.setPythonContext(stepper)

    def _apply(self, defaults: dict[str, str], options: list[str]) -> None:
        """Our defaults, then the user's options over them; ours are taken out again."""
        database = self._PETSc.Options()
        if options:
            database.insertString(" ".join(options))
        given = {o.lstrip("-") for o in options if o.startswith("-")}
        set_here = [name for name in defaults if name not in given]
        for name in set_here:
            database.setValue(name, defaults[name] or None)
        if self.fused is None:
            self.fixed = database.getString("ts_adapt_type", "none") == "none"
        self.ts.setFromOptions()
        for name in set_here:
            database.delValue(name)

    def _refuse_unused(self, options: list[str]) -> None:
        names = [o for o in options if o.startswith("-") and not is_number(o)]
        unused = [n for n in names if not n.startswith("-log") and not option_used(self._PETSc, n)]
        if unused:
            raise CaseError([f"{n}: a PETSc option that nothing in this run uses" for n in unused])

    def caution(self) -> str | None:
        """A line of warning about the step that was chosen, if one is due."""
        return self.fused.caution(self.first_step) if isinstance(self.fused, Splitting) else None

    def begin(self, progress: Progress, vec) -> None:
        """Continue from ``progress`` with the state ``vec``."""
        self.now = progress
        self.vec = vec
        self.ts.setStepNumber(progress.step)

    def advance(self, until: float) -> bool:
        """Steps up to exactly ``until``; True if the run goes on, False if it was asked to stop."""
        now, ts = self.now, self.ts
        self._until = until
        if now.t >= until:  # from a checkpoint that was taken at the very end of a segment
            now.segment_start, now.segment_step = until, 0
            return not self.stopped
        span = until - now.segment_start
        if self.fixed:
            step = self.first_step
            self._count = max(1, math.ceil(span / step * (1 - 1e-12)))
            now.dt = span / self._count
            ts.setMaxSteps(min(now.step + self._count - now.segment_step, self.max_steps))
            ts.setMaxTime(math.inf)
            ts.setExactFinalTime(self._PETSc.TS.ExactFinalTime.STEPOVER)
        elif self.fused:
            ts.setMaxSteps(self.max_steps)
            ts.setMaxTime(math.inf)
            ts.setExactFinalTime(self._PETSc.TS.ExactFinalTime.STEPOVER)
        else:
            now.dt = fit(now.dt, until - now.t)
            ts.setMaxSteps(self.max_steps)
            ts.setMaxTime(until)
            ts.setExactFinalTime(self._PETSc.TS.ExactFinalTime.MATCHSTEP)
        ts.setTime(now.t)
        ts.setTimeStep(now.dt)
        ts.setConvergedReason(self._PETSc.TS.ConvergedReason.CONVERGED_ITERATING)
        try:
            ts.solve(self.vec)
        except (self._PETSc.Error, GaveUp) as error:
            cause = innermost(error, self._PETSc.Error)
            if isinstance(cause, GaveUp):
                raise self._failure(str(cause)) from cause
            if not isinstance(cause, self._PETSc.Error) or not parallel.all_arrive():
                raise cause from None  # of this rank alone: the others cannot be asked anything
            raise self._failure(f"PETSc error {cause.ierr}") from cause
        if ts.getConvergedReason() < 0:
            raise self._failure(f"PETSc reason {ts.getConvergedReason()}")
        if now.step >= self.max_steps and now.t < self.end:
            self.stopped = True
        if now.t == until:
            now.segment_start, now.segment_step = until, 0
        return not self.stopped

    def _end_of_step(self, t: float, h: float) -> tuple[float, float]:
        """(step, time after it) of a step of at most h from t that ends inside the segment."""
        now, until = self.now, self._until
        if self.fixed:
            step = now.segment_step + 1
            last = step == self._count
            if self._relaxes:
                return (until - t, until) if last else (now.dt, t + now.dt)
            return now.dt, until if last else now.segment_start + step * now.dt
        h = fit(h, until - t)
        return h, until if h == until - t else t + h

    def _post_step(self, ts) -> None:
        now = self.now
        if self.fused:
            now.t = ts.getTime()
        elif self.fixed:
            now.t = self._end_of_step(now.t, now.dt)[1]
        else:
            t, near = ts.getTime(), 1e-13 * max(1.0, abs(self._until))
            now.t = self._until if t >= self._until - near else t
        now.step, now.segment_step = ts.getStepNumber(), now.segment_step + 1
        if not self.fixed:
            now.dt = ts.getTimeStep()
        ts.setTime(now.t)
        if self._restarts:
            ts.restartStep()
        if self.after_step(now, ts.getSolution()):
            self.stopped = True
        if now.t == self._until or self.stopped:
            ts.setConvergedReason(self._PETSc.TS.ConvergedReason.CONVERGED_USER)

    def _failure(self, why: str) -> NumericsError:
        now = self.now
        where = self.equation.first_nonfinite(now.t, self.vec)
        if where:
            return NumericsError(f"not finite at t = {now.t:.9g}, step {now.step}: {where}")
        return NumericsError(
            f"the time integrator gave up at t = {now.t:.9g}, step {now.step}, dt = {now.dt:.3g} "
            f"({why})"
        )

    def destroy(self) -> None:
        """Free PETSc's objects."""
        self.ts.destroy()
        if self.fused:
            self.fused.destroy()
        self._setup.destroy()
        self._forget_options()

    def _forget_options(self) -> None:
        database = self._PETSc.Options()
        for name in self._given:
            database.delValue(name)


def fit(h: float, left: float) -> float:
    """The step h, shortened so that no tiny step is left before the end of a segment."""
    if h >= left:
        return left
    return left / 2 if 2 * h > left else h


def innermost(error: BaseException, petsc: type) -> BaseException:
    """What a callback raised; petsc4py from 3.21 on hands it back as the cause of its own error."""
    while isinstance(error, petsc) and (error.__cause__ or error.__context__):
        error = error.__cause__ or error.__context__
    return error


def option_used(PETSc, name: str) -> bool:
    """Has PETSc looked this option up? (PetscOptionsUsed, which petsc4py does not offer.)"""
    used = ctypes.c_int(0)
    ctypes.CDLL(PETSc.__file__).PetscOptionsUsed(
        None, name.lstrip("-").encode(), ctypes.byref(used)
    )
    return bool(used.value)


def is_number(text: str) -> bool:
    """Is this a value (perhaps negative) rather than the name of an option?"""
    try:
        float(text)
    except ValueError:
        return False
    return True
