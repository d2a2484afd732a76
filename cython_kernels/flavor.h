/* Vectors of lanes, and i[rho, h] in real components.  A template: included once for every HQ_W.
 *
 * A block of HQ_W lanes is computed in HQ_SUBS vectors of HQ_LANES = min(HQ_W, HQ_VW) doubles,
 * where HQ_VW is what a register of this instruction set holds.
 */
#ifndef HQ_FLAVOR_H
#define HQ_FLAVOR_H

#if HQ_ISA == 4
#define HQ_VW 8
#elif HQ_ISA == 3
#define HQ_VW 4
#else
#define HQ_VW 2
#endif

#define HQ_INLINE static inline __attribute__((always_inline))
#define HQ_UNROLL _Pragma("GCC unroll 64")
#define HQ_KEEP_ORDER __asm__ volatile("" ::: "memory")
#define HQ_JOIN2(name, w) hq_##name##_##w
#define HQ_JOIN(name, w) HQ_JOIN2(name, w)
#define HQ_(name) HQ_JOIN(name, HQ_W)

#if defined(__clang__) || __GNUC__ >= 12
#define HQ_SHUFFLE(a, b, type, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define HQ_SHUFFLE(a, b, type, ...) __builtin_shuffle(a, b, (type){__VA_ARGS__})
#endif

/* Where slopes go, see HQ_(give); rows are `pitch` apart. */
typedef struct {
    double *target[2];
    const double *base[2], *c[2];
    ptrdiff_t pitch;
} hq_sink;

#endif

#undef HQ_LANES
#undef HQ_SUBS
#undef HQ_SINGLES
#undef HQ_DOUBLES
#if HQ_W < HQ_VW
#define HQ_LANES HQ_W
#define HQ_SUBS 1
#else
#define HQ_LANES HQ_VW
#define HQ_SUBS (HQ_W / HQ_VW)
#endif
#define HQ_VEC HQ_(vec)
#define HQ_LOOSE HQ_(loose)
#define HQ_INDEX HQ_(index)

/* HQ_LOOSE is the same vector in memory that is aligned to a double only. */
#if HQ_W == 1
typedef double HQ_VEC;
typedef double HQ_LOOSE;
#else
typedef double HQ_VEC __attribute__((vector_size(8 * HQ_LANES)));
typedef double HQ_LOOSE __attribute__((vector_size(8 * HQ_LANES), aligned(8), may_alias));
typedef long long HQ_INDEX __attribute__((vector_size(8 * HQ_LANES)));
#endif

/* Sums of neighbouring lanes, of neighbouring pairs of lanes, a's beside b's. */
#if HQ_LANES == 2
#define HQ_SINGLES(a, b) (HQ_SHUFFLE(a, b, HQ_INDEX, 0, 2) + HQ_SHUFFLE(a, b, HQ_INDEX, 1, 3))
#elif HQ_LANES == 4
#define HQ_SINGLES(a, b) \
    (HQ_SHUFFLE(a, b, HQ_INDEX, 0, 4, 2, 6) + HQ_SHUFFLE(a, b, HQ_INDEX, 1, 5, 3, 7))
#define HQ_DOUBLES(a, b) \
    (HQ_SHUFFLE(a, b, HQ_INDEX, 0, 1, 4, 5) + HQ_SHUFFLE(a, b, HQ_INDEX, 2, 3, 6, 7))
#elif HQ_LANES == 8
#define HQ_SINGLES(a, b) \
    (HQ_SHUFFLE(a, b, HQ_INDEX, 0, 8, 2, 10, 4, 12, 6, 14) + \
     HQ_SHUFFLE(a, b, HQ_INDEX, 1, 9, 3, 11, 5, 13, 7, 15))
#define HQ_DOUBLES(a, b) \
    (HQ_SHUFFLE(a, b, HQ_INDEX, 0, 1, 4, 5, 8, 9, 12, 13) + \
     HQ_SHUFFLE(a, b, HQ_INDEX, 2, 3, 6, 7, 10, 11, 14, 15))
#endif
#ifndef HQ_DOUBLES
#define HQ_DOUBLES(a, b) (a) /* two lanes have no pairs of pairs */
#endif

HQ_INLINE HQ_VEC HQ_(load)(const double *x) { return *(const HQ_LOOSE *)x; }

HQ_INLINE void HQ_(store)(double *x, HQ_VEC value) { *(HQ_LOOSE *)x = value; }

/* (sum over the lanes of a[0], of a[1], ..., of a[HQ_LANES-1]), each by adjacent pairs:
 * every level adds neighbours and brings two vectors' results together.
 */
HQ_INLINE HQ_VEC HQ_(across)(const HQ_VEC *a)
{
#if HQ_W == 1
    return a[0];
#else
    HQ_VEC t[HQ_LANES];
    HQ_UNROLL
    for (int i = 0; i < HQ_LANES / 2; i++)
        t[i] = HQ_SINGLES(a[2 * i], a[2 * i + 1]);
    HQ_UNROLL
    for (int n = HQ_LANES / 4; n > 0; n /= 2) {
        HQ_UNROLL
        for (int i = 0; i < n; i++)
            t[i] = HQ_DOUBLES(t[2 * i], t[2 * i + 1]);
    }
    return t[0];
#endif
}

