"""Collisions on one phase space: the averages over directions at fixed |p|, then one pass.

With several |p| all directions of one lie on one rank; with a single |p| they are shared, and their
sum is the sum of chunks in chunk order (`momentum_sums`). Either way the bits do not depend on the
decomposition.
"""

from __future__ import annotations

import numpy as np

from hpcqke.kernels.collision import Collision
from hpcqke.momentum_sums import MomentumSums


class CollisionFlow:
    """F += C[rho] with ``absorption``, ``equilibrium``, ``scattering``: (species, momentum, N_f).

    They are of all momenta; the rank takes its own.
    """

    def __init__(self, ps, absorption, equilibrium, scattering) -> None:
        momenta, directions = ps.own[1:]
        shape = (momenta.stop - momenta.start, directions.stop - directions.start)
        share = (ps.momentum.v_weight / ps.momentum.v_weight.sum())[directions]
        weight = ps.pack_modes(np.broadcast_to(share, shape))
        there = ps.pack_modes(np.ones(shape))
        rates = (a[:, momenta].swapaxes(0, 1) for a in (absorption, equilibrium, scattering))
        values = ps.S * ps.C
        self._sums = self._average = None
        starts = ps.chunk_start
        if ps.np > 1:
            starts = np.arange(shape[0] + 1) * ps.blocks.per_p
            self._average = np.zeros((shape[0], ps.rows, values))
        self._kernel = Collision(weight, there, starts, *rates)
        if ps.np == 1:
            self._sums = MomentumSums(ps, self._kernel, size=values)
        self._scatters = bool(np.any(scattering))

    def add(self, X: np.ndarray, F: np.ndarray) -> None:
        """F += C[rho] for own rows X. Collective if directions are shared."""
        self._kernel.add(X, F, self._averages(X) if self._scatters else None)

    def _averages(self, X: np.ndarray) -> np.ndarray:
        """<rho> of own momenta: (momenta, rows, species*component)."""
        if self._sums is not None:
            return self._sums.finish(self._sums.start(X))[None]
        self._kernel.moments(X, self._average)
        return self._average
