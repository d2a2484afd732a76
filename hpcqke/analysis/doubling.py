"""Does growth survive twice as many directions?  What does not is no physics but the grid's.

Vacuum terms make multi-angle problems whose discrete beams grow by themselves, at any k and at a
rate ~ 1/N_v; near the edge of a band the edge itself moves with N_v. Both show when N_v doubles.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hpcqke import initial
from hpcqke.analysis.crossings import cubic_weights
from hpcqke.analysis.homogeneous import initial_diagonal, linear_systems, polar_grid
from hpcqke.analysis.linear import LinearSystem

if TYPE_CHECKING:
    from hpcqke.case import Case

#: A wave whose rate falls below this part of itself is spurious: 1/N_v would give one half.
SPURIOUS = 2 / 3


def doubled_systems(case: Case) -> tuple[dict[str, LinearSystem] | None, str]:
    """The linear problems on twice the directions of the case's rule, and in words how.

    A recipe that knows its distribution gives it there; else the values are interpolated by
    cubics. None if the directions are listed, as they then stand for themselves.
    """
    momentum = case.grid.momentum
    if momentum.rule is None or momentum.count < 4:
        return None, "listed (or fewer than 4) directions cannot be doubled"
    fine = replace(momentum, count=2 * momentum.count)
    twice = replace(case, grid=replace(case.grid, momentum=fine))
    grid = polar_grid(twice)
    if hasattr(initial.REGISTRY[case.initial.recipe], "diagonal"):
        return linear_systems(twice, initial_diagonal(twice, grid), grid), "same distribution"
    coarse = polar_grid(case)
    diagonal = initial_diagonal(case, coarse)
    values = np.einsum("uv,spvf->spuf", cubic_weights(coarse.v, grid.v), diagonal)
    return linear_systems(twice, values, grid), "interpolated by cubics"


def is_spurious(gamma: np.ndarray, doubled: np.ndarray) -> np.ndarray:
    """Which growing waves lose more than a third of their rate; never where `doubled` is nan."""
    return (gamma > 0) & (doubled < SPURIOUS * gamma)
