/* Moments and commutator for blocks of HQ_W lanes.  A template, see kinetic_isa.c: flavors, species
 * and presence of `mode` are constant arguments of inlined functions.
 *
 * Every line is strict IEEE arithmetic in a written order: a cell's result depends neither on the
 * instruction set nor on where in a sweep the cell lies.  Without FMA a cell of 2 flavors and a
 * sixth-order stencil takes 119 vector operations for 8 directions instead of some 75.
 */
HQ_INLINE HQ_VEC HQ_(net)(const double *x, const int C, const int S)
{
    return S == 2 ? HQ_(load)(x) - HQ_(load)(x + C * HQ_W) : HQ_(load)(x);
}

/* *M, *F = the sums of weight*net and flux*net over `blocks` blocks of HQ_LANES rows, one row a
 * lane; net = x_nu - x_nubar.  Lane by lane in the order of the blocks, then by adjacent pairs.
 */
HQ_INLINE void HQ_(sum_blocks)(const double *x, ptrdiff_t pitch, const double *weight,
                               const double *flux, const ptrdiff_t blocks, HQ_VEC *M, HQ_VEC *F,
                               const int C, const int S)
{
    HQ_VEC m[HQ_LANES], f[HQ_LANES];
    HQ_UNROLL
    for (int r = 0; r < HQ_LANES; r++) {
        const HQ_VEC net = HQ_(net)(x + r * pitch, C, S);
        m[r] = HQ_(load)(weight) * net;
        f[r] = HQ_(load)(flux) * net;
    }
    for (ptrdiff_t b = 1; b < blocks; b++) {
        HQ_UNROLL
        for (int r = 0; r < HQ_LANES; r++) {
            const HQ_VEC net = HQ_(net)(x + b * S * C * HQ_W + r * pitch, C, S);
            m[r] += HQ_(load)(weight + b * HQ_W) * net;
            f[r] += HQ_(load)(flux + b * HQ_W) * net;
        }
    }
    *M = HQ_(across)(m);
    *F = HQ_(across)(f);
    HQ_KEEP_ORDER;
}

/* out[i][r] = scale * (M_0..M_{C-1}, F_0..F_{C-1})_i of HQ_TILE rows, chunk after chunk, for the
 * chunks from..to-1 and the components from `first` on.  `single`: every chunk is one block.
 */
HQ_INLINE void HQ_(sum_rows)(const hq_kinetic *k, const double *X, ptrdiff_t pitch, ptrdiff_t from,
                             ptrdiff_t to, int first, double scale, double *out, const int C,
                             const int S, const int single)
{
    const int *chunk_start = k->chunk_start;
    for (int g = 0; g < HQ_TILE; g += HQ_LANES, X += HQ_LANES * pitch, out += HQ_LANES)
        for (int c = first; c < C; c++) {
            HQ_VEC M = {0}, F = {0};
            for (ptrdiff_t chunk = from; chunk < to; chunk++) {
                const ptrdiff_t b = single ? chunk : chunk_start[chunk];
                const ptrdiff_t blocks = single ? 1 : chunk_start[chunk + 1] - b;
                HQ_VEC m[HQ_SUBS], f[HQ_SUBS];
                if (blocks == 0)
                    continue;
                HQ_UNROLL
                for (int sub = 0; sub < HQ_SUBS; sub++) {
                    const ptrdiff_t lane = b * HQ_W + sub * HQ_LANES;
                    const double *x = X + (b * S * C + c) * HQ_W + sub * HQ_LANES;
                    const double *w = k->weight + lane, *wv = k->flux + lane;
                    HQ_(sum_blocks)(x, pitch, w, wv, blocks, m + sub, f + sub, C, S);
                }
                M += HQ_(tree)(m);
                F += HQ_(tree)(f);
            }
            HQ_(store)(out + c * HQ_TILE, scale * M);
            HQ_(store)(out + (C + c) * HQ_TILE, scale * F);
        }
}

#if HQ_W == 8 && HQ_VW == 8
/* out = -v D_z X + W x P of one block of HQ_TILE rows of 2 flavors: the stencil's windows of Px, Py
 * and Pz slide side by side in the 32 registers, slopes do not pass through memory.
 */
