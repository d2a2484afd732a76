# cython: language_level=3, cdivision=True
# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""The kinetic kernels as one would write them on paper: what `kinetic` is tested against.

    d rho/dt = -v d_z rho + i[rho, h],   h = A(z) - v B(z) + mode(p, species)
Same names, shapes and order of additions as hpcqke.kernels.kinetic, one loop at a time.
"""

from math import comb, factorial

import numpy as np

from libc.math cimport isfinite

include "reference_stage.pxi"


def isa():
    """The instruction set this module was written for."""
    return "reference"


def difference_coefficients(int width):
    """c_m, m = 1..width, of f' = (1/dz) sum_m c_m (f_{+m} - f_{-m}), exact to order 2*width."""
    return np.array([(-1)**(m + 1) * factorial(width)**2
                     / (m * factorial(width - m) * factorial(width + m))
                     for m in range(1, width + 1)])


def filter_coefficients(int width):
    """g_m, m = 0..w, of (-1)^{w+1} 2^{-2w} delta^{2w} f = g_0 f_0 + sum_m g_m (f_m + f_{-m})."""
    return np.array([(-1)**(m + 1) * comb(2*width, width - m) / 4**width
                     for m in range(width + 1)])


cdef inline double at(const double[:, ::1] X, const double[:, ::1] lo, const double[:, ::1] hi,
                      Py_ssize_t z, Py_ssize_t i) noexcept nogil:
    """X continued by its ghost rows: lo holds z = -w..-1, hi holds z = nz..nz+w-1."""
    if z < 0:
        return lo[lo.shape[0] + z, i]
    if z >= X.shape[0]:
        return hi[z - X.shape[0], i]
    return X[z, i]


cdef void precess(const double *rho, const double *h, double *rate) noexcept nogil:
    """dP/dt = W x P for rho = (P0 + P.sigma)/2, h = (W0 + W.sigma)/2."""
    rate[0] = 0.0
    rate[1] = h[2]*rho[3] - h[3]*rho[2]
    rate[2] = h[3]*rho[1] - h[1]*rho[3]
    rate[3] = h[1]*rho[2] - h[2]*rho[1]


cdef void to_matrix(const double *x, double complex m[3][3]) noexcept nogil:
    """The Hermitian matrix of the nine real entries."""
    cdef int a
    for a in range(3):
        m[a][a] = x[a]
    m[0][1] = x[3] + 1j*x[4]
    m[0][2] = x[5] + 1j*x[6]
    m[1][2] = x[7] + 1j*x[8]
    m[1][0] = x[3] - 1j*x[4]
    m[2][0] = x[5] - 1j*x[6]
    m[2][1] = x[7] - 1j*x[8]


cdef void rotate(const double *x, const double *h, double *rate) noexcept nogil:
    """i[rho, h] = i(rho h - h rho) of two Hermitian 3x3 matrices, as nine real entries."""
    cdef double complex r[3][3]
    cdef double complex w[3][3]
    cdef double complex d[3][3]
    cdef int a, b, c
    to_matrix(x, r)
    to_matrix(h, w)
    for a in range(3):
        for b in range(3):
            d[a][b] = 0.0
            for c in range(3):
                d[a][b] = d[a][b] + 1j*(r[a][c]*w[c][b] - w[a][c]*r[c][b])
    for a in range(3):
        rate[a] = d[a][a].real
    rate[3], rate[4] = d[0][1].real, d[0][1].imag
    rate[5], rate[6] = d[0][2].real, d[0][2].imag
    rate[7], rate[8] = d[1][2].real, d[1][2].imag


