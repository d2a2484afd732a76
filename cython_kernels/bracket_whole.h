/* The whole slope of two flavors on a (p, v) grid, where a register holds the directions of a block
 * (HQ_W = HQ_VW = 8): beside bracket.h.  The current speed rho +- drift rho o B of 16 rows of a
 * column stays in L1, each row's computed once; slopes do not pass through memory.
 *
 * Every number is computed by the operations of bracket.h, transport.h and kinetic.h in their
 * order, so that the bits are the same.
 */
#define HQ_CELL (4 * HQ_W)  /* numbers of a block of one species */
#define HQ_KEPT 16          /* rows of currents: HQ_ROWS and twice the stencil's half-width */
#define HQ_WIDEST 16        /* blocks of a column: 128 directions */
#define HQ_SEVERAL (-1)     /* targets of a stage that is not simple, see simple_targets() */
#define HQ_FAR (8 << 20)   /* bytes of a state above which rows are fetched ahead */
#define HQ_FLOCK 64         /* rows that are gone over column after column: they stay in L2 */

/* A column of one species. */
typedef struct {
    const hq_slope *s;
    ptrdiff_t column;
    int species;
    ptrdiff_t first; /* row whose currents come first in `kept` */
    double *kept;
} hq_strand;

HQ_INLINE double *HQ_(kept_row)(const hq_strand *a, ptrdiff_t z)
{
    return a->kept + ((z - a->first) & (HQ_KEPT - 1)) * a->s->b->per_column * HQ_CELL;
}

/* The currents of the rows z0 .. z1-1. */
HQ_INLINE void HQ_(keep_currents)(const hq_strand *a, ptrdiff_t z0, ptrdiff_t z1)
{
    const hq_bracket *b = a->s->b;
    const ptrdiff_t block = a->column * b->per_column, pitch = b->species * HQ_CELL;
    for (ptrdiff_t z = z0; z < z1; z++) {
        const double *B = a->s->TB + (z + b->width) * 4;
        const double *X = row_at(b, a->s->rows->X, a->s->rows->lo, a->s->rows->hi, a->s->rows->nz,
                                 z) + a->column * b->pitch + a->species * HQ_CELL;
        double *G = HQ_(kept_row)(a, z);
        HQ_VEC h[4], x[4], product[4];
        HQ_UNROLL
        for (int c = 0; c < 4; c++)
            h[c] = 0.5 * B[c] - (HQ_VEC){0};
        for (ptrdiff_t j = 0; j < b->per_column; j++, X += pitch, G += HQ_CELL) {
            const HQ_VEC along = HQ_(load)(a->s->speed + (block + j) * HQ_W);
            const HQ_VEC beside = HQ_(load)(a->s->drift + (block + j) * HQ_W);
            HQ_(load_all)(X, x, 4);
            HQ_(jordan)(x, h, product, 4);
            HQ_UNROLL
            for (int c = 0; c < 4; c++) {
                const HQ_VEC one = along * x[c], two = beside * product[c];
                HQ_(store)(G + c * HQ_W, a->species ? one - two : one + two);
            }
        }
    }
}

/* d_z of the kept currents for `count` rows from z on: [row][block][component][lane]. */
HQ_INLINE void HQ_(spread)(const hq_strand *a, ptrdiff_t z, double *to, const int width,
                           const int count)
{
    const ptrdiff_t pitch = a->s->b->per_column * HQ_CELL;
    const double *row[HQ_ROWS + 2 * HQ_MAX_WIDTH];
    HQ_VEC c[HQ_MAX_WIDTH + 1];
    HQ_UNROLL
    for (int m = 0; m < count + 2 * width; m++)
        row[m] = HQ_(kept_row)(a, z - width + m);
    HQ_UNROLL
    for (int m = 1; m <= width; m++)
        c[m] = a->s->k->c[m - 1] - (HQ_VEC){0};
    for (ptrdiff_t i = 0; i < pitch; i += HQ_W, to += HQ_W) {
        HQ_VEC f[HQ_ROWS + 2 * HQ_MAX_WIDTH];
        HQ_UNROLL
        for (int m = 0; m < 2 * width; m++)
            f[m] = HQ_(load)(row[m] + i);
        HQ_UNROLL
        for (int r = 0; r < count; r++) {
            f[r + 2 * width] = HQ_(load)(row[r + 2 * width] + i);
            HQ_(store)(to + r * pitch, HQ_(stencil)(c, f + r + width, width));
            HQ_KEEP_ORDER; /* as in transport.h */
        }
    }
}

