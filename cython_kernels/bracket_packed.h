/* Force and commutator of two flavors where a register holds all four components of a block
 * (4 HQ_W == HQ_VW): a template beside bracket.h.  Fields are the same for all blocks of a row.
 *
 * A vector is (P0 P0' Px Px' Py Py' Pz Pz') for directions (.) and ('); products of components are
 * rotations of the four slots.  Every number is computed by the operations of bracket.h and of
 * kinetic.h in their order, so that the bits are the same; what a slot has too much is times 0.0.
 */
typedef double HQ_(whole) __attribute__((vector_size(8 * HQ_VW)));
typedef double HQ_(whole_loose) __attribute__((vector_size(8 * HQ_VW), aligned(8), may_alias));
typedef long long HQ_(whole_index) __attribute__((vector_size(8 * HQ_VW)));
#undef HQ_ALL
#define HQ_ALL HQ_(whole)

#undef HQ_SLOTS
#if HQ_W == 1
#define HQ_SLOTS(x, a, b, c, d) HQ_SHUFFLE(x, x, HQ_(whole_index), a, b, c, d)
#else
#define HQ_SLOTS(x, a, b, c, d)                                                                   \
    HQ_SHUFFLE(x, x, HQ_(whole_index), 2 * a, 2 * a + 1, 2 * b, 2 * b + 1, 2 * c, 2 * c + 1,      \
               2 * d, 2 * d + 1)
#endif

HQ_INLINE HQ_ALL HQ_(load_block)(const double *x) { return *(const HQ_(whole_loose) *)x; }

HQ_INLINE void HQ_(store_block)(double *x, HQ_ALL value) { *(HQ_(whole_loose) *)x = value; }

/* A - v B of a row, component c in slot c. */
HQ_INLINE HQ_ALL HQ_(field_of)(const double *v, const double *A, const double *B)
{
    double h[HQ_VW];
    for (int c = 0; c < 4; c++)
        for (int lane = 0; lane < HQ_W; lane++)
            h[c * HQ_W + lane] = A[c] - v[lane] * B[c];
    return HQ_(load_block)(h);
}

/* F += +-X(rho o (dA - v dB)) + i[rho, A - v B + mode], as push() and rotate_block() do it. */
HQ_INLINE void HQ_(push_and_turn)(const hq_bracket *b, const double *const *near,
                                  const double *own, double *F, ptrdiff_t first, ptrdiff_t count,
                                  const hq_turn *turn, const int taps, const int S,
                                  const int modes)
{
    static const double keep_first[8] = {1.0, HQ_W == 2 ? 1.0 : 0.0};
    const HQ_ALL one = HQ_(load_block)(keep_first), mask = 1.0 - one;
    const HQ_ALL d = HQ_(load_block)(b->field), w = HQ_(field_of)(b->v, turn->A, turn->B);
    const HQ_ALL d0 = HQ_SLOTS(d, 0, 0, 0, 0), d1 = HQ_SLOTS(d, 1, 1, 2, 3);
    const HQ_ALL d2 = one * HQ_SLOTS(d, 2, 2, 2, 2), d3 = one * HQ_SLOTS(d, 3, 3, 3, 3);
    HQ_ALL left = mask * HQ_SLOTS(w, 0, 2, 3, 1), right = mask * HQ_SLOTS(w, 0, 3, 1, 2);
    for (ptrdiff_t i = 0; i < count; i++) {
        HQ_UNROLL
        for (int s = 0; s < S; s++) {
            const ptrdiff_t at = (i * S + s) * HQ_VW;
            HQ_ALL t = {0}, f = HQ_(load_block)(F + at);
            const HQ_ALL x = HQ_(load_block)(own + at);
            for (int k = 0; k < taps; k++)
                t += HQ_(load_block)(b->wide_tap[k] + (first + i) * HQ_VW) *
                     HQ_(load_block)(near[k] + at);
            const HQ_ALL product = (d1 * HQ_SLOTS(t, 1, 0, 0, 0) + d2 * HQ_SLOTS(t, 2, 2, 2, 2)) +
                                   d3 * HQ_SLOTS(t, 3, 3, 3, 3);
            const HQ_ALL force = d0 * t + product;
            f = s ? f - force : f + force;
            if (modes) {
                const HQ_ALL h = w + HQ_(load_block)(turn->mode + first * S * HQ_VW + at);
                left = mask * HQ_SLOTS(h, 0, 2, 3, 1);
                right = mask * HQ_SLOTS(h, 0, 3, 1, 2);
            }
            f += left * HQ_SLOTS(x, 0, 3, 1, 2) - right * HQ_SLOTS(x, 0, 2, 3, 1);
            HQ_(store_block)(F + at, f);
        }
    }
}

#define HQ_WITH(taps, S)                                                                          \
    if (turn->mode)                                                                               \
        HQ_(push_and_turn)(b, near, own, F, first, count, turn, taps, S, 1);                      \
    else                                                                                          \
        HQ_(push_and_turn)(b, near, own, F, first, count, turn, taps, S, 0)

#define HQ_SPECIES(S)                                                                             \
    if (b->taps == 2) {                                                                           \
        HQ_WITH(2, S);                                                                            \
    } else if (b->taps == 4) {                                                                    \
        HQ_WITH(4, S);                                                                            \
    } else {                                                                                      \
        HQ_WITH(b->taps, S);                                                                      \
    }

static void HQ_(packed)(const hq_bracket *b, const double *const *near, const double *own,
                        double *F, ptrdiff_t first, ptrdiff_t count, const hq_turn *turn)
{
    if (b->species == 2) {
        HQ_SPECIES(2)
    } else {
        HQ_SPECIES(1)
    }
}

#undef HQ_WITH
#undef HQ_SPECIES
