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
/* -v D_z X + W x P of one block of HQ_TILE rows of 2 flavors: the stencil's windows of Px, Py
 * and Pz slide side by side in the 32 registers, slopes do not pass through memory.
 */
HQ_INLINE void HQ_(glide)(const hq_kinetic *k, const double *const *row, ptrdiff_t block,
                          const double *AB, const hq_sink *to, const int S, const int width,
                          const int targets)
{
    const HQ_VEC v = HQ_(load)(k->v + block * HQ_W);
    HQ_VEC c[HQ_MAX_WIDTH + 1], f[3][HQ_TILE + 2 * HQ_MAX_WIDTH];
    HQ_UNROLL
    for (int m = 1; m <= width; m++)
        c[m] = k->c[m - 1] * HQ_(load)(k->speed + block * S * 4 * HQ_W);
    for (ptrdiff_t s = 0; s < S; s++) {
        const ptrdiff_t here = s * 4 * HQ_W, at = block * S * 4 * HQ_W + here;
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
            }
            HQ_UNROLL
            for (int i = 0; i < 3; i++) {
                const int y = (i + 1) % 3, z = (i + 2) % 3, now = r + width;
                const HQ_VEC rate = HQ_(stencil)(c, f[i] + now, width);
                HQ_(give)(to, r * to->pitch + here + (i + 1) * HQ_W,
                          rate + (w[y] * f[z][now] - w[z] * f[y][now]), targets);
            }
            HQ_KEEP_ORDER; /* else gcc mixes the rows and runs out of registers */
        }
        HQ_UNROLL
        for (int j = 0; j < HQ_TILE + 2 * width; j++) {
            f[0][j] = HQ_(load)(row[j] + at);
            if (j >= 2 * width)
                HQ_(give)(to, (j - 2 * width) * to->pitch + here,
                          HQ_(stencil)(c, f[0] + j - width, width), targets);
            HQ_KEEP_ORDER;
        }
    }
}
#endif

/* slope + i[rho, A - v B + mode] of one block for `count` rows; rho is in row[r].  slope and `to`
 * start at the block, slope's rows are `pitch` apart; A_c, B_c of row r are AB[c][r], AB[C+c][r].
 */
HQ_INLINE void HQ_(turn_block)(const hq_kinetic *k, const double *const *row, ptrdiff_t block,
                               ptrdiff_t count, const double *AB, const double *mode,
                               const double *slope, ptrdiff_t pitch, const hq_sink *to,
                               ptrdiff_t offset, const int C, const int S, const int targets)
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
                const ptrdiff_t here = s * C * HQ_W + sub * HQ_LANES;
                const ptrdiff_t in_row = block * S * C * HQ_W + here;
                const ptrdiff_t at = r * to->pitch + offset + here;
                const double *f = slope + r * pitch + here;
                HQ_UNROLL
                for (int c = first; c < C; c++) {
                    x[c] = HQ_(load)(row[r] + in_row + c * HQ_W);
                    h[c] = mode ? common[c] + HQ_(load)(mode + in_row + c * HQ_W) : common[c];
                }
                if (C == 4)
                    HQ_(precess)(x, h, f, to, at, targets);
                else
                    HQ_(rotate)(x, h, f, to, at, targets);
            }
        }
    }
}

/* The slopes of all blocks of `count` rows and what becomes of them: into F, or what `stage` says.
 * row[width] is row z.  A panel's slopes stay in L1, or in registers, until they are given away;
 * width >= 0: an unfiltered stencil and HQ_TILE rows, compiled in; targets > 0: a simple stage.
 */
HQ_INLINE void HQ_(sweep_blocks)(const hq_kinetic *k, const double *const *row, ptrdiff_t z,
                                 ptrdiff_t count, const double *AB, const double *mode, double *F,
                                 const hq_stage *stage, const int C, const int S, const int width,
                                 const int targets, const int ahead, const int far)
{
    const ptrdiff_t cells = S * C * HQ_W, length = k->length, panel = HQ_PANEL / HQ_W;
    const ptrdiff_t pitch = panel * cells;
    double slope[HQ_TILE * HQ_PANEL * 2 * HQ_MAX_COMPONENTS] __attribute__((aligned(64)));
    for (ptrdiff_t first = 0; first < k->blocks; first += panel) {
        const ptrdiff_t end = first + panel < k->blocks ? first + panel : k->blocks;
        const ptrdiff_t at = z * length + first * cells;
        for (ptrdiff_t r = 0; ahead && r < HQ_TILE; r++)
            for (ptrdiff_t i = first * cells; i < end * cells; i += 8)
                __builtin_prefetch(row[r + 2 * k->width] + HQ_TILE * length + i);
        hq_sink to = {.target = {stage ? slope : F + at}, .pitch = stage ? pitch : length};
        for (int o = 0; o < targets; o++) {
            to.pitch = length;
            to.target[o] = stage->target[o].target + at;
            to.base[o] = stage->target[o].base + at;
            to.c[o] = stage->target[o].c;
        }
#if HQ_W == 8 && HQ_VW == 8
        if (C == 4 && width >= 0) {
            HQ_(glide)(k, row, first, AB, &to, S, width, targets);
        } else
#endif
        {
#if HQ_W == 8
            if (width >= 0)
                HQ_JOIN(slide, HQ_VW)(k, row, slope, pitch, first * cells, end * cells, width, 0,
                                      HQ_TILE);
            else
#endif
                slide(k, row, slope, pitch, first * cells, end * cells, count);
            for (ptrdiff_t b = 0; b < end - first; b++)
                HQ_(turn_block)(k, row + k->width, first + b, count, AB, mode, slope + b * cells,
                                pitch, &to, b * cells, C, S, targets);
        }
        if (stage && targets == 0)
            combine(stage, slope, pitch, at, length, (end - first) * cells, count, far);
    }
}

