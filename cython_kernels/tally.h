/* What the weak force does on each direction: a template like kinetic.h.
 *
 *     sum over z of  Tr[Omega_v (c_1 (rho_1 - rho_-1) + c_2 (rho_2 - rho_-2) ...)]
 *
 * with Omega_v = mu [(M + Tr M) - v (F + Tr F)], for every direction and species.  `field` has the
 * coefficients of rho's components in that trace, (2C, HQ_TILE), see refraction().  Each row's value
 * is rounded to an integer multiple of 1/up (`sum`), what is left of it to one of 2^-40/up (`low`):
 * integers are added in any order, so the sums have the same bits on any decomposition of z.
 * `square` adds the squares of the former: as long as it stays below 2^102 none of them was too large
 * to be rounded so.
 */
#define HQ_INT HQ_(integer)
#if HQ_W == 1
typedef long long HQ_INT;
#else
typedef long long HQ_INT __attribute__((vector_size(8 * HQ_LANES)));
#endif

HQ_INLINE HQ_INT HQ_(bits)(HQ_VEC x)
{
    HQ_INT bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

HQ_INLINE void HQ_(tally_rows)(const hq_kinetic *k, const double *const *row, const double *field,
                               const hq_tally *to, const int C, const int S, const int width,
                               const int count)
{
    const HQ_VEC magic = HQ_MAGIC - (HQ_VEC){0};
    HQ_VEC c[HQ_MAX_WIDTH + 1], f[HQ_TILE + 2 * HQ_MAX_WIDTH], q[HQ_TILE];
    HQ_UNROLL
    for (int m = 1; m <= HQ_MAX_WIDTH; m++)
        c[m] = k->c[m - 1] - (HQ_VEC){0};
    for (ptrdiff_t b = 0; b < k->blocks; b++)
        for (int sub = 0; sub < HQ_SUBS; sub++) {
            const HQ_VEC v = HQ_(load)(k->v + b * HQ_W + sub * HQ_LANES);
            for (ptrdiff_t s = b * S; s < (b + 1) * S; s++) {
                const ptrdiff_t at = s * C * HQ_W + sub * HQ_LANES, sum = s * HQ_W + sub * HQ_LANES;
                for (int i = 0; i < C; i++) {
                    HQ_UNROLL
                    for (int j = 0; j < 2 * width; j++)
                        f[j] = HQ_(load)(row[j] + at + i * HQ_W);
                    HQ_UNROLL
                    for (int r = 0; r < count; r++) {
                        const HQ_VEC *x = f + r + width;
                        f[r + 2 * width] = HQ_(load)(row[r + 2 * width] + at + i * HQ_W);
                        HQ_VEC change = c[1] * (x[1] - x[-1]);
                        HQ_UNROLL
                        for (int m = 2; m <= width; m++)
                            change += c[m] * (x[m] - x[-m]);
                        change *= field[i * HQ_TILE + r] - v * field[(C + i) * HQ_TILE + r];
                        q[r] = i ? q[r] + change : change;
                        HQ_KEEP_ORDER;
                    }
                }
                HQ_INT total, rest;
                HQ_VEC square = HQ_(load)(to->square + sum);
                memcpy(&total, to->sum + sum, sizeof total);
                memcpy(&rest, to->low + sum, sizeof rest);
                HQ_UNROLL
                for (int r = 0; r < count; r++) {
                    const HQ_VEC y = q[r] * to->up, high = y + magic;
                    const HQ_VEC left = (y - (high - magic)) * 1099511627776.0 + magic;
                    total += HQ_(bits)(high) - HQ_(bits)(magic);
                    rest += HQ_(bits)(left) - HQ_(bits)(magic);
                    square += y * y;
                }
                memcpy(to->sum + sum, &total, sizeof total);
                memcpy(to->low + sum, &rest, sizeof rest);
                HQ_(store)(to->square + sum, square);
            }
        }
}

#define HQ_TALLY(flavors, species)                                                                \
    static void HQ_(tally_##flavors##_##species)(const hq_kinetic *k, const double *const *row,   \
        ptrdiff_t count, const double *field, const hq_tally *to)                                 \
    {                                                                                             \
        const int C = flavors * flavors;                                                          \
        if (count == HQ_TILE && k->width == 4)                                                    \
            HQ_(tally_rows)(k, row, field, to, C, species, 4, HQ_TILE);                           \
        else if (count == HQ_TILE && k->width == 3)                                               \
            HQ_(tally_rows)(k, row, field, to, C, species, 3, HQ_TILE);                           \
        else                                                                                      \
            for (ptrdiff_t r = 0; r < count; r++)                                                 \
                HQ_(tally_rows)(k, row + r, field + r, to, C, species, k->width, 1);              \
    }

HQ_TALLY(2, 1) HQ_TALLY(2, 2) HQ_TALLY(3, 1) HQ_TALLY(3, 2)

#undef HQ_TALLY
#undef HQ_INT
