"""The declarations of arakawa_api.h."""

cdef extern from "arakawa_api.h":
    const int MAX_TAPS "HQ_MAX_TAPS"
    ctypedef struct hq_arakawa:
        int flavors, species, components, lanes, width, reach, coupled
        ptrdiff_t per_column, columns, pitch, length, wide
        const double *v
        const double *along[9]
        const double *below
        const double *above
        const double *energy
        const double *mass
        const double *speed
        const double *drift
        const double *unmass
        double vacuum[9]
        double c[4]
        double *rho
        double *push
        double *flux
        double *slope
        double *force
    ctypedef struct hq_rows:
        const double *X
        const double *lo
        const double *hi
        const double *before
        const double *after
        const double *corners
        ptrdiff_t nz
    ctypedef struct hq_arakawa_functions:
        const char *isa
        void (*add)(const hq_arakawa *, const hq_rows *, const double *, const double *,
                    const double *, const double *, double *) noexcept nogil
    const hq_arakawa_functions *hq_choose_arakawa(const char *isa) noexcept nogil
