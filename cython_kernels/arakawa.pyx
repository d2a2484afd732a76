# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""The gradient terms and free streaming as a matrix-Arakawa bracket (J1 + J2 + J3)/3, vectorised:

    J1 = D_z h o X rho - X h o D_z rho        J2 = D_z (h o X rho) - X (h o D_z rho)
    J3 = X (rho o D_z h) - D_z (rho o X h)    a o b = (ab + ba)/2,   X = d/dp_z
with the whole h = energy 1 + mass H +- (A - v B), + for neutrinos, - for antineutrinos. With skew
D_z and X the sums of Tr J, of Tr h J and of Tr rho J vanish. X h never crosses the ends of the
momentum window: it is given as speed 1 + unmass H -+ drift B. Layouts as in `bracket`.
"""

import numpy as np

from hpcqke.kernels.kinetic import DIFFERENCE, aligned

from arakawa_api cimport MAX_TAPS, hq_arakawa, hq_arakawa_functions, hq_choose_arakawa, hq_rows


cdef class Arakawa:
    """The bracket of `nflavors` (2, 3) flavors and `species` (1: nu; 2: nu, nubar) on one rank.

    v, along_p, below, above, blocks_per_column, order, dz, isa: as for `bracket.Bracket`, but v
    (blocks_per_column, W) is that of one column and u is at least 1. speed, drift, unmass (nblk, W)
    are X energy, X v, X mass of own columns; energy, mass of own columns between u ghost columns
    on each side. vacuum: the N_f^2 components of H, or None. A trace in H, A, B counts.
    An object has scratch memory: one thread at a time may use it. ValueError: sizes do not fit.
    """
    cdef hq_arakawa b
    cdef const hq_arakawa_functions *run
    cdef list kept

    def __init__(self, int nflavors, int species, v, int blocks_per_column, along_p, below, above,
                 energy, mass, speed, drift, unmass, vacuum, *, int order, double dz, isa=None):
        if nflavors not in (2, 3) or species not in (1, 2) or order not in (2, 4, 6, 8):
            raise ValueError("nflavors is 2 or 3, species 1 or 2, order 2, 4, 6 or 8, not "
                             f"{nflavors}, {species}, {order}")
        if not dz > 0:
            raise ValueError(f"dz = {dz}: must be positive")
        shape, count = np.shape(speed), len(along_p)
        if len(shape) != 2 or shape[1] not in (1, 2, 4, 8) or shape[0] == 0:
            raise ValueError(f"speed of shape {shape}: must be (blocks, 1, 2, 4 or 8 lanes)")
        if blocks_per_column < 1 or shape[0] % blocks_per_column:
            raise ValueError(f"{shape[0]} blocks are not columns of {blocks_per_column}")
        if count % 2 == 0 or not 3 <= count <= MAX_TAPS:
            raise ValueError(f"{count} taps: must be 2u + 1, u from 1 to {MAX_TAPS//2}")
        cdef int m, reach = count//2
        wide = (shape[0] + 2*reach*blocks_per_column, shape[1])
        parts = {"v": (v, (blocks_per_column, shape[1])), "along_p": (along_p, (count, *shape)),
                 "below": (below, shape), "above": (above, shape), "energy": (energy, wide),
                 "mass": (mass, wide), "speed": (speed, shape), "drift": (drift, shape),
                 "unmass": (unmass, shape)}
        for name, (a, wanted) in parts.items():
            if np.shape(a) != wanted:
                raise ValueError(f"{name} must be {wanted}, not {np.shape(a)}")
        cdef bytes name_of = b"" if isa is None else isa.encode()
        self.run = hq_choose_arakawa(name_of)
        if self.run == NULL:
            raise ValueError(f"isa = {isa!r}: not available here")
        self.b.flavors, self.b.species, self.b.components = nflavors, species, nflavors**2
        self.b.lanes, self.b.per_column = shape[1], blocks_per_column
        self.b.columns = shape[0]//blocks_per_column
        self.b.pitch = blocks_per_column*species*self.b.components*self.b.lanes
        self.b.length = self.b.columns*self.b.pitch
        self.b.width, self.b.reach = order//2, reach
        self.b.wide = self.b.length + 2*reach*self.b.pitch
        self.b.coupled = bool(np.any(below) or np.any(above))
        for m, value in enumerate(DIFFERENCE[self.b.width]):
            self.b.c[m] = value/dz
        for m, value in enumerate(np.zeros(self.b.components) if vacuum is None else vacuum):
            self.b.vacuum[m] = value
        self.kept = []
        self.b.v, self.b.below, self.b.above = self.keep(v), self.keep(below), self.keep(above)
        self.b.energy, self.b.mass = self.keep(energy), self.keep(mass)
        self.b.speed, self.b.drift = self.keep(speed), self.keep(drift)
        self.b.unmass = self.keep(unmass)
        for m in range(count):
            self.b.along[m] = self.keep(along_p[m])
        rows = 2*self.b.width + 1
        self.b.rho = self.keep(np.zeros((rows, self.b.wide)))
        self.b.push = self.keep(np.zeros((rows, self.b.length)))
        self.b.flux = self.keep(np.zeros((rows, self.b.length)))
        self.b.slope, self.b.force = (self.keep(np.zeros((1, self.b.wide))),
                                      self.keep(np.zeros((1, self.b.wide))))

    cdef double *keep(self, values):
        """An aligned copy (rows, numbers) that lives as long as the object."""
        cdef double[:, ::1] copy = aligned(np.asarray(values, float))
        self.kept.append(copy)
        return &copy[0, 0]

    cdef const double *expect(self, str name, const double[:, ::1] a, Py_ssize_t rows,
                              Py_ssize_t numbers) except NULL:
        """The first number of `a`, which must have so many rows and columns."""
        if a is None or a.shape[0] != rows or a.shape[1] != numbers:
            raise ValueError(f"{name} must be ({rows}, {numbers}), not "
                             f"{None if a is None else (a.shape[0], a.shape[1])}")
        return &a[0, 0]

    def add(self, const double[:, ::1] X, const double[:, ::1] lo, const double[:, ::1] hi,
            const double[:, ::1] before, const double[:, ::1] after, const double[:, ::1] corners,
            const double[:, ::1] A, const double[:, ::1] B, const double[:, ::1] dA,
            const double[:, ::1] dB, double[:, ::1] F):
        """F += (J1 + J2 + J3)/3 on all rows.

        lo, hi (w, row), before, after (nz, u*numbers of a column): the ghosts of X, zeros beyond
        the grid; corners (4 w, u*numbers of a column): those of lo before and after the own
        columns, then those of hi. A, B (w + nz + w, C), from the first ghost row; dA, dB (nz, C)
        = d_z of own rows.
        """
        cdef hq_rows r
        cdef Py_ssize_t nz = X.shape[0], w = self.b.width, C = self.b.components
        cdef Py_ssize_t ghosts = self.b.reach*self.b.pitch
        r.nz, r.X = nz, self.expect("X", X, nz, self.b.length)
        r.lo, r.hi = self.expect("lo", lo, w, self.b.length), self.expect("hi", hi, w, self.b.length)
        r.before = self.expect("before", before, nz, ghosts)
        r.after = self.expect("after", after, nz, ghosts)
        r.corners = self.expect("corners", corners, 4*w, ghosts)
        cdef const double *a = self.expect("A", A, nz + 2*w, C)
        cdef const double *b = self.expect("B", B, nz + 2*w, C)
        cdef const double *da = self.expect("dA", dA, nz, C)
        cdef const double *db = self.expect("dB", dB, nz, C)
        cdef double *to = <double *>self.expect("F", F, nz, self.b.length)
        with nogil:
            self.run.add(&self.b, &r, a, b, da, db, to)
