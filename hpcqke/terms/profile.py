"""Functions of place or time by name, which matter and self-interaction share.

    constant      f0
    linear        f0 + slope x
    exponential   max(f0 exp(-x/scale), floor)                 scale = scale_height or decay_time
    cosine        f0 + amplitude cos(2 pi x/period)            in z: period = L/wave_number
    table         straight lines between points

with x = z or x = t (`along`). They are evaluated point by point with the functions of `math`:
vectorised ones may round differently with the place in an array, and so with the number of ranks.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hpcqke.schema import choice, number, numbers, text

KEYS = {
    ("constant", "z"): (),
    ("constant", "t"): (),
    ("linear", "z"): ("slope",),
    ("linear", "t"): ("slope",),
    ("exponential", "z"): ("scale_height", "floor"),
    ("exponential", "t"): ("decay_time", "floor"),
    ("cosine", "z"): ("amplitude", "wave_number"),
    ("cosine", "t"): ("amplitude", "period"),
    ("table", "z"): ("z", "values"),
    ("table", "t"): ("t", "values"),
}
"""The keys of each profile beside its value f0 at x = 0; all but floor are needed."""


@dataclass(frozen=True, kw_only=True)
class ProfileConfig:
    """The keys of exponentials and tables; a subclass adds `profile`, f0 and the other keys."""

    along: str = choice("z", "t", default="z", doc="what the profile is a function of")
    scale_height: float | None = number(
        None, above=0, unit="1/mu", doc="exponential in z: its value at z = 0 times exp(-z/this)"
    )
    decay_time: float | None = number(
        None, above=0, unit="1/mu", doc="exponential in t: its value at t = 0 times exp(-t/this)"
    )
    floor: float | None = number(
        None, minimum=0, unit="mu", doc="exponential: where it stops falling; 0 if left out"
    )
    z: tuple[float, ...] | None = numbers(
        None, unit="1/mu", doc="table: points, growing, from -L/2 or before to L/2 or beyond"
    )
    t: tuple[float, ...] | None = numbers(
        None, unit="1/mu", doc="table: times, growing, over the whole run"
    )
    values: tuple[float, ...] | None = numbers(
        None, unit="mu", doc="table: the values there, straight lines between them"
    )
    path: str | None = text(
        None, doc="table: a text file with two columns, in place of z (or t) and values"
    )


def check(config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
    """The keys of the profile, no others; a table that reaches over the box or the run."""
    profile, along = config.profile, config.along
    wanted = KEYS[profile, along]
    if config.path is not None:  # a file that can't be read has its line; a good one is gone
        wanted = ("path",) if profile == "table" else wanted
    what = f'profile = "{profile}", along = "{along}"'
    for key in dict.fromkeys(key for keys in (*KEYS.values(), ("path",)) for key in keys):
        value = getattr(config, key, None)
        if value is not None and key not in wanted:
            yield key, f"must be left out with {what}", value
        elif value is None and key in wanted and key != "floor":
            yield key, f"missing; {what} needs it"
    if profile == "constant" and along == "t":
        yield "along", 'must be left out with profile = "constant"', along
    points = getattr(config, along)
    if profile == "table" and points is not None:
        yield from _check_table(config, points, case)


def _check_table(config: Any, points: tuple, case: Any) -> Iterator[tuple[Any, ...]]:
    if config.along == "z":
        what, ends = "box", (-case.grid.z.length / 2, case.grid.z.length / 2)
    else:
        what, ends = "run", (case.time.start, case.time.end)
    if any(b <= a for a, b in pairwise(points)):
        yield config.along, "must grow from each point to the next", points
    elif not points[0] <= ends[0] < ends[1] <= points[-1]:
        allowed = f"must reach over the {what}, from {ends[0]:g} to {ends[1]:g}"
        yield config.along, allowed, points
    if config.values is not None and len(config.values) != len(points):
        yield "values", f"must have {len(points)} numbers, one a point of {config.along}", (
            config.values
        )


class Profile:
    """f(x) of a config, with its value f0 and the length of the box."""

    def __init__(self, config: Any, f0: float, length: float) -> None:
        self.config, self.f0 = config, f0
        points = getattr(config, config.along)
        self.points, self.values = np.array(points or ()), np.array(config.values or ())
        self.k = 0.0
        if config.profile == "cosine":
            in_z = config.along == "z"
            self.k = 2 * math.pi * (config.wave_number / length if in_z else 1 / config.period)
        self.scale = config.scale_height or config.decay_time

    def __call__(self, x: float) -> float:
        """f(x)."""
        c, x = self.config, float(x)
        if c.profile == "constant":
            return self.f0
        if c.profile == "linear":
            return self.f0 + c.slope * x
        if c.profile == "cosine":
            return self.f0 + c.amplitude * math.cos(self.k * x)
        if c.profile == "exponential":
            return self._not_below_floor(self.f0 * math.exp(-x / self.scale))
        return float(np.interp(x, self.points, self.values))

    def slope(self, x: float) -> float:
        """df/dx, from the right at the corners of a table."""
        c, x = self.config, float(x)
        if c.profile == "linear":
            return c.slope
        if c.profile == "cosine":
            return -c.amplitude * self.k * math.sin(self.k * x)
        if c.profile == "exponential":
            f = self.f0 * math.exp(-x / self.scale)
            return -f / self.scale if f == self._not_below_floor(f) else 0.0
        if c.profile == "table":
            i = int(np.clip(np.searchsorted(self.points, x, "right"), 1, self.points.size - 1))
            rise, run = (float(b[i] - b[i - 1]) for b in (self.values, self.points))
            return rise / run
        return 0.0

    def _not_below_floor(self, f: float) -> float:
        floor = self.config.floor
        return f if floor is None else math.copysign(max(abs(f), floor), f)

    def along(self, x: np.ndarray) -> np.ndarray:
        """f at many points."""
        return np.array([self(value) for value in x])

    def most(self, z: np.ndarray) -> float:
        """max |f| over the cells z, or over all times t >= 0 of what does not grow."""
        c = self.config
        if c.along == "z":
            return float(np.abs(self.along(z)).max())
        if c.profile == "table":
            return max(abs(value) for value in c.values)
        return abs(self.f0) + abs(getattr(c, "amplitude", None) or 0.0)
