/* The flows of the splitting integrators: a template like flavor.h, for HQ_W = HQ_VW; lanes are
 * neighbouring z.  Strict IEEE in a written order, cell by cell: the same bits everywhere.
 *
 * The local flow  d rho/dt = i[rho, mu (M - v F) + mean]  of a cell.  Its momentum sums
 * D_n = sum v^n (rho - rhobar) obey, in the frame that turns with mean and with mu M = mu D_0,
 *
 *     d D_n/dt = f x D_{n+1},   f = -mu D_1,        (x: the vector product, or -i[,])
 *
 * and every mode turns by v f(t).  f is a Taylor polynomial; Omega_v is the Magnus series of sixth
 * order (Blanes, Casas & Ros 2000, Eq. 43: Gauss points, three univariate integrals), a polynomial
 * in v.  Two directions need no series: there d D_i/dt = kappa M x D_i with kappa =
 * mu (1 - v1 v2), and in the frame of kappa M every mode of direction i turns about a fixed
 * -mu v_i (v_i - v_j) D_i.
 */
#define HQ_SUMS (HQ_SLOPES + 2)

/* out = a x b. */
HQ_INLINE void HQ_(bracket)(const HQ_VEC *a, const HQ_VEC *b, HQ_VEC *out, const int E)
{
    if (E == 3) {
        HQ_(cross)(a, b, out);
    } else {
        static const double nothing[HQ_MAX_COMPONENTS * HQ_W];
        double room[HQ_MAX_COMPONENTS * HQ_W];
        const hq_sink to = {.target = {room}};
        HQ_(rotate)(b, a, nothing, &to, 0, 0);
        HQ_UNROLL
        for (int c = 0; c < 9; c++)
            out[c] = HQ_(load)(room + c * HQ_W);
    }
}

/* Omega_v = sum_n v^n W[n-1] of a step tau from the sums D of its beginning. */
HQ_INLINE void HQ_(magnus)(const HQ_VEC D[HQ_SUMS][HQ_MAX_E], double mu, double tau,
                           HQ_VEC W[4][HQ_MAX_E], const int E)
{
    static const double gauss[3] = {0.11270166537925831, 0.5, 0.88729833462074169};
    HQ_VEC G[HQ_SLOPES + 2][HQ_SLOPES + 1][HQ_MAX_E], f[HQ_SLOPES + 1][HQ_MAX_E], t[HQ_MAX_E];
    for (int n = 1; n < HQ_SUMS; n++) /* G[n][k]: Taylor coefficients of D_n in t/tau */
        HQ_UNROLL
        for (int c = 0; c < E; c++)
            G[n][0][c] = D[n][c];
    HQ_UNROLL
    for (int c = 0; c < E; c++)
        f[0][c] = (-mu * tau) * D[1][c];
    for (int k = 0; k < HQ_SLOPES; k++) {
        for (int n = 1; n <= HQ_SLOPES - k; n++) {
            HQ_VEC sum[HQ_MAX_E];
            HQ_UNROLL
            for (int c = 0; c < E; c++)
                sum[c] = (HQ_VEC){0};
            for (int j = 0; j <= k; j++) {
                HQ_(bracket)(f[j], G[n + 1][k - j], t, E);
                HQ_UNROLL
                for (int c = 0; c < E; c++)
                    sum[c] += t[c];
            }
            HQ_UNROLL
            for (int c = 0; c < E; c++)
                G[n][k + 1][c] = (1.0 / (k + 1)) * sum[c];
        }
        HQ_UNROLL
        for (int c = 0; c < E; c++)
            f[k + 1][c] = (-mu * tau) * G[1][k + 1][c];
    }
    HQ_VEC h[3][HQ_MAX_E], b1[HQ_MAX_E], b2[HQ_MAX_E], b3[HQ_MAX_E];
    for (int g = 0; g < 3; g++)
        HQ_UNROLL
        for (int c = 0; c < E; c++) {
            h[g][c] = f[HQ_SLOPES][c];
            for (int k = HQ_SLOPES - 1; k >= 0; k--)
                h[g][c] = f[k][c] + gauss[g] * h[g][c];
        }
    HQ_UNROLL
    for (int c = 0; c < E; c++) {
        b1[c] = h[1][c];
        b2[c] = 1.2909944487358056 * (h[2][c] - h[0][c]); /* sqrt(15)/3 */
        b3[c] = (10.0 / 3) * ((h[2][c] + h[0][c]) - 2.0 * h[1][c]);
    }
    /* Omega = v b1 + v b3/12 + [x, y]/240, x = -20 v b1 - v b3 + C1, y = v b2 + C2,
     * C1 = v^2 [b1, b2], C2 = -[v b1, 2 v b3 + C1]/60; terms of order tau^7 are left out */
    HQ_VEC c1[HQ_MAX_E], x[HQ_MAX_E], y2[HQ_MAX_E], y3[HQ_MAX_E], u[HQ_MAX_E];
    HQ_(bracket)(b1, b2, c1, E);
    HQ_(bracket)(b1, b3, y2, E);
    HQ_(bracket)(b1, c1, y3, E);
    HQ_UNROLL
    for (int c = 0; c < E; c++) {
        W[0][c] = b1[c] + (1.0 / 12) * b3[c];
        x[c] = -20.0 * b1[c] - b3[c];
        y2[c] = (-1.0 / 30) * y2[c];
        y3[c] = (-1.0 / 60) * y3[c];
    }
    HQ_(bracket)(x, b2, t, E);
    HQ_UNROLL
    for (int c = 0; c < E; c++)
        W[1][c] = (1.0 / 240) * t[c];
    HQ_(bracket)(x, y2, t, E);
    HQ_(bracket)(c1, b2, u, E);
    HQ_UNROLL
    for (int c = 0; c < E; c++)
        W[2][c] = (1.0 / 240) * (t[c] + u[c]);
    HQ_(bracket)(x, y3, t, E);
    HQ_UNROLL
    for (int c = 0; c < E; c++)
        W[3][c] = (1.0 / 240) * t[c];
}

