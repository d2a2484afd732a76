"""Ghost rows and ghost columns: the neighbours' cells that the stencils of a rank reach into.

One PETSc scatter fills them, and only them: kernels read a rank's own cells in place. (A DMDA's
globalToLocal would copy every own cell, and has one stencil width for both directions.)
"""

from __future__ import annotations

import numpy as np


class Ghosts:
    """The cells around a rank's part of the state.

    ``lo``, ``hi`` (w_z, row): the rows before and after the own ones (z is periodic);
    ``before``, ``after`` (rows, w_p x column): the columns on both sides of the own ones, in rising
    order; zeros beyond the ends of the momentum grid;
    ``corners`` (4 w_z, w_p x column), if asked for (else no rows): what lies before and after the
    own columns in the rows of ``lo``, then in those of ``hi``.
    """

    def __init__(self, ps, width_z: int, width_p: int, corners: bool = False) -> None:
        self.ps, self.width_z, self.width_p = ps, width_z, width_p
        self._corner_rows = width_z if corners else 0
        z, columns = width_z * ps.row, width_p * ps.rows * ps.dof
        corner = 4 * self._corner_rows * width_p * ps.dof
        self._memory = np.zeros(2 * (z + columns) + corner)
        cuts = np.cumsum([z, z, columns, columns])
        lo, hi, before, after, corner = np.split(self._memory, cuts)
        self.corners = corner.reshape(4 * self._corner_rows, width_p * ps.dof)
        self.lo, self.hi = (a.reshape(width_z, ps.row) for a in (lo, hi))
        self.before, self.after = (a.reshape(ps.rows, width_p * ps.dof) for a in (before, after))
        self._scatter = None
        if self._memory.size:
            self._make_scatter()

    def _wanted(self) -> tuple[np.ndarray, np.ndarray]:
        """(row, column) of every ghost cell in the order of the memory; rows may lie outside."""
        ps, w, u, k = self.ps, self.width_z, self.width_p, self._corner_rows
        (z0, z1), (c0, c1) = ps.z_range, ps.column_range
        parts = []
        for rows, columns in (
            (np.arange(z0 - w, z0), np.arange(c0, c1)),
            (np.arange(z1, z1 + w), np.arange(c0, c1)),
            (np.arange(z0, z1), np.arange(c0 - u, c0)),
            (np.arange(z0, z1), np.arange(c1, c1 + u)),
            (np.arange(z0 - k, z0), np.arange(c0 - u, c0)),
            (np.arange(z0 - k, z0), np.arange(c1, c1 + u)),
            (np.arange(z1, z1 + k), np.arange(c0 - u, c0)),
            (np.arange(z1, z1 + k), np.arange(c1, c1 + u)),
        ):
            parts.append(np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2))
        rows, columns = np.concatenate(parts).T
        return rows, columns

    def _make_scatter(self) -> None:
        ps = self.ps
        PETSc, dof = ps.PETSc, ps.dof
        rows, columns = self._wanted()
        there = (columns >= 0) & (columns < ps.blocks.columns)
        source = ps.petsc_block(rows[there] % ps.nz, columns[there]).astype(PETSc.IntType)
        target = np.flatnonzero(there).astype(PETSc.IntType)
        self._vec = PETSc.Vec().createWithArray(self._memory, bsize=dof, comm=PETSc.COMM_SELF)
        sample = ps.create_vec()
        index = [PETSc.IS().createBlock(dof, i, comm=PETSc.COMM_SELF) for i in (source, target)]
        self._scatter = PETSc.Scatter().create(sample, index[0], self._vec, index[1])
        for thing in (*index, sample):
            thing.destroy()

    def begin(self, vec) -> None:
        """Start filling the ghosts from ``vec``; `end` must follow."""
        if self._scatter is not None:
            self._scatter.begin(vec, self._vec)

    def end(self, vec) -> None:
        """The ghosts are there after this call."""
        if self._scatter is not None:
            self._scatter.end(vec, self._vec)

    def destroy(self) -> None:
        """Free PETSc's objects."""
        if self._scatter is not None:
            self._scatter.destroy()
            self._vec.destroy()
            self._scatter = None
