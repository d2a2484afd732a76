"""The declarations of bracket_api.h."""

from kinetic_api cimport hq_functions, hq_kinetic, hq_rows, hq_stage

cdef extern from "bracket_api.h":
    const int MAX_TAPS "HQ_MAX_TAPS"
    const int RING "HQ_RING"
    const int ROWS "HQ_ROWS"
    ctypedef struct hq_bracket:
        int flavors, species, components, lanes
        int width, reach, taps, coupled, shared
        int offset[9]
        ptrdiff_t blocks, per_column, columns, pitch, length, field_blocks, ring_room
        const double *v
        const double *tap[9]
        const double *wide_tap[9]
        const double *below
        const double *above
        const double *rate
        double c[4]
        double *field
        double *ring
    ctypedef struct hq_slope:
        const hq_kinetic *k
        const hq_bracket *b
        const hq_rows *rows
        const double *before
        const double *after
        const double *A
        const double *B
        const double *dA
        const double *dB
        const double *TB
        const double *mode
        const double *speed
        const double *drift
        double *F
        const hq_stage *stage
    ctypedef struct hq_row_sums:
        const hq_kinetic *k
        const hq_functions *run
        const double *wide_weight
        const double *wide_flux
        const double *energy
    ctypedef struct hq_bracket_functions:
        const char *isa
        void (*force)(const hq_bracket *, const double *, const double *, const double *,
                      const double *, const double *, double *, ptrdiff_t,
                      ptrdiff_t) noexcept nogil
        void (*drift)(const hq_bracket *, const double *, const double *, const double *,
                      ptrdiff_t, const double *, double *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*current)(const hq_bracket *, const double *, const double *, const hq_rows *,
                        const double *, ptrdiff_t, ptrdiff_t, double *) noexcept nogil
        int (*slope)(const hq_slope *, ptrdiff_t, ptrdiff_t) noexcept nogil
        int (*flow)(const hq_slope *) noexcept nogil
        void (*sums)(const hq_row_sums *, const double *, ptrdiff_t, double *, ptrdiff_t,
                     double *) noexcept nogil
    const hq_bracket_functions *hq_choose_bracket(const char *isa) noexcept nogil
