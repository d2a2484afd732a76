# cython: language_level=3, cdivision=True
# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""The gradient terms as one would write them on paper: what `bracket` is tested against.

    d rho/dt = ... +- { X(rho o d_z h) - d_z(rho o X h) },   a o b = (ab + ba)/2,   X = d/dp_z
Same names, shapes and order of additions as hpcqke.kernels.bracket, one number at a time.
"""

import numpy as np

from hpcqke.kernels.reference import difference_coefficients


cdef void jordan(const double *x, const double *h, double *g, int components) noexcept nogil:
    """(x h + h x)/2 of Hermitian matrices in real components."""
    cdef int c
    if components == 4:
        g[0] = 0.5*(x[0]*h[0] + ((x[1]*h[1] + x[2]*h[2]) + x[3]*h[3]))
        for c in range(1, 4):
            g[c] = 0.5*(h[0]*x[c] + x[0]*h[c])
        return
    cdef double complex a[3][3]
    cdef double complex b[3][3]
    cdef double complex product
    cdef int i, j, k, at = 3
    to_matrix(x, a)
    to_matrix(h, b)
    for i in range(3):
        for j in range(i, 3):
            product = 0.0
            for k in range(3):
                product = product + 0.5*(a[i][k]*b[k][j] + b[i][k]*a[k][j])
            if i == j:
                g[i] = product.real
            else:
                g[at], g[at + 1] = product.real, product.imag
                at += 2


cdef void to_matrix(const double *x, double complex m[3][3]) noexcept nogil:
    """The Hermitian matrix of the nine real entries."""
    cdef int i, j, at = 3
    for i in range(3):
        m[i][i] = x[i]
        for j in range(i + 1, 3):
            m[i][j] = x[at] + 1j*x[at + 1]
            m[j][i] = x[at] - 1j*x[at + 1]
            at += 2


cdef class Bracket:
    """See hpcqke.kernels.bracket.Bracket."""
    cdef int C, S, W, bpc, nblk, u, w
    cdef double[:, ::1] v, below, above, rate
    cdef double[:, :, ::1] along
    cdef double[::1] c

    def __init__(self, int nflavors, int species, v, int blocks_per_column, along_p, below, above,
                 drift, *, int order, double dz, isa=None):
        self.C, self.S, self.bpc, self.w = nflavors**2, species, blocks_per_column, order//2
        self.v, self.below, self.above = (np.array(a, float) for a in (v, below, above))
        self.along = np.array(along_p, float)
        self.rate = np.array(drift, float)/dz
        self.nblk, self.W, self.u = self.v.shape[0], self.v.shape[1], self.along.shape[0]//2
        self.c = difference_coefficients(self.w)

    cdef double rho(self, const double[:, ::1] X, const double[:, ::1] before,
                    const double[:, ::1] after, int z, int b, int i) noexcept nogil:
        """Number i (species, component, lane) of block b, which may belong to a ghost column."""
        cdef int block = self.S*self.C*self.W
        if b < 0:
            return before[z, (self.u*self.bpc + b)*block + i]
        if b >= self.nblk:
            return after[z, (b - self.nblk)*block + i]
        return X[z, b*block + i]

    cdef void product(self, const double *x, const double[:, ::1] dA, const double[:, ::1] dB,
                      int z, double v, double *g) noexcept nogil:
        """x o (dA - v dB)."""
        cdef double h[9]
        cdef int c
        for c in range(self.C):
            h[c] = dA[z, c] - v*dB[z, c]
        jordan(x, h, g, self.C)

    def force(self, const double[:, ::1] X, const double[:, ::1] before,
              const double[:, ::1] after, const double[:, ::1] dA, const double[:, ::1] dB,
              double[:, ::1] F, int z0, int z1):
        """F[z0:z1] +-= X(rho o (dA - v dB)), the sum over momenta inside the product."""
        cdef double t[9]
        cdef double g[9]
        cdef double down[9]
        cdef double up[9]
        cdef int z, b, s, lane, c, k, d, base, C = self.C, W = self.W, count = self.bpc*self.W
        for z in range(z0, z1):
            for b in range(self.nblk):
                for s in range(self.S):
                    for lane in range(W):
                        base = s*C*W + lane
                        for c in range(C):
                            t[c] = 0.0
                            for k in range(-self.u, self.u + 1):
                                t[c] += self.along[k + self.u, b, lane]*self.rho(
                                    X, before, after, z, b + k*self.bpc, base + c*W)
                        self.product(t, dA, dB, z, self.v[b, lane], g)
                        d = b % self.bpc*W + lane
                        self.beside(X, dA, dB, z, b - d//W, s, d - 1, count, down)
                        self.beside(X, dA, dB, z, b - d//W, s, d + 1, count, up)
                        for c in range(C):
                            g[c] += self.below[b, lane]*down[c] + self.above[b, lane]*up[c]
                            F[z, b*self.S*C*W + base + c*W] += -g[c] if s else g[c]

    cdef void beside(self, const double[:, ::1] X, const double[:, ::1] dA,
                     const double[:, ::1] dB, int z, int first, int s, int d, int count,
                     double *g) noexcept nogil:
        """rho o h of direction d of the column whose first block is `first`; 0 beyond its ends."""
        cdef double x[9]
        cdef int c, b = first + d//self.W, lane = d % self.W
        for c in range(self.C):
            g[c] = 0.0
        if d < 0 or d >= count:
            return
        for c in range(self.C):
            x[c] = X[z, ((b*self.S + s)*self.C + c)*self.W + lane]
        self.product(x, dA, dB, z, self.v[b, lane], g)

    def drift(self, const double[:, ::1] X, const double[:, ::1] lo, const double[:, ::1] hi,
              const double[:, ::1] B, double[:, ::1] F, int z0, int z1):
        """F[z0:z1] +-= D_z(drift rho o B)."""
        cdef double x[9]
        cdef double total[9]
        cdef double left[9]
        cdef double right[9]
        cdef int z, b, s, lane, c, m, at
        ghosted = np.concatenate([lo[:self.w], X, hi[:self.w]])
        cdef const double[:, ::1] Y = ghosted
        for z in range(z0, z1):
            for b in range(self.nblk):
                for s in range(self.S):
                    for lane in range(self.W):
                        at = (b*self.S + s)*self.C*self.W + lane
                        for c in range(self.C):
                            total[c] = 0.0
                        for m in range(1, self.w + 1):
                            for c in range(self.C):
                                x[c] = Y[z + self.w + m, at + c*self.W]
                            jordan(x, &B[z + self.w + m, 0], right, self.C)
                            for c in range(self.C):
                                x[c] = Y[z + self.w - m, at + c*self.W]
                            jordan(x, &B[z + self.w - m, 0], left, self.C)
                            for c in range(self.C):
                                total[c] += self.c[m - 1]*(right[c] - left[c])
                        for c in range(self.C):
                            left[c] = self.rate[b, lane]*total[c]
                            F[z, at + c*self.W] += -left[c] if s else left[c]
