# cython: language_level=3, cdivision=True
# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Sums over z that do not depend on their order: integers, so any decomposition agrees.

A value x <= scale (a power of two) is split exactly into two limbs,
    hi = rint(y), lo = rint((y - hi) 2^40),  y = x 2^40/scale,  x = scale (hi 2^-40 + lo 2^-80),
which are added in int64: no rounding beyond scale*2^-81 a value, no overflow below 2^22 cells.
"""

from libc.stdint cimport int64_t


cdef extern from *:
    """
    #include <math.h>
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>
    #include "clones.h"

    #define HQ_MAGIC 6755399441055744.0 /* 1.5*2^52: y + it rounds |y| < 2^51 to an integer */

    static inline int64_t hq_bits(double x)
    {
        int64_t bits;
        memcpy(&bits, &x, sizeof bits);
        return bits;
    }

    /* limbs[i] += (hi, lo) of x[i]*up; no library call, so that it vectorises. */
    HQ_CLONES static void hq_add(int64_t *restrict limbs, const double *restrict x, double up,
                                 ptrdiff_t n)
    {
        for (ptrdiff_t i = 0; i < n; i++) {
            const double y = x[i] * up, hi = y + HQ_MAGIC;
            const double lo = (y - (hi - HQ_MAGIC)) * 1099511627776.0 + HQ_MAGIC;
            limbs[2 * i] += hq_bits(hi) - hq_bits(HQ_MAGIC);
            limbs[2 * i + 1] += hq_bits(lo) - hq_bits(HQ_MAGIC);
        }
    }

    /* Eight maxima side by side vectorise; they pass over a nan, hence the sums of 0*x. */
    HQ_CLONES static double hq_max_abs(const double *x, ptrdiff_t n)
    {
        double top[8] = {0}, taint[8] = {0}, result = 0.0;
        ptrdiff_t i = 0;
        for (; i + 8 <= n; i += 8)
            for (int j = 0; j < 8; j++) {
                const double a = fabs(x[i + j]);
                top[j] = a > top[j] ? a : top[j];
                taint[j] += 0.0 * a;
            }
        for (; i < n; i++) {
            const double a = fabs(x[i]);
            top[0] = a > top[0] ? a : top[0];
            taint[0] += 0.0 * a;
        }
        for (int j = 0; j < 8; j++)
            result = (top[j] > result ? top[j] : result) + taint[j];
        return result;
    }
    """
    const double HQ_MAGIC, INFINITY, NAN
    int64_t hq_bits(double x) noexcept nogil
    double fabs(double x) noexcept nogil
    double frexp(double x, int *exponent) noexcept nogil
    double ldexp(double x, int exponent) noexcept nogil
    void hq_add(int64_t *limbs, const double *x, double up, ptrdiff_t n) noexcept nogil
    double hq_max_abs(const double *x, ptrdiff_t n) noexcept nogil

cdef double TWO40 = 1099511627776.0
cdef double TWO36 = 68719476736.0


cdef inline double invariant(const double *x, int C, int W) noexcept nogil:
    """The length that a commutator keeps, of one cell whose components lie W apart."""
    cdef double trace, diagonal, mixed
    if C == 4:
        return (x[W]*x[W] + x[2*W]*x[2*W]) + x[3*W]*x[3*W]
    trace = (x[0] + x[W]) + x[2*W]
    diagonal = (x[0]*x[0] + x[W]*x[W]) + x[2*W]*x[2*W]
    mixed = ((x[3*W]*x[3*W] + x[4*W]*x[4*W]) + (x[5*W]*x[5*W] + x[6*W]*x[6*W])) \
        + (x[7*W]*x[7*W] + x[8*W]*x[8*W])
    return (diagonal + 2.0*mixed) - trace*trace/3.0


def mode_integrals(const double[:, ::1] X, int S, int C, int W, double scale1, double scale2,
                   int64_t[:, ::1] linear, int64_t[:, ::1] square):
    """Fixed-point sums over the rows of X (nz, nblk*S*C*W), written as (hi, lo) limbs.

    linear (nblk*S*C*W, 2): sum_z x.   square (nblk*S*W, 2), row (block*S + s)*W + lane: sum_z Q,
    Q = Px^2 + Py^2 + Pz^2 (C = 4) or Tr rho^2 - (Tr rho)^2/3 (C = 9).
    scale1 >= max|x| and scale2 >= max Q are powers of two, X is finite.  ValueError on shapes.
    """
    cdef Py_ssize_t nz = X.shape[0], length = X.shape[1], z, group, lane
    cdef double up1 = TWO40/scale1, up2 = TWO40/scale2
    cdef const double *x
    cdef double Q[8]
    if C not in (4, 9) or S < 1 or W not in (1, 2, 4, 8) or length % (S*C*W):
        raise ValueError(f"a row of {length} numbers is not made of S={S}, C={C}, W={W}")
    if linear.shape[0] != length or square.shape[0]*C != length:
        raise ValueError("linear needs nblk*S*C*W rows and square nblk*S*W")
    if linear.shape[1] != 2 or square.shape[1] != 2:
        raise ValueError("linear and square need two columns (hi, lo)")
    linear[...] = 0
    square[...] = 0
    if nz == 0 or length == 0:
        return
    with nogil:
        for z in range(nz):
            x = &X[z, 0]
            hq_add(&linear[0, 0], x, up1, length)
            for group in range(length//(C*W)):
                for lane in range(W):
                    Q[lane] = invariant(x + group*C*W + lane, C, W)
                hq_add(&square[group*W, 0], Q, up2, W)


def max_abs(const double[:, ::1] X):
    """max |x| over X, shape (n, m); 0 if X is empty, nan if not all of X is finite."""
    cdef ptrdiff_t n = X.shape[0] * X.shape[1]
    cdef double top
    if n == 0:
        return 0.0
    with nogil:
        top = hq_max_abs(&X[0, 0], n)
    return top


cdef inline double power_above(double x) noexcept nogil:
    """The smallest power of two >= x; 1 for 0 and for what is not finite."""
    cdef int exponent = 0
    cdef bint exact
    if not 0.0 < x < INFINITY:
        return 1.0
    exact = frexp(x, &exponent) == 0.5
    return ldexp(1.0, exponent - exact)


def columns_top(const double[:, ::1] values, double[::1] top):
    """top (K,) = max |value| of each column of (n, K); infinite where not all are numbers."""
    cdef Py_ssize_t i, j
    cdef double size
    if top.shape[0] != values.shape[1]:
        raise ValueError("top needs one number a column")
    top[...] = 0.0
    with nogil:
        for i in range(values.shape[0]):
            for j in range(values.shape[1]):
                size = fabs(values[i, j])
                if not size <= top[j]:
                    top[j] = size if size == size else INFINITY


def columns_limbs(const double[:, ::1] values, const double[::1] top, int64_t[:, ::1] limbs):
    """limbs (2, K) = sum of (hi, lo) of the values of each column, 0 where top is not finite.

    hi = rint(y), lo = rint((y - hi) 2^36), y = value 2^36/s, s = the power of two >= top.
    """
    cdef Py_ssize_t i, j, K = values.shape[1]
    cdef double up, y, high, low
    if top.shape[0] != K or limbs.shape[0] != 2 or limbs.shape[1] != K:
        raise ValueError("top needs one number a column, limbs two")
    with nogil:
        for j in range(K):
            limbs[0, j] = limbs[1, j] = 0
            if not top[j] < INFINITY:
                continue
            up = TWO36/power_above(top[j])
            for i in range(values.shape[0]):
                y = values[i, j]*up
                high = y + HQ_MAGIC
                low = (y - (high - HQ_MAGIC))*TWO36 + HQ_MAGIC
                limbs[0, j] += hq_bits(high) - hq_bits(HQ_MAGIC)
                limbs[1, j] += hq_bits(low) - hq_bits(HQ_MAGIC)


def columns_total(const int64_t[:, ::1] limbs, const double[::1] top, double[::1] total):
    """The sums (K,) that the limbs of all addends stand for; nan where top is not finite."""
    cdef Py_ssize_t j
    if limbs.shape[0] != 2 or limbs.shape[1] != top.shape[0] or total.shape[0] != top.shape[0]:
        raise ValueError("top and total need one number a column, limbs two")
    for j in range(top.shape[0]):
        total[j] = NAN
        if top[j] < INFINITY:
            total[j] = (limbs[0, j] + limbs[1, j]/TWO36)*(power_above(top[j])/TWO36)
