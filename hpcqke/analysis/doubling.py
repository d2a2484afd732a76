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
from hpcqke.analysis.homogeneous import initial_diagonal, linear_systems, polar_grid
from hpcqke.analysis.linear import LinearSystem
from hpcqke.grids import MomentumGrid

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
    grid, diagonal = resampled(case, momentum.rule, factor * momentum.count)
    how = "same distribution" if _analytic(case) else "interpolated by cubics"
    return linear_systems(case, diagonal, grid), how


def resampled(case: Case, rule: str, count: int) -> tuple[MomentumGrid, np.ndarray]:
    """The directions of another rule, and rho_aa (S, Np, Nv, N_f) of the case's rule there."""
    finer = replace(case.grid.momentum, rule=rule, count=count)
    grid = polar_grid(replace(case, grid=replace(case.grid, momentum=finer)))
    if _analytic(case):
        return grid, initial_diagonal(case, grid)
    coarse = polar_grid(case)
    weights = cubic_weights(coarse.v, grid.v)
    return grid, np.einsum("uv,spvf->spuf", weights, initial_diagonal(case, coarse))


def _analytic(case: Case) -> bool:
    """Does the recipe know its distribution at any v?"""
    return hasattr(initial.REGISTRY[case.initial.recipe], "diagonal")


def cubic_weights(v: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Weights (len(at), len(v)) of the cubics through the four nodes nearest to each point."""
    out = np.zeros((at.size, v.size))
    first = np.clip(np.searchsorted(v, at) - 2, 0, v.size - 4)
    for row, x, low in zip(out, at, first, strict=True):
        near = v[low : low + 4]
        for i in range(4):
            others = np.delete(near, i)
            row[low + i] = np.prod((x - others) / (near[i] - others))
    return out


def is_spurious(gamma: np.ndarray, *finer: np.ndarray) -> np.ndarray:
    """Which growing waves change by more than SPURIOUS on finer grids; not where those are nan."""
    return (gamma > 0) & np.any([np.abs(f - gamma) > SPURIOUS * gamma for f in finer], axis=0)
