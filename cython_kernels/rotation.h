/* Finite rotations of rho, lanes side by side: a template like flavor.h, for HQ_W = HQ_VW.
 *
 *   rho' = U rho U^dagger,  U = exp(-i Omega)
 *
 * is the flow of d rho/dt = i[rho, h] over a step with Omega = h tau.  Two flavors: P turns by the
 * vector Omega = W; U is a quaternion (cos |W|/2, sin(|W|/2) W/|W|).  Three: a complex 3x3 matrix,
 * (row, column, re/im), of the nine real components of Omega.
 *
 * |Omega| is halved until the series below converges to rounding, U is squared as often; each lane
 * for itself.  `large` = 0 promises that no lane needs that.  Both ways give the same bits.
 */
#define HQ_MAX_HALVINGS 600
#if HQ_LANES == 8
#define HQ_REST , 6, 7, 4, 5
#else
#define HQ_REST
#endif
#define HQ_SMALL 1.0   /* |W|^2 below which a quaternion's series is used as it is */
#define HQ_SMALL_3 0.25 /* Tr Omega^2 likewise */

HQ_INLINE HQ_VEC HQ_(pick)(HQ_INDEX mask, HQ_VEC yes, HQ_VEC no)
{
    return (HQ_VEC)((mask & (HQ_INDEX)yes) | (~mask & (HQ_INDEX)no));
}

HQ_INLINE int HQ_(any)(HQ_INDEX mask)
{
#if HQ_LANES == 8
    mask |= HQ_SHUFFLE(mask, mask, HQ_INDEX, 4, 5, 6, 7, 0, 1, 2, 3);
#endif
#if HQ_LANES >= 4
    mask |= HQ_SHUFFLE(mask, mask, HQ_INDEX, 2, 3, 0, 1 HQ_REST);
#endif
    return (mask[0] | mask[1]) != 0;
}

/* The number of halvings of each lane after which `square` is at most `limit`, and that square. */
static int HQ_(halvings)(HQ_VEC *square, double limit, HQ_VEC *count)
{
    int most = 0;
    *count = (HQ_VEC){0};
    for (; most < HQ_MAX_HALVINGS; most++) {
        const HQ_INDEX more = (HQ_INDEX)(*square > limit);
        if (!HQ_(any)(more))
            break;
        *square = HQ_(pick)(more, 0.25 * *square, *square);
        *count = HQ_(pick)(more, *count + 1.0, *count);
    }
    return most;
}

/* q = (cos(t/2), sin(t/2)/t w) with t = |w|. */
HQ_INLINE void HQ_(quaternion)(const HQ_VEC *w, HQ_VEC *q, int large)
{
    const HQ_VEC whole = w[0] * w[0] + w[1] * w[1] + w[2] * w[2];
    HQ_VEC square = whole, count = {0};
    const int most = large ? HQ_(halvings)(&square, HQ_SMALL, &count) : 0;
    const HQ_VEC x = 0.25 * square; /* (t/2)^2 <= 1/4: the next terms are below 1e-18 */
    HQ_VEC c = 1.0 - x * (1.0 / 182);
    HQ_VEC s = 1.0 - x * (1.0 / 210);
    c = 1.0 - x * (1.0 / 132) * c;
    s = 1.0 - x * (1.0 / 156) * s;
    c = 1.0 - x * (1.0 / 90) * c;
    s = 1.0 - x * (1.0 / 110) * s;
    c = 1.0 - x * (1.0 / 56) * c;
    s = 1.0 - x * (1.0 / 72) * s;
    c = 1.0 - x * (1.0 / 30) * c;
    s = 1.0 - x * (1.0 / 42) * s;
    c = 1.0 - x * (1.0 / 12) * c;
    s = 1.0 - x * (1.0 / 20) * s;
    c = 1.0 - x * (1.0 / 2) * c;
    s = 1.0 - x * (1.0 / 6) * s;
    s *= 0.5; /* sin(t/2)/t */
    if (most) { /* first back to the whole w, then c, s of twice the angle */
        HQ_VEC level = square;
        for (int i = most; i > 0; i--) {
            const HQ_INDEX more = (HQ_INDEX)(count >= (double)i);
            const HQ_VEC sine = s * s * level, length = c * c + sine, keep = 1.5 - 0.5 * length;
            s = HQ_(pick)(more, keep * (s * c), s);
            c = HQ_(pick)(more, keep * (c * c - sine), c);
            level = HQ_(pick)(more, 4.0 * level, level);
        }
    }
    q[0] = c;
    HQ_UNROLL
    for (int i = 0; i < 3; i++)
        q[1 + i] = s * w[i];
}

