/* The kinetic kernels for one instruction set: HQ_ISA = 2, 3, 4 (x86-64-v2, -v3, -v4) or 0. */
#include <math.h>

#include "kinetic_api.h"

#if HQ_ISA
#include <immintrin.h>
#endif

/* What is worked on together: rows enough to reuse the stencil's loads, directions few enough for
 * the slopes to stay in L1, numbers likewise, a stage's sources few enough for the registers.
 */
#define HQ_TILE 8
#define HQ_PANEL 8
#define HQ_PIECE 512
#define HQ_FEW 6
#define HQ_MAGIC 6755399441055744.0 /* 1.5*2^52: y + it rounds |y| < 2^51 to an integer */

/* Bytes of a state above which the next rows are fetched ahead of their use (it hurts within L2),
 * and above which results go past the caches: the state and one array more leave L3.
 */
#define HQ_FAR (8 << 20)
#define HQ_FARTHER (16 << 20)

typedef void hq_slide(const hq_kinetic *k, const double *const *row, double *F, ptrdiff_t pitch,
                      ptrdiff_t from, ptrdiff_t to, ptrdiff_t count);
typedef void hq_sum(const hq_kinetic *k, const double *X, ptrdiff_t pitch, ptrdiff_t from,
                    ptrdiff_t to, int first, double scale, double *out);
typedef void hq_turn(const hq_kinetic *k, const double *const *row, ptrdiff_t block,
                     ptrdiff_t count, const double *AB, const double *mode, double *F);
typedef void hq_sweep(const hq_kinetic *k, const double *const *row, ptrdiff_t z, ptrdiff_t count,
                      const double *AB, const double *mode, double *F, const hq_stage *stage,
                      int targets, int ahead, int far);

typedef void hq_tally_rows(const hq_kinetic *k, const double *const *row, ptrdiff_t count,
                           const double *field, const hq_tally *to);

/* The inner loops for one lane width, by flavors and species. */
typedef struct {
    hq_sum *sum[2][2];
    hq_turn *turn[2][2];
    hq_sweep *sweep[2][2];
    hq_tally_rows *tally[2][2];
} hq_loops;

static void slide(const hq_kinetic *k, const double *const *row, double *F, ptrdiff_t pitch,
                  ptrdiff_t from, ptrdiff_t to, ptrdiff_t count);
static void combine(const hq_stage *stage, const double *slope, ptrdiff_t pitch, ptrdiff_t at,
                    ptrdiff_t length, ptrdiff_t n, ptrdiff_t count, int far);

#define HQ_W 1
#include "flavor.h"
#include "tally.h"
#include "kinetic.h"
#include "transport.h"
#include "stage.h"
#undef HQ_W
#define HQ_W 2
#include "flavor.h"
#if HQ_VW == 2
#include "transport.h"
#include "stage.h"
#endif
#include "tally.h"
#include "kinetic.h"
#undef HQ_W
#define HQ_W 4
#include "flavor.h"
#if HQ_VW == 4
#include "transport.h"
#include "stage.h"
#endif
#include "tally.h"
#include "kinetic.h"
#undef HQ_W
#define HQ_W 8
#include "flavor.h"
#if HQ_VW == 8
#include "transport.h"
#include "stage.h"
#endif
#include "tally.h"
#include "kinetic.h"
#undef HQ_W

static const hq_loops *loops_of(const hq_kinetic *k)
{
    return k->lanes == 1 ? &hq_loops_1 : k->lanes == 2 ? &hq_loops_2
         : k->lanes == 4 ? &hq_loops_4 : &hq_loops_8;
}

static const double *row_at(const hq_kinetic *k, const hq_rows *rows, ptrdiff_t z)
{
    if (z < 0)
        return rows->lo + (z + k->width) * k->length;
    if (z >= rows->nz)
        return rows->hi + (z - rows->nz) * k->length;
    return rows->X + z * k->length;
}

