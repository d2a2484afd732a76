# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""The kinetic equation on rows of the state, vectorised: transport, moments, commutator.

    d rho/dt = -v d_z rho + i[rho, h],   h = A(z) - v B(z) + mode(p, species)
X, F are (nz, row), a row being (block, species*component, lane); `reference` says the same plainly.
Components: (P0, Px, Py, Pz) of rho = (P0 + P.sigma)/2, or the nine real entries
(ee, mumu, tautau, then re and im of emu, etau, mutau).  Rates in 1/(unit of time), c = 1.
"""

import numpy as np


from cpython.pycapsule cimport PyCapsule_New
from libc.string cimport memcpy

from kinetic_api cimport (MAX_SOURCES, MAX_TARGETS, hq_choose, hq_error, hq_functions,
                          hq_hamiltonian, hq_kinetic, hq_rows, hq_stage, hq_tally)

include "stage.pxi"

# Central differences f' = (1/dz) sum_m c_m (f_{+m} - f_{-m}), and the Kreiss-Oliger filter
# (-1)^{w+1} 2^{-2w} delta^{2w} f = g_0 f_0 + sum_m g_m (f_m + f_{-m}), by half-width w.
# (With cdivision Cython folds 1/2 to 0, hence the points.)
DIFFERENCE = ((), (1./2,), (2./3, -1./12), (3./4, -3./20, 1./60),
              (4./5, -1./5, 4./105, -1./280))
FILTER = ((), (-1./2, 1./4), (-3./8, 1./4, -1./16), (-5./16, 15./64, -3./32, 1./64),
          (-35./128, 7./32, -7./64, 1./32, -1./256))


def isa():
    """The instruction set in use: "avx512", "avx2", "sse2" or "generic"."""
    return hq_choose("").isa.decode()


def aligned(values):
    """A private C-contiguous float64 copy that starts at a multiple of 64 bytes."""
    values = np.asarray(values, dtype=np.float64)
    room = np.empty(values.size + 8)
    start = -(room.ctypes.data // 8) % 8
    copy = room[start:start + values.size].reshape(values.shape)
    copy[...] = values
    return copy


cdef inline const double *rows_of(const double[:, ::1] a) noexcept:
    """The first number of a matrix, NULL if there is none."""
    return &a[0, 0] if a is not None and a.shape[0] > 0 and a.shape[1] > 0 else NULL


cdef class Kinetic:
    """Rank-local kinetic equation of `nflavors` (2, 3) flavors and `species` (1: nu; 2: nu, nubar).

    v = cos(theta), weight: (nblk, W), W in 1, 2, 4, 8; chunk_start: nchunk+1 block indices;
    order: 0 (no advection), 2, 4, 6, 8; dz: cell size; filter: Kreiss-Oliger strength, 0 = off;
    speed: (nblk, W), the velocity of the advection where it is not v;
    isa: an instruction set other than the best one (the bits are the same).
    ValueError names an argument that does not fit.
    """
    cdef hq_kinetic k
    cdef const hq_functions *run
    cdef double[:, ::1] v, weight, flux, speed
    cdef int[::1] chunk_start

    def __init__(self, int nflavors, int species, v, weight, chunk_start, *,
                 int order, double dz, double filter, speed=None, isa=None):
        if nflavors not in (2, 3) or species not in (1, 2) or order not in (0, 2, 4, 6, 8):
            raise ValueError("nflavors is 2 or 3, species 1 or 2, order 0, 2, 4, 6 or 8, not "
                             f"{nflavors}, {species}, {order}")
        if not dz > 0:
            raise ValueError(f"dz = {dz}: must be positive")
        self.v = aligned(v)
        self.weight = aligned(weight)
        self.flux = aligned(np.asarray(self.weight)*np.asarray(self.v))
        self.speed = aligned(np.repeat(-np.asarray(self.v if speed is None else speed)/dz, species*nflavors**2, axis=0))
        self.chunk_start = np.array(chunk_start, dtype=np.intc)
        starts = np.asarray(self.chunk_start)
        if self.v.shape[1] not in (1, 2, 4, 8) or self.v.shape[0] == 0:
            raise ValueError(f"v of shape {np.shape(v)}: must be (blocks, 1, 2, 4 or 8 lanes)")
        if len(starts) < 2 or starts[0] != 0 or starts[-1] != len(v) or (np.diff(starts) < 0).any():
            raise ValueError(f"chunk_start {starts} must rise from 0 to the {len(v)} blocks")
        cdef bytes name = b"" if isa is None else isa.encode()
        self.run = hq_choose(name)
        if self.run == NULL:
            raise ValueError(f"isa = {isa!r}: not available here")
        self.k.flavors, self.k.species, self.k.components = nflavors, species, nflavors**2
        self.k.blocks, self.k.lanes = self.v.shape[0], self.v.shape[1]
        self.k.length = self.k.blocks*self.k.species*self.k.components*self.k.lanes
        self.k.chunks, self.k.chunk_start = len(starts) - 1, &self.chunk_start[0]
        self.k.single = (np.diff(starts) == 1).all()
        self.k.v, self.k.weight = &self.v[0, 0], &self.weight[0, 0]
        self.k.flux, self.k.speed = &self.flux[0, 0], &self.speed[0, 0]
        self.k.width = order//2
        self.k.filtered = filter != 0.0 and order > 0
        for m, value in enumerate(DIFFERENCE[self.k.width]):
            self.k.c[m] = value
        for m, value in enumerate(FILTER[self.k.width]):
            self.k.g[m] = filter/dz*value

    @property
    def parts(self):
        """Capsules of the parameters and of the functions, for other modules' loops."""
        return (PyCapsule_New(&self.k, "hq_kinetic", NULL),
                PyCapsule_New(<void *>self.run, "hq_functions", NULL))

    cdef int expect(self, str name, const double[:, ::1] a, Py_ssize_t nz,
                    Py_ssize_t columns) except -1:
        """ValueError unless `a` has at least nz rows of so many columns."""
        if a is None or a.shape[0] < nz or a.shape[1] != columns:
            raise ValueError(f"{name} must be ({nz}, {columns}), not "
                             f"{None if a is None else (a.shape[0], a.shape[1])}")
        return 0

    cdef int around(self, hq_rows *rows, const double[:, ::1] X, const double[:, ::1] lo,
                    const double[:, ::1] hi, Py_ssize_t z0, Py_ssize_t z1) except -1:
        """The rows of X between their ghosts, all shapes checked."""
        self.expect("X", X, 0, self.k.length)
        if not 0 <= z0 <= z1 <= X.shape[0]:
            raise ValueError(f"rows {z0}:{z1} of {X.shape[0]}")
        if self.k.width > 0:
            self.expect("lo", lo, self.k.width, self.k.length)
            self.expect("hi", hi, self.k.width, self.k.length)
        rows.X, rows.lo, rows.hi = rows_of(X), rows_of(lo), rows_of(hi)
        rows.nz = X.shape[0]
        return 0

    cdef int field(self, hq_hamiltonian *h, Py_ssize_t nz, double mu, const double[:, ::1] A_ext,
                   const double[:, ::1] B_ext, const double[:, :, ::1] mode) except -1:
        """The pieces of h = A - v B + mode, all shapes checked."""
        h.mu, h.mode, h.tally = mu, self.of_modes(mode), NULL
        h.A_ext, h.B_ext = rows_of(A_ext), rows_of(B_ext)
        if A_ext is not None:
            self.expect("A_ext", A_ext, nz, self.k.components)
        if B_ext is not None:
            self.expect("B_ext", B_ext, nz, self.k.components)
        return 0

    cdef const double *of_modes(self, const double[:, :, ::1] mode) except? NULL:
        """The first number of `mode`, NULL for None, ValueError unless it is (nblk, S*C, W)."""
        if mode is None:
            return NULL
        if (mode.shape[0], mode.shape[1], mode.shape[2]) != (
                self.k.blocks, self.k.species*self.k.components, self.k.lanes):
            raise ValueError("mode must be (blocks, species*components, lanes)")
        return &mode[0, 0, 0]

    def moments(self, const double[:, ::1] X, double[:, :, ::1] out):
        """out (nchunk, nz, 2C) = sum over a chunk of weight (rho - rhobar), then with weight v."""
        self.expect("X", X, 0, self.k.length)
        if (out.shape[0], out.shape[1], out.shape[2]) != (self.k.chunks, X.shape[0],
                                                          2*self.k.components):
            raise ValueError("out must be (chunks, nz, 2*components)")
        if X.shape[0] == 0:
            return
        with nogil:
            self.run.moments(&self.k, &X[0, 0], X.shape[0], &out[0, 0, 0])

    def transport(self, const double[:, ::1] X, const double[:, ::1] lo, const double[:, ::1] hi,
                  double[:, ::1] F, Py_ssize_t z0, Py_ssize_t z1):
        """F[z0:z1] = -v D_z X, plus the filter; lo, hi (order/2, row) are the ghost rows."""
        cdef hq_rows rows
        self.around(&rows, X, lo, hi, z0, z1)
        self.expect("F", F, X.shape[0], self.k.length)
        if z0 == z1:
            return
        with nogil:
            self.run.transport(&self.k, &rows, &F[0, 0], z0, z1)

    def commutator(self, const double[:, ::1] X, const double[:, ::1] A, const double[:, ::1] B,
                   const double[:, :, ::1] mode, double[:, ::1] F):
        """F += i[rho, h], h = A - v B + mode; A, B (nz, C), mode (nblk, S*C, W) or None."""
        cdef const double *modes = self.of_modes(mode)
        self.expect("X", X, 0, self.k.length)
        self.expect("F", F, X.shape[0], self.k.length)
        self.expect("A", A, X.shape[0], self.k.components)
        self.expect("B", B, X.shape[0], self.k.components)
        if X.shape[0] == 0:
            return
        with nogil:
            self.run.commutator(&self.k, &X[0, 0], X.shape[0], &A[0, 0], &B[0, 0], modes, &F[0, 0],
                                NULL)

    def commutator_stage(self, const double[:, ::1] X, const double[:, ::1] A,
                         const double[:, ::1] B, const double[:, :, ::1] mode, double[:, ::1] F,
                         Stage stage not None):
        """commutator, then stage.apply(F, 0, nz), in one pass.

        F (nz, row) holds the transport when it is called and the slopes afterwards.
        """
        cdef const double *modes = self.of_modes(mode)
        self.expect("X", X, 0, self.k.length)
        self.expect("F", F, X.shape[0], self.k.length)
        self.expect("A", A, X.shape[0], self.k.components)
        self.expect("B", B, X.shape[0], self.k.components)
        stage.expect(X.shape[0], self.k.length)
        if X.shape[0] == 0:
            return
        with nogil:
            self.run.commutator(&self.k, &X[0, 0], X.shape[0], &A[0, 0], &B[0, 0], modes, &F[0, 0],
                                &stage.s)

    def fused(self, const double[:, ::1] X, const double[:, ::1] lo, const double[:, ::1] hi,
              double[:, ::1] F, Py_ssize_t z0, Py_ssize_t z1, double mu,
              const double[:, ::1] A_ext, const double[:, ::1] B_ext, const double[:, :, ::1] mode):
        """F[z0:z1] = transport + commutator, A = mu M + A_ext, B = mu F + B_ext, in one pass.

        The bits are those of transport, moments, combine(group=1) and commutator.
        A_ext, B_ext (nz, C) or None.  All chunks of the sum must be local.
        """
        cdef hq_rows rows
        cdef hq_hamiltonian h
        self.around(&rows, X, lo, hi, z0, z1)
        self.expect("F", F, X.shape[0], self.k.length)
        self.field(&h, rows.nz, mu, A_ext, B_ext, mode)
        if z0 == z1:
            return
        with nogil:
            self.run.fused(&self.k, &rows, &F[0, 0], z0, z1, &h, NULL)

    def fused_stage(self, const double[:, ::1] X, const double[:, ::1] lo,
                    const double[:, ::1] hi, Py_ssize_t z0, Py_ssize_t z1, double mu,
                    const double[:, ::1] A_ext, const double[:, ::1] B_ext,
                    const double[:, :, ::1] mode, Stage stage not None, Tally tally=None,
                    int number=0):
        """fused into some F, then stage.apply(F, z0, z1), in one pass that needs no F.

        The rows are added to the sums of stage `number` of a tally.
        """
        cdef hq_rows rows
        cdef hq_hamiltonian h
        self.around(&rows, X, lo, hi, z0, z1)
        self.field(&h, rows.nz, mu, A_ext, B_ext, mode)
        stage.expect(rows.nz, self.k.length)
        if tally is not None:
            h.tally = tally.of(number)
        if z0 == z1:
            return
        with nogil:
            self.run.fused(&self.k, &rows, NULL, z0, z1, &h, &stage.s)