/* The adjacent-pair sum of the HQ_SUBS parts of a block. */
HQ_INLINE HQ_VEC HQ_(tree)(const HQ_VEC *part)
{
#if HQ_SUBS == 1
    return part[0];
#elif HQ_SUBS == 2
    return part[0] + part[1];
#else
    return (part[0] + part[1]) + (part[2] + part[3]);
#endif
}

/* sum_m c_m (x_m - x_-m). */
HQ_INLINE HQ_VEC HQ_(stencil)(const HQ_VEC *c, const HQ_VEC *x, const int width)
{
    HQ_VEC rate = {0};
    if (width > 0)
        rate = c[1] * (x[1] - x[-1]);
    HQ_UNROLL
    for (int m = 2; m <= width; m++)
        rate += c[m] * (x[m] - x[-m]);
    return rate;
}

/* A slope goes to number `at` of where it is wanted: into one place (targets = 0), or times c onto
 * the base of one or two targets.
 */
HQ_INLINE void HQ_(give)(const hq_sink *to, ptrdiff_t at, HQ_VEC slope, const int targets)
{
    if (targets == 0)
        HQ_(store)(to->target[0] + at, slope);
    HQ_UNROLL
    for (int o = 0; o < targets; o++)
        HQ_(store)(to->target[o] + at, HQ_(load)(to->base[o] + at) + *to->c[o] * slope);
}

/* Component after component: otherwise gcc keeps all of them and runs out of registers. */
#define HQ_GIVE(c, rate)                                                                          \
    HQ_(give)(to, at + (c) * HQ_W, HQ_(load)(slope + (c) * HQ_W) + (rate), targets);              \
    HQ_KEEP_ORDER

/* slope + W x P: rho = (P0 + P.sigma)/2, h = (W0 + W.sigma)/2; the trace does not turn. */
HQ_INLINE void HQ_(precess)(const HQ_VEC *p, const HQ_VEC *w, const double *slope,
                            const hq_sink *to, ptrdiff_t at, const int targets)
{
    HQ_(give)(to, at, HQ_(load)(slope), targets);
    HQ_GIVE(1, w[2] * p[3] - w[3] * p[2]);
    HQ_GIVE(2, w[3] * p[1] - w[1] * p[3]);
    HQ_GIVE(3, w[1] * p[2] - w[2] * p[1]);
}

/* re, im of x y and of x conj(y) for complex numbers stored as (x[0], x[1]). */
#define HQ_RE(x, y) ((x)[0] * (y)[0] - (x)[1] * (y)[1])
#define HQ_IM(x, y) ((x)[0] * (y)[1] + (x)[1] * (y)[0])
#define HQ_RE_CONJ(x, y) ((x)[0] * (y)[0] + (x)[1] * (y)[1])
#define HQ_IM_CONJ(x, y) ((x)[1] * (y)[0] - (x)[0] * (y)[1])

/* slope + i[rho, h], Hermitian 3x3 matrices (ee, mumu, tautau, emu, etau, mutau: re, im).  With
 * K = [rho, h]: d_ab = (-Im K_ab, Re K_ab), and only d_aa = -2 sum_c Im(rho_ac conj(h_ac)) is real.
 */
HQ_INLINE void HQ_(rotate)(const HQ_VEC *r, const HQ_VEC *h, const double *slope,
                           const hq_sink *to, ptrdiff_t at, const int targets)
{
    const HQ_VEC *r01 = r + 3, *r02 = r + 5, *r12 = r + 7;
    const HQ_VEC *h01 = h + 3, *h02 = h + 5, *h12 = h + 7;
    const HQ_VEC t01 = HQ_IM_CONJ(r01, h01), t02 = HQ_IM_CONJ(r02, h02), t12 = HQ_IM_CONJ(r12, h12);
    HQ_GIVE(0, -2.0 * (t01 + t02));
    HQ_GIVE(1, 2.0 * (t01 - t12));
    HQ_GIVE(2, 2.0 * (t02 + t12));

    const HQ_VEC dr01 = r[0] - r[1], dr02 = r[0] - r[2], dr12 = r[1] - r[2];
    const HQ_VEC dh01 = h[0] - h[1], dh02 = h[0] - h[2], dh12 = h[1] - h[2];
    HQ_GIVE(3, (dh01 * r01[1] - dr01 * h01[1]) + (HQ_IM_CONJ(h02, r12) - HQ_IM_CONJ(r02, h12)));
    HQ_GIVE(4, (dr01 * h01[0] - dh01 * r01[0]) + (HQ_RE_CONJ(r02, h12) - HQ_RE_CONJ(h02, r12)));
    HQ_GIVE(5, (dh02 * r02[1] - dr02 * h02[1]) + (HQ_IM(h01, r12) - HQ_IM(r01, h12)));
    HQ_GIVE(6, (dr02 * h02[0] - dh02 * r02[0]) + (HQ_RE(r01, h12) - HQ_RE(h01, r12)));
    HQ_GIVE(7, (dh12 * r12[1] - dr12 * h12[1]) + (HQ_IM_CONJ(r02, h01) - HQ_IM_CONJ(h02, r01)));
    HQ_GIVE(8, (dr12 * h12[0] - dh12 * r12[0]) + (HQ_RE_CONJ(h02, r01) - HQ_RE_CONJ(r02, h01)));
}
