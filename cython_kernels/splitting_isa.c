/* The splitting kernels for one instruction set: HQ_ISA = 2, 3, 4 (x86-64-v2, -v3, -v4) or 0. */
#include "splitting_api.h"

#define HQ_MAX_COMPONENTS HQ_MAX_E
#define HQ_TILE_BYTES 24576 /* of all arrays together: stays in L1 between shift and rotation */

#if HQ_ISA == 4
#define HQ_W 8
#elif HQ_ISA == 3
#define HQ_W 4
#else
#define HQ_W 2
#endif
#include "flavor.h"
#include "rotation.h"
#include "shift.h"
#include "splitting.h"

/* HQ_W x HQ_W numbers turned over: log2(HQ_W) times a perfect shuffle of the vectors. */
HQ_INLINE void transpose(HQ_VEC *t)
{
    HQ_VEC u[HQ_W];
    HQ_UNROLL
    for (int n = 1; n < HQ_W; n *= 2) {
        HQ_UNROLL
        for (int i = 0; i < HQ_W / 2; i++) {
#if HQ_W == 2
            u[2 * i] = HQ_SHUFFLE(t[i], t[i + 1], HQ_INDEX, 0, 2);
            u[2 * i + 1] = HQ_SHUFFLE(t[i], t[i + 1], HQ_INDEX, 1, 3);
#elif HQ_W == 4
            u[2 * i] = HQ_SHUFFLE(t[i], t[i + 2], HQ_INDEX, 0, 4, 1, 5);
            u[2 * i + 1] = HQ_SHUFFLE(t[i], t[i + 2], HQ_INDEX, 2, 6, 3, 7);
#else
            u[2 * i] = HQ_SHUFFLE(t[i], t[i + 4], HQ_INDEX, 0, 8, 1, 9, 2, 10, 3, 11);
            u[2 * i + 1] = HQ_SHUFFLE(t[i], t[i + 4], HQ_INDEX, 4, 12, 5, 13, 6, 14, 7, 15);
#endif
        }
        memcpy(t, u, sizeof u);
    }
}

/* Rows of X -> arrays along z. */
static void unpack(const hq_split *k, const double *X, double *arrays)
{
    const ptrdiff_t n = k->length, whole = k->rows / HQ_W * HQ_W;
    for (ptrdiff_t z = 0; z < whole; z += HQ_W)
        for (ptrdiff_t i = 0; i + HQ_W <= n; i += HQ_W) {
            HQ_VEC t[HQ_W];
            HQ_UNROLL
            for (int r = 0; r < HQ_W; r++)
                t[r] = HQ_(load)(X + (z + r) * n + i);
            transpose(t);
            HQ_UNROLL
            for (int j = 0; j < HQ_W; j++)
                if (k->place[i + j] >= 0)
                    HQ_(store)(arrays + k->place[i + j] * k->stride + k->pad + z, t[j]);
        }
    for (ptrdiff_t z = 0; z < k->rows; z++)
        for (ptrdiff_t i = z < whole ? n / HQ_W * HQ_W : 0; i < n; i++)
            if (k->place[i] >= 0)
                arrays[k->place[i] * k->stride + k->pad + z] = X[z * n + i];
}

/* Arrays along z -> rows of X; padding stays zero. */
static void pack(const hq_split *k, const double *arrays, double *X)
{
    const ptrdiff_t n = k->length, whole = k->rows / HQ_W * HQ_W;
    for (ptrdiff_t z = 0; z < whole; z += HQ_W)
        for (ptrdiff_t i = 0; i + HQ_W <= n; i += HQ_W) {
            HQ_VEC t[HQ_W];
            HQ_UNROLL
            for (int j = 0; j < HQ_W; j++) {
                t[j] = (HQ_VEC){0};
                if (k->place[i + j] >= 0)
                    t[j] = HQ_(load)(arrays + k->place[i + j] * k->stride + k->pad + z);
            }
            transpose(t);
            HQ_UNROLL
            for (int r = 0; r < HQ_W; r++)
                HQ_(store)(X + (z + r) * n + i, t[r]);
        }
    for (ptrdiff_t z = 0; z < k->rows; z++)
        for (ptrdiff_t i = z < whole ? n / HQ_W * HQ_W : 0; i < n; i++)
            X[z * n + i] = k->place[i] < 0 ? 0.0
                         : arrays[k->place[i] * k->stride + k->pad + z];
}

