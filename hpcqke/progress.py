"""What a run says: a line now and then, and a table of where the time went. Rank 0 only."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, perf_counter

from hpcqke.storage import storage_error


class Log:
    """Lines to the terminal and, once there is a folder, to run.log (appended to)."""

    def __init__(self, speaks: bool, quiet: bool = False) -> None:
        self.speaks, self.quiet, self._file = speaks, quiet, None

    def open(self, path: Path) -> None:
        if self.speaks:
            try:
                self._file = open(path, "a", encoding="utf-8")
            except OSError as fault:
                raise storage_error(path, fault) from fault

    def say(self, line: str) -> None:
        self._write(line, None if self.quiet else sys.stdout)

    def warn(self, line: str) -> None:
        """A warning goes to the terminal in any case."""
        self._write(line, sys.stderr)

    def _write(self, line: str, terminal) -> None:
        """A run goes on without a terminal that is gone, or a log that there is no room for."""
        for stream in (terminal, self._file) if self.speaks else ():
            with suppress(OSError):
                if stream is not None:
                    print(line, file=stream, flush=True)

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None


class Clock:
    """Seconds by activity: ``with clock("fields"): ...``."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stack: list[tuple[str, float]] = []

    def __call__(self, name: str) -> Clock:
        self._next = name
        return self

    def __enter__(self) -> None:
        self._stack.append((self._next, perf_counter()))

    def __exit__(self, *_) -> None:
        name, start = self._stack.pop()
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start


class Reporter:
    """Progress lines and the closing table.

    A cell is one (z, momentum mode) with all its species, its update one evaluation of the
    right-hand side; rates are in million of them per second and core.
    """

    def __init__(
        self, log: Log, equation, start: float, end: float, every: float, unit: str = "1/mu"
    ) -> None:
        self.unit = unit
        self.log, self.equation, self.every = log, equation, every
        ps = equation.ps
        self.cells, self.ranks = ps.nz * ps.np * ps.nv, ps.size
        self.start, self.end = start, end
        self._last = monotonic()
        self._calls = equation.calls
        self._t = start

    def start_from(self, now) -> None:
        """Rates and the time left are measured from here."""
        self._t, self._last, self._calls = now.t, monotonic(), self.equation.calls

    def rate(self, calls: int, seconds: float) -> float:
        """Mcell/s/core: million cell right-hand sides per second and core."""
        return 1e-6 * calls * self.cells / max(seconds, 1e-9) / self.ranks

    def due(self) -> bool:
        """Is it time for a line? Ask one rank only."""
        return monotonic() - self._last >= self.every

    def say(self, now) -> None:
        """A line: how far, how fast, how long to go."""
        wall = monotonic()
        rate = self.rate(self.equation.calls - self._calls, wall - self._last)
        pace = (now.t - self._t) / max(wall - self._last, 1e-9)
        left = (self.end - now.t) / pace if pace > 0 else float("inf")
        self.log.say(
            f"t = {now.t:.6g} of {self.end:.6g} {self.unit}  step {now.step}  dt = {now.dt:.3g}  "
            f"{rate:.1f} Mcell/s/core  left {duration(left)}"
        )
        self._last, self._calls, self._t = wall, self.equation.calls, now.t

    def close(self, now, seconds: float, clock: Clock) -> None:
        """The table of the time spent in each part, and the rate of the whole run."""
        equation = self.equation
        names = [t.name for t in equation.terms if t.kind != "source"]
        parts = {
            " + ".join(names) or "no terms": equation.seconds["kernels"],
            "ghost rows": equation.seconds["ghost rows"],
            "momentum sums": equation.seconds["momentum sums"],
        }
        parts.update({k: v for k, v in equation.seconds.items() if k not in KERNEL_PARTS})
        stepping = clock.seconds.get("stepping", 0.0)
        after = clock.seconds.get("after steps", 0.0)
        rest = stepping - after - sum(parts.values())
        parts["time stepping (PETSc)"] = max(rest, 0.0)
        outputs = ("guard", "diagnostics", "fields", "series", "checkpoints")
        parts.update({k: clock.seconds[k] for k in outputs if k in clock.seconds})
        self.log.say(f"{'time spent in':32s} {'seconds':>10s} {'share':>7s}")
        for name, spent in parts.items():
            self.log.say(f"{name:32s} {spent:10.3f} {100 * spent / max(seconds, 1e-9):6.1f}%")
        self.log.say(
            f"{now.step} steps, {equation.calls} right-hand sides of {self.cells} cells in "
            f"{seconds:.2f} s on {self.ranks} rank{'s' if self.ranks > 1 else ''}: "
            f"{self.rate(equation.calls, stepping - after):.1f} Mcell/s/core stepping, "
            f"{self.rate(equation.calls, equation.seconds['kernels']):.1f} in the kernels"
        )


KERNEL_PARTS = ("kernels", "ghost rows", "momentum sums")


def duration(seconds: float) -> str:
    """h:mm:ss."""
    if seconds == float("inf"):
        return "?"
    seconds = round(seconds)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