cdef class Kinetic:
    """Rank-local kinetic equation on rows X[z] = (block, species*component, lane).

    v, weight: (nblk, W); chunk_start: (nchunk+1) block indices; order 0 (no advection), 2, 4, 6, 8;
    filter: Kreiss-Oliger strength.  Rates in 1/(unit of time), c = 1.
    """
    cdef readonly int nflavors, species, components, width
    cdef readonly Py_ssize_t nblocks, lanes, nchunks
    cdef double[:, ::1] v, weight
    cdef int[::1] chunk_start
    cdef double[::1] c, g
    cdef double dz, filter

    def __init__(self, int nflavors, int species, v, weight, chunk_start, *,
                 int order, double dz, double filter):
        self.nflavors, self.species = nflavors, species
        self.components = nflavors**2
        self.width = order//2
        self.v = np.array(v, dtype=np.float64, order="C")
        self.weight = np.array(weight, dtype=np.float64, order="C")
        self.chunk_start = np.array(chunk_start, dtype=np.intc)
        self.nblocks, self.lanes = self.v.shape[0], self.v.shape[1]
        self.nchunks = self.chunk_start.shape[0] - 1
        self.c = difference_coefficients(self.width)
        self.g = (filter/dz) * filter_coefficients(self.width)
        self.dz, self.filter = dz, filter

    cdef Py_ssize_t index(self, Py_ssize_t block, int s, int c, Py_ssize_t lane) noexcept nogil:
        """Where a component lies within its row."""
        return ((block*self.species + s)*self.components + c)*self.lanes + lane

    def moments(self, const double[:, ::1] X, double[:, :, ::1] out):
        """out (nchunk, nz, 2C) = sum over the chunk of weight (x_nu - x_nubar), then with v."""
        cdef Py_ssize_t z, chunk, block, lane, W = self.lanes
        cdef int c, k, C = self.components
        cdef double x
        cdef double t[8]
        for chunk in range(self.nchunks):
            for z in range(X.shape[0]):
                for k in range(2*C):
                    c = k % C
                    for lane in range(8):
                        t[lane] = 0.0
                    for block in range(self.chunk_start[chunk], self.chunk_start[chunk + 1]):
                        for lane in range(W):
                            x = X[z, self.index(block, 0, c, lane)]
                            if self.species == 2:
                                x -= X[z, self.index(block, 1, c, lane)]
                            if k < C:
                                t[lane] += self.weight[block, lane]*x
                            else:
                                t[lane] += self.weight[block, lane]*self.v[block, lane]*x
                    out[chunk, z, k] = ((t[0] + t[1]) + (t[2] + t[3])) \
                        + ((t[4] + t[5]) + (t[6] + t[7]))

    def transport(self, const double[:, ::1] X, const double[:, ::1] lo, const double[:, ::1] hi,
                  double[:, ::1] F, Py_ssize_t z0, Py_ssize_t z1):
        """F[z0:z1] = -v D_z X, and the filter's damping of what the grid cannot resolve."""
        cdef Py_ssize_t z, i, block, row = self.species*self.components*self.lanes
        cdef int m
        cdef double speed, slope, damping
        for z in range(z0, z1):
            for i in range(self.nblocks*row):
                block = i//row
                speed = -self.v[block, i % self.lanes]/self.dz
                slope = 0.0
                for m in range(1, self.width + 1):
                    slope += self.c[m - 1]*speed*(at(X, lo, hi, z + m, i) - at(X, lo, hi, z - m, i))
                F[z, i] = slope
                if self.filter != 0.0 and self.width > 0:
                    damping = self.g[0]*X[z, i]
                    for m in range(1, self.width + 1):
                        damping += self.g[m]*(at(X, lo, hi, z + m, i) + at(X, lo, hi, z - m, i))
                    F[z, i] += damping

    def commutator(self, const double[:, ::1] X, const double[:, ::1] A, const double[:, ::1] B,
                   mode, double[:, ::1] F):
        """F += i[rho, h], h = A - v B + mode; A, B (nz, C), mode None or (nblk, S*C, W)."""
        cdef const double[:, :, ::1] extra = mode
        cdef Py_ssize_t z, block, lane
        cdef int s, c, C = self.components
        cdef double x[9]
        cdef double h[9]
        cdef double rate[9]
        for z in range(X.shape[0]):
            for block in range(self.nblocks):
                for s in range(self.species):
                    for lane in range(self.lanes):
                        for c in range(C):
                            x[c] = X[z, self.index(block, s, c, lane)]
                            h[c] = A[z, c] - self.v[block, lane]*B[z, c]
                            if extra is not None:
                                h[c] += extra[block, s*C + c, lane]
                        if C == 4:
                            precess(x, h, rate)
                        else:
                            rotate(x, h, rate)
                        for c in range(C):
                            F[z, self.index(block, s, c, lane)] += rate[c]

    def fused(self, X, lo, hi, F, Py_ssize_t z0, Py_ssize_t z1, double mu, A_ext, B_ext, mode):
        """F[z0:z1] = transport + i[rho, h] with A = mu M + A_ext, B = mu F + B_ext."""
        C = self.components
        rows = slice(z0, z1)
        chunks = np.empty((self.nchunks, z1 - z0, 2*C))
        total = np.empty((z1 - z0, 2*C))
        self.transport(X, lo, hi, F, z0, z1)
        self.moments(X[rows], chunks)
        combine(chunks, 1, total)
        A, B = mu*total[:, :C], mu*total[:, C:]
        if A_ext is not None:
            A = A + A_ext[rows]
        if B_ext is not None:
            B = B + B_ext[rows]
        self.commutator(X[rows], np.ascontiguousarray(A), np.ascontiguousarray(B), mode, F[rows])

    def fused_stage(self, X, lo, hi, Py_ssize_t z0, Py_ssize_t z1, double mu, A_ext, B_ext, mode,
                    stage):
        """fused, then what the stage does with the slopes."""
        F = np.empty(np.shape(X))
        self.fused(X, lo, hi, F, z0, z1, mu, A_ext, B_ext, mode)
        stage.apply(F, z0, z1)

    def commutator_stage(self, X, A, B, mode, F, stage):
        """commutator, then what the stage does with the slopes F."""
        self.commutator(X, A, B, mode, F)
        stage.apply(F, 0, len(X))


def combine(const double[:, :, ::1] chunks, int group, double[:, ::1] out):
    """(nchunk, nz, 2C) -> (nz, 2C): groups of 1, 2, 4, 8 by adjacent pairs, then in order."""
    cdef Py_ssize_t z, k, first, j
    cdef double total, tree
    cdef double t[8]
    if group not in (1, 2, 4, 8):
        raise ValueError(f"group = {group}: must be 1, 2, 4 or 8")
    for z in range(out.shape[0]):
        for k in range(out.shape[1]):
            total = 0.0
            for first in range(0, chunks.shape[0], group):
                for j in range(8):
                    t[j] = 0.0
                    if j < group and first + j < chunks.shape[0]:
                        t[j] = chunks[first + j, z, k]
                tree = ((t[0] + t[1]) + (t[2] + t[3])) + ((t[4] + t[5]) + (t[6] + t[7]))
                total = total + tree
            out[z, k] = total
