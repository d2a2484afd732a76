# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Is every number finite?  One integer pass over the bits, which any compiler vectorises."""

from libc.stdint cimport int64_t


cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #include "clones.h"

    /* Adding 1 to an exponent of all ones (inf, nan) carries into the sign bit, and only then. */
    static inline uint64_t hq_carry(const double *x)
    {
        uint64_t bits;
        memcpy(&bits, x, sizeof bits);
        return (bits & UINT64_C(0x7ff0000000000000)) + UINT64_C(0x0010000000000000);
    }

    HQ_CLONES static int64_t hq_first_nonfinite(const double *x, int64_t n)
    {
        uint64_t seen = 0;
        for (int64_t i = 0; i < n; i++)
            seen |= hq_carry(x + i);
        if (!(seen >> 63))
            return -1;
        for (int64_t i = 0; i < n; i++)
            if (hq_carry(x + i) >> 63)
                return i;
        return -1;
    }
    """
    int64_t hq_first_nonfinite(const double *x, int64_t n) noexcept nogil


def first_nonfinite(const double[:, ::1] X):
    """Flat index (C order) of the first inf or nan of X, or -1 if every value is finite."""
    cdef int64_t n = X.shape[0] * X.shape[1], found
    if n == 0:
        return -1
    with nogil:
        found = hq_first_nonfinite(&X[0, 0], n)
    return found
