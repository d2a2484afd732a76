/* Sums over momentum of every row for gradient runs: a template beside bracket_packed.h. */

/* *out = sum over a chunk's blocks of energy Tr rho: lane by lane in the order of the blocks and
 * species, then across the lanes by adjacent pairs.
 */
HQ_INLINE void HQ_(sum_energy)(const hq_row_sums *s, const double *X, ptrdiff_t chunk,
                               double *out, const int C)
{
    const hq_kinetic *k = s->k;
    double lane[HQ_W];
    for (int sub = 0; sub < HQ_SUBS; sub++) {
        HQ_VEC acc = {0};
        const ptrdiff_t end = k->chunk_start[chunk + 1] * k->species;
        for (ptrdiff_t b = k->chunk_start[chunk] * k->species; b < end; b++) {
            const double *x = X + b * C * HQ_W + sub * HQ_LANES;
            HQ_VEC trace = HQ_(load)(x);
            if (C == 9)
                trace = (trace + HQ_(load)(x + HQ_W)) + HQ_(load)(x + 2 * HQ_W);
            acc += HQ_(load)(s->energy + b * HQ_W + sub * HQ_LANES) * trace;
        }
        HQ_(store)(lane + sub * HQ_LANES, acc);
    }
    HQ_UNROLL
    for (int n = HQ_W / 2; n > 0; n /= 2)
        for (int i = 0; i < n; i++)
            lane[i] = lane[2 * i] + lane[2 * i + 1];
    *out = lane[0];
}

static void HQ_(sum_energies)(const hq_row_sums *s, const double *X, ptrdiff_t nz, double *out,
                               ptrdiff_t pitch)
{
    const hq_kinetic *k = s->k;
    for (ptrdiff_t z = 0; z < nz; z++, X += k->length)
        for (ptrdiff_t chunk = 0; chunk < k->chunks; chunk++) {
            if (k->components == 4)
                HQ_(sum_energy)(s, X, chunk, out + chunk * pitch + z, 4);
            else
                HQ_(sum_energy)(s, X, chunk, out + chunk * pitch + z, 9);
        }
}

#if HQ_W == 2 && HQ_VW == 8
/* M and F as `moments` of kinetic_isa.c has them, to the bit; all components of a block at once. */
HQ_INLINE void HQ_(sum_blocks)(const hq_row_sums *s, const double *X, ptrdiff_t chunk, double *out,
                               const int S)
{
    HQ_ALL M = {0}, F = {0};
    for (ptrdiff_t b = s->k->chunk_start[chunk]; b < s->k->chunk_start[chunk + 1]; b++) {
        HQ_ALL net = HQ_(load_block)(X + b * S * HQ_VW);
        if (S == 2)
            net -= HQ_(load_block)(X + (b * S + 1) * HQ_VW);
        M += HQ_(load_block)(s->wide_weight + b * HQ_VW) * net;
        F += HQ_(load_block)(s->wide_flux + b * HQ_VW) * net;
    }
    HQ_(store_block)(out, HQ_SHUFFLE(M, F, HQ_(whole_index), 0, 2, 4, 6, 8, 10, 12, 14) +
                          HQ_SHUFFLE(M, F, HQ_(whole_index), 1, 3, 5, 7, 9, 11, 13, 15));
}

static void HQ_(packed_sums)(const hq_row_sums *s, const double *X, ptrdiff_t nz, double *out,
                             ptrdiff_t pitch, double *energies)
{
    const hq_kinetic *k = s->k;
    for (ptrdiff_t z = 0; z < nz; z++, X += k->length)
        for (ptrdiff_t chunk = 0; chunk < k->chunks; chunk++) {
            if (k->species == 2)
                HQ_(sum_blocks)(s, X, chunk, out + chunk * pitch + z * 8, 2);
            else
                HQ_(sum_blocks)(s, X, chunk, out + chunk * pitch + z * 8, 1);
            if (energies)
                HQ_(sum_energy)(s, X, chunk, energies + chunk * pitch + z, 4);
        }
}
#endif