/* row[0 .. count+2*width) = the rows around z .. z+count. */
static void rows_around(const hq_kinetic *k, const hq_rows *rows, ptrdiff_t z, ptrdiff_t count,
                        const double **row)
{
    for (ptrdiff_t j = 0; j < count + 2 * k->width; j++)
        row[j] = row_at(k, rows, z - k->width + j);
}

/* AB[i][r], i < 2C: scale times the sums over the chunks from..to-1 of the rows z.. of X; `count`
 * of them are wanted.  Eight rows are summed at once, the last ones of X together with rows before
 * them; AB has room for 2C (HQ_TILE) numbers.  Returns where AB[0] of row z is.
 */
static double *sum_rows(const hq_kinetic *k, const hq_rows *rows, ptrdiff_t z, ptrdiff_t count,
                        ptrdiff_t from, ptrdiff_t to, int first, double scale, double *AB)
{
    hq_sum *sum = loops_of(k)->sum[k->flavors - 2][k->species - 1];
    if (rows->nz >= HQ_TILE) {
        const ptrdiff_t start = z + HQ_TILE <= rows->nz ? z : rows->nz - HQ_TILE;
        sum(k, rows->X + start * k->length, k->length, from, to, first, scale, AB);
        return AB + (z - start);
    }
    for (ptrdiff_t r = 0; r < count; r++) {
        double same[HQ_TILE * 2 * HQ_MAX_COMPONENTS]; /* eight times this row */
        sum(k, rows->X + (z + r) * k->length, 0, from, to, first, scale, same);
        for (int i = first; i < 2 * k->components; i++)
            AB[i * HQ_TILE + r] = same[i * HQ_TILE];
    }
    return AB;
}

static void moments(const hq_kinetic *k, const double *X, ptrdiff_t nz, double *out)
{
    const hq_rows rows = {.X = X, .nz = nz};
    const int sums = 2 * k->components;
    double room[HQ_TILE * 2 * HQ_MAX_COMPONENTS];
    for (ptrdiff_t chunk = 0; chunk < k->chunks; chunk++)
        for (ptrdiff_t z = 0; z < nz; z += HQ_TILE) {
            const ptrdiff_t count = nz - z < HQ_TILE ? nz - z : HQ_TILE;
            const double *AB = sum_rows(k, &rows, z, count, chunk, chunk + 1, 0, 1.0, room);
            for (ptrdiff_t r = 0; r < count; r++, out += sums)
                for (int i = 0; i < sums; i++)
                    out[i] = AB[i * HQ_TILE + r];
        }
}

/* Transport and stages do not mix the numbers of a row: whole registers, then one by one. */
static void slide(const hq_kinetic *k, const double *const *row, double *F, ptrdiff_t pitch,
                  ptrdiff_t from, ptrdiff_t to, ptrdiff_t count)
{
    const ptrdiff_t whole = (to - from) / HQ_VW * HQ_VW;
    HQ_JOIN(slides, HQ_VW)[k->width][k->filtered](k, row, F, pitch, from, from + whole, count);
    if (from + whole < to)
        hq_slides_1[k->width][k->filtered](k, row, F + whole, pitch, from + whole, to, count);
}

static void combine(const hq_stage *stage, const double *slope, ptrdiff_t pitch, ptrdiff_t at,
                    ptrdiff_t length, ptrdiff_t n, ptrdiff_t count, int far)
{
    if (n == length && n == pitch) { /* whole rows */
        n *= count;
        count = 1;
    }
    const ptrdiff_t whole = n / HQ_VW * HQ_VW;
    HQ_JOIN(combine, HQ_VW)(stage, slope, pitch, at, length, whole, count, far);
    if (whole < n)
        hq_combine_1(stage, slope + whole, pitch, at + whole, length, n - whole, count, 0);
}