/* The lanes beyond the last row compute on what lies there; nobody reads it. */
static ptrdiff_t rounded(ptrdiff_t rows)
{
    return (rows + HQ_LINE - 1) / HQ_LINE * HQ_LINE;
}

/* `to` = the shifted traces of `from`, which have arrays of their own for two flavors. */
static void traces(const hq_split *k, const hq_shift *shift, const double *from, double *to)
{
    const ptrdiff_t each = k->momenta * k->species, first = k->directions * each * k->evolving;
    for (ptrdiff_t d = 0; k->flavors == 2 && d < k->directions; d++) {
        const ptrdiff_t at = (first + d * each) * k->stride + k->pad;
        HQ_(interpolate)(from + at + shift->first[d], to + at, k->stride, each, rounded(k->rows),
                         shift->weight + d * HQ_POINTS);
    }
}

/* `to` = the shift of `from` and what turns with it, then (`local`) a step tau of the local flow. */
static void stage(const hq_split *k, const hq_shift *shift, const double *from, double *to,
                  double tau, int local)
{
    const ptrdiff_t each = k->momenta * k->species * k->evolving, end = rounded(k->rows);
    ptrdiff_t tile = HQ_TILE_BYTES / (8 * each * k->directions) / HQ_LINE * HQ_LINE;
    tile = tile < HQ_LINE ? HQ_LINE : tile;
    for (ptrdiff_t z = 0; z < end; z += tile) {
        const ptrdiff_t count = end - z < tile ? end - z : tile;
        for (ptrdiff_t d = 0; d < k->directions; d++) {
            const ptrdiff_t at = d * each * k->stride + k->pad + z;
            HQ_(interpolate)(from + at + shift->first[d], to + at, k->stride, each, count,
                             shift->weight + d * HQ_POINTS);
        }
        const ptrdiff_t first = k->pad + z;
        for (ptrdiff_t i = first; shift->turn && i < first + count; i += HQ_LANES)
            if (k->flavors == 2)
                HQ_(turn_modes)(k, to, i, shift->turn, 3);
            else
                HQ_(turn_modes)(k, to, i, shift->turn, 9);
        if (local)
            HQ_(locals)[k->directions != 2][k->flavors - 2][k->species - 1](k, to, first,
                                                                           first + count, tau);
    }
}

/* turn[i] = the rotation by omega[i]: 3 numbers and 4, or 9 and 18. */
static void rotations(int flavors, const double *omega, ptrdiff_t count, double *turn)
{
    const int E = flavors == 2 ? 3 : 9, n = flavors == 2 ? 4 : 18;
    for (ptrdiff_t i = 0; i < count; i++) {
        HQ_VEC w[HQ_MAX_E], U[HQ_MAX_TURN];
        for (int c = 0; c < E; c++)
            w[c] = omega[i * E + c] - (HQ_VEC){0};
        if (flavors == 2)
            HQ_(quaternion)(w, U, 1);
        else
            HQ_(unitary)(w, U);
        for (int c = 0; c < n; c++)
            turn[i * n + c] = U[c][0];
    }
}

#if HQ_ISA == 4
#define HQ_TABLE hq_split_4
#define HQ_NAME "avx512"
#elif HQ_ISA == 3
#define HQ_TABLE hq_split_3
#define HQ_NAME "avx2"
#elif HQ_ISA == 2
#define HQ_TABLE hq_split_2
#define HQ_NAME "sse2"
#else
#define HQ_TABLE hq_split_0
#define HQ_NAME "generic"
#endif
const hq_split_functions HQ_TABLE = {HQ_NAME, unpack, pack, traces, stage, rotations};
