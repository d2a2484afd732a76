# The whole slope of a gradient run, a few rows at a time; included by bracket.pyx.

cdef void shift(const hq_stage *stage, Py_ssize_t at, hq_stage *to) noexcept nogil:
    """The same stage with number `at` as its first one."""
    cdef int o, j
    to[0] = stage[0]
    if to.K != NULL:
        to.K += at
    for o in range(to.targets):
        to.target[o].target += at
        to.target[o].base += at
        for j in range(to.target[o].sources):
            to.target[o].source[j] += at


cdef void add_trace(double *x, Py_ssize_t C) noexcept nogil:
    """x + Tr x in components: what Eq. (17) adds for the force."""
    cdef double trace
    if C == 4:
        x[0] += 2*x[0]  # the unit matrix has P0 = 2
        return
    trace = (x[0] + x[1]) + x[2]
    x[0] += trace
    x[1] += trace
    x[2] += trace


cdef class Sweep:
    """Transport, force, drift and commutator of a `Bracket` and a `kinetic.Kinetic`, tile by tile.

    A tile's slope stays in the cache until the Runge-Kutta stage has taken it. Without drift the
    bits are those of Kinetic.transport, Bracket.force and Kinetic.commutator one after the other;
    drift without a filter is one d_z with the transport, of -v rho + drift rho o B.
    rows: of the state; dz: cell size; force, drift: which of them takes part;
    potential (w + rows + w, C), w = order/2, is added to A in the force, mean (rows, C) in the
    commutator, mode (nblk, S*C, W) to h; None for nothing.  ValueError if they do not fit.
    """
    cdef Bracket bracket
    cdef object kinetic
    cdef const hq_kinetic *k
    cdef const hq_functions *run
    cdef bint force, drift
    cdef double dz
    cdef Py_ssize_t rows, tile
    cdef const double[:, ::1] potential, mean
    cdef const double[:, :, ::1] mode
    cdef double[:, ::1] A, B, dA, dB, TA, TB, F, G
    cdef double[:, ::1] speed, rate
    cdef double[::1] ones
    cdef hq_kinetic steady

    def __init__(self, Bracket bracket not None, kinetic, Py_ssize_t rows, double dz, *,
                 bint force=True, bint drift=True, potential=None, mean=None, mode=None):
        cdef Py_ssize_t C = bracket.b.components, w = bracket.b.width
        parameters, functions = kinetic.parts
        self.k = <const hq_kinetic *>PyCapsule_GetPointer(parameters, "hq_kinetic")
        self.run = <const hq_functions *>PyCapsule_GetPointer(functions, "hq_functions")
        if (self.k.length, self.k.species, self.k.width) != (
                bracket.b.length, bracket.b.species, bracket.b.width):
            raise ValueError("bracket and kinetic are of different states or orders")
        self.bracket, self.kinetic, self.rows, self.dz = bracket, kinetic, rows, dz
        self.force, self.drift = force, drift
        self.potential, self.mean, self.mode = potential, mean, mode
        if potential is not None:
            bracket.expect("potential", self.potential, rows + 2*w, C)
        if mean is not None:
            bracket.expect("mean", self.mean, rows, C)
        if mode is not None and np.shape(mode) != (self.k.blocks, self.k.species*C, self.k.lanes):
            raise ValueError("mode must be (blocks, species*components, lanes)")
        self.A, self.B, self.dA, self.dB = (np.zeros((rows, C)) for _ in range(4))
        self.TA, self.TB = (np.zeros((rows + 2*w, C)) for _ in range(2))
        self.tile = min(rows, ROWS)
        self.F = aligned(np.zeros((self.tile, bracket.b.length)))
        self.G = aligned(np.zeros((self.tile + 2*w if drift else 1, bracket.b.length)))
        # streaming with drift is the transport, with speed 1, of a current
        cdef const double[:, :, ::1] speeds, drifts
        speeds = <const double[:self.k.blocks, :self.k.species*C, :self.k.lanes]>self.k.speed
        drifts = <const double[:self.k.blocks, :self.k.species*C, :self.k.lanes]>bracket.b.rate
        self.speed, self.rate = aligned(speeds[:, 0]), aligned(drifts[:, 0])
        self.ones = aligned(np.ones(bracket.b.length))
        self.steady = self.k[0]
        self.steady.speed = &self.ones[0]

    def __call__(self, const double[:, ::1] X, const double[:, ::1] lo, const double[:, ::1] hi,
                 const double[:, ::1] before, const double[:, ::1] after, double mu,
                 const double[:, ::1] sums, double[:, ::1] F=None, stage=None):
        """F = the slope at X, or `stage` (a `kinetic.Stage`) of it if there is no F.

        lo, hi: ghost rows; before, after: ghost columns; sums (w + rows + w, 2C): M, then F.
        """
        cdef hq_bracket *b = &self.bracket.b
        cdef hq_stage *whole = NULL
        cdef hq_rows around
        cdef Py_ssize_t ghosts = b.reach*b.pitch
        self.bracket.expect("X", X, self.rows, b.length)
        self.bracket.expect("lo", lo, b.width, b.length)
        self.bracket.expect("hi", hi, b.width, b.length)
        if ghosts > 0:
            self.bracket.expect("before", before, self.rows, ghosts)
            self.bracket.expect("after", after, self.rows, ghosts)
        self.bracket.expect("sums", sums, self.rows + 2*b.width, 2*b.components)
        if (F is None) == (stage is None) or X.shape[0] != self.rows:
            raise ValueError("one of F and stage, and so many rows as the sweep was made for")
        if F is not None:
            self.bracket.expect("F", F, self.rows, b.length)
        elif stage.shape != (self.rows, b.length):
            raise ValueError(f"a stage of {stage.shape} for a state of {np.shape(X)}")
        else:
            whole = <hq_stage *>PyCapsule_GetPointer(stage.parts, "hq_stage")
        around.X, around.lo, around.hi = rows_of(X), rows_of(lo), rows_of(hi)
        around.nz = X.shape[0]
        cdef const double *left = rows_of(before)
        cdef const double *right = rows_of(after)
        cdef double *out = &F[0, 0] if F is not None else NULL
        with nogil:
            self.fields(mu, &sums[0, 0])
            self.tiles(&around, left, right, out, whole)

    cdef void fields(self, double mu, const double *sums) noexcept nogil:
        """From mu (M, F), w rows around: A, B of the commutator, h + Tr h of Eq. (17), its d_z."""
        cdef hq_bracket *b = &self.bracket.b
        cdef Py_ssize_t C = b.components, w = b.width, z, c
        cdef double *a
        cdef double *f
        for z in range(self.rows + 2*w):
            a, f = &self.TA[z, 0], &self.TB[z, 0]
            for c in range(C):
                a[c], f[c] = mu*sums[2*C*z + c], mu*sums[2*C*z + C + c]
            if w <= z < w + self.rows:
                for c in range(C):
                    self.A[z - w, c], self.B[z - w, c] = a[c], f[c]
                    if self.mean is not None:
                        self.A[z - w, c] += self.mean[z - w, c]
            add_trace(a, C)
            add_trace(f, C)
            if self.potential is not None:
                for c in range(C):
                    a[c] += self.potential[z, c]
        self.differences(&self.TA[0, 0], &self.dA[0, 0])
        self.differences(&self.TB[0, 0], &self.dB[0, 0])

    cdef void differences(self, const double *x, double *to) noexcept nogil:
        """d_z of a field that has w rows more on either side."""
        cdef hq_bracket *b = &self.bracket.b
        cdef Py_ssize_t C = b.components, n = self.rows*b.components, i, m
        cdef double c
        x += b.width*C
        memset(to, 0, n*sizeof(double))
        for m in range(1, b.width + 1):
            c = b.c[m - 1]
            for i in range(n):
                to[i] += c*(x[i + m*C] - x[i - m*C])
        c = self.dz
        for i in range(n):
            to[i] /= c

    cdef void tiles(self, const hq_rows *around, const double *before, const double *after,
                    double *F, const hq_stage *whole) noexcept nogil:
        """The rows in turn, into F or, if there is none, into the stage."""
        cdef hq_bracket *b = &self.bracket.b
        cdef const hq_bracket_functions *bracket = self.bracket.run
        cdef hq_stage part
        cdef hq_stage *stage = NULL if whole == NULL else &part
        cdef hq_slope s
        cdef Py_ssize_t z0 = 0, z1, at
        cdef bint whole_slope = self.force and not self.drift
        cdef bint together = self.drift and not self.k.filtered
        s.k, s.b, s.rows, s.before, s.after = self.k, b, around, before, after
        s.A, s.B, s.dA, s.dB = &self.A[0, 0], &self.B[0, 0], &self.dA[0, 0], &self.dB[0, 0]
        s.mode = &self.mode[0, 0, 0] if self.mode is not None else NULL
        s.TB, s.speed, s.drift = &self.TB[0, 0], &self.speed[0, 0], &self.rate[0, 0]
        s.F, s.stage = F, whole
        if self.force and together and bracket.flow(&s):
            return
        while z0 < self.rows:
            z1 = min(z0 + self.tile, self.rows)
            at = z0*b.length
            # row z0 of s.F is the first of the tile, in a place of its own if nobody keeps it
            s.F = F if F != NULL else &self.F[0, 0] - at
            if stage != NULL:
                shift(whole, at, stage)
            if whole_slope and bracket.slope(&s, z0, z1):
                if stage != NULL:
                    self.run.apply(stage, s.F + at, 0, (z1 - z0)*b.length)
                z0 = z1
                continue
            if together:
                self.stream(around, z0, z1 - z0, s.F + at)
            else:
                self.run.transport(self.k, around, s.F, z0, z1)
            if self.force:
                bracket.force(b, around.X, before, after, s.dA, s.dB, s.F, z0, z1)
            if self.drift and not together:
                bracket.drift(b, around.X, around.lo, around.hi, around.nz, &self.TB[0, 0], s.F,
                              z0, z1)
            self.run.commutator(self.k, around.X + at, z1 - z0, &self.A[z0, 0], &self.B[z0, 0],
                                s.mode, s.F + at, stage)
            z0 = z1

    cdef void stream(self, const hq_rows *around, Py_ssize_t z, Py_ssize_t count,
                     double *F) noexcept nogil:
        """F = transport and drift of `count` rows; tiles come in their order."""
        cdef hq_bracket *b = &self.bracket.b
        cdef const hq_bracket_functions *bracket = self.bracket.run
        cdef Py_ssize_t w = b.width, n = b.length
        cdef double *G = &self.G[0, 0]  # of the rows z-w .. z+count+w
        cdef hq_rows rows
        cdef const double *v = &self.speed[0, 0]
        cdef const double *drift = &self.rate[0, 0]
        if z == 0:
            bracket.current(b, v, drift, around, &self.TB[0, 0], -w, 2*w, G)
        bracket.current(b, v, drift, around, &self.TB[0, 0], z + w, count, G + 2*w*n)
        rows.X, rows.lo, rows.hi, rows.nz = G + w*n, G, G + (w + count)*n, count
        self.run.transport(&self.steady, &rows, F, 0, count)
        memmove(G, G + count*n, 2*w*n*sizeof(double))
