/* The matrix-Arakawa bracket for blocks of HQ_W lanes.  A template, see arakawa_isa.c.
 *
 * Three sweeps of a row, see arakawa.pyx: push = X rho and flux = h o push - rho o Xh of the row
 * that has just come into reach, then of the row in the middle slope = D_z rho and
 * force = rho o D_z h - h o slope, then their sum.
 */
#include "flavor.h"
#include "jordan.h"

/* t = X g of vector j of own column i, species s; g starts at own column 0 of a row with ghosts. */
HQ_INLINE void HQ_(turn)(const hq_arakawa *b, const double *g, ptrdiff_t i, ptrdiff_t j, int s,
                         HQ_VEC *t, const int C)
{
    const ptrdiff_t cells = b->species * C * HQ_W, vectors = b->per_column * HQ_SUBS;
    const ptrdiff_t lane = j % HQ_SUBS * HQ_LANES;
    const ptrdiff_t at = (i * b->per_column + j / HQ_SUBS) * HQ_W + lane;
    const double *from = g + i * b->pitch + j / HQ_SUBS * cells + s * C * HQ_W + lane;
    HQ_UNROLL
    for (int c = 0; c < C; c++)
        t[c] = (HQ_VEC){0};
    for (int k = -b->reach; k <= b->reach; k++) {
        const HQ_VEC a = HQ_(load)(b->along[k + b->reach] + at);
        HQ_UNROLL
        for (int c = 0; c < C; c++)
            t[c] += a * HQ_(load)(from + k * b->pitch + c * HQ_W);
    }
    if (!b->coupled)
        return;
    const HQ_VEC below = HQ_(load)(b->below + at), above = HQ_(load)(b->above + at);
    const ptrdiff_t down = j % HQ_SUBS ? -HQ_LANES : HQ_W - HQ_LANES - cells;
    const ptrdiff_t up = (j + 1) % HQ_SUBS ? HQ_LANES : cells - HQ_W + HQ_LANES;
    HQ_UNROLL
    for (int c = 0; c < C; c++) {
        const HQ_VEC none = (HQ_VEC){0}, x = HQ_(load)(from + c * HQ_W);
        const HQ_VEC before = j > 0 ? HQ_(load)(from + c * HQ_W + down) : none;
        const HQ_VEC after = j + 1 < vectors ? HQ_(load)(from + c * HQ_W + up) : none;
        (void)x; /* a single lane has only its neighbours */
        t[c] += below * HQ_DOWN(before, x) + above * HQ_UP(x, after);
    }
}

/* d = D_z of what row[m] holds of the row m further. */
HQ_INLINE void HQ_(difference)(const hq_arakawa *b, const double *const *row, ptrdiff_t from,
                               HQ_VEC *d, const int C)
{
    HQ_UNROLL
    for (int c = 0; c < C; c++)
        d[c] = (HQ_VEC){0};
    for (int m = 1; m <= b->width; m++) {
        HQ_UNROLL
        for (int c = 0; c < C; c++)
            d[c] += b->c[m - 1] * (HQ_(load)(row[m] + from + c * HQ_W) -
                                   HQ_(load)(row[-m] + from + c * HQ_W));
    }
}

/* h/2 = (sign (A - v B) + mass H + unit 1)/2. */
HQ_INLINE void HQ_(hamiltonian)(const hq_arakawa *b, const double *A, const double *B, HQ_VEC v,
                                double sign, HQ_VEC mass, HQ_VEC unit, HQ_VEC *h, const int C)
{
    HQ_UNROLL
    for (int c = 0; c < C; c++)
        h[c] = 0.5 * (sign * (A[c] - v * B[c]) + mass * b->vacuum[c]);
    if (C == 4) { /* the unit matrix has P0 = 2 */
        h[0] += unit;
        return;
    }
    HQ_UNROLL
    for (int c = 0; c < 3; c++)
        h[c] += 0.5 * unit;
}

