"""Does growth survive twice as many directions?  What does not is no physics but the grid's.

Vacuum terms make multi-angle problems whose discrete beams grow by themselves, at any k, at a rate
of (0.1 to 1)/N_v that scatters with k and N_v; near the edge of a band the edge itself moves with
N_v. Rates of the continuum are good to 10 % from N_v = 8 on. So what changes by more than 20 % with
2 N_v, or beside vacuum terms with 3 N_v (which no accident of the scatter survives), is flagged.
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

#: A rate that changes by more than this part of itself is the grid's.
SPURIOUS = 0.2


def refined_systems(case: Case, factor: int = 2) -> tuple[dict[str, LinearSystem] | None, str]:
    """The linear problems on 2 (or `factor`) times the directions of the rule, and in words how.

    A recipe that knows its distribution gives it there; else the values are interpolated by
    cubics. None if the directions are listed, as they then stand for themselves.
    """
    momentum = case.grid.momentum
    if momentum.rule is None or momentum.count < 4:
        return None, "listed (or fewer than 4) directions cannot be doubled"
    fine = replace(momentum, count=factor * momentum.count)
    finer = replace(case, grid=replace(case.grid, momentum=fine))
    grid = polar_grid(finer)
    if hasattr(initial.REGISTRY[case.initial.recipe], "diagonal"):
        return linear_systems(finer, initial_diagonal(case, grid), grid), "same distribution"
    coarse = polar_grid(case)
    diagonal = initial_diagonal(case, coarse)
    values = np.einsum("uv,spvf->spuf", cubic_weights(coarse.v, grid.v), diagonal)
    return linear_systems(finer, values, grid), "interpolated by cubics"


def is_spurious(gamma: np.ndarray, *finer: np.ndarray) -> np.ndarray:
    """Which growing waves change by more than SPURIOUS on finer grids; not where those are nan."""
    return (gamma > 0) & np.any([np.abs(f - gamma) > SPURIOUS * gamma for f in finer], axis=0)