/* The rotation b, then a. */
HQ_INLINE void HQ_(after)(const HQ_VEC *a, const HQ_VEC *b, HQ_VEC *q)
{
    q[0] = a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3];
    q[1] = a[0] * b[1] + b[0] * a[1] + (a[2] * b[3] - a[3] * b[2]);
    q[2] = a[0] * b[2] + b[0] * a[2] + (a[3] * b[1] - a[1] * b[3]);
    q[3] = a[0] * b[3] + b[0] * a[3] + (a[1] * b[2] - a[2] * b[1]);
}

HQ_INLINE void HQ_(cross)(const HQ_VEC *a, const HQ_VEC *b, HQ_VEC *out)
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

/* P turned by the quaternion q. */
HQ_INLINE void HQ_(turn)(const HQ_VEC *q, HQ_VEC *P)
{
    HQ_VEC t[3], u[3];
    HQ_(cross)(q + 1, P, t);
    HQ_UNROLL
    for (int i = 0; i < 3; i++)
        t[i] = t[i] + t[i];
    HQ_(cross)(q + 1, t, u);
    HQ_UNROLL
    for (int i = 0; i < 3; i++)
        P[i] = P[i] + (q[0] * t[i] + u[i]);
}

/* --- three flavors: U[2*(3*a + b)] = Re U_ab, the next one Im U_ab ----------------------------- */

/* H (18) = the Hermitian matrix of nine components. */
HQ_INLINE void HQ_(hermitian)(const HQ_VEC *x, HQ_VEC *H)
{
    static const int at[3][2] = {{0, 1}, {0, 2}, {1, 2}};
    HQ_UNROLL
    for (int a = 0; a < 3; a++) {
        H[8 * a] = x[a];
        H[8 * a + 1] = (HQ_VEC){0};
    }
    HQ_UNROLL
    for (int q = 0; q < 3; q++) {
        const int a = at[q][0], b = at[q][1];
        H[2 * (3 * a + b)] = H[2 * (3 * b + a)] = x[3 + 2 * q];
        H[2 * (3 * a + b) + 1] = x[4 + 2 * q];
        H[2 * (3 * b + a) + 1] = -x[4 + 2 * q];
    }
}

/* C = A B. */
static void HQ_(product)(const HQ_VEC *A, const HQ_VEC *B, HQ_VEC *C)
{
    HQ_UNROLL
    for (int a = 0; a < 3; a++)
        HQ_UNROLL
        for (int b = 0; b < 3; b++) {
            HQ_VEC re = {0}, im = {0};
            HQ_UNROLL
            for (int c = 0; c < 3; c++) {
                const HQ_VEC *x = A + 2 * (3 * a + c), *y = B + 2 * (3 * c + b);
                re += HQ_RE(x, y);
                im += HQ_IM(x, y);
            }
            C[2 * (3 * a + b)] = re;
            C[2 * (3 * a + b) + 1] = im;
        }
}

/* U = U (3 - U^dagger U)/2: a matrix that is unitary but for rounding is so again. */
static void HQ_(straighten)(HQ_VEC *U)
{
    HQ_VEC A[18], G[18], V[18];
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            A[2 * (3 * a + b)] = U[2 * (3 * b + a)];
            A[2 * (3 * a + b) + 1] = -U[2 * (3 * b + a) + 1];
        }
    HQ_(product)(A, U, G);
    HQ_(product)(U, G, V);
    for (int j = 0; j < 18; j++)
        U[j] = 1.5 * U[j] - 0.5 * V[j];
}

/* U = exp(-i Omega); the trace of Omega, which turns nothing, is left out.  By Cayley-Hamilton
 * Q^3 = p Q + d, so that every power of Q is a Q^2 + b Q + c.
 */