/* The rotation b, then a, whichever it is. */
HQ_INLINE void HQ_(then)(const HQ_VEC *a, const HQ_VEC *b, HQ_VEC *out, const int E)
{
    if (E == 3)
        HQ_(after)(a, b, out);
    else
        HQ_(product)(a, b, out);
}

HQ_INLINE void HQ_(exponential)(const HQ_VEC *omega, HQ_VEC *U, int large, const int E)
{
    if (E == 3)
        HQ_(quaternion)(omega, U, large);
    else
        HQ_(unitary)(omega, U);
}

/* Does any lane's |a|^2 exceed what a short series is good for?  (Not-a-number: no matter.) */
HQ_INLINE HQ_INDEX HQ_(exceeds)(const HQ_VEC *a, double factor)
{
    return (HQ_INDEX)(factor * (a[0] * a[0] + a[1] * a[1] + a[2] * a[2]) > HQ_SMALL);
}

/* out = the sum over the momenta of direction d of rho - rhobar; x: the lanes in the first array. */
HQ_INLINE void HQ_(net)(const hq_split *k, const double *x, ptrdiff_t d, HQ_VEC *out, const int E,
                        const int S)
{
    const ptrdiff_t stride = k->stride, np = k->momenta;
    ptrdiff_t p = 0;
    do {
        const double w = k->weight[p * k->directions + d], *a = x + (d * np + p) * S * E * stride;
        HQ_UNROLL
        for (int c = 0; c < E; c++) {
            HQ_VEC part = HQ_(load)(a + c * stride);
            if (S == 2)
                part -= HQ_(load)(a + (E + c) * stride);
            out[c] = p ? out[c] + w * part : w * part;
        }
    } while (++p < np);
}

