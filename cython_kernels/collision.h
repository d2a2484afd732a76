/* Collisions of blocks of HQ_LANES directions; see collision.pyx.
 *
 * Strict IEEE in a written order: a cell's result depends neither on the instruction set nor on
 * where in a sweep the cell lies.
 */
#ifndef HQ_COLLISION_H
#define HQ_COLLISION_H

#include <stddef.h>
#include "clones.h"

#define HQ_FORCED static inline __attribute__((always_inline))
enum { HQ_MOST_VALUES = 2 * 9 }; /* species x components of a mode */

typedef struct {
    int species, components, lanes;
    ptrdiff_t blocks, per_momentum, length; /* blocks of a row, of a |p|; doubles of a row */
    const double *weight, *there;           /* (blocks, lanes): share of the average; 0 is padding */
    const double *emission, *loss, *gain;   /* (momenta, species, components) */
    const double *loss_mix, *gain_mix;      /* (momenta, species): between P0 and Pz */
} hq_collision;

/* out[values] = sum of weight x over the blocks first..end-1 of a row: lane by lane in the order of
 * the blocks, then across the lanes by adjacent pairs, as the moments of kinetic.h.
 */
HQ_FORCED void hq_sum_blocks(const hq_collision *k, const double *x, ptrdiff_t first, ptrdiff_t end,
                             double *out, const int W)
{
    const int values = k->species * k->components;
    double acc[HQ_MOST_VALUES * 8] = {0};
    for (ptrdiff_t b = first; b < end; b++)
        for (int i = 0; i < values; i++)
            for (int l = 0; l < W; l++)
                acc[i * W + l] += k->weight[b * W + l] * x[(b * values + i) * W + l];
    for (int i = 0; i < values; i++) {
        for (int n = W; n > 1; n /= 2)
            for (int l = 0; l < n / 2; l++)
                acc[i * W + l] = acc[i * W + 2 * l] + acc[i * W + 2 * l + 1];
        out[i] = acc[i * W];
    }
}

/* F += in - loss x of one row and species of a |p|, whose directions all have the same `in`. */
HQ_FORCED void hq_relax(const hq_collision *k, const double *x, double *f, ptrdiff_t p, int s,
                        const double *in, const int W, const int C)
{
    const ptrdiff_t at = p * k->species + s, step = (ptrdiff_t)k->species * C * W;
    const double *loss = k->loss + at * C, mix = k->loss_mix[at];
    for (ptrdiff_t b = p * k->per_momentum; b < (p + 1) * k->per_momentum; b++) {
        const double *there = k->there + b * W, *xb = x + b * step + (ptrdiff_t)s * C * W;
        double *fb = f + b * step + (ptrdiff_t)s * C * W;
        for (int c = 0; c < C; c++)
            if (C == 4 && c % 3 == 0) /* P0 with Pz, Pz with P0 */
                for (int l = 0; l < W; l++)
                    fb[c * W + l] += there[l] * in[c] - (loss[c] * xb[c * W + l]
                                                         + mix * xb[(3 - c) * W + l]);
            else
                for (int l = 0; l < W; l++)
                    fb[c * W + l] += there[l] * in[c] - loss[c] * xb[c * W + l];
    }
}

HQ_FORCED void hq_collide_rows(const hq_collision *k, const double *X, double *F, ptrdiff_t rows,
                               const double *average, const int W, const int C)
{
    const int values = k->species * C;
    const ptrdiff_t momenta = k->blocks / k->per_momentum;
    for (ptrdiff_t z = 0; z < rows; z++)
        for (ptrdiff_t p = 0; p < momenta; p++)
            for (int s = 0; s < k->species; s++) {
                const ptrdiff_t at = p * k->species + s;
                double in[9];
                for (int c = 0; c < C; c++)
                    in[c] = k->emission[at * C + c];
                if (average) {
                    const double *mean = average + (p * rows + z) * values + s * C;
                    for (int c = 0; c < C; c++)
                        in[c] += k->gain[at * C + c] * mean[c];
                    if (C == 4) {
                        in[0] += k->gain_mix[at] * mean[3];
                        in[3] += k->gain_mix[at] * mean[0];
                    }
                }
                hq_relax(k, X + z * k->length, F + z * k->length, p, s, in, W, C);
            }
}

/* out (chunks, rows, values): sums over the blocks chunk_start[c] .. chunk_start[c + 1] - 1. */
HQ_CLONES static void hq_collision_sums(const hq_collision *k, const double *X, ptrdiff_t rows,
                                        const int *chunk_start, ptrdiff_t chunks, double *out)
{
    const int values = k->species * k->components;
    for (ptrdiff_t c = 0; c < chunks; c++)
        for (ptrdiff_t z = 0; z < rows; z++, out += values) {
            const double *x = X + z * k->length;
            switch (k->lanes) {
            case 8: hq_sum_blocks(k, x, chunk_start[c], chunk_start[c + 1], out, 8); break;
            case 4: hq_sum_blocks(k, x, chunk_start[c], chunk_start[c + 1], out, 4); break;
            case 2: hq_sum_blocks(k, x, chunk_start[c], chunk_start[c + 1], out, 2); break;
            default: hq_sum_blocks(k, x, chunk_start[c], chunk_start[c + 1], out, 1);
            }
        }
}

/* F += C[rho]; average (momenta, rows, values), NULL without scattering. */
HQ_CLONES static void hq_collide(const hq_collision *k, const double *X, double *F, ptrdiff_t rows,
                                 const double *average)
{
#define HQ_CASE(W)                                                                                \
    if (k->components == 4)                                                                       \
        hq_collide_rows(k, X, F, rows, average, W, 4);                                            \
    else                                                                                          \
        hq_collide_rows(k, X, F, rows, average, W, 9);
    switch (k->lanes) {
    case 8: HQ_CASE(8) break;
    case 4: HQ_CASE(4) break;
    case 2: HQ_CASE(2) break;
    default: HQ_CASE(1)
    }
#undef HQ_CASE
}

#endif
