"""The model of a step on many ranks, its fit to measured times, and its extrapolation.

    message of m bytes                      alpha + m / width
    sum of m bytes over k ranks             (level log2 k + m / gather) max(1, k / cores)
    step of s stages on rz x rp ranks       s [cells / rate + ghosts + sums] + level log2(rz rp)

ghosts: two messages of w rows each (rz > 1); sums: the chunks of all own rows (as many on any
number of ranks, for the same bits), gathered by the rp ranks that share them; cells: those of the
fullest rank. k / cores counts ranks that wait for a core: only so can many ranks be measured on
few cores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpcqke.grids import MOST_CHUNKS


@dataclass(frozen=True)
class Machine:
    """Seconds and bytes a second; ``rate``: cells a second and core, ``split``: of the kernels
    that leave the sums to a momentum split, as a part of it."""

    alpha: float
    width: float
    level: float
    gather: float
    rate: float
    split: float = 1.0


@dataclass(frozen=True)
class Problem:
    """A grid: rows along z, modes (directions x energies), real numbers in each cell; the ghost
    rows, the stages of a step, the chunks that modes are summed in."""

    rows: int
    modes: int
    numbers: int = 8
    ghosts: int = 4
    stages: int = 4
    chunks: int = MOST_CHUNKS

    @property
    def cells(self) -> int:
        return self.rows * self.modes


def relative_fit(columns: list[np.ndarray], seconds: np.ndarray) -> np.ndarray:
    """Coefficients >= 0 of sum_i c_i column_i = seconds, by least squares of relative errors."""
    A = np.stack(columns, axis=1) / np.asarray(seconds, dtype=float)[:, None]
    keep = list(range(A.shape[1]))
    while True:
        found = np.linalg.lstsq(A[:, keep], np.ones(len(A)), rcond=None)[0]
        if len(keep) == 1 or (found > 0).all():
            break
        del keep[int(found.argmin())]
    result = np.zeros(A.shape[1])
    result[keep] = np.maximum(found, 0)
    return result


def fit_messages(size, seconds) -> tuple[float, float]:
    """(alpha in s, width in bytes/s) from times of messages of ``size`` bytes."""
    size = np.asarray(size, dtype=float)
    alpha, inverse = relative_fit([np.ones_like(size), size], seconds)
    return float(alpha), 1 / inverse if inverse > 0 else math.inf


def fit_sums(ranks, size, seconds, cores: int) -> tuple[float, float]:
    """(level in s, gather in bytes/s) from times of sums of ``size`` bytes over ``ranks``."""
    ranks, size = np.asarray(ranks, dtype=float), np.asarray(size, dtype=float)
    crowd = np.maximum(1.0, ranks / cores)
    level, inverse = relative_fit([np.log2(ranks) * crowd, size * crowd], seconds)
    return float(level), 1 / inverse if inverse > 0 else math.inf


def step_seconds(machine: Machine, problem: Problem, rz: int, rp: int, hidden: bool) -> float:
    """One step. ``hidden``: messages and sums travel while inner rows are computed."""
    rows, modes = -(-problem.rows // rz), -(-problem.modes // rp)
    work = rows * modes / (machine.rate * (machine.split if rp > 1 else 1.0))
    travel = 0.0
    if rz > 1:
        size = 8 * problem.ghosts * modes * problem.numbers
        travel += 2 * (machine.alpha + size / machine.width)
    if rp > 1:
        size = 8 * problem.chunks * rows * problem.numbers
        travel += machine.level * math.log2(rp) + size / machine.gather
    inner = work * max(0.0, 1 - 2 * problem.ghosts / rows) if hidden else 0.0
    agreement = machine.level * math.log2(rz * rp)
    return problem.stages * (work + max(0.0, travel - inner)) + agreement


def efficiency(machine: Machine, problem: Problem, rz: int, rp: int, hidden: bool = False) -> float:
    """Of rz x rp ranks over one."""
    alone = problem.stages * problem.cells / machine.rate
    return alone / (rz * rp * step_seconds(machine, problem, rz, rp, hidden))
