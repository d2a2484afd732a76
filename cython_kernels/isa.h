/* Which of the instruction sets that a file was compiled for this processor can run. */
#ifndef HQ_ISA_H
#define HQ_ISA_H

#include <string.h>

#ifdef HQ_ISA /* in a file that is compiled for one of them */
#define HQ_ISA_NAME \
    (HQ_ISA == 4 ? "avx512" : HQ_ISA == 3 ? "avx2" : HQ_ISA == 2 ? "sse2" : "generic")
#endif

/* The HQ_ISA to use: the best one for name = "", or the named one; -1 if it cannot run here. */
static inline int hq_isa_level(const char *name)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd") && (!*name || !strcmp(name, "avx512")))
        return 4;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
        __builtin_cpu_supports("fma") && (!*name || !strcmp(name, "avx2")))
        return 3;
    return !*name || !strcmp(name, "sse2") ? 2 : -1;
#else
    return !*name || !strcmp(name, "generic") ? 0 : -1;
#endif
}

#endif
