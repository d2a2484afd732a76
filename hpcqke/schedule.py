"""When things happen: every so much simulated time, so many steps, or so many wall seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from time import monotonic


def multiple(start: float, every: float, n: int) -> float:
    """start + n*every as a person writes it: 3 x 0.1 is 0.3, so that clocks with different
    intervals meet in the same number."""
    return float(Decimal(repr(start)) + n * Decimal(repr(every)))


@dataclass
class Schedule:
    """Due at the exact multiples of ``every`` after ``start`` (the end included), every
    ``every_steps`` steps, and when ``every_wall`` seconds have passed. None switches a clock off.
    """

    start: float
    end: float
    every: float | None = None
    every_steps: int | None = None
    every_wall: float | None = None
    _wall: float = field(default_factory=monotonic)

    def next_time(self, t: float) -> float:
        """The first landing time after t: a multiple of ``every``, or the end."""
        if self.every is None:
            return self.end
        n = math.floor((t - self.start) / self.every) + 1
        while multiple(self.start, self.every, n) <= t:
            n += 1
        while n > 1 and multiple(self.start, self.every, n - 1) > t:
            n -= 1
        return min(multiple(self.start, self.every, n), self.end)

    def due(self, t: float, step: int) -> bool:
        """Is it time by simulated time or by steps? (The same answer on every rank.)"""
        if t >= self.end:
            return True
        if self.every_steps and step % self.every_steps == 0:
            return True
        if self.every is None:
            return False
        n = round((t - self.start) / self.every)
        return t == multiple(self.start, self.every, n)

    def wall_due(self) -> bool:
        """Have ``every_wall`` seconds passed since the last `done`? Ask one rank only."""
        return self.every_wall is not None and monotonic() - self._wall >= self.every_wall

    def done(self) -> None:
        self._wall = monotonic()

    def count(self) -> int:
        """How many times it is due by simulated time, start and end included."""
        if self.every is None:
            return 2
        return math.ceil((self.end - self.start) / self.every * (1 - 1e-14)) + 1
