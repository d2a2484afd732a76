"""PhaseSpace: the PETSc DMDA over (z, momentum), its ghost rows and its communicators.

One DMDA (dim 2, x = momentum column, y = z) says who owns what; its vectors carry the state in the
layout X[z, block, species*component, lane]. Two things differ from a textbook DMDA, for a reason:

* The DMDA's stencil width is zero; ghost cells have a scatter of their own (see `ghosts`).
* Ownership follows chunks (see `grids`), so that momentum sums have the same bits everywhere.
"""

from __future__ import annotations

import mmap
from contextlib import suppress

import numpy as np

from hpcqke.errors import CaseError
from hpcqke.ghosts import Ghosts
from hpcqke.grids import Blocks, MomentumGrid, ZGrid, split
from hpcqke.state import SPECIES, TRACER


def process_grids(size: int, cells: int, stencil: int, grid: MomentumGrid) -> list[tuple[int, int]]:
    """All (ranks along z, ranks along momentum) that ``size`` ranks allow, the best first.

    Splitting z costs 2*stencil ghost rows per rank, splitting momentum a reduction of every row:
    z is split first, as long as a rank keeps more own rows than ghost rows.
    """
    found = []
    for rm in range(1, size + 1):
        rz = size // rm
        if rz * rm == size and rz <= cells and rm <= grid.blocks(rm).chunks:
            crowded = rz > 1 and cells // rz < 2 * stencil
            found.append((crowded, rm, rz))
    return [(rz, rm) for _, rm, rz in sorted(found)]


def choose_process_grid(
    size: int, cells: int, stencil: int, grid: MomentumGrid, ranks_z: int = 0, ranks_p: int = 0
) -> tuple[int, int]:
    """The (z, momentum) process grid for ``size`` ranks; zero means: choose.

    Raises `CaseError` if the ranks cannot be laid out as asked.
    """
    for rz, rm in process_grids(size, cells, stencil, grid):
        if ranks_z in (0, rz) and ranks_p in (0, rm):
            return rz, rm
    most = max(grid.blocks(r).chunks for r in range(1, grid.v.size + 1))
    faults = []
    for key, asked, limit in (("z", ranks_z, cells), ("momentum", ranks_p, most)):
        if asked and (size % asked or asked > limit):
            faults.append(
                f"grid.{key}.ranks = {asked}: must divide the {size} ranks of this run "
                f"and be at most {limit} (0 = choose)"
            )
    if not faults:
        asked = [f"grid.z.ranks = {ranks_z}"] * bool(ranks_z)
        asked += [f"grid.momentum.ranks = {ranks_p}"] * bool(ranks_p)
        faults.append(
            f"{' and '.join([*asked, f'{size} ranks (-n)'])}: cannot be laid out over {cells} z "
            f"cells (at least {max(1, stencil)} for each rank) and {most} parts of the momenta"
        )
    raise CaseError(faults)


HUGE = 2**22  # bytes from which huge pages are asked for; NumPy does not for zeros


