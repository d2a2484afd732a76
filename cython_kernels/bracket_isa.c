/* The gradient terms for one instruction set: HQ_ISA = 2, 3, 4 (x86-64-v2, -v3, -v4) or 0. */
#include "bracket_api.h"

/* near[t] is the row's numbers that tap t multiplies, own those in the middle; near, own and F
 * start at the column `first`.
 */
typedef void hq_force(const hq_bracket *b, const double *const *near, const double *own, double *F,
                      ptrdiff_t first, ptrdiff_t count);
typedef void hq_multiply(const hq_bracket *b, const double *X, const double *B, double *g,
                         ptrdiff_t blocks);

typedef void hq_current(const hq_bracket *b, const double *speed, const double *drift,
                        const double *X, const double *B, double *G);
typedef void hq_whole_slope(const hq_slope *s, ptrdiff_t z0, ptrdiff_t z1);

/* The inner loops for one lane width, by flavors. */
typedef struct {
    void (*fill)(const hq_bracket *b, const double *A, const double *B);
    hq_force *force[2];
    hq_multiply *multiply[2];
    hq_current *current[2];
} hq_bracket_loops;

/* Column i of row z, which may be one of the ghosts. */
static const double *column_at(const hq_bracket *b, const double *X, const double *before,
                               const double *after, ptrdiff_t z, ptrdiff_t i)
{
    const ptrdiff_t ghosts = z * b->reach * b->pitch;
    if (i < 0)
        return before + ghosts + (i + b->reach) * b->pitch;
    if (i >= b->columns)
        return after + ghosts + (i - b->columns) * b->pitch;
    return X + z * b->length + i * b->pitch;
}

static const double *row_at(const hq_bracket *b, const double *X, const double *lo,
                            const double *hi, ptrdiff_t nz, ptrdiff_t z)
{
    if (z < 0)
        return lo + (z + b->width) * b->length;
    if (z >= nz)
        return hi + (z - nz) * b->length;
    return X + z * b->length;
}

#define HQ_W 1
#include "bracket.h"
#include "bracket_sums.h"
#undef HQ_W
#define HQ_W 2
#include "bracket.h"
#if HQ_VW == 8
#include "bracket_packed.h"
#endif
#include "bracket_sums.h"
#undef HQ_W
#define HQ_W 4
#include "bracket.h"
#include "bracket_sums.h"
#undef HQ_W
#define HQ_W 8
#include "bracket.h"
#if HQ_VW == 8
#include "bracket_whole.h"
#endif
#include "bracket_sums.h"
#undef HQ_W

static const hq_bracket_loops *loops_of(const hq_bracket *b)
{
    return b->lanes == 1 ? &hq_bracket_loops_1 : b->lanes == 2 ? &hq_bracket_loops_2
         : b->lanes == 4 ? &hq_bracket_loops_4 : &hq_bracket_loops_8;
}

/* The loop for the whole slope, NULL if there is none for this layout. */
static hq_whole_slope *slope_of(const hq_bracket *b, const hq_kinetic *k)
{
#if HQ_VW == 8
    if (b->lanes == 2 && b->flavors == 2 && b->shared && !b->coupled && b->per_column == 1 &&
        (b->taps == 2 || b->taps == 4))
        return hq_slopes_2[b->width - 1][k->filtered][b->taps == 4];
#endif
    return NULL;
}

static int slope(const hq_slope *s, ptrdiff_t z0, ptrdiff_t z1)
{
    hq_whole_slope *loop = slope_of(s->b, s->k);
    if (loop)
        loop(s, z0, z1);
    return loop != NULL;
}

static int flow(const hq_slope *s)
{
#if HQ_VW == 8
    return hq_flow_8(s);
#else
    (void)s;
    return 0;
#endif
}

/* Whole registers of components where they fit, else what the kinetic kernels do. */
static void sums(const hq_row_sums *s, const double *X, ptrdiff_t nz, double *out, ptrdiff_t pitch,
                 double *energies)
{
    const hq_kinetic *k = s->k;
#if HQ_VW == 8
    if (k->lanes == 2 && k->flavors == 2) {
        hq_packed_sums_2(s, X, nz, out, pitch, energies);
        return;
    }
#endif
    hq_kinetic one = *k; /* one chunk after the other, for their pitch */
    one.single = 0;
    for (one.chunks = 1; one.chunk_start < k->chunk_start + k->chunks; one.chunk_start++) {
        s->run->moments(&one, X, nz, out);
        out += pitch;
    }
    if (!energies)
        return;
    switch (k->lanes) {
    case 1: hq_sum_energies_1(s, X, nz, energies, pitch); break;
    case 2: hq_sum_energies_2(s, X, nz, energies, pitch); break;
    case 4: hq_sum_energies_4(s, X, nz, energies, pitch); break;
    default: hq_sum_energies_8(s, X, nz, energies, pitch);
    }
}

