/* Runge-Kutta stages: a template like transport.h, for one lane and as many as a register holds. */

/* target[i] = ((base[i] + c_1 source_0[i]) + c_2 source_1[i] ...) + c_0 slope[i], i = at..at+n-1;
 * slope[0] belongs to i = at.
 */
HQ_INLINE void HQ_(emit)(const hq_target *t, const double *slope, ptrdiff_t at, ptrdiff_t n,
                         const int sources)
{
    const double *source[HQ_MAX_SOURCES], *base = t->base + at;
    double *target = t->target + at;
    HQ_VEC c[HQ_MAX_SOURCES + 1];
    for (int j = 0; j <= sources; j++)
        c[j] = t->c[j] - (HQ_VEC){0};
    for (int j = 0; j < sources; j++)
        source[j] = t->source[j] + at;
    for (ptrdiff_t i = 0; i < n; i += HQ_LANES) {
        HQ_VEC sum = HQ_(load)(base + i);
        for (int j = 0; j < sources; j++)
            sum += c[j + 1] * HQ_(load)(source[j] + i);
        HQ_(store)(target + i, sum + c[0] * HQ_(load)(slope + i));
    }
}

/* What `stage` makes of the slopes of the numbers at..at+n-1. */
static void HQ_(combine)(const hq_stage *stage, const double *slope, ptrdiff_t at, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; stage->K && i < n; i += HQ_LANES)
        HQ_(store)(stage->K + at + i, HQ_(load)(slope + i));
    for (const hq_target *t = stage->target; t < stage->target + stage->targets; t++)
        HQ_(emit)(t, slope, at, n, t->sources);
}