/* Every mode of direction d turned by U. */
HQ_INLINE void HQ_(turn_direction)(const hq_split *k, double *x, ptrdiff_t d, const HQ_VEC *U,
                                   const int E, const int S)
{
    const ptrdiff_t stride = k->stride, np = k->momenta;
    for (ptrdiff_t m = d * np * S; m < (d + 1) * np * S; m++) {
        double *r = x + m * E * stride;
        HQ_VEC rho[HQ_MAX_E];
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

/* frame = the turn by `whole`, then by mean tau. */
HQ_INLINE void HQ_(common)(const hq_split *k, ptrdiff_t at, double tau, const HQ_VEC *whole,
                           HQ_VEC *frame, int large, const int E)
{
    HQ_(exponential)(whole, frame, large, E);
    if (k->mean) {
        HQ_VEC around[HQ_MAX_E], outer[HQ_MAX_TURN], both[HQ_MAX_TURN];
        HQ_UNROLL
        for (int c = 0; c < E; c++)
            around[c] = tau * HQ_(load)(k->mean + c * k->stride + at);
        HQ_(exponential)(around, outer, 1, E);
        HQ_(then)(outer, frame, both, E);
        for (int c = 0; c < (E == 3 ? 4 : 18); c++)
            frame[c] = both[c];
    }
}

/* The local flow of two directions over tau, for the lanes at `at` (an offset into every array). */
HQ_INLINE void HQ_(local_pair)(const hq_split *k, double *to, ptrdiff_t at, double tau,
                               const int E, const int S)
{
    double *x = to + at;
    const double *v = k->v, kappa = k->mu * (1.0 - v[0] * v[1]);
    const int alone = S == 1 && k->momenta == 1; /* rho_i along D_i: the inner turn does nothing */
    HQ_VEC D[2][HQ_MAX_E], whole[HQ_MAX_E], frame[HQ_MAX_TURN];
    HQ_(net)(k, x, 0, D[0], E, S);
    HQ_(net)(k, x, 1, D[1], E, S);
    HQ_UNROLL
    for (int c = 0; c < E; c++)
        whole[c] = (kappa * tau) * (D[0][c] + D[1][c]);
    const double own = k->mu * tau * (v[0] - v[1]); /* |v| <= 1 */
    int large = 0;
    if (E == 3) {
        HQ_INDEX more = HQ_(exceeds)(whole, 1.0);
        for (int d = 0; d < 2 && !alone; d++)
            more |= HQ_(exceeds)(D[d], own * own);
        large = HQ_(any)(more);
    }
    HQ_(common)(k, at, tau, whole, frame, large, E);
    for (int d = 0; d < 2; d++) {
        HQ_VEC omega[HQ_MAX_E], inner[HQ_MAX_TURN], U[HQ_MAX_TURN];
        if (alone) {
            HQ_(turn_direction)(k, x, d, frame, E, S);
            continue;
        }
        HQ_UNROLL
        for (int c = 0; c < E; c++)
            omega[c] = (d ? own * v[1] : -own * v[0]) * D[d][c];
        HQ_(exponential)(omega, inner, large, E);
        HQ_(then)(frame, inner, U, E);
        HQ_(turn_direction)(k, x, d, U, E, S);
    }
}

/* The local flow of any other number of directions. */
HQ_INLINE void HQ_(local_many)(const hq_split *k, double *to, ptrdiff_t at, double tau,
                               const int E, const int S)
{
    double *x = to + at;
    HQ_VEC D[HQ_SUMS][HQ_MAX_E], W[4][HQ_MAX_E], whole[HQ_MAX_E], frame[HQ_MAX_TURN];
    HQ_UNROLL
    for (int n = 0; n < HQ_SUMS; n++)
        HQ_UNROLL
        for (int c = 0; c < E; c++)
            D[n][c] = (HQ_VEC){0};
    for (ptrdiff_t d = 0; d < k->directions; d++) {
        HQ_VEC net[HQ_MAX_E];
        double power = 1.0;
        HQ_(net)(k, x, d, net, E, S);
        HQ_UNROLL
        for (int n = 0; n < HQ_SUMS; n++, power *= k->v[d])
            HQ_UNROLL
            for (int c = 0; c < E; c++)
                D[n][c] += power * net[c];
    }
    HQ_UNROLL
    for (int c = 0; c < E; c++)
        whole[c] = (k->mu * tau) * D[0][c];
    HQ_(magnus)(D, k->mu, tau, W, E);
    int large = 0;
    if (E == 3) { /* |Omega_v|^2 <= 4 sum |W_n|^2 */
        HQ_INDEX more = HQ_(exceeds)(whole, 1.0);
        for (int n = 0; n < 4; n++)
            more |= HQ_(exceeds)(W[n], 16.0);
        large = HQ_(any)(more);
    }
    HQ_(common)(k, at, tau, whole, frame, large, E);
    for (ptrdiff_t d = 0; d < k->directions; d++) {
        const double v = k->v[d];
        HQ_VEC omega[HQ_MAX_E], inner[HQ_MAX_TURN], U[HQ_MAX_TURN];
        HQ_UNROLL
        for (int c = 0; c < E; c++)
            omega[c] = v * (W[0][c] + v * (W[1][c] + v * (W[2][c] + v * W[3][c])));
        HQ_(exponential)(omega, inner, large, E);
        HQ_(then)(frame, inner, U, E);
        HQ_(turn_direction)(k, x, d, U, E, S);
    }
}

#define HQ_LOCAL(name, E, S)                                                                       \
    static void HQ_(name##_##E##_##S)(const hq_split *k, double *to, ptrdiff_t from, ptrdiff_t end, \
                                      double tau)                                                  \
    {                                                                                              \
        for (ptrdiff_t at = from; at < end; at += HQ_LANES)                                        \
            HQ_(name)(k, to, at, tau, E, S);                                                       \
    }

HQ_LOCAL(local_pair, 3, 1) HQ_LOCAL(local_pair, 3, 2)
HQ_LOCAL(local_pair, 9, 1) HQ_LOCAL(local_pair, 9, 2)
HQ_LOCAL(local_many, 3, 1) HQ_LOCAL(local_many, 3, 2)
HQ_LOCAL(local_many, 9, 1) HQ_LOCAL(local_many, 9, 2)

/* By many, flavors - 2, species - 1. */
typedef void hq_local(const hq_split *k, double *to, ptrdiff_t from, ptrdiff_t end, double tau);
static hq_local *const HQ_(locals)[2][2][2] = {
    {{HQ_(local_pair_3_1), HQ_(local_pair_3_2)}, {HQ_(local_pair_9_1), HQ_(local_pair_9_2)}},
    {{HQ_(local_many_3_1), HQ_(local_many_3_2)}, {HQ_(local_many_9_1), HQ_(local_many_9_2)}},
};
