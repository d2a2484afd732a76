/* The gradient terms for blocks of HQ_W lanes.  A template, see bracket_isa.c: components, taps and
 * the coupling of directions are constant arguments of inlined functions.
 *
 * The mean field is the same for all momenta of a direction, so that it commutes with the sum over
 * momenta:  X(rho o h) = h o (sum_k tap_k rho_k) + below (rho o h)_{d-1} + above (rho o h)_{d+1}.
 */
#include "flavor.h"
#include "jordan.h"

/* field = (A - v B)/2 of the blocks. */
static void HQ_(fill)(const hq_bracket *b, const double *A, const double *B)
{
    double *to = b->field;
    for (ptrdiff_t block = 0; block < b->field_blocks; block++)
        for (int c = 0; c < b->components; c++, to += HQ_W)
            for (int sub = 0; sub < HQ_SUBS; sub++) {
                const HQ_VEC v = HQ_(load)(b->v + block * HQ_W + sub * HQ_LANES);
                HQ_(store)(to + sub * HQ_LANES, 0.5 * (A[c] - v * B[c]));
            }
}

/* t = sum over momenta of tap * rho; near[.] are the momenta's numbers, at is [block][lane].
 * A sum that starts from 0.0 does not know whether taps that are zero were left out.
 */
HQ_INLINE void HQ_(sum_taps)(const hq_bracket *b, const double *const *near, ptrdiff_t at,
                             ptrdiff_t from, HQ_VEC *t, const int C, const int taps)
{
    HQ_UNROLL
    for (int c = 0; c < C; c++)
        t[c] = (HQ_VEC){0};
    for (int k = 0; k < taps; k++) {
        const HQ_VEC a = HQ_(load)(b->tap[k] + at);
        HQ_UNROLL
        for (int c = 0; c < C; c++)
            t[c] += a * HQ_(load)(near[k] + from + c * HQ_W);
    }
}

/* F += rate for neutrinos, F -= rate for antineutrinos. */
HQ_INLINE void HQ_(add)(double *F, const HQ_VEC *rate, int s, const int C)
{
    HQ_UNROLL
    for (int c = 0; c < C; c++) {
        const HQ_VEC f = HQ_(load)(F + c * HQ_W);
        HQ_(store)(F + c * HQ_W, s ? f - rate[c] : f + rate[c]);
    }
}

/* F += h o (sum_k tap_k rho_k), columns first..first+count-1; near[k] and F start at the first. */
HQ_INLINE void HQ_(push)(const hq_bracket *b, const double *const *near, double *F,
                         ptrdiff_t first, ptrdiff_t count, const int C, const int taps)
{
    const ptrdiff_t cells = b->species * C * HQ_W;
    for (ptrdiff_t i = 0; i < b->per_column; i++)
        for (int sub = 0; sub < HQ_SUBS; sub++) {
            HQ_VEC h[HQ_MAX_COMPONENTS], t[HQ_MAX_COMPONENTS], rate[HQ_MAX_COMPONENTS];
            for (ptrdiff_t column = 0; column < count; column++) {
                const ptrdiff_t block = (first + column) * b->per_column + i;
                const ptrdiff_t at = block * HQ_W + sub * HQ_LANES;
                ptrdiff_t from = column * b->pitch + i * cells + sub * HQ_LANES;
                if (column == 0 || !b->shared)
                    HQ_(load_all)(b->field + (b->shared ? i : block) * C * HQ_W + sub * HQ_LANES,
                                  h, C);
                for (int s = 0; s < b->species; s++, from += C * HQ_W) {
                    HQ_(sum_taps)(b, near, at, from, t, C, taps);
                    HQ_(jordan)(t, h, rate, C);
                    HQ_(add)(F + from, rate, s, C);
                }
            }
        }
}

/* g = rho o h of vector i of a column, 0 beyond its ends; own and h start at the column. */
HQ_INLINE void HQ_(product)(const double *own, const double *h, ptrdiff_t cells, ptrdiff_t i,
                            ptrdiff_t vectors, HQ_VEC *g, const int C)
{
    HQ_VEC x[HQ_MAX_COMPONENTS], w[HQ_MAX_COMPONENTS];
    const ptrdiff_t block = i / HQ_SUBS, lane = i % HQ_SUBS * HQ_LANES;
    if (i >= 0 && i < vectors) {
        HQ_(load_all)(own + block * cells + lane, x, C);
        HQ_(load_all)(h + block * C * HQ_W + lane, w, C);
        HQ_(jordan)(x, w, g, C);
        return;
    }
    HQ_UNROLL
    for (int c = 0; c < C; c++)
        g[c] = (HQ_VEC){0};
}