/* Xh/2 = (-sign drift B + unmass H + speed 1)/2 of an own cell. */
HQ_INLINE void HQ_(velocity)(const hq_arakawa *b, const double *B, ptrdiff_t at, double sign,
                             HQ_VEC *h, const int C)
{
    const double nothing[HQ_MAX_COMPONENTS] = {0};
    HQ_(hamiltonian)(b, nothing, B, HQ_(load)(b->drift + at), sign, HQ_(load)(b->unmass + at),
                     HQ_(load)(b->speed + at), h, C);
}

/* push and flux of a row with the fields A, B. */
HQ_INLINE void HQ_(reach)(const hq_arakawa *b, const double *rho, const double *A, const double *B,
                          double *push, double *flux, const int C)
{
    const ptrdiff_t cells = b->species * C * HQ_W, ghosts = b->reach * b->per_column * HQ_W;
    HQ_VEC x[HQ_MAX_COMPONENTS], h[HQ_MAX_COMPONENTS], f[HQ_MAX_COMPONENTS], g[HQ_MAX_COMPONENTS];
    rho += b->reach * b->pitch;
    for (ptrdiff_t i = 0; i < b->columns; i++)
        for (ptrdiff_t j = 0; j < b->per_column * HQ_SUBS; j++)
            for (int s = 0; s < b->species; s++) {
                const ptrdiff_t block = j / HQ_SUBS, lane = j % HQ_SUBS * HQ_LANES;
                const ptrdiff_t at = (i * b->per_column + block) * HQ_W + lane;
                const ptrdiff_t from = i * b->pitch + block * cells + s * C * HQ_W + lane;
                const double sign = s ? -1.0 : 1.0;
                HQ_(turn)(b, rho, i, j, s, x, C);
                HQ_UNROLL
                for (int c = 0; c < C; c++)
                    HQ_(store)(push + from + c * HQ_W, x[c]);
                HQ_(hamiltonian)(b, A, B, HQ_(load)(b->v + block * HQ_W + lane), sign,
                                 HQ_(load)(b->mass + ghosts + at),
                                 HQ_(load)(b->energy + ghosts + at), h, C);
                HQ_(jordan)(x, h, f, C);
                HQ_(load_all)(rho + from, x, C);
                HQ_(velocity)(b, B, at, sign, h, C);
                HQ_(jordan)(x, h, g, C);
                HQ_UNROLL
                for (int c = 0; c < C; c++)
                    HQ_(store)(flux + from + c * HQ_W, f[c] - g[c]);
            }
}

/* slope and force of the middle row, on ghost columns too; rho[m] is the row m further. */
HQ_INLINE void HQ_(pull)(const hq_arakawa *b, const double *const *rho, const double *A,
                         const double *B, const double *dA, const double *dB, const int C)
{
    const ptrdiff_t cells = b->species * C * HQ_W;
    HQ_VEC x[HQ_MAX_COMPONENTS], d[HQ_MAX_COMPONENTS], h[HQ_MAX_COMPONENTS];
    HQ_VEC f[HQ_MAX_COMPONENTS], g[HQ_MAX_COMPONENTS];
    for (ptrdiff_t i = 0; i < b->columns + 2 * b->reach; i++)
        for (ptrdiff_t j = 0; j < b->per_column * HQ_SUBS; j++)
            for (int s = 0; s < b->species; s++) {
                const ptrdiff_t block = j / HQ_SUBS, lane = j % HQ_SUBS * HQ_LANES;
                const ptrdiff_t at = (i * b->per_column + block) * HQ_W + lane;
                const ptrdiff_t from = i * b->pitch + block * cells + s * C * HQ_W + lane;
                const HQ_VEC v = HQ_(load)(b->v + block * HQ_W + lane), none = (HQ_VEC){0};
                const double sign = s ? -1.0 : 1.0;
                HQ_(difference)(b, rho, from, d, C);
                HQ_UNROLL
                for (int c = 0; c < C; c++)
                    HQ_(store)(b->slope + from + c * HQ_W, d[c]);
                HQ_(load_all)(rho[0] + from, x, C);
                HQ_(hamiltonian)(b, dA, dB, v, sign, none, none, h, C);
                HQ_(jordan)(x, h, f, C);
                HQ_(hamiltonian)(b, A, B, v, sign, HQ_(load)(b->mass + at),
                                 HQ_(load)(b->energy + at), h, C);
                HQ_(jordan)(d, h, g, C);
                HQ_UNROLL
                for (int c = 0; c < C; c++)
                    HQ_(store)(b->force + from + c * HQ_W, f[c] - g[c]);
            }
}

