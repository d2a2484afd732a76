"""Collisions on one phase space: the averages over directions at fixed |p|, then one pass.

With several |p| all directions of one lie on one rank; with a single |p| they are shared, and their
sum is that of the chunks in chunk order, as in `momentum_sums`. Either way the bits do not depend
on the decomposition.
"""

from __future__ import annotations

import numpy as np

from hpcqke.kernels import kinetic
from hpcqke.kernels.collision import Collision


class CollisionFlow:
    """F += C[rho] with ``absorption``, ``equilibrium``, ``scattering``: (species, momentum, N_f).

    They are of all momenta; the rank takes its own.
    """

    def __init__(self, ps, absorption, equilibrium, scattering) -> None:
        self.ps = ps
        momenta, directions = ps.own[1:]
        shape = (momenta.stop - momenta.start, directions.stop - directions.start)
        share = (ps.momentum.v_weight / ps.momentum.v_weight.sum())[directions]
        weight = ps.pack_modes(np.broadcast_to(share, shape))
        there = ps.pack_modes(np.ones(shape))
        rates = (a[:, momenta].swapaxes(0, 1) for a in (absorption, equilibrium, scattering))
        starts = ps.chunk_start if ps.np == 1 else np.arange(shape[0] + 1) * ps.blocks.per_p
        self._kernel = Collision(weight, there, starts, *rates)
        self._scatters = bool(np.any(scattering))
        row = (ps.rows, ps.S * ps.C)
        self._local = np.zeros((len(starts) - 1, *row))
        self._average = np.zeros((1, *row))
        self._shared = ps.np == 1 and ps.ranks_p > 1
        self._chunks = np.zeros((ps.blocks.chunks, *row)) if self._shared else self._local
        self._counts = [int(n) * ps.rows * ps.S * ps.C for n in np.diff(ps.chunk_bounds)]

    def add(self, X: np.ndarray, F: np.ndarray) -> None:
        """F += C[rho] for own rows X. Collective if directions are shared."""
        self._kernel.add(X, F, self._averages(X) if self._scatters else None)

    def _averages(self, X: np.ndarray) -> np.ndarray:
        """<rho> of own momenta: (momenta, rows, species*component)."""
        self._kernel.moments(X, self._local)
        if self.ps.np > 1:
            return self._local
        if self._shared:
            from mpi4py import MPI

            self.ps.p_comm.Allgatherv(
                [self._local, MPI.DOUBLE], [self._chunks, (self._counts, None), MPI.DOUBLE]
            )
        kinetic.combine(self._chunks, self.ps.blocks.group, self._average[0])
        return self._average