def aligned_zeros(count: int, boundary: int = 64) -> np.ndarray:
    """Zeros whose first byte lies on a multiple of ``boundary`` (PETSc and NumPy give 16)."""
    if 8 * count >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        pages = mmap.mmap(-1, 8 * count, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with suppress(OSError):  # a kernel without them
            pages.madvise(mmap.MADV_HUGEPAGE)
        return np.frombuffer(pages)
    room = np.zeros(count + boundary // 8)
    first = (-room.ctypes.data % boundary) // 8
    return room[first : first + count]


class PhaseSpace:
    """The distributed (z, momentum) grid. Collective; `destroy` it when done.

    Parameters: the grids, N_f, the number of species (1: nu; 2: nu and nubar), the stencil width
    in z (rows) and along momentum (columns), the wanted ranks along z and momentum (0 = choose).
    Public sizes: nz, np (momenta), nv (directions), S, C; ``stencil``; own ranges ``z_range``,
    ``column_range``, ``momentum_range``, ``direction_range``; local shape ``shape`` = (rows,
    blocks, S*C, lanes), ``row`` = doubles in a row.
    """

    def __init__(
        self,
        z: ZGrid,
        momentum: MomentumGrid,
        nflavors: int,
        species: int,
        stencil: int,
        ranks_z: int = 0,
        ranks_p: int = 0,
        comm=None,
        stencil_p: int = 0,
        tracer: bool = False,
        corners: bool = False,
    ) -> None:
        from hpcqke import parallel

        PETSc = parallel.start_petsc()
        self.PETSc = PETSc
        self.comm = (comm if comm is not None else parallel.world()).Dup()
        self.rank, self.size = self.comm.rank, self.comm.size
        self.z, self.momentum, self.stencil = z, momentum, stencil
        self.nz, self.np, self.nv = z.cells, momentum.p.size, momentum.v.size
        self.N, self.C = nflavors, nflavors**2
        # A tracer is stored like one more species; it is no source of the mean field.
        self.species = SPECIES[:species] + ((TRACER,) if tracer else ())
        self.S, self.particles = len(self.species), species
        self.field_factors = (1.0, -1.0)[:species] + (0.0,) * tracer
        self.ranks_z, self.ranks_p = choose_process_grid(
            self.size, self.nz, stencil, momentum, ranks_z, ranks_p
        )
        self.iz, self.ip = divmod(self.rank, self.ranks_p)
        self.blocks: Blocks = momentum.blocks(self.ranks_p)
        self._own_parts()
        self._make_dmda()
        self.p_comm = self.comm.Split(self.iz, self.ip)
        self.z_comm = self.comm.Split(self.ip, self.iz)
        self.ghosts = Ghosts(self, stencil, stencil_p, corners)

    def _own_parts(self) -> None:
        b = self.blocks
        self._z_bounds = split(self.nz, self.ranks_z)
        self.chunk_bounds = split(b.chunks, self.ranks_p)
        self._column_bounds = b.chunk_columns[self.chunk_bounds]
        self.z_range = tuple(int(i) for i in self._z_bounds[self.iz : self.iz + 2])
        self.chunk_range = tuple(int(i) for i in self.chunk_bounds[self.ip : self.ip + 2])
        self.column_range = tuple(int(i) for i in self._column_bounds[self.ip : self.ip + 2])
        c0, c1 = self.column_range
        if self.np == 1:
            self.momentum_range = (0, 1)
            self.direction_range = (c0 * b.width, min(c1 * b.width, self.nv))
        else:
            self.momentum_range, self.direction_range = (c0, c1), (0, self.nv)
        self.block_range = (c0 * b.per_column, c1 * b.per_column)
        self.rows = self.z_range[1] - self.z_range[0]
        blocks = self.block_range[1] - self.block_range[0]
        self.shape = (self.rows, blocks, self.S * self.C, b.width)
        self.row = blocks * self.S * self.C * b.width
        columns = b.chunk_columns[self.chunk_range[0] : self.chunk_range[1] + 1]
        self.chunk_start = ((columns - c0) * b.per_column).astype(np.intc)
        self.v = np.ascontiguousarray(b.v[slice(*self.block_range)])
        self.weight = np.ascontiguousarray(b.weight[slice(*self.block_range)])

    def _make_dmda(self) -> None:
        b = self.blocks
        self.dof = b.per_column * self.S * self.C * b.width
        self.dm = self.PETSc.DMDA().create(
            dim=2,
            dof=self.dof,
            sizes=(b.columns, self.nz),
            proc_sizes=(self.ranks_p, self.ranks_z),
            ownership_ranges=tuple(
                np.diff(bounds).astype(self.PETSc.IntType)
                for bounds in (self._column_bounds, self._z_bounds)
            ),
            boundary_type=("none", "periodic" if self.z.boundary == "periodic" else "none"),
            stencil_width=0,
            comm=self.comm,
        )

    def petsc_block(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """PETSc's number of the cells (row, column), in units of dof.

        Ranks follow each other with whole z slabs, the columns of a slab running fastest.
        """
        zb, cb = self._z_bounds, self._column_bounds
        iz = np.searchsorted(zb, rows, side="right") - 1
        ip = np.searchsorted(cb, columns, side="right") - 1
        slab, width = np.diff(zb)[iz], np.diff(cb)[ip]
        first = zb[iz] * self.blocks.columns + slab * cb[ip]
        return first + (rows - zb[iz]) * width + columns - cb[ip]

    def aligned(self) -> np.ndarray:
        """Zeros of this rank's shape (rows, doubles in a row), on a cache line's boundary."""
        return aligned_zeros(self.rows * self.row).reshape(self.rows, self.row)

    def create_vec(self):
        """A new PETSc vector in the DMDA's layout over aligned memory, filled with zeros."""
        memory = self.aligned()
        return self.PETSc.Vec().createWithArray(memory, bsize=self.dof, comm=self.comm)

    def array(self, vec, readonly: bool = False) -> np.ndarray:
        """The rank's part of ``vec`` as (rows, doubles in a row), without a copy."""
        return vec.getArray(readonly=readonly).reshape(self.rows, self.row)

    def to_natural(self, X: np.ndarray) -> np.ndarray:
        """Own rows as (rows, momenta, directions, species, component), no padding (a copy)."""
        b, rows = self.blocks, len(X)
        A = X.reshape(rows, -1, b.per_p if self.np > 1 else self.shape[1], *self.shape[2:])
        A = np.moveaxis(A, 4, 3).reshape(rows, A.shape[1], -1, self.S, self.C)
        d0, d1 = self.direction_range
        return np.ascontiguousarray(A[:, :, : d1 - d0])

    def from_natural(self, A: np.ndarray) -> np.ndarray:
        """The reverse of `to_natural`: (rows, doubles in a row), padding lanes zero."""
        b = self.blocks
        per_p = b.per_p if self.np > 1 else self.shape[1]
        rows, npm, nd = A.shape[:3]
        padded = np.zeros((rows, npm, per_p * b.width, self.S * self.C))
        padded[:, :, :nd] = A.reshape(rows, npm, nd, self.S * self.C)
        X = padded.reshape(rows, npm, per_p, b.width, self.S * self.C)
        return np.ascontiguousarray(np.moveaxis(X, 4, 3)).reshape(rows, self.row)

    def unpack_modes(self, flat: np.ndarray, components: int) -> np.ndarray:
        """Per-mode values laid out like a row -> own (momenta, directions, species, component)."""
        per_p = self.blocks.per_p if self.np > 1 else self.shape[1]
        A = flat.reshape(-1, per_p, self.S * components, self.blocks.width)
        A = np.moveaxis(A, 3, 2).reshape(A.shape[0], -1, self.S, components)
        d0, d1 = self.direction_range
        return A[:, : d1 - d0]

    def pack_modes(self, values: np.ndarray) -> np.ndarray:
        """Own per-mode values (momenta, directions) -> (blocks, lanes), padding zero."""
        b = self.blocks
        per_p = b.per_p if self.np > 1 else self.shape[1]
        padded = np.zeros((values.shape[0], per_p * b.width))
        padded[:, : values.shape[1]] = values
        return padded.reshape(-1, b.width)

    @property
    def own(self) -> tuple[slice, slice, slice]:
        """This rank's part of a global natural array (z, momentum, direction, ...)."""
        return slice(*self.z_range), slice(*self.momentum_range), slice(*self.direction_range)

    def positions(self, ghosts: int = 0) -> np.ndarray:
        """z of own rows between ``ghosts`` rows on each side, which lie at the box's other end."""
        first, last = self.z_range
        return self.z.z[np.arange(first - ghosts, last + ghosts) % self.nz]

    def gather_z(self, local: np.ndarray) -> np.ndarray | None:
        """Rows (rows, ...) of all ranks of the first momentum slice, in z order, on rank 0."""
        if self.ip != 0:
            return None
        parts = self.z_comm.gather(np.ascontiguousarray(local), root=0)
        return np.concatenate(parts) if parts is not None else None

    def destroy(self) -> None:
        """Free PETSc's objects and the communicators."""
        self.ghosts.destroy()
        self.dm.destroy()
        for comm in (self.p_comm, self.z_comm, self.comm):
            comm.Free()