/* --- the instances, and the table that lists them ------------------------------------------- */

#define HQ_SUM(flavors, species)                                                                  \
    static void HQ_(sum_##flavors##_##species)(const hq_kinetic *k, const double *X,              \
        ptrdiff_t pitch, ptrdiff_t from, ptrdiff_t to, int first, double scale, double *out)      \
    {                                                                                             \
        const int C = flavors * flavors;                                                          \
        if (k->single)                                                                            \
            HQ_(sum_rows)(k, X, pitch, from, to, first, scale, out, C, species, 1);               \
        else                                                                                      \
            HQ_(sum_rows)(k, X, pitch, from, to, first, scale, out, C, species, 0);               \
    }

#define HQ_SWEEP_AS(mode, width, targets)                                                         \
    HQ_(sweep_blocks)(k, row, z, count, AB, mode, F, stage, C, S, width, targets, ahead, far)

/* The usual stencils and stages are compiled for blocks of full width. */
#define HQ_SWEEP(flavors, species)                                                                \
    static void HQ_(turn_##flavors##_##species)(const hq_kinetic *k, const double *const *row,    \
        ptrdiff_t block, ptrdiff_t count, const double *AB, const double *mode, double *F)        \
    {                                                                                             \
        const hq_sink to = {.target = {F}, .pitch = k->length};                                   \
        HQ_(turn_block)(k, row, block, count, AB, mode, F, k->length, &to, 0, flavors * flavors,  \
                        species, 0);                                                              \
    }                                                                                             \
    static void HQ_(sweep_##flavors##_##species)(const hq_kinetic *k, const double *const *row,   \
        ptrdiff_t z, ptrdiff_t count, const double *AB, const double *mode, double *F,            \
        const hq_stage *stage, int targets, int ahead, int far)                                   \
    {                                                                                             \
        const int C = flavors * flavors, S = species;                                             \
        const int usual = HQ_W == 8 && count == HQ_TILE && !mode && !k->filtered;                 \
        switch (usual ? 3 * k->width + targets : 0) {                                             \
        case 9: HQ_SWEEP_AS(NULL, 3, 0); break;                                                   \
        case 10: HQ_SWEEP_AS(NULL, 3, 1); break;                                                  \
        case 11: HQ_SWEEP_AS(NULL, 3, 2); break;                                                  \
        case 12: HQ_SWEEP_AS(NULL, 4, 0); break;                                                  \
        case 13: HQ_SWEEP_AS(NULL, 4, 1); break;                                                  \
        case 14: HQ_SWEEP_AS(NULL, 4, 2); break;                                                  \
        default:                                                                                  \
            if (mode)                                                                             \
                HQ_SWEEP_AS(mode, -1, 0);                                                         \
            else                                                                                  \
                HQ_SWEEP_AS(NULL, -1, 0);                                                         \
        }                                                                                         \
    }

HQ_SUM(2, 1) HQ_SUM(2, 2) HQ_SUM(3, 1) HQ_SUM(3, 2)
HQ_SWEEP(2, 1) HQ_SWEEP(2, 2) HQ_SWEEP(3, 1) HQ_SWEEP(3, 2)

static const hq_loops HQ_(loops) = {
    .sum = {{HQ_(sum_2_1), HQ_(sum_2_2)}, {HQ_(sum_3_1), HQ_(sum_3_2)}},
    .turn = {{HQ_(turn_2_1), HQ_(turn_2_2)}, {HQ_(turn_3_1), HQ_(turn_3_2)}},
    .sweep = {{HQ_(sweep_2_1), HQ_(sweep_2_2)}, {HQ_(sweep_3_1), HQ_(sweep_3_2)}},
    .tally = {{HQ_(tally_2_1), HQ_(tally_2_2)}, {HQ_(tally_3_1), HQ_(tally_3_2)}},
};

#undef HQ_SUM
#undef HQ_SWEEP
#undef HQ_SWEEP_AS