/* As push(), with the neighbouring directions; own[.] are the columns' own numbers. */
HQ_INLINE void HQ_(push_coupled)(const hq_bracket *b, const double *const *near,
                                 const double *own, double *F, ptrdiff_t first, ptrdiff_t count,
                                 const int C, const int taps)
{
    const ptrdiff_t cells = b->species * C * HQ_W, vectors = b->per_column * HQ_SUBS;
    for (ptrdiff_t column = 0; column < count; column++)
        for (int s = 0; s < b->species; s++) {
            HQ_VEC g[3][HQ_MAX_COMPONENTS], h[HQ_MAX_COMPONENTS], t[HQ_MAX_COMPONENTS];
            HQ_VEC rate[HQ_MAX_COMPONENTS];
            const ptrdiff_t block = (first + column) * b->per_column;
            const ptrdiff_t start = column * b->pitch + s * C * HQ_W;
            const double *field = b->field + (b->shared ? 0 : block * C * HQ_W);
            HQ_(product)(own + start, field, cells, -1, vectors, g[0], C);
            HQ_(product)(own + start, field, cells, 0, vectors, g[1], C);
            for (ptrdiff_t i = 0; i < vectors; i++) {
                const ptrdiff_t j = i / HQ_SUBS, lane = i % HQ_SUBS * HQ_LANES;
                const ptrdiff_t at = (block + j) * HQ_W + lane, from = start + j * cells + lane;
                const HQ_VEC below = HQ_(load)(b->below + at), above = HQ_(load)(b->above + at);
                HQ_(product)(own + start, field, cells, i + 1, vectors, g[2], C);
                HQ_(sum_taps)(b, near, at, from, t, C, taps);
                HQ_(load_all)(field + j * C * HQ_W + lane, h, C);
                HQ_(jordan)(t, h, rate, C);
                HQ_UNROLL
                for (int c = 0; c < C; c++) {
                    rate[c] += below * HQ_DOWN(g[0][c], g[1][c]) + above * HQ_UP(g[1][c], g[2][c]);
                    g[0][c] = g[1][c];
                    g[1][c] = g[2][c];
                }
                HQ_(add)(F + from, rate, s, C);
            }
        }
}

/* g = rho o B of the blocks, for all lanes alike. */
HQ_INLINE void HQ_(multiply)(const hq_bracket *b, const double *X, const double *B, double *g,
                             ptrdiff_t blocks, const int C)
{
    HQ_VEC h[HQ_MAX_COMPONENTS], x[HQ_MAX_COMPONENTS], product[HQ_MAX_COMPONENTS];
    HQ_UNROLL
    for (int c = 0; c < C; c++)
        h[c] = 0.5 * B[c] - (HQ_VEC){0};
    for (ptrdiff_t i = 0; i < blocks * b->species; i++, X += C * HQ_W, g += C * HQ_W)
        for (int sub = 0; sub < HQ_SUBS; sub++) {
            HQ_(load_all)(X + sub * HQ_LANES, x, C);
            HQ_(jordan)(x, h, product, C);
            HQ_UNROLL
            for (int c = 0; c < C; c++)
                HQ_(store)(g + c * HQ_W + sub * HQ_LANES, product[c]);
        }
}

/* G = speed rho +- drift rho o B of a row: what streaming and drift are d_z of. */
HQ_INLINE void HQ_(current)(const hq_bracket *b, const double *speed, const double *drift,
                            const double *X, const double *B, double *G, const int C)
{
    HQ_VEC h[HQ_MAX_COMPONENTS], x[HQ_MAX_COMPONENTS], product[HQ_MAX_COMPONENTS];
    HQ_UNROLL
    for (int c = 0; c < C; c++)
        h[c] = 0.5 * B[c] - (HQ_VEC){0};
    for (ptrdiff_t block = 0; block < b->blocks; block++)
        for (int s = 0; s < b->species; s++, X += C * HQ_W, G += C * HQ_W)
            for (int sub = 0; sub < HQ_SUBS; sub++) {
                const ptrdiff_t lane = block * HQ_W + sub * HQ_LANES;
                const HQ_VEC along = HQ_(load)(speed + lane), beside = HQ_(load)(drift + lane);
                HQ_(load_all)(X + sub * HQ_LANES, x, C);
                HQ_(jordan)(x, h, product, C);
                HQ_UNROLL
                for (int c = 0; c < C; c++) {
                    const HQ_VEC one = along * x[c], two = beside * product[c];
                    HQ_(store)(G + c * HQ_W + sub * HQ_LANES, s ? one - two : one + two);
                }
            }
}

/* --- the instances, and the table that lists them ------------------------------------------- */

#define HQ_PUSH(C, taps)                                                                          \
    if (b->coupled)                                                                               \
        HQ_(push_coupled)(b, near, own, F, first, count, C, taps);                                \
    else                                                                                          \
        HQ_(push)(b, near, F, first, count, C, taps)

#define HQ_INSTANCES(C)                                                                           \
    static void HQ_(force_##C)(const hq_bracket *b, const double *const *near, const double *own, \
                               double *F, ptrdiff_t first, ptrdiff_t count)                       \
    {                                                                                             \
        if (b->taps == 2) {                                                                       \
            HQ_PUSH(C, 2);                                                                        \
        } else if (b->taps == 3) {                                                                \
            HQ_PUSH(C, 3);                                                                        \
        } else if (b->taps == 4) {                                                                \
            HQ_PUSH(C, 4);                                                                        \
        } else {                                                                                  \
            HQ_PUSH(C, b->taps);                                                                  \
        }                                                                                         \
    }                                                                                             \
    static void HQ_(multiply_##C)(const hq_bracket *b, const double *X, const double *B,          \
                                  double *g, ptrdiff_t blocks)                                    \
    {                                                                                             \
        HQ_(multiply)(b, X, B, g, blocks, C);                                                     \
    }                                                                                             \
    static void HQ_(current_##C)(const hq_bracket *b, const double *speed, const double *drift,   \
                                 const double *X, const double *B, double *G)                     \
    {                                                                                             \
        HQ_(current)(b, speed, drift, X, B, G, C);                                                \
    }

HQ_INSTANCES(4)
HQ_INSTANCES(9)

static const hq_bracket_loops HQ_(bracket_loops) = {
    HQ_(fill), {HQ_(force_4), HQ_(force_9)}, {HQ_(multiply_4), HQ_(multiply_9)},
    {HQ_(current_4), HQ_(current_9)},
};

#undef HQ_PUSH
#undef HQ_INSTANCES
