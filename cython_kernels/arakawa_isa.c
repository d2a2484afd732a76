/* The matrix-Arakawa bracket for one instruction set: HQ_ISA = 2, 3, 4 (x86-64-v2, -v3, -v4) or 0. */
#include <string.h>

#include "arakawa_api.h"

/* The three sweeps of a row for one lane width and number of components. */
typedef struct {
    void (*reach)(const hq_arakawa *b, const double *rho, const double *A, const double *B,
                  double *push, double *flux);
    void (*pull)(const hq_arakawa *b, const double *const *rho, const double *A, const double *B,
                 const double *dA, const double *dB);
    void (*gather)(const hq_arakawa *b, const double *push, const double *const *flux,
                   const double *B, const double *dA, const double *dB, double *F);
} hq_arakawa_loops;

#define HQ_W 1
#include "arakawa.h"
#undef HQ_W
#define HQ_W 2
#include "arakawa.h"
#undef HQ_W
#define HQ_W 4
#include "arakawa.h"
#undef HQ_W
#define HQ_W 8
#include "arakawa.h"
#undef HQ_W

static const hq_arakawa_loops *loops_of(const hq_arakawa *b)
{
    const int f = b->flavors - 2;
    return b->lanes == 1 ? &hq_arakawa_loops_1[f] : b->lanes == 2 ? &hq_arakawa_loops_2[f]
         : b->lanes == 4 ? &hq_arakawa_loops_4[f] : &hq_arakawa_loops_8[f];
}

/* Row z, which may be a ghost, with its ghost columns. */
static void collect(const hq_arakawa *b, const hq_rows *r, ptrdiff_t z, double *to)
{
    const ptrdiff_t ghosts = b->reach * b->pitch;
    const double *left, *own, *right;
    if (z >= 0 && z < r->nz) {
        left = r->before + z * ghosts;
        own = r->X + z * b->length;
        right = r->after + z * ghosts;
    } else {
        const int high = z >= 0;
        const ptrdiff_t row = high ? z - r->nz : z + b->width;
        left = r->corners + (2 * high * b->width + row) * ghosts;
        own = (high ? r->hi : r->lo) + row * b->length;
        right = left + b->width * ghosts;
    }
    memcpy(to, left, ghosts * sizeof(double));
    memcpy(to + ghosts, own, b->length * sizeof(double));
    memcpy(to + ghosts + b->length, right, ghosts * sizeof(double));
}

/* A row comes into reach while the one `width` rows before it is finished. */
static void add(const hq_arakawa *b, const hq_rows *r, const double *A, const double *B,
                const double *dA, const double *dB, double *F)
{
    const hq_arakawa_loops *loops = loops_of(b);
    const int w = b->width, rows = 2 * w + 1, C = b->components;
    for (ptrdiff_t z = -w; z < r->nz + w; z++) {
        const ptrdiff_t new = (z + w) % rows, middle = z - w;
        collect(b, r, z, b->rho + new * b->wide);
        loops->reach(b, b->rho + new * b->wide, A + (z + w) * C, B + (z + w) * C,
                     b->push + new * b->length, b->flux + new * b->length);
        if (middle < 0)
            continue;
        const double *rho[2 * HQ_MAX_WIDTH + 1], *flux[2 * HQ_MAX_WIDTH + 1];
        for (int m = 0; m < rows; m++) { /* from the oldest row to the newest */
            rho[m] = b->rho + (middle + m) % rows * b->wide;
            flux[m] = b->flux + (middle + m) % rows * b->length;
        }
        const double *mean = A + z * C, *current = B + z * C; /* of the middle row */
        const double *dmean = dA + middle * C, *dcurrent = dB + middle * C;
        loops->pull(b, rho + w, mean, current, dmean, dcurrent);
        loops->gather(b, b->push + z % rows * b->length, flux + w, current, dmean, dcurrent,
                      F + middle * b->length);
    }
}

const hq_arakawa_functions HQ_JOIN(arakawa, HQ_ISA) = {HQ_ISA_NAME, add};