/* As HQ_(give), or what `stage` makes of a slope. */
HQ_INLINE void HQ_(hand)(const hq_sink *to, const hq_stage *stage, ptrdiff_t at, HQ_VEC slope,
                         const int targets)
{
    if (targets != HQ_SEVERAL) {
        HQ_(give)(to, at, slope, targets);
        return;
    }
    if (stage->K)
        HQ_(store)(stage->K + at, slope);
    for (const hq_target *t = stage->target; t < stage->target + stage->targets; t++) {
        HQ_VEC sum = HQ_(load)(t->base + at);
        for (int j = 0; j < t->sources; j++)
            sum += t->c[j + 1] * HQ_(load)(t->source[j] + at);
        HQ_(store)(t->target + at, sum + t->c[0] * slope);
    }
}

/* Half of dA - v dB, of a block: h in rho o h. */
HQ_INLINE void HQ_(half_field)(const double *A, const double *B, const double *v, HQ_VEC *h)
{
    const HQ_VEC cosine = HQ_(load)(v);
    HQ_UNROLL
    for (int c = 0; c < 4; c++)
        h[c] = 0.5 * (A[c] - cosine * B[c]);
}

/* The slope of row z, of which `streamed` has the streaming and drift. */
HQ_INLINE void HQ_(row_slope)(const hq_strand *a, ptrdiff_t z, const double *const *near,
                              const double *streamed, const hq_sink *to, const int taps,
                              const int targets)
{
    const hq_slope *s = a->s;
    const hq_bracket *b = s->b;
    const ptrdiff_t first = a->column * b->per_column, blocks = b->per_column;
    const ptrdiff_t pitch = b->species * HQ_CELL;
    const double *A = s->A + 4 * z, *B = s->B + 4 * z, *dA = s->dA + 4 * z, *dB = s->dB + 4 * z;
    ptrdiff_t at = a->column * b->pitch + a->species * HQ_CELL;
    const double *x_at = s->rows->X + z * b->length + at, *mode = s->mode ? s->mode + at : NULL;
    const int far = s->rows->nz * b->length * (ptrdiff_t)sizeof(double) > HQ_FAR;
    HQ_VEC g[3][4], h[4], after[4], x[4];
    at += z * b->length;
    HQ_(half_field)(dA, dB, b->v, after);
    HQ_(load_all)(x_at, x, 4);
    HQ_(jordan)(x, after, g[1], 4);
    HQ_UNROLL
    for (int i = 0; i < 4; i++)
        g[0][i] = (HQ_VEC){0};
    for (ptrdiff_t j = 0; j < blocks; j++) {
        const ptrdiff_t lane = (first + j) * HQ_W, cell = j * pitch;
        const HQ_VEC v = HQ_(load)(b->v + j * HQ_W);
        HQ_VEC slope[4], t[4], rate[4], w[4];
        if (far) /* the next row, as columns are too short for the processor to see it come */
            for (int i = 0; i < HQ_CELL; i += 8) {
                __builtin_prefetch(near[taps - 1] + b->length + cell + i);
                for (int o = 0; o < targets; o++) {
                    __builtin_prefetch(to->base[o] + at + b->length + cell + i);
                    __builtin_prefetch(to->target[o] + at + b->length + cell + i, 1);
                }
            }
        HQ_UNROLL
        for (int i = 0; i < 4; i++) {
            h[i] = after[i];
            g[2][i] = (HQ_VEC){0};
        }
        if (j + 1 < blocks) {
            HQ_(half_field)(dA, dB, b->v + (j + 1) * HQ_W, after);
            HQ_(load_all)(x_at + cell + pitch, x, 4);
            HQ_(jordan)(x, after, g[2], 4);
        }
        HQ_(sum_taps)(b, near, lane, cell, t, 4, taps);
        HQ_(jordan)(t, h, rate, 4);
        const HQ_VEC below = HQ_(load)(b->below + lane), above = HQ_(load)(b->above + lane);
        HQ_UNROLL
        for (int i = 0; i < 4; i++) {
            rate[i] += below * HQ_DOWN(g[0][i], g[1][i]) + above * HQ_UP(g[1][i], g[2][i]);
            g[0][i] = g[1][i];
            g[1][i] = g[2][i];
            slope[i] = HQ_(load)(streamed + j * HQ_CELL + i * HQ_W);
            slope[i] = a->species ? slope[i] - rate[i] : slope[i] + rate[i];
        }
        HQ_(load_all)(x_at + cell, x, 4); /* again: else gcc runs out of registers */
        HQ_UNROLL
        for (int i = 1; i < 4; i++)
            w[i] = A[i] - v * B[i];
        for (int i = 1; mode && i < 4; i++)
            w[i] += HQ_(load)(mode + cell + i * HQ_W);
        slope[1] += w[2] * x[3] - w[3] * x[2];
        slope[2] += w[3] * x[1] - w[1] * x[3];
        slope[3] += w[1] * x[2] - w[2] * x[1];
        HQ_UNROLL
        for (int i = 0; i < 4; i++)
            HQ_(hand)(to, s->stage, at + cell + i * HQ_W, slope[i], targets);
        HQ_KEEP_ORDER;
    }
}