static void HQ_(unitary)(const HQ_VEC *omega, HQ_VEC *U)
{
    HQ_VEC Q[18], Q2[18], x[9], count;
    const HQ_VEC mean = (omega[0] + omega[1] + omega[2]) * (1.0 / 3);
    HQ_UNROLL
    for (int i = 0; i < 9; i++)
        x[i] = i < 3 ? omega[i] - mean : omega[i];
    HQ_VEC square = (x[0] * x[0] + x[1] * x[1] + x[2] * x[2]) +
                    2.0 * ((x[3] * x[3] + x[4] * x[4]) + (x[5] * x[5] + x[6] * x[6]) +
                           (x[7] * x[7] + x[8] * x[8]));
    const int most = HQ_(halvings)(&square, HQ_SMALL_3, &count);
    for (int i = most; i > 0; i--)
        HQ_UNROLL
        for (int j = 0; j < 9; j++)
            x[j] = HQ_(pick)((HQ_INDEX)(count >= (double)i), 0.5 * x[j], x[j]);
    HQ_(hermitian)(x, Q);
    HQ_(product)(Q, Q, Q2);
    const HQ_VEC p = 0.5 * square;
    HQ_VEC cube = {0}; /* Tr Q^3 = 3 det Q, as Tr Q = 0 */
    HQ_UNROLL
    for (int i = 0; i < 18; i += 2)
        cube += HQ_RE_CONJ(Q + i, Q2 + i);
    const HQ_VEC d = cube * (1.0 / 3);
    HQ_VEC a = {0}, b = {0}, c = 1.0 - (HQ_VEC){0};
    HQ_VEC sum[2][3] = {{a, b, c}, {a, b, a}};
    double factor = 1.0;
    for (int n = 1; n <= 16; n++) {
        const HQ_VEC next_a = b, next_b = p * a + c;
        c = d * a;
        a = next_a;
        b = next_b;
        factor /= n; /* (-i)^n = 1, -i, -1, i */
        const double f = n % 4 == 1 || n % 4 == 2 ? -factor : factor;
        sum[n % 2][0] += f * a;
        sum[n % 2][1] += f * b;
        sum[n % 2][2] += f * c;
    }
    HQ_UNROLL
    for (int i = 0; i < 9; i++) {
        const HQ_VEC *q = Q + 2 * i, *r = Q2 + 2 * i;
        HQ_VEC re = (sum[0][0] * r[0] - sum[1][0] * r[1]) + (sum[0][1] * q[0] - sum[1][1] * q[1]);
        HQ_VEC im = (sum[0][0] * r[1] + sum[1][0] * r[0]) + (sum[0][1] * q[1] + sum[1][1] * q[0]);
        U[2 * i] = i % 4 == 0 ? re + sum[0][2] : re;
        U[2 * i + 1] = i % 4 == 0 ? im + sum[1][2] : im;
    }
    for (int i = most; i > 0; i--) {
        HQ_VEC V[18];
        HQ_(product)(U, U, V);
        HQ_(straighten)(V);
        HQ_UNROLL
        for (int j = 0; j < 18; j++)
            U[j] = HQ_(pick)((HQ_INDEX)(count >= (double)i), V[j], U[j]);
    }
}

/* rho = U rho U^dagger, nine components. */
static void HQ_(transform)(const HQ_VEC *U, HQ_VEC *rho)
{
    static const int at[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
    HQ_VEC H[18], T[18];
    HQ_(hermitian)(rho, H);
    HQ_(product)(U, H, T);
    HQ_UNROLL
    for (int e = 0; e < 6; e++) {
        const int a = at[e][0], b = at[e][1];
        HQ_VEC re = {0}, im = {0};
        HQ_UNROLL
        for (int c = 0; c < 3; c++) {
            const HQ_VEC *x = T + 2 * (3 * a + c), *y = U + 2 * (3 * b + c);
            re += HQ_RE_CONJ(x, y);
            im += HQ_IM_CONJ(x, y);
        }
        if (e < 3)
            rho[e] = re;
        else {
            rho[2 * e - 3] = re;
            rho[2 * e - 2] = im;
        }
    }
}
