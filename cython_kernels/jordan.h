/* Products of matrices, and neighbouring lanes, in vectors.  A template beside flavor.h. */

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

/* The lanes one further down and up; lanes of neighbouring vectors enter at the ends. */
#undef HQ_DOWN
#undef HQ_UP
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
