/* What arakawa.pyx calls: one set of parameters, one table of functions per instruction set. */
#ifndef HQ_ARAKAWA_API_H
#define HQ_ARAKAWA_API_H

#include <stddef.h>

#include "isa.h"

#define HQ_MAX_WIDTH 4      /* half-width of the widest stencil (8th order) */
#define HQ_MAX_COMPONENTS 9 /* real components of a density matrix (3 flavors) */
#define HQ_MAX_TAPS 9       /* momenta that enter X = d/dp_z */

/* A row is X[block][species*components][lane]; a column is `per_column` consecutive blocks, its
 * numbers are `pitch`.  A row has `length` numbers, with `reach` ghost columns on both sides `wide`.
 * Of own columns, [block][lane]: along[.], below, above, speed, drift, unmass; with the ghost
 * columns: energy, mass; of one column: v.  c = coefficients of d_z over dz.
 * Scratch, of 2 width + 1 rows: rho (wide), push and flux (length); of one row: slope, force (wide).
 */
typedef struct {
    int flavors, species, components, lanes, width, reach, coupled;
    ptrdiff_t per_column, columns, pitch, length, wide;
    const double *v, *along[HQ_MAX_TAPS], *below, *above;
    const double *energy, *mass, *speed, *drift, *unmass;
    double vacuum[HQ_MAX_COMPONENTS], c[HQ_MAX_WIDTH];
    double *rho, *push, *flux, *slope, *force;
} hq_arakawa;

/* Rows of the state with all their ghosts; corners are (lo, hi) x (before, after). */
typedef struct {
    const double *X, *lo, *hi, *before, *after, *corners;
    ptrdiff_t nz;
} hq_rows;

typedef struct {
    const char *isa;
    void (*add)(const hq_arakawa *b, const hq_rows *rows, const double *A, const double *B,
                const double *dA, const double *dB, double *F);
} hq_arakawa_functions;

#if defined(__x86_64__)
extern const hq_arakawa_functions hq_arakawa_2, hq_arakawa_3, hq_arakawa_4;
#else
extern const hq_arakawa_functions hq_arakawa_0;
#endif

/* The best table this processor can run (isa = ""), or the named one; NULL if it cannot. */
static inline const hq_arakawa_functions *hq_choose_arakawa(const char *isa)
{
    switch (hq_isa_level(isa)) {
#if defined(__x86_64__)
    case 4: return &hq_arakawa_4;
    case 3: return &hq_arakawa_3;
    case 2: return &hq_arakawa_2;
#else
    case 0: return &hq_arakawa_0;
#endif
    default: return NULL;
    }
}

#endif
