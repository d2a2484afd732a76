"""dy/dt = f(y) by extrapolated modified midpoint steps (Gragg, Bulirsch & Stoer), order 16."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from hpcqke.errors import NumericsError

SUBSTEPS = (2, 4, 6, 8, 10, 12, 14, 16)
SMALLEST = 1e-8


def trajectory(
    f: Callable[[np.ndarray], np.ndarray], y: np.ndarray, times: np.ndarray, tolerance: float
) -> Iterator[np.ndarray]:
    """y at each of the increasing times from y(0); `tolerance`: error of a step, absolute.

    NumericsError where the solution leaves all bounds (steps below SMALLEST).
    """
    now, step = 0.0, 0.1
    for t in times:
        while now < t:
            h = min(step, t - now)
            found, error = _step(f, y, h)
            if error < tolerance:
                y, now = found, t if h == t - now else now + h
                step = max(step, h) if error > 1e-2 * tolerance else 1.5 * max(step, h)
            else:
                step = 0.5 * h
                if step < SMALLEST:
                    raise NumericsError(f"no step beyond t = {now:g}: the solution diverges")
        yield y


def _step(f, y, h):
    """y(h), and by how much the last extrapolation changed it."""
    table: list[np.ndarray] = []
    with np.errstate(over="ignore", invalid="ignore"):
        for row, n in enumerate(SUBSTEPS):
            line = [_midpoint(f, y, h, n)]
            for k in range(row):
                ratio = (n / SUBSTEPS[row - k - 1]) ** 2
                line.append(line[k] + (line[k] - table[k]) / (ratio - 1))
            table = line
        error = np.abs(table[-1] - table[-2]).max()
    return table[-1], error if np.isfinite(error) else np.inf


def _midpoint(f, y, h, n):
    """n substeps; the error is a series in (h/n)^2 because n is even."""
    d = h / n
    before, now = y, y + d * f(y)
    for _ in range(n - 1):
        before, now = now, before + 2 * d * f(now)
    return now
