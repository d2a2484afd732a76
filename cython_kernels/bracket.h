/* The gradient terms for blocks of HQ_W lanes.  A template, see bracket_isa.c: components, taps and
 * the coupling of directions are constant arguments of inlined functions.
 *
 * The mean field is the same for all momenta of a direction, so that it commutes with the sum over
 * momenta:  X(rho o h) = h o (sum_k tap_k rho_k) + below (rho o h)_{d-1} + above (rho o h)_{d+1}.
 */
#include "flavor.h"

/* g = 2 x o h = x h + h x for Hermitian matrices; callers pass h/2, which is exact. */
HQ_INLINE void HQ_(jordan)(const HQ_VEC *x, const HQ_VEC *h, HQ_VEC *g, const int C)
{
    if (C == 4) { /* rho = (P0 + P.sigma)/2 gives half of (W0 P0 + W.P, W0 P + P0 W) */
        g[0] = h[0] * x[0] + ((h[1] * x[1] + h[2] * x[2]) + h[3] * x[3]);
        g[1] = h[0] * x[1] + x[0] * h[1];
        g[2] = h[0] * x[2] + x[0] * h[2];
        g[3] = h[0] * x[3] + x[0] * h[3];
        return;
    }
    const HQ_VEC *x01 = x + 3, *x02 = x + 5, *x12 = x + 7;
    const HQ_VEC *h01 = h + 3, *h02 = h + 5, *h12 = h + 7;
    const HQ_VEC t01 = HQ_RE_CONJ(x01, h01), t02 = HQ_RE_CONJ(x02, h02), t12 = HQ_RE_CONJ(x12, h12);
    g[0] = 2.0 * (x[0] * h[0] + (t01 + t02));
    g[1] = 2.0 * (x[1] * h[1] + (t01 + t12));
    g[2] = 2.0 * (x[2] * h[2] + (t02 + t12));
    const HQ_VEC sx01 = x[0] + x[1], sx02 = x[0] + x[2], sx12 = x[1] + x[2];
    const HQ_VEC sh01 = h[0] + h[1], sh02 = h[0] + h[2], sh12 = h[1] + h[2];
    g[3] = (sx01 * h01[0] + sh01 * x01[0]) + (HQ_RE_CONJ(x02, h12) + HQ_RE_CONJ(h02, x12));
    g[4] = (sx01 * h01[1] + sh01 * x01[1]) + (HQ_IM_CONJ(x02, h12) + HQ_IM_CONJ(h02, x12));
    g[5] = (sx02 * h02[0] + sh02 * x02[0]) + (HQ_RE(x01, h12) + HQ_RE(h01, x12));
    g[6] = (sx02 * h02[1] + sh02 * x02[1]) + (HQ_IM(x01, h12) + HQ_IM(h01, x12));
    g[7] = (sx12 * h12[0] + sh12 * x12[0]) + (HQ_RE_CONJ(h02, x01) + HQ_RE_CONJ(x02, h01));
    g[8] = (sx12 * h12[1] + sh12 * x12[1]) + (HQ_IM_CONJ(h02, x01) + HQ_IM_CONJ(x02, h01));
}

HQ_INLINE void HQ_(load_all)(const double *x, HQ_VEC *to, const int C)
{
    HQ_UNROLL
    for (int c = 0; c < C; c++)
        to[c] = HQ_(load)(x + c * HQ_W);
}

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

/* The lanes one further down and up; lanes of neighbouring vectors enter at the ends. */
#if HQ_LANES == 1
#define HQ_DOWN(before, x) (before)
#define HQ_UP(x, after) (after)
#elif HQ_LANES == 2
#define HQ_DOWN(before, x) HQ_SHUFFLE(before, x, HQ_INDEX, 1, 2)
#define HQ_UP(x, after) HQ_SHUFFLE(x, after, HQ_INDEX, 1, 2)
#elif HQ_LANES == 4
#define HQ_DOWN(before, x) HQ_SHUFFLE(before, x, HQ_INDEX, 3, 4, 5, 6)
#define HQ_UP(x, after) HQ_SHUFFLE(x, after, HQ_INDEX, 1, 2, 3, 4)
#else
#define HQ_DOWN(before, x) HQ_SHUFFLE(before, x, HQ_INDEX, 7, 8, 9, 10, 11, 12, 13, 14)
#define HQ_UP(x, after) HQ_SHUFFLE(x, after, HQ_INDEX, 1, 2, 3, 4, 5, 6, 7, 8)
#endif

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
    }

HQ_INSTANCES(4)
HQ_INSTANCES(9)

static const hq_bracket_loops HQ_(bracket_loops) = {
    HQ_(fill), {HQ_(force_4), HQ_(force_9)}, {HQ_(multiply_4), HQ_(multiply_9)},
};

#undef HQ_PUSH
#undef HQ_INSTANCES
#undef HQ_DOWN
#undef HQ_UP
