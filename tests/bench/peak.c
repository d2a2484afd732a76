/* Arithmetic peak of one core: independent chains x = x a + b in vector registers.
   Compiled with -ffp-contract=fast (fused multiply-add) and =off (as the kernels are). */
#if defined(__AVX512F__)
#define LANES 8
#define CHAINS 16
#elif defined(__AVX__)
#define LANES 4
#define CHAINS 12
#else
#define LANES 2
#define CHAINS 12
#endif
typedef double vector __attribute__((vector_size(8 * LANES)));

/* n rounds; the number of floating-point operations done. */
double chains(long n, double *result) {
  vector x[CHAINS], a, b, sum = {0};
  for (int l = 0; l < LANES; l++) { a[l] = 0.999; b[l] = 0.001 * l; }
  for (int c = 0; c < CHAINS; c++) x[c] = a * (double)c;
  for (long i = 0; i < n; i++)
#pragma GCC unroll 16
    for (int c = 0; c < CHAINS; c++) x[c] = x[c] * a + b;
  for (int c = 0; c < CHAINS; c++) sum += x[c];
  *result = sum[0];
  return 2.0 * LANES * CHAINS * n;
}