/* F += (push o D_z h - slope o Xh + D_z flux + X force)/3 of the middle row. */
HQ_INLINE void HQ_(gather)(const hq_arakawa *b, const double *push, const double *const *flux,
                           const double *B, const double *dA, const double *dB, double *F,
                           const int C)
{
    const ptrdiff_t cells = b->species * C * HQ_W, ghosts = b->reach * b->pitch;
    HQ_VEC x[HQ_MAX_COMPONENTS], h[HQ_MAX_COMPONENTS], f[HQ_MAX_COMPONENTS], g[HQ_MAX_COMPONENTS];
    for (ptrdiff_t i = 0; i < b->columns; i++)
        for (ptrdiff_t j = 0; j < b->per_column * HQ_SUBS; j++)
            for (int s = 0; s < b->species; s++) {
                const ptrdiff_t block = j / HQ_SUBS, lane = j % HQ_SUBS * HQ_LANES;
                const ptrdiff_t at = (i * b->per_column + block) * HQ_W + lane;
                const ptrdiff_t from = i * b->pitch + block * cells + s * C * HQ_W + lane;
                const HQ_VEC v = HQ_(load)(b->v + block * HQ_W + lane), none = (HQ_VEC){0};
                const double sign = s ? -1.0 : 1.0;
                HQ_(load_all)(push + from, x, C);
                HQ_(hamiltonian)(b, dA, dB, v, sign, none, none, h, C);
                HQ_(jordan)(x, h, f, C);
                HQ_(load_all)(b->slope + ghosts + from, x, C);
                HQ_(velocity)(b, B, at, sign, h, C);
                HQ_(jordan)(x, h, g, C);
                HQ_UNROLL
                for (int c = 0; c < C; c++)
                    f[c] -= g[c];
                HQ_(difference)(b, flux, from, g, C);
                HQ_(turn)(b, b->force + ghosts, i, j, s, x, C);
                HQ_UNROLL
                for (int c = 0; c < C; c++) {
                    const HQ_VEC old = HQ_(load)(F + from + c * HQ_W);
                    HQ_(store)(F + from + c * HQ_W, old + (f[c] + (g[c] + x[c])) * (1.0 / 3.0));
                }
            }
}

/* --- the instances, and the table that lists them ------------------------------------------- */

#define HQ_INSTANCES(C)                                                                            \
    static void HQ_(reach_##C)(const hq_arakawa *b, const double *rho, const double *A,            \
                               const double *B, double *push, double *flux)                        \
    { HQ_(reach)(b, rho, A, B, push, flux, C); }                                                   \
    static void HQ_(pull_##C)(const hq_arakawa *b, const double *const *rho, const double *A,      \
                              const double *B, const double *dA, const double *dB)                 \
    { HQ_(pull)(b, rho, A, B, dA, dB, C); }                                                        \
    static void HQ_(gather_##C)(const hq_arakawa *b, const double *push,                           \
                                const double *const *flux, const double *B, const double *dA,      \
                                const double *dB, double *F)                                       \
    { HQ_(gather)(b, push, flux, B, dA, dB, F, C); }

HQ_INSTANCES(4)
HQ_INSTANCES(9)

static const hq_arakawa_loops HQ_(arakawa_loops)[2] = {
    {HQ_(reach_4), HQ_(pull_4), HQ_(gather_4)},
    {HQ_(reach_9), HQ_(pull_9), HQ_(gather_9)},
};

#undef HQ_INSTANCES
