/* Runge-Kutta stages: a template like transport.h, for one lane and as many as a register holds. */

/* Past the caches: nobody reads it before it has left them.  x is aligned to a vector. */
HQ_INLINE void HQ_(stream)(double *x, HQ_VEC value)
{
#if HQ_LANES == 8
    _mm512_stream_pd(x, (__m512d)value);
#elif HQ_LANES == 4
    _mm256_stream_pd(x, (__m256d)value);
#elif HQ_LANES == 2 && HQ_ISA
    _mm_stream_pd(x, (__m128d)value);
#else
    HQ_(store)(x, value);
#endif
}

/* target = ((base + c_1 source_0) + c_2 source_1 ...) + c_0 slope, for n numbers of `count` rows:
 * number `at` of the targets, `length` a row, is slope[0], `pitch` a row.  The first `few` sources
 * are kept in registers, the others are there if `many`.
 */
HQ_INLINE void HQ_(emit)(const hq_target *t, const double *slope, ptrdiff_t pitch, ptrdiff_t at,
                         ptrdiff_t length, ptrdiff_t n, ptrdiff_t count, const int few,
                         const int many, const int stream)
{
    HQ_VEC c[HQ_FEW + 1];
    HQ_UNROLL
    for (int j = 0; j <= few; j++)
        c[j] = t->c[j] - (HQ_VEC){0};
    for (ptrdiff_t r = 0; r < count; r++, at += length, slope += pitch) {
        const double *source[HQ_FEW], *base = t->base + at;
        double *target = t->target + at;
        HQ_UNROLL
        for (int j = 0; j < few; j++)
            source[j] = t->source[j] + at;
        _Pragma("GCC unroll 4")
        for (ptrdiff_t i = 0; i < n; i += HQ_LANES) {
            HQ_VEC sum = HQ_(load)(base + i);
            HQ_UNROLL
            for (int j = 0; j < few; j++)
                sum += c[j + 1] * HQ_(load)(source[j] + i);
            for (int j = few; many && j < t->sources; j++)
                sum += t->c[j + 1] * HQ_(load)(t->source[j] + at + i);
            sum += c[0] * HQ_(load)(slope + i);
            if (stream)
                HQ_(stream)(target + i, sum);
            else
                HQ_(store)(target + i, sum);
        }
    }
}

#define HQ_EMIT(few, many)                                                                        \
    HQ_(emit)(t, slope, pitch, at, length, n, count, few, many, 0);                               \
    break

HQ_INLINE int HQ_(aligned)(const double *x) { return (size_t)x % sizeof(HQ_VEC) == 0; }

/* What `stage` makes of the slopes of these numbers; `far`: results are too many for the caches. */
static void HQ_(combine)(const hq_stage *stage, const double *slope, ptrdiff_t pitch, ptrdiff_t at,
                         ptrdiff_t length, ptrdiff_t n, ptrdiff_t count, int far)
{
    const int K_far = far && HQ_(aligned)(stage->K + at) && length % HQ_LANES == 0;
    for (ptrdiff_t r = 0; stage->K && r < count; r++)
        for (ptrdiff_t i = 0; i < n; i += HQ_LANES) {
            const HQ_VEC k = HQ_(load)(slope + r * pitch + i);
            if (K_far)
                HQ_(stream)(stage->K + at + r * length + i, k);
            else
                HQ_(store)(stage->K + at + r * length + i, k);
        }
    for (const hq_target *t = stage->target; t < stage->target + stage->targets; t++) {
        const int t_far = far && HQ_(aligned)(t->target + at) && length % HQ_LANES == 0;
        if (t_far && t->sources == 0) {
            HQ_(emit)(t, slope, pitch, at, length, n, count, 0, 0, 1);
            continue;
        }
        switch (t->sources) {
        case 0: HQ_EMIT(0, 0);
        case 1: HQ_EMIT(1, 0);
        case 2: HQ_EMIT(2, 0);
        case 3: HQ_EMIT(3, 0);
        case 4: HQ_EMIT(4, 0);
        case 5: HQ_EMIT(5, 0);
        case 6: HQ_EMIT(6, 0);
        default: HQ_EMIT(HQ_FEW, 1);
        }
    }
}

#undef HQ_EMIT
