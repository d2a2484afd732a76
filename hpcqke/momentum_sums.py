"""Sums over momentum of every row: M = sum_p (rho - rhobar) and F = sum_p v (rho - rhobar).

A rank sums the chunks it owns, the chunks travel to all ranks that share the rows, and everyone
adds them in chunk order: the same bits on every decomposition. The exchange does not block.
"""

from __future__ import annotations

import numpy as np

from hpcqke.kernels import kinetic
from hpcqke.kernels.bracket import RowSums


class MomentumSums:
    """Sums of own rows, or (``ghosts``) of own rows with the ghost rows before and after.

    ``energy`` (blocks, species, lanes), if given: of the same pass, sum_p energy Tr rho.
    """

    def __init__(self, ps, kernel, ghosts: bool = False, energy: np.ndarray | None = None) -> None:
        self.ps, self._kernel = ps, RowSums(kernel, energy)
        width = ps.ghosts.width_z if ghosts else 0
        self.parts = [width, ps.rows, width] if ghosts else [ps.rows]
        rows, own = sum(self.parts), ps.chunk_start.size - 1
        numbers = rows * (2 * ps.C + (energy is not None))
        self._local = np.zeros((own, numbers))
        self._all = np.zeros((ps.blocks.chunks, numbers)) if ps.ranks_p > 1 else self._local
        self._counts = [int(n) * numbers for n in np.diff(ps.chunk_bounds)]
        self._totals = np.zeros((1, numbers))
        self._sums = self._totals[0, : rows * 2 * ps.C].reshape(rows, 2 * ps.C)
        self.energies = self._totals[0, rows * 2 * ps.C :]
        """sum_p energy Tr rho of each row, from the last `finish`."""

    def start(self, *arrays: np.ndarray):
        """Begin the sums of X, or of (lo, X, hi); returns what `finish` wants."""
        for part, array in enumerate(arrays):
            self.add(part, array)
        return self.exchange()

    def add(self, part: int, array: np.ndarray) -> None:
        """This rank's sums of X, or of part 0, 1 or 2 of (lo, X, hi)."""
        self._kernel.moments(array, self._local, sum(self.parts[:part]))

    def exchange(self):
        """Send the sums of all parts; returns what `finish` wants."""
        if self.ps.ranks_p == 1:
            return None
        from mpi4py import MPI

        return self.ps.p_comm.Iallgatherv(
            [self._local, MPI.DOUBLE], [self._all, (self._counts, None), MPI.DOUBLE]
        )

    def finish(self, request) -> np.ndarray:
        """(rows, 2 N_f^2): M, then F; overwritten by the next sum."""
        if request is not None:
            request.Wait()
        kinetic.combine(self._all[:, None], self.ps.blocks.group, self._totals)
        return self._sums
