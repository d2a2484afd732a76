/* The whole slope of two flavors and directions in pairs, where a register holds a block's four
 * components (HQ_W = 2, HQ_VW = 8): beside bracket.h.  Fields are the same for all blocks of a row.
 *
 * A vector is (P0 P0' Px Px' Py Py' Pz Pz') for directions (.) and ('); products of components are
 * rotations of the four slots.  Every number is computed by the operations of transport.h,
 * bracket.h and kinetic.h in their order, so that the bits are the same; what a slot has too much
 * is times 0.0.
 */
typedef double HQ_(whole) __attribute__((vector_size(8 * HQ_VW)));
typedef double HQ_(whole_loose) __attribute__((vector_size(8 * HQ_VW), aligned(8), may_alias));
typedef long long HQ_(whole_index) __attribute__((vector_size(8 * HQ_VW)));
#define HQ_ALL HQ_(whole)
#define HQ_SLOTS(x, a, b, c, d)                                                                   \
    HQ_SHUFFLE(x, x, HQ_(whole_index), 2 * a, 2 * a + 1, 2 * b, 2 * b + 1, 2 * c, 2 * c + 1,      \
               2 * d, 2 * d + 1)

HQ_INLINE HQ_ALL HQ_(load_block)(const double *x) { return *(const HQ_(whole_loose) *)x; }

HQ_INLINE void HQ_(store_block)(double *x, HQ_ALL value) { *(HQ_(whole_loose) *)x = value; }

/* scale (A - v B) of a row, component c in slot c. */
HQ_INLINE HQ_ALL HQ_(field_of)(const double *v, const double *A, const double *B, double scale)
{
    double h[HQ_VW];
    for (int c = 0; c < 4; c++)
        for (int lane = 0; lane < HQ_W; lane++)
            h[c * HQ_W + lane] = scale * (A[c] - v[lane] * B[c]);
    return HQ_(load_block)(h);
}

/* What rho o h and i[rho, w] multiply the slots of rho with. */
typedef struct {
    HQ_ALL h0, h1, h2, h3, w, left, right;
} HQ_(row_field);

HQ_INLINE void HQ_(turning)(HQ_(row_field) *f, HQ_ALL w, HQ_ALL mask)
{
    f->left = mask * HQ_SLOTS(w, 0, 2, 3, 1);
    f->right = mask * HQ_SLOTS(w, 0, 3, 1, 2);
}

HQ_INLINE void HQ_(fields_of)(const hq_slope *s, ptrdiff_t z, HQ_ALL mask, HQ_(row_field) *f)
{
    const HQ_ALL h = HQ_(field_of)(s->b->v, s->dA + 4 * z, s->dB + 4 * z, 0.5);
    f->h0 = HQ_SLOTS(h, 0, 0, 0, 0);
    f->h1 = HQ_SLOTS(h, 1, 1, 2, 3);
    f->h2 = (1.0 - mask) * HQ_SLOTS(h, 2, 2, 2, 2);
    f->h3 = (1.0 - mask) * HQ_SLOTS(h, 3, 3, 3, 3);
    f->w = HQ_(field_of)(s->b->v, s->A + 4 * z, s->B + 4 * z, 1.0);
    HQ_(turning)(f, f->w, mask);
}

/* -v D_z rho + filter; x[m] are the rows around, c_m is times the speed. */
HQ_INLINE HQ_ALL HQ_(streaming)(const HQ_ALL *c, const HQ_ALL *g, const HQ_ALL *x,
                                const int width, const int filtered)
{
    HQ_ALL rate = c[1] * (x[1] - x[-1]);
    HQ_UNROLL
    for (int m = 2; m <= width; m++)
        rate += c[m] * (x[m] - x[-m]);
    if (filtered) {
        HQ_ALL damping = g[0] * x[0];
        HQ_UNROLL
        for (int m = 1; m <= width; m++)
            damping += g[m] * (x[m] + x[-m]);
        rate += damping;
    }
    return rate;
}