static void force(const hq_bracket *b, const double *X, const double *before, const double *after,
                  const double *dA, const double *dB, double *F, ptrdiff_t z0, ptrdiff_t z1)
{
    const hq_bracket_loops *loops = loops_of(b);
    hq_force *push = loops->force[b->flavors - 2];
    const double *near[HQ_MAX_TAPS];
    for (ptrdiff_t z = z0; z < z1; z++) {
        const ptrdiff_t row = z * b->components;
        loops->fill(b, dA + row, dB + row);
        ptrdiff_t count;
        for (ptrdiff_t i = 0; i < b->columns; i += count) {
            /* Columns with ghosts among their neighbours go one by one, the others together. */
            const ptrdiff_t inner = b->columns - b->reach - i;
            count = i >= b->reach && inner > 0 ? inner : 1;
            for (int t = 0; t < b->taps; t++)
                near[t] = column_at(b, X, before, after, z, i + b->offset[t]);
            const ptrdiff_t at = z * b->length + i * b->pitch;
            push(b, near, X + at, F + at, i, count);
        }
    }
}

static inline void spread(const double *const *row, const double *c, const double *restrict rate,
                          double *restrict F, ptrdiff_t n, const int width)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        double slope = c[0] * (row[1][i] - row[-1][i]);
        for (int m = 2; m <= width; m++)
            slope += c[m - 1] * (row[m][i] - row[-m][i]);
        F[i] += rate[i] * slope;
    }
}

/* The products rho o B of 2 width + 1 rows are kept, for as many blocks as their ring has room. */
static void drift(const hq_bracket *b, const double *X, const double *lo, const double *hi,
                  ptrdiff_t nz, const double *B, double *F, ptrdiff_t z0, ptrdiff_t z1)
{
    hq_multiply *multiply = loops_of(b)->multiply[b->flavors - 2];
    const ptrdiff_t cells = b->length / b->blocks, panel = b->ring_room / cells;
    const ptrdiff_t room = panel * cells;
    const int w = b->width, rows = 2 * w + 1;
    for (ptrdiff_t first = 0; first < b->blocks; first += panel) {
        const ptrdiff_t count = b->blocks - first < panel ? b->blocks - first : panel;
        const ptrdiff_t at = first * cells, n = count * cells;
        for (ptrdiff_t z = z0 - w; z < z1 + w; z++) {
            multiply(b, row_at(b, X, lo, hi, nz, z) + at, B + (z + w) * b->components,
                     b->ring + (z + w) % rows * room, count);
            if (z < z0 + w)
                continue;
            const double *around[2 * HQ_MAX_WIDTH + 1];
            for (int m = 0; m < rows; m++) /* the rows z-2w .. z around z-w */
                around[m] = b->ring + (z - w + m) % rows * room;
            double *f = F + (z - w) * b->length + at;
            switch (w) {
            case 1: spread(around + 1, b->c, b->rate + at, f, n, 1); break;
            case 2: spread(around + 2, b->c, b->rate + at, f, n, 2); break;
            case 3: spread(around + 3, b->c, b->rate + at, f, n, 3); break;
            default: spread(around + 4, b->c, b->rate + at, f, n, 4); break;
            }
        }
    }
}

static void current(const hq_bracket *b, const double *speed, const double *drift,
                    const hq_rows *rows, const double *B, ptrdiff_t z, ptrdiff_t count, double *G)
{
    hq_current *row = loops_of(b)->current[b->flavors - 2];
    for (ptrdiff_t r = 0; r < count; r++)
        row(b, speed, drift, row_at(b, rows->X, rows->lo, rows->hi, rows->nz, z + r),
            B + (z + r + b->width) * b->components, G + r * b->length);
}

const hq_bracket_functions HQ_JOIN(bracket, HQ_ISA) = {
    HQ_ISA_NAME, force, drift, current, slope, flow, sums,
};
