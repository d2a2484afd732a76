/* What kinetic.pyx calls: one set of parameters, one table of functions per instruction set. */
#ifndef HQ_KINETIC_API_H
#define HQ_KINETIC_API_H

#include <stddef.h>
#include <string.h>

#include "isa.h"

#define HQ_MAX_WIDTH 4      /* half-width of the widest stencil (8th order) */
#define HQ_MAX_COMPONENTS 9 /* real components of a density matrix (3 flavors) */
#define HQ_MAX_TARGETS 4    /* of a Runge-Kutta stage */
#define HQ_MAX_SOURCES 16   /* of such a target */

/* A row is X[block][species*components][lane]; v, weight, flux = weight*v are [block][lane];
 * speed = -v/dz is repeated for every number of a row.
 */
typedef struct {
    int flavors, species, components, lanes;
    int width, filtered;
    ptrdiff_t blocks, length, chunks;
    int single; /* every chunk is one block */
    const int *chunk_start;
    const double *v, *weight, *flux, *speed;
    double c[HQ_MAX_WIDTH], g[HQ_MAX_WIDTH + 1];
} hq_kinetic;

/* The rows z = 0..nz-1, between the ghost rows z = -width..-1 (lo) and z = nz.. (hi). */
typedef struct {
    const double *X, *lo, *hi;
    ptrdiff_t nz;
} hq_rows;

/* Sums over z for [block][species][lane], see tally.h. */
typedef struct {
    double up; /* a power of two: 1/up is the unit of the integers */
    long long *sum, *low;
    double *square;
} hq_tally;

/* h = mu * (moments) + ext + mode; a missing piece is NULL.  Rows are added to `tally`, if any. */
typedef struct {
    double mu;
    const double *A_ext, *B_ext, *mode;
    const hq_tally *tally;
} hq_hamiltonian;

/* target = base + sum_j c[1+j] source[j] + c[0] slope. */
typedef struct {
    double *target;
    const double *base, *source[HQ_MAX_SOURCES], *c;
    int sources;
} hq_target;

/* What becomes of a slope: it is stored into K (unless NULL) and combined into the targets. */
typedef struct {
    double *K;
    hq_target target[HQ_MAX_TARGETS];
    int targets;
} hq_stage;

/* The number of targets of a stage that may be served from registers: one or two, each its base and
 * the fresh slope only.  0 for all others and for NULL.
 */
static inline int simple_targets(const hq_stage *stage)
{
    int simple = stage && !stage->K && stage->targets <= 2;
    for (int o = 0; simple && o < stage->targets; o++)
        simple = stage->target[o].sources == 0;
    return simple ? stage->targets : 0;
}

/* The n numbers of a step from y to y_new.  The error is sum.c[1+j] sum.source[j] + sum.c[0] slope;
 * sum's target and base are not used.
 */
typedef struct {
    const double *y, *y_new, *slope;
    hq_target sum;
    double atol, rtol;
    ptrdiff_t n;
} hq_error;

/* `stage`, unless NULL, is applied to the slopes; fused() then leaves F alone (NULL will do). */
typedef struct {
    const char *isa;
    void (*moments)(const hq_kinetic *k, const double *X, ptrdiff_t nz, double *out);
    void (*transport)(const hq_kinetic *k, const hq_rows *rows, double *F, ptrdiff_t z0,
                      ptrdiff_t z1);
    void (*commutator)(const hq_kinetic *k, const double *X, ptrdiff_t nz, const double *A,
                       const double *B, const double *mode, double *F, const hq_stage *stage);
    void (*fused)(const hq_kinetic *k, const hq_rows *rows, double *F, ptrdiff_t z0, ptrdiff_t z1,
                  const hq_hamiltonian *h, const hq_stage *stage);
    void (*apply)(const hq_stage *stage, const double *F, ptrdiff_t from, ptrdiff_t to);
    double (*error_norm)(const hq_error *e);
} hq_functions;

#if defined(__x86_64__)
extern const hq_functions hq_functions_2, hq_functions_3, hq_functions_4;
#else
extern const hq_functions hq_functions_0;
#endif

/* The best table this processor can run (isa = ""), or the named one; NULL if it cannot. */
static inline const hq_functions *hq_choose(const char *isa)
{
    switch (hq_isa_level(isa)) {
#if defined(__x86_64__)
    case 4: return &hq_functions_4;
    case 3: return &hq_functions_3;
    case 2: return &hq_functions_2;
#else
    case 0: return &hq_functions_0;
#endif
    default: return NULL;
    }
}

#endif