/* The slopes of `count` rows from z on. */
HQ_INLINE void HQ_(slope_of)(const hq_slope *s, ptrdiff_t z, const int count, const int width,
                             const int filtered, const int taps, const int modes)
{
    static const double not_first[8] = {0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    const HQ_ALL mask = HQ_(load_block)(not_first);
    const hq_bracket *b = s->b;
    const ptrdiff_t length = b->length;
    HQ_ALL c[HQ_MAX_WIDTH + 1], g[HQ_MAX_WIDTH + 1];
    HQ_(row_field) field[HQ_ROWS];
    const double *row[HQ_ROWS + 2 * HQ_MAX_WIDTH];
    for (int m = 0; filtered && m <= width; m++)
        g[m] = s->k->g[m] - (HQ_ALL){0};
    for (int r = 0; r < count; r++)
        HQ_(fields_of)(s, z + r, mask, field + r);
    for (int j = 0; j < count + 2 * width; j++)
        row[j] = row_at(b, s->rows->X, s->rows->lo, s->rows->hi, s->rows->nz, z - width + j);
    for (ptrdiff_t i = 0; i < b->columns; i++)
        for (int species = 0; species < b->species; species++) {
            const ptrdiff_t shift = species * HQ_VW, at = i * b->pitch + shift;
            const HQ_ALL speed = HQ_(load_block)(s->k->speed + at);
            HQ_ALL x[HQ_ROWS + 2 * HQ_MAX_WIDTH], tap[HQ_MAX_TAPS], mode = {0};
            const double *near[HQ_MAX_TAPS];
            ptrdiff_t pitch[HQ_MAX_TAPS];
            double *F = s->F + z * length + at;
            HQ_UNROLL
            for (int k = 0; k < taps; k++) {
                const ptrdiff_t from = i + b->offset[k];
                near[k] = column_at(b, s->rows->X, s->before, s->after, z, from) + shift;
                pitch[k] = from < 0 || from >= b->columns ? b->reach * b->pitch : length;
                tap[k] = HQ_(load_block)(b->wide_tap[k] + i * HQ_VW);
                tap[k] = species ? -tap[k] : tap[k];
            }
            for (int m = 1; m <= width; m++)
                c[m] = s->k->c[m - 1] * speed;
            if (modes)
                mode = HQ_(load_block)(s->mode + at);
            HQ_UNROLL
            for (int j = 0; j < count + 2 * width; j++)
                x[j] = HQ_(load_block)(row[j] + at);
            HQ_UNROLL
            for (int r = 0; r < count; r++, F += length) {
                HQ_(row_field) *f = field + r, other;
                HQ_ALL slope = HQ_(streaming)(c, g, x + r + width, width, filtered);
                HQ_ALL t = {0};
                HQ_UNROLL
                for (int k = 0; k < taps; k++, near[k - 1] += pitch[k - 1])
                    t += tap[k] * HQ_(load_block)(near[k]);
                slope += f->h0 * t + ((f->h1 * HQ_SLOTS(t, 1, 0, 0, 0) +
                                       f->h2 * HQ_SLOTS(t, 2, 2, 2, 2)) +
                                      f->h3 * HQ_SLOTS(t, 3, 3, 3, 3));
                if (modes) {
                    HQ_(turning)(&other, f->w + mode, mask);
                    f = &other;
                }
                slope += f->left * HQ_SLOTS(x[r + width], 0, 3, 1, 2) -
                         f->right * HQ_SLOTS(x[r + width], 0, 2, 3, 1);
                HQ_(store_block)(F, slope);
                HQ_KEEP_ORDER; /* as in transport.h */
            }
        }
}

#define HQ_SLOPE(width, filtered, taps)                                                           \
    static void HQ_(slope_##width##_##filtered##_##taps)(const hq_slope *s, ptrdiff_t z0,         \
                                                         ptrdiff_t z1)                            \
    {                                                                                             \
        for (; z0 + HQ_ROWS <= z1; z0 += HQ_ROWS)                                                 \
            if (s->mode)                                                                          \
                HQ_(slope_of)(s, z0, HQ_ROWS, width, filtered, taps, 1);                          \
            else                                                                                  \
                HQ_(slope_of)(s, z0, HQ_ROWS, width, filtered, taps, 0);                          \
        for (; z0 < z1; z0++)                                                                     \
            if (s->mode)                                                                          \
                HQ_(slope_of)(s, z0, 1, width, filtered, taps, 1);                                \
            else                                                                                  \
                HQ_(slope_of)(s, z0, 1, width, filtered, taps, 0);                                \
    }

#define HQ_SLOPES(width)                                                                          \
    HQ_SLOPE(width, 0, 2) HQ_SLOPE(width, 0, 4) HQ_SLOPE(width, 1, 2) HQ_SLOPE(width, 1, 4)

HQ_SLOPES(1) HQ_SLOPES(2) HQ_SLOPES(3) HQ_SLOPES(4)

/* By half-width, filter and number of taps, 2 or 4. */
#define HQ_LISTED(width)                                                                          \
    {{HQ_(slope_##width##_0_2), HQ_(slope_##width##_0_4)},                                        \
     {HQ_(slope_##width##_1_2), HQ_(slope_##width##_1_4)}}
static hq_whole_slope *const HQ_(slopes)[HQ_MAX_WIDTH][2][2] = {
    HQ_LISTED(1), HQ_LISTED(2), HQ_LISTED(3), HQ_LISTED(4),
};

#undef HQ_SLOPE
#undef HQ_SLOPES
#undef HQ_LISTED
