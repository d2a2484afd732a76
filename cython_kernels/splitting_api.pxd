"""The declarations of splitting_api.h."""

cdef extern from "splitting_api.h":
    const int HQ_POINTS
    const int HQ_LINE
    ctypedef struct hq_split:
        int flavors, species, evolving, turning
        ptrdiff_t directions, momenta, rows, stride, pad, length
        const int *place
        const double *v
        const double *weight
        const double *mean
        double mu
    ctypedef struct hq_shift:
        const int *first
        const double *weight
        const double *turn
    ctypedef struct hq_split_functions:
        const char *isa
        void (*unpack)(const hq_split *, const double *, double *) noexcept nogil
        void (*pack)(const hq_split *, const double *, double *) noexcept nogil
        void (*traces)(const hq_split *, const hq_shift *, const double *,
                       double *) noexcept nogil
        void (*stage)(const hq_split *, const hq_shift *, const double *, double *, double,
                      int) noexcept nogil
        void (*rotations)(int, const double *, ptrdiff_t, double *) noexcept nogil
    const hq_split_functions *hq_choose_split(const char *isa) noexcept nogil