/* The numbers from..to-1, in pieces that stay in L1 while the targets take their turns. */
static void apply(const hq_stage *stage, const double *F, ptrdiff_t from, ptrdiff_t to)
{
    for (ptrdiff_t at = from; at < to; at += HQ_PIECE)
        combine(stage, F + at, 0, at, 0, to - at < HQ_PIECE ? to - at : HQ_PIECE, 1, 0);
}

static void transport(const hq_kinetic *k, const hq_rows *rows, double *F, ptrdiff_t z0,
                      ptrdiff_t z1)
{
    const double *row[HQ_TILE + 2 * HQ_MAX_WIDTH];
    for (ptrdiff_t z = z0; z < z1; z += HQ_TILE) {
        const ptrdiff_t count = z1 - z < HQ_TILE ? z1 - z : HQ_TILE;
        rows_around(k, rows, z, count, row);
        slide(k, row, F + z * k->length, k->length, 0, k->length, count);
    }
}

static void commutator(const hq_kinetic *k, const double *X, ptrdiff_t nz, const double *A,
                       const double *B, const double *mode, double *F, const hq_stage *stage)
{
    const int C = k->components;
    const ptrdiff_t cells = k->length / k->blocks;
    hq_turn *turn = loops_of(k)->turn[k->flavors - 2][k->species - 1];
    double AB[2 * HQ_MAX_COMPONENTS * HQ_TILE];
    const double *row[HQ_TILE];
    for (ptrdiff_t z = 0; z < nz; z += HQ_TILE) {
        const ptrdiff_t count = nz - z < HQ_TILE ? nz - z : HQ_TILE;
        for (ptrdiff_t r = 0; r < count; r++) {
            row[r] = X + (z + r) * k->length;
            for (int c = 0; c < C; c++) {
                AB[c * HQ_TILE + r] = A[(z + r) * C + c];
                AB[(C + c) * HQ_TILE + r] = B[(z + r) * C + c];
            }
        }
        for (ptrdiff_t b = 0; b < k->blocks; b++) {
            const ptrdiff_t at = z * k->length + b * cells;
            turn(k, row, b, count, AB, mode, F + at);
            if (stage)
                combine(stage, F + at, k->length, at, k->length, cells, count, 0);
        }
    }
}

/* field[i][r]: the coefficient of component i of a matrix X in Tr[(A + Tr A) X], then of B, from
 * AB = (A, B).  Two flavors: 1/2 (3 A_0 X_0 + A.X); three: Tr AX + Tr A Tr X.
 */
static void refraction(const double *AB, ptrdiff_t count, double *field, const int C)
{
    for (int half = 0; half < 2 * C; half += C)
        for (ptrdiff_t r = 0; r < count; r++) {
            const double *a = AB + half * HQ_TILE + r;
            double *f = field + half * HQ_TILE + r;
            const double trace = (a[0] + a[HQ_TILE]) + a[2 * HQ_TILE];
            for (int i = 0; i < C; i++)
                if (C == 4)
                    f[i * HQ_TILE] = (i == 0 ? 1.5 : 0.5) * a[i * HQ_TILE];
                else
                    f[i * HQ_TILE] = i < 3 ? a[i * HQ_TILE] + trace : 2.0 * a[i * HQ_TILE];
        }
}

/* AB[i][r] = mu (M, F) + (A_ext, B_ext) of the rows z.., all chunks being local; see sum_rows.
 * For a tally also the field of mu (M, F) alone.
 */
static const double *hamiltonian(const hq_kinetic *k, const hq_hamiltonian *h, const hq_rows *rows,
                                 ptrdiff_t z, ptrdiff_t count, double *room, double *field)
{
    const int C = k->components, first = C == 4; /* a Bloch vector's trace takes no part */
    const int from = h->tally ? 0 : first;       /* ... in the commutator */
    double *AB = sum_rows(k, rows, z, count, 0, k->chunks, from, h->mu, room);
    if (h->tally)
        refraction(AB, count, field, C);
    for (ptrdiff_t r = 0; h->A_ext && r < count; r++)
        for (int c = first; c < C; c++)
            AB[c * HQ_TILE + r] += h->A_ext[(z + r) * C + c];
    for (ptrdiff_t r = 0; h->B_ext && r < count; r++)
        for (int c = first; c < C; c++)
            AB[(C + c) * HQ_TILE + r] += h->B_ext[(z + r) * C + c];
    return AB;
}

