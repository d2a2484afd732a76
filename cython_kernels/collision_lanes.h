/* The loops of collision.h for blocks of HQ_W lanes: a template, included once for each width.
 *
 * Species and components are constant arguments of inlined functions: the sums of a block stay in
 * registers.
 */

typedef double HQ_(lanes) __attribute__((vector_size(8 * HQ_W), aligned(8), may_alias));

/* out[values] = sum of weight x over the blocks first..end-1 of a row: lane by lane in the order of
 * the blocks, then across the lanes by adjacent pairs, as the moments of kinetic.h.
 */
HQ_FORCED void HQ_(sum)(const hq_collision *k, const double *x, ptrdiff_t first, ptrdiff_t end,
                        double *out, const int values)
{
    HQ_(lanes) acc[HQ_MOST_VALUES];
    HQ_UNROLL
    for (int i = 0; i < values; i++)
        acc[i] = (HQ_(lanes)){0};
    for (ptrdiff_t b = first; b < end; b++) {
        const HQ_(lanes) w = *(const HQ_(lanes) *)(k->weight + b * HQ_W);
        HQ_UNROLL
        for (int i = 0; i < values; i++)
            acc[i] += w * *(const HQ_(lanes) *)(x + (b * values + i) * HQ_W);
    }
    HQ_UNROLL
    for (int i = 0; i < values; i++) {
        double t[HQ_W];
        memcpy(t, &acc[i], sizeof t);
        for (int n = HQ_W; n > 1; n /= 2)
            for (int l = 0; l < n / 2; l++)
                t[l] = t[2 * l] + t[2 * l + 1];
        out[i] = t[0];
    }
}

HQ_FORCED void HQ_(sums)(const hq_collision *k, const double *X, ptrdiff_t rows,
                         const int *chunk_start, ptrdiff_t chunks, double *out)
{
    const int values = k->species * k->components;
    for (ptrdiff_t c = 0; c < chunks; c++)
        for (ptrdiff_t z = 0; z < rows; z++, out += values) {
            const double *x = X + z * k->length;
            const ptrdiff_t first = chunk_start[c], end = chunk_start[c + 1];
            switch (values) {
            case 4: HQ_(sum)(k, x, first, end, out, 4); break;
            case 8: HQ_(sum)(k, x, first, end, out, 8); break;
            case 9: HQ_(sum)(k, x, first, end, out, 9); break;
            default: HQ_(sum)(k, x, first, end, out, 18);
            }
        }
}

/* F += in - loss x of one row and species of a |p|, whose directions all have the same `in`. */
HQ_FORCED void HQ_(relax)(const hq_collision *k, const double *x, double *f, ptrdiff_t p, int s,
                          const double *in, const int C)
{
    const ptrdiff_t at = p * k->species + s, step = (ptrdiff_t)k->species * C * HQ_W;
    const double mix = k->loss_mix[at];
    double loss[9];
    memcpy(loss, k->loss + at * C, C * sizeof *loss);
    for (ptrdiff_t b = p * k->per_momentum; b < (p + 1) * k->per_momentum; b++) {
        const HQ_(lanes) there = *(const HQ_(lanes) *)(k->there + b * HQ_W);
        const HQ_(lanes) *xb = (const HQ_(lanes) *)(x + b * step + (ptrdiff_t)s * C * HQ_W);
        HQ_(lanes) *fb = (HQ_(lanes) *)(f + b * step + (ptrdiff_t)s * C * HQ_W);
        HQ_UNROLL
        for (int c = 0; c < C; c++)
            if (C == 4 && c % 3 == 0) /* P0 with Pz, Pz with P0 */
                fb[c] += there * in[c] - (loss[c] * xb[c] + mix * xb[3 - c]);
            else
                fb[c] += there * in[c] - loss[c] * xb[c];
    }
}

HQ_FORCED void HQ_(rows_of)(const hq_collision *k, const double *X, double *F, ptrdiff_t rows,
                            const double *average, const int C)
{
    const int values = k->species * C;
    const ptrdiff_t momenta = k->blocks / k->per_momentum;
    for (ptrdiff_t z = 0; z < rows; z++)
        for (ptrdiff_t p = 0; p < momenta; p++)
            for (int s = 0; s < k->species; s++) {
                const double *mean = average ? average + (p * rows + z) * values + s * C : NULL;
                double in[9];
                hq_incoming(k, p * k->species + s, mean, in, C);
                HQ_(relax)(k, X + z * k->length, F + z * k->length, p, s, in, C);
            }
}

HQ_FORCED void HQ_(rows)(const hq_collision *k, const double *X, double *F, ptrdiff_t rows,
                         const double *average)
{
    if (k->components == 4)
        HQ_(rows_of)(k, X, F, rows, average, 4);
    else
        HQ_(rows_of)(k, X, F, rows, average, 9);
}
