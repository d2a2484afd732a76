/* Transport: a template like kinetic.h, for one lane and for as many as a register holds. */

/* F = -v D_z X (+ filter) of the HQ_LANES numbers `at` of `count` rows; c_m is times the speed.
 * row[0] is X's row `width` before the first one.  X is loaded once and slides through the stencil.
 */
HQ_INLINE void HQ_(column)(const double *const *row, ptrdiff_t at, const HQ_VEC *c,
                           const HQ_VEC *g, double *F, ptrdiff_t pitch, const int width,
                           const int filtered, const int count)
{
    HQ_VEC f[HQ_TILE + 2 * HQ_MAX_WIDTH];
    HQ_UNROLL
    for (int j = 0; j < 2 * width; j++)
        f[j] = HQ_(load)(row[j] + at);
    HQ_UNROLL
    for (int r = 0; r < count; r++) {
        const HQ_VEC *x = f + r + width;
        f[r + 2 * width] = HQ_(load)(row[r + 2 * width] + at);
        HQ_VEC rate = HQ_(stencil)(c, x, width);
        if (filtered) {
            HQ_VEC damping = g[0] * x[0];
            HQ_UNROLL
            for (int m = 1; m <= width; m++)
                damping += g[m] * (x[m] + x[-m]);
            rate += damping;
        }
        HQ_(store)(F + r * pitch, rate);
        HQ_KEEP_ORDER; /* else gcc mixes the rows and runs out of registers */
    }
}

/* The same of the numbers from..to-1; F starts at number `from`. */
HQ_INLINE void HQ_(slide)(const hq_kinetic *k, const double *const *row, double *F, ptrdiff_t pitch,
                          ptrdiff_t from, ptrdiff_t to, const int width, const int filtered,
                          const int count)
{
    HQ_VEC c[HQ_MAX_WIDTH + 1], g[HQ_MAX_WIDTH + 1];
    HQ_UNROLL
    for (int m = 0; m <= width && filtered; m++)
        g[m] = k->g[m] - (HQ_VEC){0};
    for (ptrdiff_t at = from; at < to; at += HQ_LANES, F += HQ_LANES) {
        HQ_UNROLL
        for (int m = 1; m <= width; m++)
            c[m] = k->c[m - 1] * HQ_(load)(k->speed + at);
        HQ_(column)(row, at, c, g, F, pitch, width, filtered, count);
    }
}

#define HQ_SLIDE(width, filtered)                                                                 \
    static void HQ_(slide_##width##_##filtered)(const hq_kinetic *k, const double *const *row,    \
        double *F, ptrdiff_t pitch, ptrdiff_t from, ptrdiff_t to, ptrdiff_t count)                \
    {                                                                                             \
        if (count == HQ_TILE)                                                                     \
            HQ_(slide)(k, row, F, pitch, from, to, width, filtered, HQ_TILE);                     \
        else                                                                                      \
            for (ptrdiff_t r = 0; r < count; r++)                                                 \
                HQ_(slide)(k, row + r, F + r * pitch, pitch, from, to, width, filtered, 1);       \
    }

HQ_SLIDE(0, 0) HQ_SLIDE(1, 0) HQ_SLIDE(2, 0) HQ_SLIDE(3, 0) HQ_SLIDE(4, 0)
HQ_SLIDE(1, 1) HQ_SLIDE(2, 1) HQ_SLIDE(3, 1) HQ_SLIDE(4, 1)

/* By the stencil's half-width and filter. */
static hq_slide *const HQ_(slides)[HQ_MAX_WIDTH + 1][2] = {
    {HQ_(slide_0_0), HQ_(slide_0_0)}, {HQ_(slide_1_0), HQ_(slide_1_1)},
    {HQ_(slide_2_0), HQ_(slide_2_1)}, {HQ_(slide_3_0), HQ_(slide_3_1)},
    {HQ_(slide_4_0), HQ_(slide_4_1)},
};

#undef HQ_SLIDE
