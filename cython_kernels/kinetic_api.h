/* What kinetic.pyx calls: one set of parameters, one table of functions per instruction set. */
#ifndef HQ_KINETIC_API_H
#define HQ_KINETIC_API_H

#include <stddef.h>
#include <string.h>

#define HQ_MAX_WIDTH 4      /* half-width of the widest stencil (8th order) */
#define HQ_MAX_COMPONENTS 9 /* real components of a density matrix (3 flavors) */

/* A row is X[block][species*components][lane]; v, weight, flux = weight*v are [block][lane];
 * speed = -v/dz is repeated for every number of a row.
 */
typedef struct {
    int flavors, species, components, lanes;
    int width, filtered;
    ptrdiff_t blocks, length, chunks;
    const int *chunk_start;
    const double *v, *weight, *flux, *speed;
    double c[HQ_MAX_WIDTH], g[HQ_MAX_WIDTH + 1];
} hq_kinetic;

/* The rows z = 0..nz-1, between the ghost rows z = -width..-1 (lo) and z = nz.. (hi). */
typedef struct {
    const double *X, *lo, *hi;
    ptrdiff_t nz;
} hq_rows;

/* h = mu * (moments) + ext + mode; a missing piece is NULL. */
typedef struct {
    double mu;
    const double *A_ext, *B_ext, *mode;
} hq_hamiltonian;

typedef struct {
    const char *isa;
    void (*moments)(const hq_kinetic *k, const double *X, ptrdiff_t nz, double *out);
    void (*transport)(const hq_kinetic *k, const hq_rows *rows, double *F, ptrdiff_t z0,
                      ptrdiff_t z1);
    void (*commutator)(const hq_kinetic *k, const double *X, ptrdiff_t nz, const double *A,
                       const double *B, const double *mode, double *F);
    void (*fused)(const hq_kinetic *k, const hq_rows *rows, double *F, ptrdiff_t z0, ptrdiff_t z1,
                  const hq_hamiltonian *h);
} hq_functions;

#if defined(__x86_64__)
extern const hq_functions hq_functions_2, hq_functions_3, hq_functions_4;
#else
extern const hq_functions hq_functions_0;
#endif

/* The best table this processor can run (isa = ""), or the named one; NULL if it cannot. */
static inline const hq_functions *hq_choose(const char *isa)
{
    const hq_functions *usable[3];
    int count = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd"))
        usable[count++] = &hq_functions_4;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
        __builtin_cpu_supports("fma"))
        usable[count++] = &hq_functions_3;
    usable[count++] = &hq_functions_2;
#else
    usable[count++] = &hq_functions_0;
#endif
    for (int i = 0; i < count; i++)
        if (!*isa || !strcmp(isa, usable[i]->isa))
            return usable[i];
    return NULL;
}

#endif
