/* Collisions of rows of the state; see collision.pyx.
 *
 * Strict IEEE in a written order: a cell's result depends neither on the instruction set nor on
 * where in a sweep the cell lies.
 */
#ifndef HQ_COLLISION_H
#define HQ_COLLISION_H

#include <stddef.h>
#include <string.h>
#include "clones.h"

#define HQ_FORCED static inline __attribute__((always_inline))
#define HQ_UNROLL _Pragma("GCC unroll 18")
enum { HQ_MOST_VALUES = 2 * 9 }; /* species x components of a mode */

typedef struct {
    int species, components, lanes;
    ptrdiff_t blocks, per_momentum, length; /* blocks of a row, of a |p|; doubles of a row */
    const double *weight, *there;           /* (blocks, lanes): share of the average; 0 is padding */
    const double *emission, *loss, *gain;   /* (momenta, species, components) */
    const double *loss_mix, *gain_mix;      /* (momenta, species): between P0 and Pz */
} hq_collision;

/* in = emission + gain <rho> of one row, |p| and species; mean is NULL without scattering. */
HQ_FORCED void hq_incoming(const hq_collision *k, ptrdiff_t at, const double *mean, double *in,
                           const int C)
{
    for (int c = 0; c < C; c++)
        in[c] = k->emission[at * C + c];
    if (!mean)
        return;
    for (int c = 0; c < C; c++)
        in[c] += k->gain[at * C + c] * mean[c];
    if (C == 4) {
        in[0] += k->gain_mix[at] * mean[3];
        in[3] += k->gain_mix[at] * mean[0];
    }
}

#define HQ_JOIN2(name, lanes) hq_##name##_##lanes
#define HQ_JOIN(name, lanes) HQ_JOIN2(name, lanes)
#define HQ_(name) HQ_JOIN(name, HQ_W)
#define HQ_W 1
#include "collision_lanes.h"
#undef HQ_W
#define HQ_W 2
#include "collision_lanes.h"
#undef HQ_W
#define HQ_W 4
#include "collision_lanes.h"
#undef HQ_W
#define HQ_W 8
#include "collision_lanes.h"
#undef HQ_W
#undef HQ_

/* out (chunks, rows, values): sums over the blocks chunk_start[c] .. chunk_start[c + 1] - 1. */
HQ_CLONES static void hq_collision_sums(const hq_collision *k, const double *X, ptrdiff_t rows,
                                        const int *chunk_start, ptrdiff_t chunks, double *out)
{
    switch (k->lanes) {
    case 8: hq_sums_8(k, X, rows, chunk_start, chunks, out); break;
    case 4: hq_sums_4(k, X, rows, chunk_start, chunks, out); break;
    case 2: hq_sums_2(k, X, rows, chunk_start, chunks, out); break;
    default: hq_sums_1(k, X, rows, chunk_start, chunks, out);
    }
}

/* F += C[rho]; average (momenta, rows, values), NULL without scattering. */
HQ_CLONES static void hq_collide(const hq_collision *k, const double *X, double *F, ptrdiff_t rows,
                                 const double *average)
{
    switch (k->lanes) {
    case 8: hq_rows_8(k, X, F, rows, average); break;
    case 4: hq_rows_4(k, X, F, rows, average); break;
    case 2: hq_rows_2(k, X, F, rows, average); break;
    default: hq_rows_1(k, X, F, rows, average);
    }
}

#endif
