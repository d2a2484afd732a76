# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""The refractive energy of a step's rows, which relaxation needs: `hpcqke.refractive_energy` in C.

With B(a,b) = Tr ab + Tr a Tr b and the sums (M, F_i) of a row,
    I(a,b) = B(M_a, M_b) - sum_i B(F_i,a, F_i,b),   2 U/mu = int I(a,a) dz.
"""


cdef inline double bilinear(const double *a, const double *b, Py_ssize_t C) noexcept nogil:
    """B(a, b) in components."""
    if C == 4:
        return 0.5*(((a[0]*b[0] + a[1]*b[1]) + a[2]*b[2]) + a[3]*b[3]) + a[0]*b[0]
    cdef double trace = ((a[0] + a[1]) + a[2])*((b[0] + b[1]) + b[2])
    cdef double same = (a[0]*b[0] + a[1]*b[1]) + a[2]*b[2]
    cdef double other = 0.0
    for c in range(3, 9):
        other += a[c]*b[c]
    return (same + 2.0*other) + trace


def energies(const double[:, :, ::1] sums, const double[:, :, ::1] change, double[:, ::1] out):
    """out[:, :3] = I(sums, change), I(change, change)/2 and sum |B| of the sums, of each row.

    sums, change: (rows, n, C), M, F (, F_x, F_y, ...), of which the first four count, C 4 or 9.
    ValueError on shapes that do not match.
    """
    cdef Py_ssize_t rows = sums.shape[0], n = min(sums.shape[1], 4), C = sums.shape[2], z, k
    cdef double sign, size
    if (change.shape[0], change.shape[1], change.shape[2]) != (rows, sums.shape[1], C) or (
            C not in (4, 9) or out.shape[0] != rows or out.shape[1] < 3):
        raise ValueError("sums and change must be (rows, n, C), out (rows, 3 or more)")
    with nogil:
        for z in range(rows):
            out[z, 0] = out[z, 1] = out[z, 2] = 0.0
            for k in range(n):
                sign = 1.0 if k == 0 else -1.0
                out[z, 0] += sign*bilinear(&sums[z, k, 0], &change[z, k, 0], C)
                out[z, 1] += sign*0.5*bilinear(&change[z, k, 0], &change[z, k, 0], C)
                size = bilinear(&sums[z, k, 0], &sums[z, k, 0], C)
                out[z, 2] += size if size > 0 else -size
