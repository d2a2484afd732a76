# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""The flows of the splitting integrators, vectorised over z: exact shifts and local rotations.

The state lies in arrays along z, one for each changing number of a mode, with ghost numbers on
both sides; two such sets take turns.  splitting_api.h has the layout, splitting.h the method;
tests/unit/plain_splitting.py says the same plainly.
"""

import numpy as np

from libc.string cimport memcpy

from splitting_api cimport (HQ_LINE, HQ_POINTS, hq_choose_split, hq_shift, hq_split,
                            hq_split_functions)

POINTS = HQ_POINTS


cdef class Shift:
    """How far each direction moves: number z becomes sum_j weight[d, j] number z + first[d] + j.

    first (directions,), weight (directions, POINTS); turn (modes, 4 or 18): rotations of the modes
    (direction, momentum, species) that come after the shift, or None.
    """
    cdef hq_shift s
    cdef const int[::1] first
    cdef const double[:, ::1] weight, turn
    cdef readonly Py_ssize_t width

    def __init__(self, first, weight, turn=None):
        self.first = np.array(first, dtype=np.intc)
        self.weight = np.array(weight, dtype=np.float64, order="C")
        if self.weight.shape[0] != len(first) or self.weight.shape[1] != HQ_POINTS:
            raise ValueError(f"weight must be ({len(first)}, {HQ_POINTS})")
        self.s.first, self.s.weight, self.s.turn = &self.first[0], &self.weight[0, 0], NULL
        if turn is not None:
            self.turn = np.array(turn, dtype=np.float64, order="C")
            self.s.turn = &self.turn[0, 0]
        self.width = max(-int(np.min(first)), int(np.max(first)) + HQ_POINTS - 1)


cdef class Flows:
    """The arrays of one rank's rows, and the flows on them.

    v (directions,), weight (momenta, directions); rows: own z; ghosts: most ghost numbers on a
    side; place (length of a row of X,): the array of each of its numbers, -1 for padding; mu;
    mean (rows, N_f^2) or None: h that does not depend on rho.  `sets` are the two sets of arrays,
    (arrays, stride), own numbers from column `pad` on; `front` is the one that holds the state.
    isa: an instruction set other than the best one (the bits are the same).
    """
    cdef hq_split k
    cdef const hq_split_functions *run
    cdef double[:, ::1] a, b
    cdef double[:, ::1] weight, mean
    cdef double[::1] v
    cdef int[::1] place
    cdef readonly tuple sets
    cdef readonly int front
    cdef readonly Py_ssize_t changing, arrays

    def __init__(self, int nflavors, int species, v, weight, Py_ssize_t rows, Py_ssize_t ghosts,
                 place, double mu, mean=None, isa=None):
        cdef bytes name = b"" if isa is None else isa.encode()
        self.run = hq_choose_split(name)
        if self.run == NULL:
            raise ValueError(f"isa = {isa!r}: not available here")
        self.v = np.array(v, dtype=np.float64)
        self.weight = np.array(weight, dtype=np.float64, order="C")
        self.place = np.array(place, dtype=np.intc)
        self.k.flavors, self.k.species, self.k.mu = nflavors, species, mu
        self.k.evolving, self.k.turning = (3, 4) if nflavors == 2 else (9, 18)
        self.k.momenta, self.k.directions = self.weight.shape[0], self.weight.shape[1]
        if self.v.shape[0] != self.k.directions:
            raise ValueError("weight must be (momenta, directions)")
        modes = self.k.momenta*self.k.directions*species
        self.changing = modes*self.k.evolving
        self.arrays = self.changing + (modes if nflavors == 2 else 0)
        self.k.rows, self.k.length = rows, self.place.shape[0]
        found = np.asarray(self.place)
        if sorted(found[found >= 0]) != list(range(self.arrays)):
            raise ValueError(f"place must name each of the {self.arrays} arrays once")
        # Own numbers start at a cache line; an odd number of lines spreads the arrays over the cache.
        self.k.pad = (ghosts + HQ_LINE - 1)//HQ_LINE*HQ_LINE
        lines = (rows + HQ_LINE - 1)//HQ_LINE + 2*self.k.pad//HQ_LINE
        self.k.stride = (lines | 1)*HQ_LINE
        self.sets = tuple(self.make_set() for _ in range(2))
        self.a, self.b = self.sets
        self.front = 0
        self.k.v, self.k.weight = &self.v[0], &self.weight[0, 0]
        self.k.place = &self.place[0]
        if mean is not None:
            own = np.zeros((self.k.evolving, self.k.stride))
            own[:, self.k.pad:self.k.pad + rows] = np.transpose(mean)[-self.k.evolving:]
            self.mean = own
            self.k.mean = &self.mean[0, 0]

    def make_set(self):
        """Zeros (arrays, stride) that start at a cache line, and end a little before their memory."""
        size = self.arrays*self.k.stride
        room = np.zeros(size + 4*HQ_LINE)  # a kernel reads up to two lines too far
        start = -(room.ctypes.data // 8) % HQ_LINE
        return room[start:start + size].reshape(self.arrays, self.k.stride)

    @property
    def pad(self):
        """Columns before the own numbers of an array."""
        return self.k.pad

    @property
    def stride(self):
        """Numbers of an array, ghosts and padding included."""
        return self.k.stride

    cpdef unpack(self, const double[:, ::1] X):
        """The front set from the rows of X."""
        self.expect(X)
        with nogil:
            self.run.unpack(&self.k, &X[0, 0], &self.a[0, 0])

    cpdef pack(self, double[:, ::1] X):
        """The rows of X from the front set."""
        self.expect(X)
        with nogil:
            self.run.pack(&self.k, &self.a[0, 0], &X[0, 0])

    cdef int expect(self, const double[:, ::1] X) except -1:
        if X.shape[0] != self.k.rows or X.shape[1] != self.k.length:
            raise ValueError(f"X must be ({self.k.rows}, {self.k.length})")
        return 0

    cdef int fits(self, Shift shift) except -1:
        if shift.first.shape[0] != self.k.directions or shift.width > self.k.pad:
            raise ValueError(f"a shift over {shift.width} numbers of {shift.first.shape[0]} "
                             f"directions, made for {self.k.pad} and {self.k.directions}")
        if shift.s.turn != NULL and (shift.turn.shape[0], shift.turn.shape[1]) != (
                self.changing//self.k.evolving, self.k.turning):
            raise ValueError("turn must be (modes, 4 or 18)")
        return 0

    cdef void wrap(self, Py_ssize_t first, Py_ssize_t last, Py_ssize_t width) noexcept nogil:
        """Ghosts of the front set's arrays first..last-1 of a periodic box that is all here."""
        cdef Py_ssize_t n = self.k.rows, i, j
        cdef double *x
        for i in range(first, last):
            x = &self.a[i, self.k.pad]
            if width <= n:
                memcpy(x - width, x + n - width, width*sizeof(double))
                memcpy(x + n, x, width*sizeof(double))
            else:
                for j in range(width):
                    x[-1 - j] = x[n - 1 - j % n]
                    x[n + j] = x[j % n]

    def step(self, double[:, ::1] X, Shift traces, list shifts, const double[::1] taus):
        """A step of a periodic box that is all here: the same calls as of its parts.

        shifts, taus: of the stages; the last stage, without a tau, has no local flow.
        """
        cdef Py_ssize_t i
        cdef Shift shift
        if taus.shape[0] != len(shifts) - 1:
            raise ValueError(f"{len(shifts)} shifts around {taus.shape[0]} times")
        self.unpack(X)
        if traces is not None:
            self.fits(traces)
            self.wrap(self.changing, self.arrays, traces.width)
            self.traces(traces)
        for i in range(taus.shape[0] + 1):
            shift = shifts[i]
            self.fits(shift)
            self.wrap(0, self.changing, shift.width)
            if i < taus.shape[0]:
                self.stage(shift, taus[i], True)
            else:
                self.stage(shift, 0.0, False)
        self.pack(X)

    cpdef traces(self, Shift shift):
        """Shift the traces from the front set to the other, without changing their places."""
        self.fits(shift)
        with nogil:
            self.run.traces(&self.k, &shift.s, &self.a[0, 0], &self.b[0, 0])

    cpdef stage(self, Shift shift, double tau, bint local):
        """Shift, then turn for a time tau if `local`; the other set becomes the front."""
        self.fits(shift)
        with nogil:
            self.run.stage(&self.k, &shift.s, &self.a[0, 0], &self.b[0, 0], tau, local)
        self.a, self.b = self.b, self.a
        self.front = 1 - self.front


def rotations(omega, isa=None):
    """exp(-i Omega) of omega (n, 3) as quaternions (n, 4), or (n, 9) as complex matrices (n, 18)."""
    cdef const double[:, ::1] w = np.array(omega, dtype=np.float64, order="C")
    cdef bytes name = b"" if isa is None else isa.encode()
    cdef const hq_split_functions *run = hq_choose_split(name)
    if run == NULL or w.shape[1] not in (3, 9):
        raise ValueError("omega must be (n, 3) or (n, 9), isa one of this machine")
    cdef int flavors = 2 if w.shape[1] == 3 else 3
    cdef double[:, ::1] turn = np.zeros((w.shape[0], 4 if flavors == 2 else 18))
    if w.shape[0]:
        run.rotations(flavors, &w[0, 0], w.shape[0], &turn[0, 0])
    return np.asarray(turn)
