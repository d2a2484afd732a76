/* HQ_CLONES: compile a plain loop for several x86 instruction sets, chosen when it is loaded.
 * The arithmetic is strict, so that the copies agree to the last bit.
 */
#ifndef HQ_CLONES_H
#define HQ_CLONES_H

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define HQ_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define HQ_CLONES
#endif

#endif
