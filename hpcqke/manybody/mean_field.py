"""The mean field of a spin system:  dP_k/dt = [b_k + (mu/N) sum_l n_l J_kl P_l] x P_k."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hpcqke.manybody import extrapolation
from hpcqke.manybody.evolution import Evolution, increasing
from hpcqke.manybody.system import SpinSystem


def evolve(system: SpinSystem, times: ArrayLike, tolerance: float = 1e-12) -> Evolution:
    """P of each neutrino, one by one of system.kind; product states have no entropy."""
    weights = system.pairs() * system.count

    def rate(P):
        return np.cross(system.field + weights @ P, P)

    times = increasing(times)
    P = list(extrapolation.trajectory(rate, system.spin, times, tolerance))
    return Evolution(times, system.spin[system.kind], np.array(P)[:, system.kind])
