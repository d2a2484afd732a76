# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""The gradient terms of the kinetic equation in split form, on rows of the state, vectorised:

    d rho/dt = ... +- { X(rho o d_z h) - d_z(rho o X h) },   a o b = (ab + ba)/2,   X = d/dp_z
with + for neutrinos, - for antineutrinos, and the mean field h = A(z) - v B(z), whose trace counts.
X, F are (nz, row), a row being (block, species*component, lane); `reference_bracket` says the same
plainly. Components: (P0, Px, Py, Pz) of rho = (P0 + P.sigma)/2, or the nine real entries
(ee, mumu, tautau, then re and im of emu, etau, mutau). Rates in 1/(unit of time), c = 1.
"""

import numpy as np

from hpcqke.kernels.kinetic import DIFFERENCE, aligned

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.string cimport memmove, memset

from bracket_api cimport (MAX_TAPS, RING, ROWS, hq_bracket, hq_bracket_functions, hq_choose_bracket,
                          hq_row_sums, hq_slope)
from kinetic_api cimport hq_functions, hq_kinetic, hq_rows, hq_stage


cdef inline const double *rows_of(const double[:, ::1] a) noexcept:
    """The first number of a matrix, NULL if there is none."""
    return &a[0, 0] if a is not None and a.shape[0] > 0 and a.shape[1] > 0 else NULL


cdef class Bracket:
    """Rank-local gradient terms of `nflavors` (2, 3) flavors and `species` (1: nu; 2: nu, nubar).

    A column of the momentum axis is `blocks_per_column` blocks that share one |p|; its directions
    run over lanes, then blocks, and are the same in every column. v = cos(theta): (nblk, W), W in
    1, 2, 4, 8. X, on column i and direction d, is
        (X g)[i, d] = sum_{k=-u..u} along_p[k+u][i, d] g[i+k, d]
                      + below[i, d] g[i, d-1] + above[i, d] g[i, d+1],
    along_p: (2u+1, nblk, W); below, above: (nblk, W), 0 at the ends and in padding lanes.
    drift: (nblk, W), X v, the speed that multiplies B; order: 2, 4, 6, 8 of d_z; dz: cell
    size; isa: an instruction set other than the best one (the bits are the same).
    An object has scratch memory: one thread at a time may use it.
    ValueError names an argument that does not fit.
    """
    cdef hq_bracket b
    cdef const hq_bracket_functions *run
    cdef double[:, ::1] v, below, above, rate
    cdef double[:, :, ::1] taps, wide_taps
    cdef double[::1] field, ring

    def __init__(self, int nflavors, int species, v, int blocks_per_column, along_p, below, above,
                 drift, *, int order, double dz, isa=None):
        if nflavors not in (2, 3) or species not in (1, 2) or order not in (2, 4, 6, 8):
            raise ValueError("nflavors is 2 or 3, species 1 or 2, order 2, 4, 6 or 8, not "
                             f"{nflavors}, {species}, {order}")
        if not dz > 0:
            raise ValueError(f"dz = {dz}: must be positive")
        self.v = aligned(v)
        shape = np.shape(v)
        if len(shape) != 2 or shape[1] not in (1, 2, 4, 8) or shape[0] == 0:
            raise ValueError(f"v of shape {shape}: must be (blocks, 1, 2, 4 or 8 lanes)")
        if blocks_per_column < 1 or shape[0] % blocks_per_column:
            raise ValueError(f"{shape[0]} blocks are not columns of {blocks_per_column}")
        for name, a in (("below", below), ("above", above), ("drift", drift)):
            if np.shape(a) != shape:
                raise ValueError(f"{name} must be {shape}, not {np.shape(a)}")
        count = len(along_p)
        if np.shape(along_p) != (count, *shape) or count % 2 == 0 or count > MAX_TAPS:
            raise ValueError(f"along_p of shape {np.shape(along_p)}: must be (2u+1, {shape[0]}, "
                             f"{shape[1]}), u at most {MAX_TAPS//2}")
        cdef bytes name_of = b"" if isa is None else isa.encode()
        self.run = hq_choose_bracket(name_of)
        if self.run == NULL:
            raise ValueError(f"isa = {isa!r}: not available here")
        self.b.flavors, self.b.species, self.b.components = nflavors, species, nflavors**2
        self.b.blocks, self.b.lanes, self.b.per_column = shape[0], shape[1], blocks_per_column
        self.b.columns = self.b.blocks//self.b.per_column
        self.b.pitch = self.b.per_column*self.b.species*self.b.components*self.b.lanes
        self.b.length = self.b.columns*self.b.pitch
        self.b.width, self.b.reach = order//2, count//2
        for m, value in enumerate(DIFFERENCE[self.b.width]):
            self.b.c[m] = value
        self.differentiate(np.asarray(along_p, float), below, above)
        self.memorise(np.asarray(drift, float)/dz)

    def differentiate(self, along_p, below, above):
        """X: the momenta that enter it, whether directions do, whether columns have the same v."""
        cdef int t
        self.below, self.above = aligned(below), aligned(above)
        self.b.below, self.b.above = &self.below[0, 0], &self.above[0, 0]
        self.b.coupled = bool(np.any(below) or np.any(above))
        used = [k for k in range(len(along_p)) if np.any(along_p[k])] or [len(along_p)//2]
        self.taps = aligned(along_p[used])
        self.wide_taps = aligned(np.repeat(along_p[used], self.b.components, axis=1))
        self.b.taps = len(used)
        for t in range(self.b.taps):
            self.b.offset[t], self.b.tap[t] = used[t] - self.b.reach, &self.taps[t, 0, 0]
            self.b.wide_tap[t] = &self.wide_taps[t, 0, 0]
        self.b.v = &self.v[0, 0]
        columns = np.reshape(self.v, (self.b.columns, -1))
        self.b.shared = bool((columns == columns[0]).all())
        if self.b.reach > 0 and not self.b.shared:
            raise ValueError("v must be the same in every column, as columns are momenta")

    def memorise(self, rate):
        """What force() and drift() keep a row's fields and some rows' products in."""
        signs = np.repeat([1.0, -1.0][:self.b.species], self.b.components)
        self.rate = aligned((rate[:, None]*signs[:, None]).reshape(self.b.blocks, -1))
        self.b.rate = &self.rate[0, 0]
        cells = self.b.length//self.b.blocks
        self.b.field_blocks = self.b.per_column if self.b.shared else self.b.blocks
        self.b.ring_room = max(RING//cells, 1)*cells
        self.field = aligned(np.zeros(self.b.field_blocks*self.b.components*self.b.lanes))
        self.ring = aligned(np.zeros((2*self.b.width + 1)*self.b.ring_room))
        self.b.field, self.b.ring = &self.field[0], &self.ring[0]

    cdef int expect(self, str name, const double[:, ::1] a, Py_ssize_t nz,
                    Py_ssize_t columns) except -1:
        """ValueError unless `a` has at least nz rows of so many columns."""
        if a is None or a.shape[0] < nz or a.shape[1] != columns:
            raise ValueError(f"{name} must be ({nz}, {columns}), not "
                             f"{None if a is None else (a.shape[0], a.shape[1])}")
        return 0

    cdef int expect_rows(self, const double[:, ::1] X, const double[:, ::1] F, Py_ssize_t z0,
                         Py_ssize_t z1) except -1:
        """ValueError unless X and F are rows of the state, z0..z1 among them."""
        self.expect("X", X, 0, self.b.length)
        self.expect("F", F, X.shape[0], self.b.length)
        if not 0 <= z0 <= z1 <= X.shape[0]:
            raise ValueError(f"rows {z0}:{z1} of {X.shape[0]}")
        return 0

    def force(self, const double[:, ::1] X, const double[:, ::1] before,
              const double[:, ::1] after, const double[:, ::1] dA, const double[:, ::1] dB,
              double[:, ::1] F, Py_ssize_t z0, Py_ssize_t z1):
        """F[z0:z1] +-= X(rho o (dA - v dB)); dA, dB (nz, C) = d_z of the mean field.

        before, after: (nz, u*numbers of a column), the columns on both sides of the own ones in
        rising order, zeros beyond the grid.
        """
        self.expect_rows(X, F, z0, z1)
        ghosts = self.b.reach*self.b.pitch
        if ghosts > 0:
            self.expect("before", before, X.shape[0], ghosts)
            self.expect("after", after, X.shape[0], ghosts)
        self.expect("dA", dA, X.shape[0], self.b.components)
        self.expect("dB", dB, X.shape[0], self.b.components)
        if z0 == z1:
            return
        cdef const double *left = rows_of(before)
        cdef const double *right = rows_of(after)
        with nogil:
            self.run.force(&self.b, &X[0, 0], left, right, &dA[0, 0], &dB[0, 0], &F[0, 0], z0, z1)

    def drift(self, const double[:, ::1] X, const double[:, ::1] lo, const double[:, ::1] hi,
              const double[:, ::1] B, double[:, ::1] F, Py_ssize_t z0, Py_ssize_t z1):
        """F[z0:z1] +-= D_z(drift rho o B); lo, hi (order/2, row) are X's ghost rows.

        B: (order/2 + nz + order/2, C), from the first ghost row to the last one.
        """
        self.expect_rows(X, F, z0, z1)
        self.expect("lo", lo, self.b.width, self.b.length)
        self.expect("hi", hi, self.b.width, self.b.length)
        self.expect("B", B, X.shape[0] + 2*self.b.width, self.b.components)
        if z0 == z1:
            return
        cdef const double *low = rows_of(lo)
        cdef const double *high = rows_of(hi)
        with nogil:
            self.run.drift(&self.b, &X[0, 0], low, high, X.shape[0], &B[0, 0], &F[0, 0], z0, z1)


include "sweep.pxi"
include "row_sums.pxi"