/* The slopes of the rows z0 .. z1-1. */
HQ_INLINE void HQ_(whole)(const hq_slope *s, ptrdiff_t z0, ptrdiff_t z1, const int width,
                          const int taps, const int targets)
{
    const hq_bracket *b = s->b;
    const ptrdiff_t cells = b->per_column * HQ_CELL;
    double kept[HQ_KEPT * HQ_WIDEST * HQ_CELL] __attribute__((aligned(64)));
    double streamed[HQ_ROWS * HQ_WIDEST * HQ_CELL] __attribute__((aligned(64)));
    hq_sink to = {.target = {s->F}};
    for (int o = 0; o < targets; o++) {
        to.target[o] = s->stage->target[o].target;
        to.base[o] = s->stage->target[o].base;
        to.c[o] = s->stage->target[o].c;
    }
    hq_strand a = {.s = s, .first = z0 - width, .kept = kept};
    for (a.column = 0; a.column < b->columns; a.column++)
        for (a.species = 0; a.species < b->species; a.species++) {
            const double *near[HQ_MAX_TAPS];
            ptrdiff_t pitch[HQ_MAX_TAPS], known = z0 - width;
            for (int k = 0; k < taps; k++) {
                const ptrdiff_t from = a.column + b->offset[k];
                near[k] = column_at(b, s->rows->X, s->before, s->after, z0, from) +
                          a.species * HQ_CELL;
                pitch[k] = from < 0 || from >= b->columns ? b->reach * b->pitch : b->length;
            }
            for (ptrdiff_t z = z0; z < z1; z += HQ_ROWS) {
                const ptrdiff_t end = z + HQ_ROWS < z1 ? z + HQ_ROWS : z1;
                HQ_(keep_currents)(&a, known, end + width);
                known = end + width;
                if (end - z == HQ_ROWS)
                    HQ_(spread)(&a, z, streamed, width, HQ_ROWS);
                else
                    for (ptrdiff_t r = z; r < end; r++)
                        HQ_(spread)(&a, r, streamed + (r - z) * cells, width, 1);
                for (ptrdiff_t r = z; r < end; r++) {
                    HQ_(row_slope)(&a, r, near, streamed + (r - z) * cells, &to, taps, targets);
                    for (int k = 0; k < taps; k++)
                        near[k] += pitch[k];
                }
            }
        }
}

#define HQ_WHOLE_AS(width, targets)                                                               \
    if (s->b->taps == 3)                                                                          \
        HQ_(whole)(s, z0, z1, width, 3, targets);                                                 \
    else                                                                                          \
        HQ_(whole)(s, z0, z1, width, s->b->taps, targets);                                        \
    break

#define HQ_WHOLE(width)                                                                           \
    static void HQ_(whole_##width)(const hq_slope *s, ptrdiff_t z0, ptrdiff_t z1, int targets)    \
    {                                                                                             \
        switch (targets) {                                                                        \
        case 0: HQ_WHOLE_AS(width, 0);                                                            \
        case 1: HQ_WHOLE_AS(width, 1);                                                            \
        case 2: HQ_WHOLE_AS(width, 2);                                                            \
        default: HQ_WHOLE_AS(width, HQ_SEVERAL);                                                  \
        }                                                                                         \
    }

HQ_WHOLE(3) HQ_WHOLE(4)

/* May the stage's targets be written while X is still read? */
static int HQ_(apart)(const hq_slope *s)
{
    const hq_stage *stage = s->stage;
    int apart = s->F != s->rows->X;
    if (stage)
        apart = stage->K != s->rows->X;
    for (int o = 0; stage && o < stage->targets; o++)
        apart = apart && stage->target[o].target != s->rows->X;
    return apart;
}

/* All rows, a flock at a time; 0 where this layout, or an unusual stencil, has no such loop. */
static int HQ_(flow)(const hq_slope *s)
{
    const hq_bracket *b = s->b;
    if (b->lanes != HQ_W || b->flavors != 2 || b->width < 3 || s->k->filtered || !b->shared ||
        !b->coupled || b->per_column > HQ_WIDEST || !HQ_(apart)(s))
        return 0;
    const int simple = simple_targets(s->stage);
    const int targets = s->stage && !simple ? HQ_SEVERAL : simple;
    for (ptrdiff_t z = 0; z < s->rows->nz; z += HQ_FLOCK) {
        const ptrdiff_t end = z + HQ_FLOCK < s->rows->nz ? z + HQ_FLOCK : s->rows->nz;
        if (b->width == 3)
            HQ_(whole_3)(s, z, end, targets);
        else
            HQ_(whole_4)(s, z, end, targets);
    }
    return 1;
}

#undef HQ_WHOLE
#undef HQ_WHOLE_AS
#undef HQ_CELL
#undef HQ_KEPT
#undef HQ_WIDEST
#undef HQ_SEVERAL
#undef HQ_FAR
#undef HQ_FLOCK
