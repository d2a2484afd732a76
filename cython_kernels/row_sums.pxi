# Momentum sums of gradient runs; included by bracket.pyx.

cdef class RowSums:
    """The sums of a `kinetic.Kinetic` and, in the same pass, an energy.

    energy: (nblk, S, W) as the kernel has blocks and species, with whatever weight; None for none.
    isa as for Bracket.  ValueError if it does not fit.
    """
    cdef object kinetic
    cdef const hq_bracket_functions *run
    cdef hq_row_sums s
    cdef double[:, ::1] wide_weight, wide_flux
    cdef double[:, :, ::1] energy

    def __init__(self, kinetic, energy=None, *, isa=None):
        cdef bytes name = b"" if isa is None else isa.encode()
        cdef const double[:, ::1] weight, flux
        self.run = hq_choose_bracket(name)
        if self.run == NULL:
            raise ValueError(f"isa = {isa!r}: not available here")
        parameters, functions = kinetic.parts
        cdef const hq_kinetic *k = <const hq_kinetic *>PyCapsule_GetPointer(parameters,
                                                                           "hq_kinetic")
        self.kinetic, self.s.k = kinetic, k
        self.s.run = <const hq_functions *>PyCapsule_GetPointer(functions, "hq_functions")
        weight = <const double[:k.blocks, :k.lanes]>k.weight
        flux = <const double[:k.blocks, :k.lanes]>k.flux
        self.wide_weight = aligned(np.tile(weight, (1, k.components)))
        self.wide_flux = aligned(np.tile(flux, (1, k.components)))
        self.s.wide_weight, self.s.wide_flux = &self.wide_weight[0, 0], &self.wide_flux[0, 0]
        if energy is not None:
            if np.shape(energy) != (k.blocks, k.species, k.lanes):
                raise ValueError("energy must be (blocks, species, lanes)")
            self.energy = aligned(energy)
            self.s.energy = &self.energy[0, 0, 0]

    def moments(self, const double[:, ::1] X, double[:, ::1] out, Py_ssize_t first=0):
        """out (nchunk, rows (2C + 1)): the sums of X, which are the rows from `first` on.

        A chunk has (rows, 2C) numbers as those of Kinetic.moments, then, if there is an energy,
        sum energy Tr rho of each row; without one it has rows 2C numbers.
        """
        cdef const hq_kinetic *k = self.s.k
        cdef Py_ssize_t nz = X.shape[0], C2 = 2*k.components, rows
        cdef bint with_energy = self.s.energy != NULL
        rows = out.shape[1]//(C2 + with_energy)
        if X.shape[1] != k.length or out.shape[0] != k.chunks:
            raise ValueError("X must be (nz, row), out have a row for each chunk")
        if out.shape[1] != rows*(C2 + with_energy) or not 0 <= first <= first + nz <= rows:
            raise ValueError(f"{out.shape[1]} sums a chunk, for rows {first}:{first + nz}")
        if nz == 0:
            return
        cdef double *energies = &out[0, rows*C2 + first] if with_energy else NULL
        with nogil:
            self.run.sums(&self.s, &X[0, 0], nz, &out[0, C2*first], out.shape[1], energies)
