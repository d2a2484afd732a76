/* What bracket.pyx calls: one set of parameters, one table of functions per instruction set. */
#ifndef HQ_BRACKET_API_H
#define HQ_BRACKET_API_H

#include <stddef.h>

#include "isa.h"
#include "kinetic_api.h"

#define HQ_MAX_WIDTH 4      /* half-width of the widest stencil (8th order) */
#define HQ_MAX_COMPONENTS 9 /* real components of a density matrix (3 flavors) */
#define HQ_MAX_TAPS 9       /* momenta that enter X = d/dp_z */
#define HQ_ROWS 8           /* rows whose slopes are worked on together */
#define HQ_RING 256         /* doubles of a row that drift() works on together, or one block */

/* A row is X[block][species*components][lane]; a column is `per_column` consecutive blocks, its
 * numbers are `pitch`.  v, tap[.], below, above are [block][lane]; tap t multiplies the momentum
 * offset[t] columns further; wide_tap[.] is the same, [block][component][lane].
 * rate = +-drift/dz is repeated for every number of a row.
 * field (room for field_blocks x components x lanes) holds h of a row: it is that of one column if
 * the columns share their directions, else that of the whole row; ring has room for 2 width + 1
 * rows of ring_room doubles.
 */
typedef struct {
    int flavors, species, components, lanes;
    int width, reach, taps, coupled, shared;
    int offset[HQ_MAX_TAPS];
    ptrdiff_t blocks, per_column, columns, pitch, length, field_blocks, ring_room;
    const double *v, *tap[HQ_MAX_TAPS], *wide_tap[HQ_MAX_TAPS], *below, *above, *rate;
    double c[HQ_MAX_WIDTH];
    double *field, *ring;
} hq_bracket;

/* All that a slope consists of; A, B are those of the commutator, dA, dB of the force, TB (width
 * rows before the first one) of the drift, mode may be NULL; speed and drift are [block][lane].
 * It goes to F, or is what `stage` (NULL for none) wants.
 */
typedef struct {
    const hq_kinetic *k;
    const hq_bracket *b;
    const hq_rows *rows;
    const double *before, *after, *A, *B, *dA, *dB, *TB, *mode, *speed, *drift;
    double *F;
    const hq_stage *stage;
} hq_slope;

/* Momentum sums with the weights of a kinetic kernel and, unless NULL, `energy` of each
 * [block][species][lane]; chunks of out and energies are
 * `pitch` apart; wide_... are the weights repeated, [block][component][lane].
 */
typedef struct {
    const hq_kinetic *k;
    const hq_functions *run;
    const double *wide_weight, *wide_flux, *energy;
} hq_row_sums;

typedef struct {
    const char *isa;
    void (*force)(const hq_bracket *b, const double *X, const double *before, const double *after,
                  const double *dA, const double *dB, double *F, ptrdiff_t z0, ptrdiff_t z1);
    void (*drift)(const hq_bracket *b, const double *X, const double *lo, const double *hi,
                  ptrdiff_t nz, const double *B, double *F, ptrdiff_t z0, ptrdiff_t z1);
    /* G = speed rho +- drift rho o B of the rows z.., which may be ghosts; speed, drift are
     * [block][lane].
     */
    void (*current)(const hq_bracket *b, const double *speed, const double *drift,
                    const hq_rows *rows, const double *B, ptrdiff_t z, ptrdiff_t count, double *G);
    /* F = transport + force + commutator at once, without drift; 0 where it cannot. */
    int (*slope)(const hq_slope *s, ptrdiff_t z0, ptrdiff_t z1);
    /* All rows' slopes, with drift, into F or `stage`; 0 where it cannot. */
    int (*flow)(const hq_slope *s);
    void (*sums)(const hq_row_sums *s, const double *X, ptrdiff_t nz, double *out, ptrdiff_t pitch,
                 double *energies);
} hq_bracket_functions;

#if defined(__x86_64__)
extern const hq_bracket_functions hq_bracket_2, hq_bracket_3, hq_bracket_4;
#else
extern const hq_bracket_functions hq_bracket_0;
#endif

/* The best table this processor can run (isa = ""), or the named one; NULL if it cannot. */
static inline const hq_bracket_functions *hq_choose_bracket(const char *isa)
{
    switch (hq_isa_level(isa)) {
#if defined(__x86_64__)
    case 4: return &hq_bracket_4;
    case 3: return &hq_bracket_3;
    case 2: return &hq_bracket_2;
#else
    case 0: return &hq_bracket_0;
#endif
    default: return NULL;
    }
}

#endif
