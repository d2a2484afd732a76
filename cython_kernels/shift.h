/* The shift of the splitting integrators, and what turns besides: a template like splitting.h. */

/* The vector that begins `n` numbers into a, b being what follows a. */
#if HQ_LANES == 8
#define HQ_SLID(a, b, n)                                                                            \
    HQ_SHUFFLE(a, b, HQ_INDEX, n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7)
#endif

/* Numbers 0..count-1 (a multiple of the lanes) of `arrays` arrays, shifted: adjacent pairs. */
HQ_INLINE void HQ_(interpolate)(const double *x, double *y, ptrdiff_t stride, ptrdiff_t arrays,
                                ptrdiff_t count, const double *weight)
{
    HQ_VEC w[HQ_POINTS];
    HQ_UNROLL
    for (int j = 0; j < HQ_POINTS; j++)
        w[j] = weight[j] - (HQ_VEC){0};
    for (ptrdiff_t a = 0; a < arrays; a++, x += stride, y += stride) {
#if HQ_LANES == 8 /* a load that is not aligned costs twice; shuffles do not */
        HQ_VEC here = HQ_(load)(x), next = HQ_(load)(x + 8);
#endif
        for (ptrdiff_t i = 0; i < count; i += HQ_LANES) {
            HQ_VEC t[HQ_POINTS], s[HQ_POINTS / 2];
#if HQ_LANES == 8
            const HQ_VEC last = HQ_(load)(x + i + 16);
            t[0] = here;
            t[1] = HQ_SLID(here, next, 1);
            t[2] = HQ_SLID(here, next, 2);
            t[3] = HQ_SLID(here, next, 3);
            t[4] = HQ_SLID(here, next, 4);
            t[5] = HQ_SLID(here, next, 5);
            t[6] = HQ_SLID(here, next, 6);
            t[7] = HQ_SLID(here, next, 7);
            t[8] = next;
            t[9] = HQ_SLID(next, last, 1);
            t[10] = HQ_SLID(next, last, 2);
            t[11] = HQ_SLID(next, last, 3);
            here = next;
            next = last;
#else
            HQ_UNROLL
            for (int j = 0; j < HQ_POINTS; j++)
                t[j] = HQ_(load)(x + i + j);
#endif
            HQ_UNROLL
            for (int j = 0; j < HQ_POINTS / 2; j++)
                s[j] = w[2 * j] * t[2 * j] + w[2 * j + 1] * t[2 * j + 1];
            HQ_(store)(y + i, ((s[0] + s[1]) + (s[2] + s[3])) + (s[4] + s[5]));
        }
    }
}

/* Every mode turned by its own rotation, which is the same at every z. */
HQ_INLINE void HQ_(turn_modes)(const hq_split *k, double *to, ptrdiff_t at, const double *table,
                               const int E)
{
    const ptrdiff_t modes = k->directions * k->momenta * k->species, stride = k->stride;
    const int n = E == 3 ? 4 : 18;
    for (ptrdiff_t m = 0; m < modes; m++, table += n) {
        double *r = to + at + m * E * stride;
        HQ_VEC U[HQ_MAX_TURN], rho[HQ_MAX_E];
        HQ_UNROLL
        for (int i = 0; i < n; i++)
            U[i] = table[i] - (HQ_VEC){0};
        HQ_UNROLL
        for (int c = 0; c < E; c++)
            rho[c] = HQ_(load)(r + c * stride);
        if (E == 3)
            HQ_(turn)(U, rho);
        else
            HQ_(transform)(U, rho);
        HQ_UNROLL
        for (int c = 0; c < E; c++)
            HQ_(store)(r + c * stride, rho[c]);
    }
}
