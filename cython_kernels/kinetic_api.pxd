"""The declarations of kinetic_api.h."""

cdef extern from "kinetic_api.h":
    const int MAX_TARGETS "HQ_MAX_TARGETS"
    const int MAX_SOURCES "HQ_MAX_SOURCES"
    ctypedef struct hq_kinetic:
        int flavors, species, components, lanes
        int width, filtered
        ptrdiff_t blocks, length, chunks
        int single
        const int *chunk_start
        const double *v
        const double *weight
        const double *flux
        const double *speed
        double c[4]
        double g[5]
    ctypedef struct hq_rows:
        const double *X
        const double *lo
        const double *hi
        ptrdiff_t nz
    ctypedef struct hq_tally:
        double up
        long long *sum
        long long *low
        double *square
    ctypedef struct hq_hamiltonian:
        double mu
        const double *A_ext
        const double *B_ext
        const double *mode
        const hq_tally *tally
    ctypedef struct hq_target:
        double *target
        const double *base
        const double *source[16]
        const double *c
        int sources
    ctypedef struct hq_stage:
        double *K
        hq_target target[4]
        int targets
    ctypedef struct hq_error:
        const double *y
        const double *y_new
        const double *slope
        hq_target sum
        double atol, rtol
        ptrdiff_t n
    ctypedef struct hq_functions:
        const char *isa
        void (*moments)(const hq_kinetic *, const double *, ptrdiff_t, double *) noexcept nogil
        void (*transport)(const hq_kinetic *, const hq_rows *, double *, ptrdiff_t,
                          ptrdiff_t) noexcept nogil
        void (*commutator)(const hq_kinetic *, const double *, ptrdiff_t, const double *,
                           const double *, const double *, double *,
                           const hq_stage *) noexcept nogil
        void (*fused)(const hq_kinetic *, const hq_rows *, double *, ptrdiff_t, ptrdiff_t,
                      const hq_hamiltonian *, const hq_stage *) noexcept nogil
        void (*apply)(const hq_stage *, const double *, ptrdiff_t, ptrdiff_t) noexcept nogil
        double (*error_norm)(const hq_error *) noexcept nogil
    const hq_functions *hq_choose(const char *isa) noexcept nogil
