"""Sums over momentum of every row: M = sum_p (rho - rhobar) and F = sum_p v (rho - rhobar).

A rank sums the chunks it owns, the chunks travel to all ranks that share the rows, and everyone
adds them in chunk order: the same bits on every decomposition. The exchange does not block.
"""

from __future__ import annotations

import numpy as np

from hpcqke.kernels import kinetic


class MomentumSums:
    """Sums of own rows, or (``ghosts``) of own rows with the ghost rows before and after."""

    def __init__(self, ps, kernel, ghosts: bool = False) -> None:
        self.ps, self.kernel = ps, kernel
        self.parts = [ps.ghosts.width_z, ps.rows, ps.ghosts.width_z] if ghosts else [ps.rows]
        rows, own = sum(self.parts), ps.chunk_start.size - 1
        self._parts = [np.zeros((own, n, 2 * ps.C)) for n in self.parts]
        self._local = self._parts[0] if not ghosts else np.zeros((own, rows, 2 * ps.C))
        self._all = np.zeros((ps.blocks.chunks, rows, 2 * ps.C))
        self._counts = [int(n) * rows * 2 * ps.C for n in np.diff(ps.chunk_bounds)]
        self._sums = np.zeros((rows, 2 * ps.C))

    def start(self, *arrays: np.ndarray):
        """Begin the sums of X, or of (lo, X, hi); returns what `finish` wants."""
        for array, part in zip(arrays, self._parts, strict=True):
            if part.shape[1]:
                self.kernel.moments(array, part)
        if len(self._parts) > 1:
            np.concatenate(self._parts, axis=1, out=self._local)
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
        chunks = self._local if request is None else self._all
        kinetic.combine(chunks, self.ps.blocks.group, self._sums)
        return self._sums
