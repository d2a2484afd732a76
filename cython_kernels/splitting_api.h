/* What splitting.pyx calls: one set of sizes, one table of functions per instruction set. */
#ifndef HQ_SPLITTING_API_H
#define HQ_SPLITTING_API_H

#include <stddef.h>
#include <string.h>

#include "isa.h"

#define HQ_POINTS 12   /* of the interpolation */
#define HQ_SLOPES 5    /* time derivatives of the flux that the local flow knows */
#define HQ_LINE 8      /* doubles in a cache line: arrays along z start at one */
#define HQ_MAX_E 9     /* numbers of a mode that change: 3 of two flavors, 9 of three */
#define HQ_MAX_TURN 18 /* a quaternion (4), or a complex 3x3 matrix */

/* The state as one array along z for each number: array (direction, momentum, species, component)
 * starts at ((d*momenta + p)*species + s)*evolving + c strides, its first own row `pad` later;
 * behind them, for two flavors, the traces (d, p, s).  `place` says where in a row of X each
 * number lies that is in an array: number i of a row is array place[i], or none (-1).
 */
typedef struct {
    int flavors, species, evolving, turning; /* turning: numbers of a rotation, 4 or 18 */
    ptrdiff_t directions, momenta, rows, stride, pad, length;
    const int *place;
    const double *v, *weight; /* (directions), (momenta, directions) */
    const double *mean;       /* (evolving, stride), h that does not depend on rho, or NULL */
    double mu;
} hq_split;

/* A shift: number z of an array of direction d is sum_j weight[d][j] number z + first[d] + j. */
typedef struct {
    const int *first;
    const double *weight;
    const double *turn; /* (directions, momenta, species, turning), what turns besides, or NULL */
} hq_shift;

typedef struct {
    const char *isa;
    void (*unpack)(const hq_split *k, const double *X, double *arrays);
    void (*pack)(const hq_split *k, const double *arrays, double *X);
    void (*traces)(const hq_split *k, const hq_shift *shift, const double *from, double *to);
    void (*stage)(const hq_split *k, const hq_shift *shift, const double *from, double *to,
                  double tau, int local);
    void (*rotations)(int flavors, const double *omega, ptrdiff_t count, double *turn);
} hq_split_functions;

#if defined(__x86_64__)
extern const hq_split_functions hq_split_2, hq_split_3, hq_split_4;
#else
extern const hq_split_functions hq_split_0;
#endif

/* The best table this processor can run (isa = ""), or the named one; NULL if it cannot. */
static inline const hq_split_functions *hq_choose_split(const char *isa)
{
    switch (hq_isa_level(isa)) {
#if defined(__x86_64__)
    case 4: return &hq_split_4;
    case 3: return &hq_split_3;
    case 2: return &hq_split_2;
#else
    case 0: return &hq_split_0;
#endif
    default: return NULL;
    }
}

#endif