static void fused(const hq_kinetic *k, const hq_rows *rows, double *F, ptrdiff_t z0, ptrdiff_t z1,
                  const hq_hamiltonian *h, const hq_stage *stage)
{
    const ptrdiff_t bytes = rows->nz * k->length * sizeof(double);
    const hq_stage store = {.K = F};
    hq_sweep *sweep = loops_of(k)->sweep[k->flavors - 2][k->species - 1];
    const double *row[HQ_TILE + 2 * HQ_MAX_WIDTH];
    double room[2 * HQ_MAX_COMPONENTS * HQ_TILE] __attribute__((aligned(64)));
    double field[2 * HQ_MAX_COMPONENTS * HQ_TILE];
    hq_tally_rows *tally = loops_of(k)->tally[k->flavors - 2][k->species - 1];
    const int far = bytes > HQ_FARTHER;
    if (!stage && far)
        stage = &store;
    const int targets = far ? 0 : simple_targets(stage);
    for (ptrdiff_t z = z0; z < z1; z += HQ_TILE) {
        const ptrdiff_t count = z1 - z < HQ_TILE ? z1 - z : HQ_TILE;
        rows_around(k, rows, z, count, row);
        const double *AB = hamiltonian(k, h, rows, z, count, room, field);
        sweep(k, row, z, count, AB, h->mode, F, stage, targets, bytes > HQ_FAR, far);
        if (h->tally)
            tally(k, row, count, field, h->tally);
    }
#if HQ_ISA
    if (far)
        _mm_sfence(); /* streamed results are seen by other processes before what comes next */
#endif
}

/* max |error| / (atol + rtol max(|y|, |y_new|)); nan if anything is not finite.  The error is what
 * a stage makes of 0 and the slopes, the last of them as the fresh one.  Lanes side by side
 * vectorise; their maxima pass over a nan, hence the sums of 0*x.
 */
static double error_norm(const hq_error *e)
{
    double error[HQ_PIECE] __attribute__((aligned(64))), top[8] = {0}, taint[8] = {0};
    static const double nothing[HQ_PIECE];
    hq_stage sum = {.targets = 1, .target[0] = e->sum};
    hq_target *t = sum.target;
    t->base = nothing;
    t->target = error;
    for (ptrdiff_t at = 0; at < e->n; at += HQ_PIECE) {
        const ptrdiff_t n = e->n - at < HQ_PIECE ? e->n - at : HQ_PIECE;
        for (int j = 0; j < t->sources; j++)
            t->source[j] = e->sum.source[j] + at;
        combine(&sum, e->slope + at, 0, 0, 0, n, 1, 0);
        for (ptrdiff_t i = 0; i < n; i++) {
            const double a = fabs(e->y[at + i]), b = fabs(e->y_new[at + i]);
            error[i] = fabs(error[i]) / (e->atol + e->rtol * (a > b ? a : b)) + 0.0 * (a + b);
        }
        memset(error + n, 0, (HQ_PIECE - n) * sizeof *error);
        for (ptrdiff_t i = 0; i < HQ_PIECE; i += 8)
            for (int j = 0; j < 8; j++) {
                top[j] = error[i + j] > top[j] ? error[i + j] : top[j];
                taint[j] += 0.0 * error[i + j];
            }
    }
    for (int j = 1; j < 8; j++) {
        top[0] = top[j] > top[0] ? top[j] : top[0];
        taint[0] += taint[j];
    }
    return top[0] + taint[0];
}

const hq_functions HQ_JOIN(functions, HQ_ISA) = {
    HQ_ISA_NAME, moments, transport, commutator, fused, apply, error_norm,
};
