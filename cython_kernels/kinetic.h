/* Moments and commutator for blocks of HQ_W lanes.  A template, see kinetic_isa.c: flavors, species
 * and presence of `mode` are constant arguments of inlined functions.
 *
 * Every line is strict IEEE arithmetic in a written order: a cell's result depends neither on the
 * instruction set nor on where in a sweep the cell lies.
 */
#include "flavor.h"

/* out[row] = scale * (M_0..M_{C-1}, F_0..F_{C-1}) of `count` rows, summed over chunks from..to-1:
 * M = sum of weight (x_nu - x_nubar), F the same with weight v.  Within a chunk lane by lane in the
 * order of the blocks, then across the lanes by adjacent pairs; then chunk by chunk.
 */
HQ_INLINE void HQ_(sum_rows)(const hq_kinetic *k, const double *X, ptrdiff_t count, ptrdiff_t from,
                             ptrdiff_t to, double scale, double *out, const int C, const int S,
                             const int first)
{
    const ptrdiff_t length = k->length;
    const int *chunk_start = k->chunk_start;
    const double *weight = k->weight, *flux = k->flux;
    const int vectors = (2 * C + HQ_LANES - 1) / HQ_LANES;
    for (ptrdiff_t r = 0; r < count; r++, X += length, out += 2 * C) {
        HQ_VEC total[HQ_SUM_VECTORS], part[HQ_SUBS][HQ_SUM_VECTORS];
        HQ_UNROLL
        for (int i = 0; i < vectors; i++)
            total[i] = (HQ_VEC){0};
        for (ptrdiff_t chunk = from; chunk < to; chunk++) {
            for (int sub = 0; sub < HQ_SUBS; sub++) {
                HQ_VEC acc[2 * HQ_MAX_COMPONENTS + HQ_LANES];
                HQ_UNROLL
                for (int c = 0; c < 2 * C + HQ_LANES; c++)
                    acc[c] = (HQ_VEC){0};
                for (ptrdiff_t b = chunk_start[chunk]; b < chunk_start[chunk + 1]; b++) {
                    const ptrdiff_t lane = b * HQ_W + sub * HQ_LANES;
                    const double *x = X + b * S * C * HQ_W + sub * HQ_LANES;
                    const HQ_VEC w = HQ_(load)(weight + lane), wv = HQ_(load)(flux + lane);
                    HQ_UNROLL
                    for (int c = first; c < C; c++) {
                        HQ_VEC net = HQ_(load)(x + c * HQ_W);
                        if (S == 2)
                            net -= HQ_(load)(x + (C + c) * HQ_W);
                        acc[c] += w * net;
                        acc[C + c] += wv * net;
                    }
                }
                HQ_UNROLL
                for (int i = 0; i < vectors; i++)
                    part[sub][i] = HQ_(across)(acc + i * HQ_LANES);
            }
            HQ_UNROLL
            for (int i = 0; i < vectors; i++)
                total[i] += HQ_(tree)(part, i);
        }
        HQ_UNROLL
        for (int i = 0; i < vectors; i++)
            total[i] = scale * total[i];
        memcpy(out, total, 2 * C * sizeof *out);
    }
}

/* F += i[rho, A - v B + mode] of one block for `count` rows.  X, F start at the block; rows of F
 * are `pitch` apart, those of A and B `stride`.
 */
HQ_INLINE void HQ_(rotate_block)(const hq_kinetic *k, const double *X, double *F, ptrdiff_t pitch,
                                 ptrdiff_t block, ptrdiff_t count, const double *A,
                                 const double *B, ptrdiff_t stride, const double *mode,
                                 const int C, const int S)
{
    const int first = C == 4; /* a Bloch vector's trace takes no part */
    const ptrdiff_t length = k->length;
    for (int sub = 0; sub < HQ_SUBS; sub++) {
        const HQ_VEC v = HQ_(load)(k->v + block * HQ_W + sub * HQ_LANES);
        const double *extra = mode ? mode + block * S * C * HQ_W + sub * HQ_LANES : NULL;
        for (ptrdiff_t r = 0; r < count; r++) {
            HQ_VEC common[HQ_MAX_COMPONENTS], h[HQ_MAX_COMPONENTS];
            HQ_VEC x[HQ_MAX_COMPONENTS], rate[HQ_MAX_COMPONENTS];
            HQ_UNROLL
            for (int c = first; c < C; c++)
                common[c] = A[r * stride + c] - v * B[r * stride + c];
            HQ_UNROLL
            for (int s = 0; s < S; s++) {
                const ptrdiff_t at = s * C * HQ_W + sub * HQ_LANES;
                double *out = F + r * pitch + at;
                HQ_UNROLL
                for (int c = first; c < C; c++) {
                    x[c] = HQ_(load)(X + r * length + at + c * HQ_W);
                    h[c] = mode ? common[c] + HQ_(load)(extra + (s * C + c) * HQ_W) : common[c];
                }
                if (C == 4)
                    HQ_(precess)(x, h, rate);
                else
                    HQ_(rotate)(x, h, rate);
                HQ_UNROLL
                for (int c = first; c < C; c++)
                    HQ_(store)(out + c * HQ_W, HQ_(load)(out + c * HQ_W) + rate[c]);
            }
        }
    }
}

/* --- the instances, and the table that lists them ------------------------------------------- */

#define HQ_SUM(name, flavors, species, first)                                                     \
    static void HQ_(name##_##flavors##_##species)(const hq_kinetic *k, const double *X,           \
        ptrdiff_t count, ptrdiff_t from, ptrdiff_t to, double scale, double *out)                 \
    {                                                                                             \
        HQ_(sum_rows)(k, X, count, from, to, scale, out, flavors * flavors, species, first);      \
    }

#define HQ_ROTATE(flavors, species)                                                               \
    static void HQ_(rotate_##flavors##_##species)(const hq_kinetic *k, const double *X, double *F, \
        ptrdiff_t pitch, ptrdiff_t b, ptrdiff_t count, const double *A, const double *B,          \
        ptrdiff_t stride, const double *mode)                                                     \
    {                                                                                             \
        const int C = flavors * flavors;                                                          \
        if (mode)                                                                                 \
            HQ_(rotate_block)(k, X, F, pitch, b, count, A, B, stride, mode, C, species);          \
        else                                                                                      \
            HQ_(rotate_block)(k, X, F, pitch, b, count, A, B, stride, NULL, C, species);          \
    }

HQ_SUM(sum, 2, 1, 0) HQ_SUM(sum, 2, 2, 0) HQ_SUM(sum, 3, 1, 0) HQ_SUM(sum, 3, 2, 0)
HQ_SUM(sum_bloch, 2, 1, 1) HQ_SUM(sum_bloch, 2, 2, 1)
HQ_ROTATE(2, 1) HQ_ROTATE(2, 2) HQ_ROTATE(3, 1) HQ_ROTATE(3, 2)

static const hq_loops HQ_(loops) = {
    .sum = {{HQ_(sum_2_1), HQ_(sum_2_2)}, {HQ_(sum_3_1), HQ_(sum_3_2)}},
    .sum_bloch = {{HQ_(sum_bloch_2_1), HQ_(sum_bloch_2_2)}, {HQ_(sum_3_1), HQ_(sum_3_2)}},
    .rotate = {{HQ_(rotate_2_1), HQ_(rotate_2_2)}, {HQ_(rotate_3_1), HQ_(rotate_3_2)}},
};

#undef HQ_SUM
#undef HQ_ROTATE
