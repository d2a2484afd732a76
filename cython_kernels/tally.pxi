# Sums over z of what the weak force does on each direction; included by kinetic.pyx.

cdef enum:
    MAX_STAGES = 16


cdef class Tally:
    """For each stage of a step the sums over own rows of  up Tr[Omega_v dz D_z rho],  as integers.

    Omega_v = mu [(M + Tr M) - v (F + Tr F)]; see tally.h.  `sums` int64 is (2, stages, blocks,
    species, lanes): integers and what is left, times 2^40; `squares` float64 (stages, blocks, species,
    lanes).  They grow with every evaluation that is given this tally, until `clear`.  `up`, a power of two, is 1 until `scale` sets it.
    """
    cdef hq_tally t[MAX_STAGES]
    cdef readonly object sums, squares
    cdef readonly double up
    cdef long long[:, :, :, :, ::1] sum
    cdef double[:, :, :, ::1] square
    cdef int stages

    def __init__(self, Kinetic kernel not None, int stages):
        if not 1 <= stages <= MAX_STAGES or kernel.k.width == 0:
            raise ValueError(f"{stages} stages of a stencil of half-width {kernel.k.width}")
        shape = (stages, kernel.k.blocks, kernel.k.species, kernel.k.lanes)
        self.sums, self.squares = np.zeros((2, *shape), np.int64), np.zeros(shape)
        self.sum, self.square, self.stages = self.sums, self.squares, stages
        for i in range(stages):
            self.t[i].sum, self.t[i].low = &self.sum[0, i, 0, 0, 0], &self.sum[1, i, 0, 0, 0]
            self.t[i].square = &self.square[i, 0, 0, 0]
        self.scale(1.0)

    def scale(self, double up):
        """Round to multiples of 1/up from now on."""
        self.up = up
        for i in range(self.stages):
            self.t[i].up = up

    def clear(self):
        """All sums are 0 again."""
        self.sum[...] = 0
        self.square[...] = 0.0

    cdef const hq_tally *of(self, int stage) except NULL:
        """Where a stage's sums are."""
        if not 0 <= stage < self.stages:
            raise ValueError(f"stage {stage} of {self.stages}")
        return &self.t[stage]
