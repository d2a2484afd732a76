"""The step hook: everything that happens after a step and is not physics.

Order: is the state finite? did someone ask us to stop? then the rows, the fields, the checkpoint
that are due, then a line of progress and the rows so far onto the disk. Ranks agree with one
collective a step.
"""

from __future__ import annotations

from time import perf_counter

from hpcqke import guard, parallel, signals
from hpcqke.errors import NumericsError

GUARD_STEPS = 10


class StepHook:
    """Called by the `Integrator` after every accepted step; True means: stop.

    ``outputs`` is the run's `Outputs`; ``schedules`` has "series", "fields" and "checkpoint".
    """

    def __init__(self, ps, outputs, schedules, reporter, clock) -> None:
        self.ps, self.outputs, self.schedules = ps, outputs, schedules
        self.reporter, self.clock = reporter, clock
        self.signal: str | None = None

    def __call__(self, now, vec) -> bool:
        start = perf_counter()
        stop = self._after(now, vec)
        seconds = self.clock.seconds
        seconds["after steps"] = seconds.get("after steps", 0.0) + perf_counter() - start
        return stop

    def _after(self, now, vec) -> bool:
        X = self.ps.array(vec, readonly=True)
        due = {name: s.due(now.t, now.step) for name, s in self.schedules.items()}
        look = any(due.values()) or now.step % GUARD_STEPS == 0
        bad = 0
        if look:
            with self.clock("guard"):
                bad = 0 if guard.is_finite(X) else 1
        wall = [int(self.ps.rank == 0 and s.wall_due()) for s in self.schedules.values()]
        stop = int(signals.received() is not None)
        line = int(self.ps.rank == 0 and self.reporter.due())
        bad, stop, line, *wall = parallel.agree(self.ps.comm, bad, stop, line, *wall)
        if bad or (not look and (stop or any(wall)) and not self._finite_everywhere(X)):
            where = guard.first_bad(self.ps, X)
            raise NumericsError(f"not finite at t = {now.t:.9g}, step {now.step}: {where}")
        for (name, schedule), wall_due in zip(self.schedules.items(), wall, strict=True):
            if due[name] or wall_due or (stop and name == "checkpoint"):
                with self.clock(LABEL[name]):
                    getattr(self.outputs, name)(now, vec)
                schedule.done()
        if stop:
            self.signal = self.ps.comm.allgather(signals.received())
            self.signal = next(s for s in self.signal if s)
        if line:
            with self.clock("series"):
                self.outputs.flush()
            self.reporter.say(now)
        return bool(stop)

    def _finite_everywhere(self, X) -> bool:
        return parallel.agree(self.ps.comm, int(not guard.is_finite(X))) == (0,)


LABEL = {"series": "diagnostics", "fields": "fields", "checkpoint": "checkpoints"}