HQ_INLINE void HQ_(glide)(const hq_kinetic *k, const double *const *row, ptrdiff_t block,
                          const double *AB, const double *mode, double *out, ptrdiff_t pitch,
                          const int S, const int width)
{
    const HQ_VEC v = HQ_(load)(k->v + block * HQ_W);
    HQ_VEC c[HQ_MAX_WIDTH + 1], f[3][HQ_TILE + 2 * HQ_MAX_WIDTH];
    HQ_UNROLL
    for (int m = 1; m <= width; m++)
        c[m] = k->c[m - 1] * HQ_(load)(k->speed + block * S * 4 * HQ_W);
    for (ptrdiff_t s = 0, at = block * S * 4 * HQ_W; s < S; s++, at += 4 * HQ_W, out += 4 * HQ_W) {
        HQ_UNROLL
        for (int j = 0; j < 2 * width; j++) {
            HQ_UNROLL
            for (int i = 0; i < 3; i++)
                f[i][j] = HQ_(load)(row[j] + at + (i + 1) * HQ_W);
        }
        HQ_UNROLL
        for (int r = 0; r < HQ_TILE; r++) {
            HQ_VEC w[3];
            HQ_UNROLL
            for (int i = 0; i < 3; i++) {
                f[i][r + 2 * width] = HQ_(load)(row[r + 2 * width] + at + (i + 1) * HQ_W);
                w[i] = AB[(i + 1) * HQ_TILE + r] - v * AB[(i + 5) * HQ_TILE + r];
                if (mode)
                    w[i] += HQ_(load)(mode + at + (i + 1) * HQ_W);
            }
            HQ_UNROLL
            for (int i = 0; i < 3; i++) {
                const int y = (i + 1) % 3, z = (i + 2) % 3, here = r + width;
                const HQ_VEC rate = HQ_(stencil)(c, f[i] + here, width);
                HQ_(store)(out + r * pitch + (i + 1) * HQ_W,
                           rate + (w[y] * f[z][here] - w[z] * f[y][here]));
            }
            HQ_KEEP_ORDER;
        }
        HQ_(column)(row, out, pitch, at, c, width);
    }
}
#endif

/* out = slope + i[rho, A - v B + mode] of one block for `count` rows, `at` numbers into row[r];
 * slope and out start at the block, their rows are `pitch` and `out_pitch` apart; A_c, B_c of row r
 * are AB[c][r], AB[C+c][r].
 */
HQ_INLINE void HQ_(turn_block)(const hq_kinetic *k, const double *const *row, ptrdiff_t block,
                               ptrdiff_t count, const double *AB, const double *mode,
                               const double *slope, ptrdiff_t pitch, double *out,
                               ptrdiff_t out_pitch, const int C, const int S)
{
    const int first = C == 4; /* a Bloch vector's trace takes no part */
    for (int sub = 0; sub < HQ_SUBS; sub++) {
        const HQ_VEC v = HQ_(load)(k->v + block * HQ_W + sub * HQ_LANES);
        for (ptrdiff_t r = 0; r < count; r++) {
            HQ_VEC common[HQ_MAX_COMPONENTS], h[HQ_MAX_COMPONENTS], x[HQ_MAX_COMPONENTS];
            HQ_UNROLL
            for (int c = first; c < C; c++)
                common[c] = AB[c * HQ_TILE + r] - v * AB[(C + c) * HQ_TILE + r];
            HQ_UNROLL
            for (int s = 0; s < S; s++) {
                const ptrdiff_t here = s * C * HQ_W + sub * HQ_LANES, at = block * S * C * HQ_W + here;
                HQ_UNROLL
                for (int c = first; c < C; c++) {
                    x[c] = HQ_(load)(row[r] + at + c * HQ_W);
                    h[c] = mode ? common[c] + HQ_(load)(mode + at + c * HQ_W) : common[c];
                }
                if (C == 4)
                    HQ_(precess)(x, h, slope + r * pitch + here, out + r * out_pitch + here);
                else
                    HQ_(rotate)(x, h, slope + r * pitch + here, out + r * out_pitch + here);
            }
        }
    }
}

/* The slopes of all blocks of HQ_TILE rows, and what becomes of them: into F, or to the stage.
 * row[width] is row z.  A panel's slopes stay in L1 from the transport to the stage; `width` is
 * that of an unfiltered stencil whose loop is compiled in, or -1.
 */
