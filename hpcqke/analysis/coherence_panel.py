"""A panel of pictures of homogeneous runs: |rho_ab|(t), on the growth of linear theory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcqke import state
from hpcqke.analysis.homogeneous import run_systems
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import SECTOR, THEORY, line


def growth_rates(run: Run) -> dict[str, float]:
    """gamma at k = 0 of each pair of flavors, at the start of the run; 0 or below: none grows."""
    systems = run_systems(run)
    return {pair: float(system.growth(np.zeros(1))[0][0]) for pair, system in systems.items()}


def is_steady(run: Run) -> bool:
    """Do mu and matter stay what they are at the start?"""
    profiles = [getattr(term, "along", "z") for term in run.case.terms.values()]
    return "t" not in profiles


def draw_growing(ax: Any, run: Run, time: NDArray, rho: NDArray) -> None:
    """Mean |rho_ab| of each pair of flavors, on e^{gamma t} through a tenth of its largest.

    rho: components (time, ..., N_f^2); the root mean square over what is between is drawn.
    """
    matrices = state.to_matrix(rho.reshape(time.size, -1, rho.shape[-1]))
    count = matrices.shape[-1]
    rates = growth_rates(run)
    pairs = zip(state.PAIR_NAMES[count], state.PAIRS[count], strict=True)
    for i, (pair, (a, b)) in enumerate(pairs):
        size = np.sqrt((np.abs(matrices[..., a, b]) ** 2).mean(axis=1))
        if not size.any():
            continue
        label, gamma = SECTOR[pair], rates[pair]
        if gamma > 0:
            at = np.argmax(size > 0.1 * size.max())
            curve = size[at] * np.exp(gamma * (time - time[at]))
            shown = (curve < 2 * size.max()) & (curve > 0.5 * size[size > 0].min())
            theory = {**THEORY, "color": line(i)["color"], "alpha": 0.25}
            ax.semilogy(time[shown], curve[shown], **theory)
            label += rf", theory: $\gamma$ = {gamma:.6f}"
        ax.semilogy(time, np.where(size > 0, size, np.nan), **line(i), label=label, zorder=3)
    ax.set_ylabel(r"$|\rho_{ab}|$")
