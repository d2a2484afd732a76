"""Ghost numbers of the arrays along z of a splitting, from ranks as far away as it takes."""

from __future__ import annotations

import numpy as np


class Exchange:
    """Fills the ghosts of the front set of `Flows`: of the ``changing`` arrays, of the ``traces``.

    PETSc sees a set twice: as a vector of all ranks, whose own numbers it reads, and as this
    rank's memory, into whose ghosts it writes.
    """

    def __init__(self, ps, flows, width: int, trace_width: int) -> None:
        PETSc = ps.PETSc
        self._vecs = []
        for array in flows.sets:
            flat = array.reshape(-1)
            everywhere = PETSc.Vec().createWithArray(flat, comm=ps.comm)
            self._vecs.append((everywhere, PETSc.Vec().createWithArray(flat, comm=PETSc.COMM_SELF)))
        self.changing = Ghosts(ps, flows, self._vecs, (0, flows.changing), width)
        self.traces = Ghosts(ps, flows, self._vecs, (flows.changing, flows.arrays), trace_width)

    def destroy(self) -> None:
        """Free PETSc's objects."""
        self.changing.destroy()
        self.traces.destroy()
        for pair in self._vecs:
            for vec in pair:
                vec.destroy()


class Ghosts:
    """``width`` numbers on each side of a range of arrays."""

    def __init__(self, ps, flows, vecs, arrays: tuple[int, int], width: int) -> None:
        self._flows, self._vecs = flows, vecs
        PETSc, (z0, z1) = ps.PETSc, ps.z_range
        strides = np.array(ps.comm.allgather(flows.stride))
        starts = np.concatenate([[0], np.cumsum(strides * flows.arrays)])
        bounds = np.array([*(first for first, _ in ps.comm.allgather(ps.z_range)), ps.nz])
        z = np.concatenate([np.arange(z0 - width, z0), np.arange(z1, z1 + width)])
        rows = z % ps.nz
        owner = np.searchsorted(bounds, rows, side="right") - 1
        k = np.arange(*arrays)[:, None]
        source = starts[owner] + k * strides[owner] + flows.pad + rows - bounds[owner]
        target = k * flows.stride + flows.pad + z - z0
        index = [
            PETSc.IS().createGeneral(i.reshape(-1).astype(PETSc.IntType), comm=PETSc.COMM_SELF)
            for i in (source, target)
        ]
        self._scatter = PETSc.Scatter().create(vecs[0][0], index[0], vecs[0][1], index[1])
        for one in index:
            one.destroy()

    def fill(self) -> None:
        """Fill the ghosts of the front set; collective."""
        everywhere, here = self._vecs[self._flows.front]
        self._scatter.begin(everywhere, here)
        self._scatter.end(everywhere, here)

    def destroy(self) -> None:
        """Free the scatter."""
        self._scatter.destroy()
