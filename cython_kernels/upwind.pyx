# cython: language_level=3, cdivision=True
# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Upwind-biased streaming in flux form, and the rows that lie beyond an open end.

    F_j = (f_{j-1/2} - f_{j+1/2})/dz,  f_{j-1/2} = v sum_m c_m rho_{j-h+m}  (v > 0; mirrored: v < 0)

with 2h - 1 = 1, 3 or 5 coefficients c: the face's value is the average of what comes from upwind
with more of what lies there.  Both cells of a face use the same number, so that nothing is lost.
X, F are (nz, row) as in `kinetic`; v is (row,), the velocity of every double of a row.
"""

import numpy as np


cdef extern from *:
    """
    #include <stddef.h>
    #include "clones.h"

    #define HQ_PIECE 256

    /* flux[i] = v[i] sum_m c[m] row[m][from + i], row counted from the other side where v < 0 */
    static inline __attribute__((always_inline)) void hq_face(const double *const *row,
        const double *c, const double *v, double *flux, ptrdiff_t from, ptrdiff_t n, const int h)
    {
        for (ptrdiff_t i = 0; i < n; i++) {
            const double u = v[from + i];
            double sum = c[0] * (u > 0 ? row[0][from + i] : row[2 * h - 1][from + i]);
            for (int m = 1; m < 2 * h - 1; m++)
                sum += c[m] * (u > 0 ? row[m][from + i] : row[2 * h - 1 - m][from + i]);
            flux[i] = u * sum;
        }
    }

    /* F of `count` rows; row[0] is the h-th row before the first of them. */
    static inline __attribute__((always_inline)) void hq_rows_of(const double *const *row,
        const double *c, const double *v, double over_dz, double *F, ptrdiff_t count,
        ptrdiff_t length, const int h)
    {
        double before[HQ_PIECE], after[HQ_PIECE];
        for (ptrdiff_t from = 0; from < length; from += HQ_PIECE) {
            const ptrdiff_t n = length - from < HQ_PIECE ? length - from : HQ_PIECE;
            hq_face(row, c, v, before, from, n, h);
            for (ptrdiff_t r = 0; r < count; r++) {
                hq_face(row + r + 1, c, v, after, from, n, h);
                for (ptrdiff_t i = 0; i < n; i++) {
                    F[r * length + from + i] = (before[i] - after[i]) * over_dz;
                    before[i] = after[i];
                }
            }
        }
    }

    HQ_CLONES static void hq_upwind(const double *const *row, const double *c, const double *v,
        double over_dz, double *F, ptrdiff_t count, ptrdiff_t length, int h)
    {
        if (h == 1)
            hq_rows_of(row, c, v, over_dz, F, count, length, 1);
        else if (h == 2)
            hq_rows_of(row, c, v, over_dz, F, count, length, 2);
        else
            hq_rows_of(row, c, v, over_dz, F, count, length, 3);
    }

    HQ_CLONES static void hq_one_face(const double *const *row, const double *c, const double *v,
        double *flux, ptrdiff_t length, int h)
    {
        hq_face(row, c, v, flux, 0, length, h);
    }

    /* ghost = in[0] given + sum_k in[k+1] row_k where v points inwards, else sum_k out[k] row_k */
    HQ_CLONES static void hq_beyond(const double *rows, const double *given, const double *inwards,
        const double *in, const double *out, double *ghost, ptrdiff_t length, ptrdiff_t order)
    {
        for (ptrdiff_t i = 0; i < length; i++) {
            double coming = in[0] * given[i], going = 0.0;
            for (ptrdiff_t k = 0; k < order; k++) {
                const double x = rows[k * length + i];
                coming += in[k + 1] * x;
                going += out[k] * x;
            }
            ghost[i] = inwards[i] > 0 ? coming : going;
        }
    }
    """
    void hq_upwind(const double *const *row, const double *c, const double *v, double over_dz,
                   double *F, ptrdiff_t count, ptrdiff_t length, int h) noexcept nogil
    void hq_one_face(const double *const *row, const double *c, const double *v, double *flux,
                     ptrdiff_t length, int h) noexcept nogil
    void hq_beyond(const double *rows, const double *given, const double *inwards,
                   const double *into, const double *out, double *ghost, ptrdiff_t length,
                   ptrdiff_t order) noexcept nogil


# f_{j-1/2} of rows j-h ... j+h-2, by the order 2h - 1.  (With cdivision Cython folds 1/2 to 0.)
FACE = {1: (1.,), 3: (-1./6, 5./6, 2./6), 5: (2./60, -13./60, 47./60, 27./60, -3./60)}
cdef enum:
    MOST = 64


cdef class Streaming:
    """Upwind-biased streaming of `order` 1, 3 or 5 with the velocities v (row,) on cells of dz."""

    cdef double[::1] c, v
    cdef double over_dz
    cdef readonly int half, order

    def __init__(self, int order, v, double dz):
        if order not in FACE:
            raise ValueError(f"order = {order}: must be 1, 3 or 5")
        if not dz > 0:
            raise ValueError(f"dz = {dz}: must be positive")
        self.order, self.half = order, (order + 1)//2
        self.c = np.array(FACE[order])
        self.v = np.array(v, dtype=float).ravel()
        self.over_dz = 1.0/dz

    cdef int expect(self, str name, const double[:, ::1] a, Py_ssize_t least) except -1:
        if a is None or a.shape[0] < least or a.shape[1] != self.v.shape[0]:
            raise ValueError(f"{name} must be ({least}, {self.v.shape[0]}), not "
                             f"{None if a is None else (a.shape[0], a.shape[1])}")
        return 0

    cdef const double *row(self, const double[:, ::1] X, const double[:, ::1] lo,
                           const double[:, ::1] hi, Py_ssize_t j) noexcept nogil:
        """Row j of X, of the last rows of lo before it or of the first of hi after it."""
        if j < 0:
            return &lo[lo.shape[0] + j, 0]
        if j >= X.shape[0]:
            return &hi[j - X.shape[0], 0]
        return &X[j, 0]

    def transport(self, const double[:, ::1] X, const double[:, ::1] lo, const double[:, ::1] hi,
                  double[:, ::1] F, Py_ssize_t z0, Py_ssize_t z1):
        """F[z0:z1] = -d_z (v X); lo ends with the (order+1)/2 rows before X, hi begins after it."""
        cdef Py_ssize_t z, r, count, h = self.half
        cdef const double *rows[MOST + 6]
        self.expect("X", X, 0)
        self.expect("lo", lo, h)
        self.expect("hi", hi, h)
        self.expect("F", F, X.shape[0])
        if not 0 <= z0 <= z1 <= X.shape[0]:
            raise ValueError(f"rows {z0}:{z1} of {X.shape[0]}")
        if X.shape[1] == 0:
            return
        with nogil:
            z = z0
            while z < z1:
                count = min(MOST, z1 - z)
                for r in range(count + 2*h):
                    rows[r] = self.row(X, lo, hi, z - h + r)
                hq_upwind(rows, &self.c[0], &self.v[0], self.over_dz, &F[z, 0], count, X.shape[1],
                          h)
                z += count

    def face(self, const double[:, ::1] X, const double[:, ::1] lo, const double[:, ::1] hi,
             Py_ssize_t z):
        """v rho on the face before row z (z = nz: after the last row): (row,)."""
        cdef Py_ssize_t r, h = self.half
        cdef const double *rows[6]
        self.expect("X", X, 0)
        self.expect("lo", lo, h)
        self.expect("hi", hi, h)
        if not 0 <= z <= X.shape[0]:
            raise ValueError(f"face {z} of {X.shape[0]} rows")
        flux = np.zeros(X.shape[1])
        cdef double[::1] into = flux
        if X.shape[1] == 0:
            return flux
        for r in range(2*h):
            rows[r] = self.row(X, lo, hi, z - h + r)
        with nogil:
            hq_one_face(rows, &self.c[0], &self.v[0], &into[0], X.shape[1], h)
        return flux


def beyond(const double[:, ::1] rows, const double[::1] given, const double[::1] inwards,
           const double[:, ::1] coming, const double[:, ::1] going, double[:, ::1] ghosts):
    """The ghost rows beyond an end, the nearest first, from the given value and the rows inside.

    rows (n, row), the nearest first; given (row,); inwards (row,) > 0 where the velocity points
    into the box; coming (ghosts, n + 1): weights of `given` and of the rows there; going
    (ghosts, n): weights of the rows elsewhere.
    """
    cdef Py_ssize_t m, n = rows.shape[0], length = rows.shape[1]
    if (given.shape[0], inwards.shape[0], ghosts.shape[1]) != (length, length, length):
        raise ValueError(f"given, inwards and ghosts must have {length} columns")
    if (coming.shape[0], coming.shape[1]) != (ghosts.shape[0], n + 1):
        raise ValueError(f"coming must be ({ghosts.shape[0]}, {n + 1})")
    if (going.shape[0], going.shape[1]) != (ghosts.shape[0], n):
        raise ValueError(f"going must be ({ghosts.shape[0]}, {n})")
    if length == 0 or n == 0:
        return
    with nogil:
        for m in range(ghosts.shape[0]):
            hq_beyond(&rows[0, 0], &given[0], &inwards[0], &coming[m, 0], &going[m, 0],
                      &ghosts[m, 0], length, n)
