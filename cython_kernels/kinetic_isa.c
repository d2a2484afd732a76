/* The kinetic kernels for one instruction set: HQ_ISA = 2, 3, 4 (x86-64-v2, -v3, -v4) or 0. */
#include "kinetic_api.h"

/* Rows that are worked on together: enough to reuse the stencil's loads, few enough for L1. */
#define HQ_TILE 8

typedef void hq_slide(const hq_kinetic *k, const double *const *row, double *F, ptrdiff_t from,
                      ptrdiff_t to, ptrdiff_t count);
typedef void hq_sum(const hq_kinetic *k, const double *X, ptrdiff_t count, ptrdiff_t from,
                    ptrdiff_t to, double scale, double *out);
typedef void hq_rotate(const hq_kinetic *k, const double *X, double *F, ptrdiff_t block,
                       ptrdiff_t count, const double *A, const double *B, ptrdiff_t stride,
                       const double *mode);

/* The inner loops for one lane width, by flavors and species. */
typedef struct {
    hq_sum *sum[2][2], *sum_bloch[2][2];
    hq_rotate *rotate[2][2];
} hq_loops;

#define HQ_W 1
#include "kinetic.h"
#include "transport.h"
#undef HQ_W
#define HQ_W 2
#include "kinetic.h"
#if HQ_VW == 2
#include "transport.h"
#endif
#undef HQ_W
#define HQ_W 4
#include "kinetic.h"
#if HQ_VW == 4
#include "transport.h"
#endif
#undef HQ_W
#define HQ_W 8
#include "kinetic.h"
#if HQ_VW == 8
#include "transport.h"
#endif
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

static void moments(const hq_kinetic *k, const double *X, ptrdiff_t nz, double *out)
{
    hq_sum *sum_rows = loops_of(k)->sum[k->flavors - 2][k->species - 1];
    for (ptrdiff_t chunk = 0; chunk < k->chunks; chunk++)
        sum_rows(k, X, nz, chunk, chunk + 1, 1.0, out + chunk * nz * 2 * k->components);
}

/* Transport does not mix the numbers of a row: whole registers, then what is left one by one. */
static void slide(const hq_kinetic *k, const double *const *row, double *F, ptrdiff_t from,
                  ptrdiff_t to, ptrdiff_t count)
{
    const ptrdiff_t whole = from + (to - from) / HQ_VW * HQ_VW;
    HQ_JOIN(slides, HQ_VW)[k->width][k->filtered](k, row, F, from, whole, count);
    if (whole < to)
        hq_slides_1[k->width][k->filtered](k, row, F, whole, to, count);
}

static void transport(const hq_kinetic *k, const hq_rows *rows, double *F, ptrdiff_t z0,
                      ptrdiff_t z1)
{
    const double *row[HQ_TILE + 2 * HQ_MAX_WIDTH];
    for (ptrdiff_t z = z0; z < z1; z += HQ_TILE) {
        const ptrdiff_t count = z1 - z < HQ_TILE ? z1 - z : HQ_TILE;
        rows_around(k, rows, z, count, row);
        slide(k, row, F + z * k->length, 0, k->length, count);
    }
}

static void commutator(const hq_kinetic *k, const double *X, ptrdiff_t nz, const double *A,
                       const double *B, const double *mode, double *F)
{
    hq_rotate *rotate = loops_of(k)->rotate[k->flavors - 2][k->species - 1];
    for (ptrdiff_t z = 0; z < nz; z += HQ_TILE) {
        const ptrdiff_t count = nz - z < HQ_TILE ? nz - z : HQ_TILE;
        for (ptrdiff_t block = 0; block < k->blocks; block++)
            rotate(k, X + z * k->length, F + z * k->length, block, count, A + z * k->components,
                   B + z * k->components, k->components, mode);
    }
}

/* AB[row] = mu (M, F) + (A_ext, B_ext) for `count` rows from z on, all chunks being local. */
static void hamiltonian(const hq_kinetic *k, const hq_hamiltonian *h, const double *X, ptrdiff_t z,
                        ptrdiff_t count, double *AB)
{
    const int C = k->components;
    hq_sum *sum_rows = loops_of(k)->sum_bloch[k->flavors - 2][k->species - 1];
    sum_rows(k, X + z * k->length, count, 0, k->chunks, h->mu, AB);
    for (ptrdiff_t r = 0; h->A_ext && r < count; r++)
        for (int c = 0; c < C; c++)
            AB[2 * C * r + c] += h->A_ext[(z + r) * C + c];
    for (ptrdiff_t r = 0; h->B_ext && r < count; r++)
        for (int c = 0; c < C; c++)
            AB[2 * C * r + C + c] += h->B_ext[(z + r) * C + c];
}

static void fused(const hq_kinetic *k, const hq_rows *rows, double *F, ptrdiff_t z0, ptrdiff_t z1,
                  const hq_hamiltonian *h)
{
    const int C = k->components;
    const ptrdiff_t panel = 8 / k->lanes; /* blocks that are carried together, in L1 */
    const ptrdiff_t cells = k->length / k->blocks;
    hq_rotate *rotate = loops_of(k)->rotate[k->flavors - 2][k->species - 1];
    const double *row[HQ_TILE + 2 * HQ_MAX_WIDTH];
    double AB[HQ_TILE * 2 * HQ_MAX_COMPONENTS];
    for (ptrdiff_t z = z0; z < z1; z += HQ_TILE) {
        const ptrdiff_t count = z1 - z < HQ_TILE ? z1 - z : HQ_TILE;
        const double *x = rows->X + z * k->length;
        double *f = F + z * k->length;
        rows_around(k, rows, z, count, row);
        hamiltonian(k, h, rows->X, z, count, AB);
        for (ptrdiff_t first = 0; first < k->blocks; first += panel) {
            const ptrdiff_t end = first + panel < k->blocks ? first + panel : k->blocks;
            slide(k, row, f, first * cells, end * cells, count);
            for (ptrdiff_t block = first; block < end; block++)
                rotate(k, x, f, block, count, AB, AB + C, 2 * C, h->mode);
        }
    }
}

#if HQ_ISA == 4
const hq_functions hq_functions_4 = {"avx512", moments, transport, commutator, fused};
#elif HQ_ISA == 3
const hq_functions hq_functions_3 = {"avx2", moments, transport, commutator, fused};
#elif HQ_ISA == 2
const hq_functions hq_functions_2 = {"sse2", moments, transport, commutator, fused};
#else
const hq_functions hq_functions_0 = {"generic", moments, transport, commutator, fused};
#endif