def combine(const double[:, :, ::1] chunks, int group, double[:, ::1] out):
    """(nchunk, nz, 2C) -> (nz, 2C): groups of 1, 2, 4 or 8 chunks by adjacent pairs, then in order.

    A group's missing chunks count as 0.0.  ValueError on shapes that do not match.
    """
    cdef Py_ssize_t count = chunks.shape[0], size = chunks.shape[1]*chunks.shape[2]
    cdef Py_ssize_t first = 0, i, j
    cdef double t[8]
    cdef double *total
    cdef const double *x
    if group not in (1, 2, 4, 8):
        raise ValueError(f"group = {group}: must be 1, 2, 4 or 8")
    if chunks.shape[1] != out.shape[0] or chunks.shape[2] != out.shape[1]:
        raise ValueError("chunks (nchunk, nz, 2C) and out (nz, 2C) do not match")
    out[...] = 0.0
    if count == 0 or size == 0:
        return
    x, total = &chunks[0, 0, 0], &out[0, 0]
    with nogil:
        while first < count and group == 1:
            for i in range(size):
                total[i] += x[first*size + i]
            first += 1
        while first < count:
            for i in range(size):
                for j in range(8):
                    t[j] = x[(first + j)*size + i] if j < group and first + j < count else 0.0
                total[i] += ((t[0] + t[1]) + (t[2] + t[3])) + ((t[4] + t[5]) + (t[6] + t[7]))
            first += group


include "tally.pxi"
include "steps.pxi"