HQ_INLINE void HQ_(sweep_blocks)(const hq_kinetic *k, const double *const *row, ptrdiff_t z,
                                 ptrdiff_t count, const double *AB, const double *mode, double *F,
                                 const hq_stage *stage, const int C, const int S, const int width)
{
    const ptrdiff_t cells = S * C * HQ_W, length = k->length, panel = HQ_PANEL / HQ_W;
    const ptrdiff_t pitch = panel * cells;
    double slope[HQ_TILE * HQ_PANEL * 2 * HQ_MAX_COMPONENTS] __attribute__((aligned(64)));
    for (ptrdiff_t first = 0; first < k->blocks; first += panel) {
        const ptrdiff_t end = first + panel < k->blocks ? first + panel : k->blocks;
        const ptrdiff_t at = z * length + first * cells;
        double *out = stage ? slope : F + at;
        const ptrdiff_t out_pitch = stage ? pitch : length;
#if HQ_W == 8
        if (HQ_VW == 8 && C == 4 && width >= 0) {
            HQ_(glide)(k, row, first, AB, mode, out, out_pitch, S, width);
        } else
#endif
        {
#if HQ_W == 8
            if (width >= 0)
                HQ_JOIN(slide, HQ_VW)(k, row, slope, pitch, first * cells, end * cells, width, 0, HQ_TILE);
            else
#endif
                slide(k, row, slope, pitch, first * cells, end * cells, count);
            for (ptrdiff_t b = 0; b < end - first; b++)
                HQ_(turn_block)(k, row + (width < 0 ? k->width : width), first + b, count, AB, mode,
                                slope + b * cells, pitch, out + b * cells, out_pitch, C, S);
        }
        if (stage)
            combine(stage, slope, pitch, at, length, (end - first) * cells, count);
    }
}

/* --- the instances, and the table that lists them ------------------------------------------- */

#define HQ_SUM(flavors, species)                                                                  \
    static void HQ_(sum_##flavors##_##species)(const hq_kinetic *k, const double *X, ptrdiff_t pitch,         \
        ptrdiff_t from, ptrdiff_t to, int first, double scale, double *out)                       \
    {                                                                                             \
        const int C = flavors * flavors;                                                          \
        if (k->single)                                                  \
            HQ_(sum_rows)(k, X, pitch, from, to, first, scale, out, C, species, 1);               \
        else                                                                                      \
            HQ_(sum_rows)(k, X, pitch, from, to, first, scale, out, C, species, 0);               \
    }

#define HQ_SWEEP_MODE(flavors, species, mode, width)                                              \
    HQ_(sweep_blocks)(k, row, z, count, AB, mode, F, stage, flavors * flavors, species, width)

#define HQ_SWEEP(flavors, species)                                                                \
    static void HQ_(turn_##flavors##_##species)(const hq_kinetic *k, const double *const *row,    \
        ptrdiff_t block, ptrdiff_t count, const double *AB, const double *mode,                   \
        const double *slope, ptrdiff_t pitch, double *out, ptrdiff_t out_pitch)                   \
    {                                                                                             \
        HQ_(turn_block)(k, row, block, count, AB, mode, slope, pitch, out, out_pitch,             \
                        flavors * flavors, species);                                              \
    }                                                                                             \
    static void HQ_(sweep_##flavors##_##species)(const hq_kinetic *k, const double *const *row,   \
        ptrdiff_t z, ptrdiff_t count, const double *AB, const double *mode, double *F,            \
        const hq_stage *stage)                                                                    \
    {                                                                                             \
        const int known = HQ_W == 8 && count == HQ_TILE && !mode && !k->filtered;                 \
        if (known && k->width == 3)                                                               \
            HQ_SWEEP_MODE(flavors, species, NULL, 3);                                             \
        else if (known && k->width == 4)                                                          \
            HQ_SWEEP_MODE(flavors, species, NULL, 4);                                             \
        else if (mode)                                                                            \
            HQ_SWEEP_MODE(flavors, species, mode, -1);                                            \
        else                                                                                      \
            HQ_SWEEP_MODE(flavors, species, NULL, -1);                                            \
    }

HQ_SUM(2, 1) HQ_SUM(2, 2) HQ_SUM(3, 1) HQ_SUM(3, 2)
HQ_SWEEP(2, 1) HQ_SWEEP(2, 2) HQ_SWEEP(3, 1) HQ_SWEEP(3, 2)

static const hq_loops HQ_(loops) = {
    .sum = {{HQ_(sum_2_1), HQ_(sum_2_2)}, {HQ_(sum_3_1), HQ_(sum_3_2)}},
    .turn = {{HQ_(turn_2_1), HQ_(turn_2_2)}, {HQ_(turn_3_1), HQ_(turn_3_2)}},
    .sweep = {{HQ_(sweep_2_1), HQ_(sweep_2_2)}, {HQ_(sweep_3_1), HQ_(sweep_3_2)}},
};

#undef HQ_SUM
#undef HQ_SWEEP
#undef HQ_SWEEP_MODE
