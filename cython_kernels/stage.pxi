# What a Runge-Kutta method does with its slopes; included by kinetic.pyx.

cdef class Stage:
    """What becomes of a fresh slope k: rows (nz, row) of float64, all of the same shape.

        target_o = ((base_o + c_o1 source_o1) + c_o2 source_o2 + ...) + c_o0 k,   K = k
    from left to right, without FMA; element by element, K first, then one target after the other,
    so that a target may be the same memory as its base or one of its sources.
    targets, bases: lists of at most 4 arrays; sources: a list of at most 16 arrays for each target;
    K: an array or None.  The arrays live as long as the stage.  `coefficients`, float64
    (targets, 1 + most sources), initially 0, is read at every use: [o, 0] multiplies k,
    [o, 1+j] multiplies sources[o][j].  ValueError if the shapes differ.
    """
    cdef hq_stage s
    cdef list memory
    cdef double[:, ::1] c
    cdef Py_ssize_t nz, length
    cdef readonly object coefficients

    def __init__(self, targets, bases, sources, K=None):
        if len(targets) != len(bases) or len(targets) != len(sources):
            raise ValueError(f"{len(targets)} targets need as many bases and lists of sources, not "
                             f"{len(bases)} and {len(sources)}")
        most = max((len(each) for each in sources), default=0)
        if len(targets) > MAX_TARGETS or most > MAX_SOURCES:
            raise ValueError(f"at most {MAX_TARGETS} targets with {MAX_SOURCES} sources each")
        if not len(targets) and K is None:
            raise ValueError("neither targets nor K")
        self.memory = []
        self.nz, self.length = np.shape(targets[0] if len(targets) else K)
        self.coefficients = np.zeros((max(len(targets), 1), 1 + most))
        self.c = self.coefficients
        self.s.targets = len(targets)
        self.s.K = NULL if K is None else self.written(K)
        for o in range(len(targets)):
            self.s.target[o].target = self.written(targets[o])
            self.s.target[o].base = self.read(bases[o])
            self.s.target[o].sources = len(sources[o])
            self.s.target[o].c = &self.c[o, 0]
            for j, source in enumerate(sources[o]):
                self.s.target[o].source[j] = self.read(source)

    @property
    def parts(self):
        """A capsule of what the kernels are given, for other modules' loops."""
        return PyCapsule_New(&self.s, "hq_stage", NULL)

    @property
    def shape(self):
        """The arrays' (nz, row)."""
        return self.nz, self.length

    cdef double *written(self, double[:, ::1] a) except? NULL:
        """The first number of an array that is kept; ValueError unless it has the common shape."""
        self.read(a)
        return &a[0, 0] if a.shape[0] and a.shape[1] else NULL

    cdef const double *read(self, const double[:, ::1] a) except? NULL:
        """The same of an array that is only read."""
        if a is None or a.shape[0] != self.nz or a.shape[1] != self.length:
            raise ValueError(f"all arrays of a stage must be ({self.nz}, {self.length})")
        self.memory.append(a)
        return rows_of(a)

    cdef int expect(self, Py_ssize_t nz, Py_ssize_t length) except -1:
        """ValueError unless the stage's rows are those of a state (nz, length)."""
        if self.nz != nz or self.length != length:
            raise ValueError(f"a stage of ({self.nz}, {self.length}) for a state of "
                             f"({nz}, {length})")
        return 0

    def apply(self, const double[:, ::1] F, Py_ssize_t z0, Py_ssize_t z1):
        """The same with the slopes F[z0:z1] in memory; F (nz, row)."""
        if F is None or not 0 <= z0 <= z1 <= F.shape[0]:
            raise ValueError(f"rows {z0}:{z1}")
        self.expect(F.shape[0], F.shape[1])
        if z0 == z1 or self.length == 0:
            return
        with nogil:
            hq_choose("").apply(&self.s, &F[0, 0], z0*self.length, z1*self.length)


def error_norm(const double[:, ::1] y, const double[:, ::1] y_new, slopes,
               const double[::1] coefficients, double atol, double rtol, *, isa=None):
    """max |sum_j coefficients[j] slopes[j]| / (atol + rtol max(|y|, |y_new|)) over (nz, row).

    nan if any of it is not finite, 0 for no rows.  1 to 16 slopes.  isa as for Kinetic.
    """
    cdef hq_error e
    cdef const double[:, ::1] slope
    cdef double c[16]
    cdef bytes name = b"" if isa is None else isa.encode()
    cdef const hq_functions *run = hq_choose(name)
    cdef int j, count = len(slopes)
    cdef double found
    if run == NULL:
        raise ValueError(f"isa = {isa!r}: not available here")
    if not 1 <= count <= MAX_SOURCES or count != coefficients.shape[0]:
        raise ValueError(f"{coefficients.shape[0]} coefficients for {count} slopes, 1 to "
                         f"{MAX_SOURCES}")
    if y_new.shape[0] != y.shape[0] or y_new.shape[1] != y.shape[1]:
        raise ValueError("y and y_new must have the same shape")
    for j in range(count):
        slope = slopes[j]
        if slope.shape[0] != y.shape[0] or slope.shape[1] != y.shape[1]:
            raise ValueError("y and the slopes must have the same shape")
        c[(j + 1) % count] = coefficients[j]
        if j < count - 1:
            e.sum.source[j] = rows_of(slope)
    e.slope, e.sum.sources, e.sum.c = rows_of(slope), count - 1, c
    e.y, e.y_new, e.n = rows_of(y), rows_of(y_new), y.shape[0]*y.shape[1]
    e.atol, e.rtol = atol, rtol
    with nogil:
        found = run.error_norm(&e)
    return found
