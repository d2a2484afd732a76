# All stages of an explicit Runge-Kutta step in one call; included by kinetic.pyx.

cdef enum:
    MAX_LINES = 40
    TILE = 8  # rows that the kernels work on together
    CHUNK = 65536  # bytes of a state that one stage does before the next one follows

ctypedef struct line_t:  # the rows of one quantity
    double *own  # rows 0..nz-1, or the ring
    double *lo  # the `margin` rows before and after them
    double *hi
    ptrdiff_t ring  # not 0: row z is kept at z mod ring, and only until the last stage has used it

ctypedef struct work_t:  # a stage: which lines it reads and writes
    int x, slope, known
    int target[MAX_TARGETS]
    int base[MAX_TARGETS]
    int source[MAX_TARGETS][MAX_SOURCES]
    double weight[MAX_TARGETS][MAX_SOURCES + 1]
    double c[MAX_TARGETS][MAX_SOURCES + 1]
    hq_stage s


cdef class Steps:
    """The stages k_i = f(X_i) of a step, each as `Kinetic.fused_stage` does it, the same bits.

    lines: arrays (nz, row), or for what no later step needs rings, None; line 0 is y.
    stages: (x, targets, slope) for each, in numbers of lines: the slope at x is kept in `slope`
    (-1: nowhere), and each of the targets (target, base, sources, weights) becomes
        ((base + h w_1 source_0) + h w_2 source_1 + ...) + h w_0 k.
    Without lo, hi: one stage after the other over all rows of a periodic box, no rings.
    With them the stages follow each other through z, a tile apart, so that a row passes through
    memory once: lo, hi (margin = stages*width, row) are y's ghost rows, copied from y itself if
    `alone` is true; a stage is done on so many of them as later ones need.
    known: the first stage's slope is there already (own rows of its line), see `run`.
    error: (slopes, weights, y_new), what `run` measures as `error_norm` does, or None.
    mean (nz + 2 margin, C), mode as in `Kinetic.fused`.
    tally: own rows are added to its sums of their stage (a known slope's are not).
    """
    cdef Kinetic kernel
    cdef list memory
    cdef work_t work[MAX_STAGES]
    cdef line_t line[MAX_LINES]
    cdef int stages, lines, slopes, fresh
    cdef int error_slope[MAX_SOURCES]
    cdef double error_weight[MAX_SOURCES]
    cdef double error_c[MAX_SOURCES]
    cdef double mu[MAX_STAGES]
    cdef double atol, rtol, worst
    cdef ptrdiff_t nz, margin, chunk, lag, ring
    cdef bint alone, wave
    cdef const double *mean
    cdef const double *mode
    cdef Tally tally

    def __init__(self, Kinetic kernel not None, lines, stages, lo=None, hi=None, bint alone=False,
                 const double[:, ::1] mean=None, const double[:, :, ::1] mode=None, error=None,
                 Tally tally=None):
        cdef Py_ssize_t j, length = kernel.k.length, width = kernel.k.width
        self.kernel, self.memory, self.stages = kernel, [mean, mode], len(stages)
        self.tally = tally
        if tally is not None:
            tally.of(len(stages) - 1)
        if not 1 <= self.stages <= MAX_STAGES or not 1 <= len(lines) <= MAX_LINES:
            raise ValueError(f"{len(stages)} stages with {len(lines)} lines")
        self.nz, self.alone, self.wave = len(lines[0]), alone, lo is not None
        self.margin = self.stages*width if self.wave else 0
        if self.nz < max(1, width, self.margin):
            raise ValueError(f"{self.nz} rows with margins of {self.margin}")
        self.chunk = max(TILE, CHUNK//(8*length)//TILE*TILE)
        self.lag = (width + TILE - 1)//TILE*TILE
        self.ring = self.chunk + max(self.stages - 1, 3)*self.lag + TILE if self.wave else 0
        for j, array in enumerate(lines):
            if array is None and self.wave and j > 0:
                self.line[j].own = self.room(self.zeros(self.ring), self.ring)
                self.line[j].ring = self.ring
                continue
            self.line[j].own, self.line[j].ring = self.room(array, self.nz), 0
            if self.wave and self.margin:
                self.line[j].lo = self.room(lo if j == 0 else self.zeros(self.margin), self.margin)
                self.line[j].hi = self.room(hi if j == 0 else self.zeros(self.margin), self.margin)
        self.lines = count = len(lines)
        for i, (x, targets, slope) in enumerate(stages):
            self.set_stage(i, x, targets, slope, count)
        self.slopes = 0
        if error is not None:
            slopes, weights, self.fresh = error
            self.slopes = len(slopes)
            if not 1 <= self.slopes <= MAX_SOURCES or len(weights) != self.slopes:
                raise ValueError("as many weights as slopes, at most 16")
            for j in range(self.slopes):
                self.error_slope[j] = valid(slopes[j], count)
                self.error_weight[j] = weights[j]
            valid(self.fresh, count)
        if mean is not None:
            kernel.expect("mean", mean, self.nz + 2*self.margin, kernel.k.components)
        self.mean, self.mode = rows_of(mean), kernel.of_modes(mode)

    cdef object zeros(self, Py_ssize_t rows):
        return aligned(np.zeros((rows, self.kernel.k.length)))

    cdef double *room(self, double[:, ::1] a, Py_ssize_t rows) except NULL:
        """The first number of an array that is kept; ValueError unless it has so many rows."""
        if a is None or a.shape[0] != rows or a.shape[1] != self.kernel.k.length:
            raise ValueError(f"a line must be ({rows}, {self.kernel.k.length})")
        self.memory.append(a)
        return &a[0, 0]

    cdef int set_stage(self, int i, int x, list targets, int slope, int count) except -1:
        cdef work_t *w = &self.work[i]
        cdef int o, j
        if len(targets) > MAX_TARGETS:
            raise ValueError(f"at most {MAX_TARGETS} targets")
        w.x, w.slope, w.s.targets = valid(x, count), slope, len(targets)
        if slope >= 0:
            valid(slope, count)
        for o, (target, base, sources, weights) in enumerate(targets):
            if len(weights) != 1 + len(sources) or len(sources) > MAX_SOURCES:
                raise ValueError("a weight for the slope and for each of at most 16 sources")
            w.target[o], w.base[o] = valid(target, count), valid(base, count)
            w.s.target[o].sources, w.s.target[o].c = len(sources), &w.c[o][0]
            for j in range(len(sources)):
                w.source[o][j] = valid(sources[j], count)
            for j in range(len(weights)):
                w.weight[o][j] = weights[j]
        return 0

    def run(self, double h, mu, bint known=False, double atol=1.0, double rtol=0.0):
        """A step of h with mu (one for each stage); returns the error, 0 if none is asked for."""
        cdef int i, o, j
        cdef work_t *w
        if len(mu) != self.stages:
            raise ValueError(f"{len(mu)} values of mu for {self.stages} stages")
        for i in range(self.stages):
            self.mu[i] = mu[i]
        with nogil:
            for i in range(self.stages):
                w = &self.work[i]
                w.known = i == 0 and known
                for o in range(w.s.targets):
                    for j in range(w.s.target[o].sources + 1):
                        w.c[o][j] = h*w.weight[o][j]
            for j in range(self.slopes):  # the order of error_norm: the last slope is the fresh one
                self.error_c[(j + 1) % self.slopes] = h*self.error_weight[j]
            self.atol, self.rtol, self.worst = atol, rtol, 0.0
            if self.wave:
                self.follow()
            else:
                for i in range(self.stages):
                    self.piece(i, 0, self.nz)
        return self.worst

    def swap(self, int one, int other):
        """Two lines change places."""
        cdef line_t *a = &self.line[valid(one, self.lines)]
        cdef line_t *b = &self.line[valid(other, self.lines)]
        cdef line_t kept = a[0]
        a[0] = b[0]
        b[0] = kept

    cdef void follow(self) noexcept nogil:
        """The stages through z, one behind the other: each ends `width` rows before its forerunner."""
        cdef ptrdiff_t width = self.kernel.k.width, front = 0, last, length = self.kernel.k.length
        cdef ptrdiff_t done[MAX_STAGES]
        cdef ptrdiff_t to
        cdef int i
        if self.alone and self.margin:
            memcpy(self.line[0].lo, self.line[0].own + (self.nz - self.margin)*length,
                   self.margin*length*sizeof(double))
            memcpy(self.line[0].hi, self.line[0].own, self.margin*length*sizeof(double))
        for i in range(self.stages):
            done[i] = -(self.stages - 1 - i)*width
        while done[self.stages - 1] < self.nz:
            front += self.chunk
            to = front
            for i in range(self.stages):
                last = self.nz + (self.stages - 1 - i)*width
                if i > 0:
                    to = last if done[i - 1] == last + width else to - self.lag
                if to > last:
                    to = last
                self.rows(i, done[i], to)
                if to > done[i]:
                    done[i] = to

    cdef void rows(self, int i, ptrdiff_t z0, ptrdiff_t z1) noexcept nogil:
        """Stage i on the rows z0..z1-1, in pieces that lie in one part of every line."""
        cdef ptrdiff_t to
        while z0 < z1:
            to = z1
            if self.ring and to > z0 + self.ring - self.in_ring(z0):
                to = z0 + self.ring - self.in_ring(z0)
            if z0 < 0 < to:
                to = 0
            if z0 < self.nz < to:
                to = self.nz
            self.piece(i, z0, to)
            z0 = to

    cdef ptrdiff_t in_ring(self, ptrdiff_t z) noexcept nogil:
        return (z + self.ring*self.margin) % self.ring

    cdef double *at(self, int j, ptrdiff_t z) noexcept nogil:
        """Row z of line j."""
        cdef line_t *a = &self.line[j]
        cdef ptrdiff_t length = self.kernel.k.length
        if a.ring:
            return a.own + self.in_ring(z)*length
        if z < 0:
            return a.lo + (z + self.margin)*length
        return a.own + z*length if z < self.nz else a.hi + (z - self.nz)*length

    cdef void piece(self, int i, ptrdiff_t z0, ptrdiff_t z1) noexcept nogil:
        """Stage i on the rows z0..z1-1 of one part: of the ring, of own rows, or of a margin."""
        cdef work_t *w = &self.work[i]
        cdef line_t *x = &self.line[w.x]
        cdef const hq_kinetic *k = &self.kernel.k
        cdef ptrdiff_t length = k.length, above = k.width*length, first, shift
        cdef hq_rows rows
        cdef hq_hamiltonian h
        cdef int o, j
        if x.ring:  # a ring is a periodic box
            first, rows.X, rows.nz = self.in_ring(z0), x.own, x.ring
            rows.lo, rows.hi = x.own + x.ring*length - above, x.own
        elif z0 < 0:
            first, rows.X, rows.nz = z0 + self.margin, x.lo, self.margin
            rows.lo, rows.hi = NULL, x.own
        elif self.wave and k.width <= z0 and z1 + k.width <= self.nz:
            # these rows alone: a state beyond the caches would have its stages stored past them
            first, rows.nz = k.width, z1 - z0 + 2*k.width
            rows.X, rows.lo, rows.hi = x.own + z0*length - above, NULL, NULL
        elif z0 < self.nz:
            first, rows.X, rows.nz = z0, x.own, self.nz
            if self.wave:
                rows.lo, rows.hi = x.lo + self.margin*length - above, x.hi
            else:
                rows.lo, rows.hi = x.own + self.nz*length - above, x.own
        else:
            first, rows.X, rows.nz = z0 - self.nz, x.hi, self.margin
            rows.lo, rows.hi = x.own + self.nz*length - above, NULL
        shift = first*length
        for o in range(w.s.targets):
            w.s.target[o].target = self.at(w.target[o], z0) - shift
            w.s.target[o].base = self.at(w.base[o], z0) - shift
            for j in range(w.s.target[o].sources):
                w.s.target[o].source[j] = self.at(w.source[o][j], z0) - shift
        if w.known and 0 <= z0 < self.nz:
            w.s.K = NULL
            self.kernel.run.apply(&w.s, self.at(w.slope, z0) - shift, shift,
                                  shift + (z1 - z0)*length)
        else:
            w.s.K = self.at(w.slope, z0) - shift if w.slope >= 0 else NULL
            h.mu, h.mode, h.B_ext, h.A_ext = self.mu[i], self.mode, NULL, NULL
            h.tally = NULL
            if self.tally is not None and 0 <= z0 < self.nz:
                h.tally = &self.tally.t[i]
            if self.mean != NULL:
                h.A_ext = self.mean + (z0 + self.margin - first)*k.components
            self.kernel.run.fused(k, &rows, NULL, first, first + z1 - z0, &h, &w.s)
        if i == self.stages - 1 and self.slopes:
            self.measure(z0, z1)

    cdef void measure(self, ptrdiff_t z0, ptrdiff_t z1) noexcept nogil:
        """The error of these rows."""
        cdef hq_error e
        cdef double found
        cdef int j
        for j in range(self.slopes - 1):
            e.sum.source[j] = self.at(self.error_slope[j], z0)
        e.slope = self.at(self.error_slope[self.slopes - 1], z0)
        e.sum.sources, e.sum.c = self.slopes - 1, self.error_c
        e.y, e.y_new = self.at(0, z0), self.at(self.fresh, z0)
        e.n, e.atol, e.rtol = (z1 - z0)*self.kernel.k.length, self.atol, self.rtol
        found = self.kernel.run.error_norm(&e)
        if not found <= self.worst:  # also if it is not a number, which then stays
            self.worst = found if self.worst == self.worst else self.worst


cdef int valid(int j, int count) except -1:
    """The number of a line."""
    if not 0 <= j < count:
        raise ValueError(f"line {j} of {count}")
    return j
