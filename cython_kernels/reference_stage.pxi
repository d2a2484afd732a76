# Runge-Kutta stages as one would write them on paper; included by reference.pyx.

class Stage:
    """target_o = ((base_o + c_o1 source_o1) + c_o2 source_o2 + ...) + c_o0 k, and K = k.

    Lists of arrays (nz, row), as in hpcqke.kernels.kinetic; `coefficients` (targets, 1 + sources).
    """

    def __init__(self, targets, bases, sources, K=None):
        if not len(targets) == len(bases) == len(sources) or (K is None and not targets):
            raise ValueError("a stage needs targets, and a base and a list of sources for each")
        arrays = [*targets, *bases, *(s for each in sources for s in each)]
        shape = np.shape(arrays[0] if arrays else K)
        if any(np.shape(a) != shape for a in arrays) or (K is not None and np.shape(K) != shape):
            raise ValueError(f"all arrays of a stage must be {shape}")
        self.targets, self.bases, self.sources, self.K = targets, bases, sources, K
        most = max((len(each) for each in sources), default=0)
        self.coefficients = np.zeros((max(len(targets), 1), 1 + most))

    def apply(self, F, z0, z1):
        """The slopes k = F[z0:z1] go where they are needed; F (nz, row)."""
        if self.K is not None:
            self.K[z0:z1] = F[z0:z1]
        for target, base, sources, c in zip(self.targets, self.bases, self.sources,
                                            self.coefficients):
            combine_slopes(target, base, sources, F, c, z0, z1)


def combine_slopes(double[:, ::1] target, const double[:, ::1] base, sources,
                   const double[:, ::1] F, const double[::1] c, Py_ssize_t z0, Py_ssize_t z1):
    """target = ((base + c_1 source_1) + c_2 source_2 + ...) + c_0 F in the rows z0..z1-1."""
    cdef Py_ssize_t z, i, j, count = len(sources)
    cdef const double[:, ::1] source
    cdef double[:, ::1] total = np.array(base)
    for j in range(count):
        source = sources[j]
        for z in range(z0, z1):
            for i in range(total.shape[1]):
                total[z, i] = total[z, i] + c[1 + j]*source[z, i]
    for z in range(z0, z1):
        for i in range(total.shape[1]):
            target[z, i] = total[z, i] + c[0]*F[z, i]


def error_norm(const double[:, ::1] y, const double[:, ::1] y_new, slopes, coefficients,
               double atol, double rtol):
    """max |sum_j c_j slope_j| / (atol + rtol max(|y|, |y_new|)); nan if any of it is not finite."""
    cdef Py_ssize_t z, i, j
    cdef const double[:, :, ::1] k = np.array(slopes).reshape(-1, *np.shape(y))
    cdef const double[::1] c = np.array(coefficients, float)
    cdef double error, ratio, worst = 0.0
    for z in range(y.shape[0]):
        for i in range(y.shape[1]):
            error = 0.0
            for j in range(k.shape[0]):
                error += c[j]*k[j, z, i]
            ratio = abs(error)/(atol + rtol*max(abs(y[z, i]), abs(y_new[z, i])))
            if not (isfinite(ratio) and isfinite(y[z, i]) and isfinite(y_new[z, i])):
                return float("nan")
            worst = max(worst, ratio)
    return worst
