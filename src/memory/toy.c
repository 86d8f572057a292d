/* The toy problem: one sequence, forward and backward, in coefficients. */
#include "memory/toy.h"
#include "memory/dense.h"
#include "memory/sweep.h"

#include <string.h>

eg_status egi_toy_kinds(int *kinds, int preset, const char *text,
                        const char *allowed, const char *name, eg_err *err)
{
    static const char letters[] = "tpTP";

    *kinds = preset;
    if (!text[0]) return EG_OK;
    *kinds = 0;
    if (strcmp(text, "-") == 0) return EG_OK;
    for (const char *c = text; *c; c++) {
        const char *at = strchr(letters, *c);

        if (!at || !strchr(allowed, *c))
            return EG_FAIL(err, EG_EINVAL,
                           "%s: '%s': expected letters of \"%s\", or \"-\"",
                           name, text, allowed);
        *kinds |= 1 << (at - letters);
    }
    return EG_OK;
}

eg_index egi_toy_state_size(const egi_toy *toy)
{
    return toy->t * toy->t + 4 * toy->t + 10 * toy->m + toy->n;
}

void egi_toy_state_init(egi_toy_state *s, const egi_toy *toy, double *block,
                        int32_t *z)
{
    double *next = block;
    eg_index t = toy->t, mm = 2 * toy->m;

    *s = (egi_toy_state){.z = z,
                         .a1 = egi_take(&next, t * t),
                         .a2 = egi_take(&next, t),
                         .ds = egi_take(&next, t),
                         .x = egi_take(&next, t),
                         .y = egi_take(&next, t),
                         .bt = egi_take(&next, mm),
                         .qv = egi_take(&next, mm),
                         .v = egi_take(&next, mm),
                         .gf = egi_take(&next, mm),
                         .w = egi_take(&next, mm),
                         .logits = egi_take(&next, toy->n)};
}

void egi_toy_sequence(const egi_toy *toy, egi_toy_state *s, eg_rng *rng)
{
    uint32_t n = (uint32_t)toy->n;
    eg_index tau;

    s->len = toy->t;
    if (toy->anywhere) {
        eg_index lo = toy->t / 2 > 3 ? toy->t / 2 : 3;

        s->len = lo + (eg_index)eg_rng_below(rng, (uint32_t)(toy->t - lo + 1));
    }
    tau = (eg_index)eg_rng_below(rng, (uint32_t)s->len - 2);
    s->q = (int32_t)eg_rng_below(rng, n);
    s->o = (int32_t)eg_rng_below(rng, n);
    for (eg_index i = 0; i < s->len; i++) {
        if (toy->q_in_noise) {
            s->z[i] = (int32_t)eg_rng_below(rng, n);
        } else {
            int32_t z = (int32_t)eg_rng_below(rng, n - 1);

            s->z[i] = z < s->q ? z : z + 1;
        }
    }
    s->z[tau] = s->q;
    s->z[tau + 1] = s->o;
    s->z[s->len - 1] = s->q;
}

/* Where each kind begins and ends in the dictionary. */
typedef struct span {
    eg_index at, n;
} span;

static span kind_span(const egi_toy *toy, int kind)
{
    switch (kind) {
    case EGI_TOKENS:
        return (span){0, toy->n};
    case EGI_POSITIONS:
        return (span){toy->n, toy->t};
    case EGI_TOKENS_MAPPED:
        return (span){toy->m, toy->n};
    default:
        return (span){toy->m + toy->n, toy->t};
    }
}

static void clear(const egi_toy *toy, double *x)
{
    memset(x, 0, (size_t)(2 * toy->m) * sizeof *x);
}

/* y += a x on the kinds in mask. */
static void axpy_kinds(const egi_toy *toy, int mask, double *y, double a,
                       const double *x)
{
    for (int kind = 1; kind <= EGI_POSITIONS_MAPPED; kind *= 2) {
        span b = kind_span(toy, kind);

        if (mask & kind) egi_axpy(y + b.at, a, x + b.at, b.n);
    }
}

static double dot_kinds(const egi_toy *toy, int mask, const double *x,
                        const double *y)
{
    double sum = 0;

    for (int kind = 1; kind <= EGI_POSITIONS_MAPPED; kind *= 2) {
        span b = kind_span(toy, kind);

        if (mask & kind) sum += egi_dot(x + b.at, y + b.at, b.n);
    }
    return sum;
}

/* Dot product of x with the plain token and position at s. */
static double plain_dot(const egi_toy *toy, int mask, const double *x,
                        int32_t z, eg_index s)
{
    return (mask & EGI_TOKENS ? x[z] : 0) +
           (mask & EGI_POSITIONS ? x[toy->n + s] : 0);
}

/* Dot product of x with what layer 1 moves from r. */
static double moved_dot(const egi_toy *toy, int mask, const double *x,
                        int32_t z, eg_index r)
{
    return plain_dot(toy, mask >> 2 & toy->write1, x + toy->m, z, r);
}

/* y[s] = x . (coefficients of the stream at s) on the kinds in mask; moved
 * [T] is scratch. */
static void stream_dots(const egi_toy *toy, const egi_toy_state *st, int mask,
                        const double *x, double *y, double *moved)
{
    for (eg_index r = 0; r < st->len; r++)
        moved[r] = moved_dot(toy, mask, x, st->z[r], r);
    for (eg_index s = 0; s < st->len; s++)
        y[s] = plain_dot(toy, mask, x, st->z[s], s) +
               egi_dot(st->a1 + s * toy->t, moved, s + 1);
}

static void plain_add(const egi_toy *toy, int mask, double *x, double a,
                      int32_t z, eg_index s)
{
    if (mask & EGI_TOKENS) x[z] += a;
    if (mask & EGI_POSITIONS) x[toy->n + s] += a;
}

/* x += sum_s weight[s] (coefficients of the stream at s); moved as above. */
static void stream_sum(const egi_toy *toy, const egi_toy_state *st,
                       const double *weight, double *x, double *moved)
{
    for (eg_index r = 0; r < st->len; r++) moved[r] = 0;
    for (eg_index s = 0; s < st->len; s++) {
        plain_add(toy, EGI_TOKENS | EGI_POSITIONS, x, weight[s], st->z[s], s);
        egi_axpy(moved, weight[s], st->a1 + s * toy->t, s + 1);
    }
    for (eg_index r = 0; r < st->len; r++)
        plain_add(toy, toy->write1, x + toy->m, moved[r], st->z[r], r);
}

/* The first layer's attention; uniform while W_K^1 = 0. */
static void attend1(const egi_toy *toy, egi_toy_state *st)
{
    for (eg_index s = 0; s < st->len; s++) {
        double *a = st->a1 + s * toy->t;

        if (!toy->g1) {
            for (eg_index r = 0; r <= s; r++) a[r] = 1 / (double)(s + 1);
            continue;
        }
        for (eg_index r = 0; r <= s; r++) {
            a[r] = 0;
            if (toy->read1 & EGI_TOKENS)
                a[r] += plain_dot(toy, toy->read1, toy->g1 + st->z[s] * toy->m,
                                  st->z[r], r);
            if (toy->read1 & EGI_POSITIONS)
                a[r] += plain_dot(toy, toy->read1,
                                  toy->g1 + (toy->n + s) * toy->m, st->z[r], r);
        }
        egi_softmax(a, a, s + 1);
    }
}

/* The last position's attention; uniform while W_K^2 = 0. */
static void attend2(const egi_toy *toy, egi_toy_state *st)
{
    for (eg_index s = 0; s < st->len; s++) st->a2[s] = 1 / (double)st->len;
    if (!toy->g2) return;
    clear(toy, st->qv);
    for (int kind = 1; kind <= EGI_POSITIONS_MAPPED; kind *= 2) {
        span b = kind_span(toy, kind);

        if (!(toy->query2 & kind)) continue;
        for (eg_index i = b.at; i < b.at + b.n; i++)
            if (st->bt[i] != 0)
                axpy_kinds(toy, toy->key2, st->qv, st->bt[i],
                           toy->g2 + i * 2 * toy->m);
    }
    stream_dots(toy, st, toy->key2, st->qv, st->a2, st->x);
    egi_softmax(st->a2, st->a2, st->len);
}

eg_index egi_toy_forward(const egi_toy *toy, egi_toy_state *st)
{
    eg_index last = st->len - 1, best;

    attend1(toy, st);
    clear(toy, st->bt);
    for (eg_index s = 0; s <= last; s++) st->x[s] = s == last;
    stream_sum(toy, st, st->x, st->bt, st->y);
    attend2(toy, st);
    clear(toy, st->v);
    stream_sum(toy, st, st->a2, st->v, st->y);
    for (eg_index k = 0; k < toy->n; k++) {
        eg_index row = k * 2 * toy->m;

        st->logits[k] = 0;
        if (toy->f)
            st->logits[k] += dot_kinds(toy, toy->value2, toy->f + row, st->v);
        if (toy->dir && toy->direct)
            st->logits[k] +=
                dot_kinds(toy, toy->direct, toy->dir + row, st->bt);
    }
    best = egi_argmax(st->logits, toy->n);
    egi_softmax(st->logits, st->logits, toy->n);
    st->logits[st->o] -= 1;
    return best;
}

void egi_toy_back_output(const egi_toy *toy, egi_toy_state *st, double *c)
{
    for (eg_index k = 0; k < toy->n; k++)
        axpy_kinds(toy, toy->value2, c + k * 2 * toy->m, -st->logits[k], st->v);
}

/* gf = F^T (softmax - onehot), then the gradient of layer 2's scores. */
static void back_scores2(const egi_toy *toy, egi_toy_state *st)
{
    double mean = 0;

    clear(toy, st->gf);
    if (toy->f)
        for (eg_index k = 0; k < toy->n; k++)
            axpy_kinds(toy, toy->value2, st->gf, st->logits[k],
                       toy->f + k * 2 * toy->m);
    stream_dots(toy, st, toy->value2, st->gf, st->ds, st->x);
    mean = egi_dot(st->a2, st->ds, st->len);
    for (eg_index s = 0; s < st->len; s++)
        st->ds[s] = st->a2[s] * (st->ds[s] - mean);
}

void egi_toy_back_keys2(const egi_toy *toy, egi_toy_state *st, double *c)
{
    back_scores2(toy, st);
    clear(toy, st->w);
    stream_sum(toy, st, st->ds, st->w, st->x);
    for (int kind = 1; kind <= EGI_POSITIONS_MAPPED; kind *= 2) {
        span b = kind_span(toy, kind);

        if (!(toy->query2 & kind)) continue;
        for (eg_index i = b.at; i < b.at + b.n; i++)
            if (st->bt[i] != 0)
                axpy_kinds(toy, toy->key2, c + i * 2 * toy->m, -st->bt[i],
                           st->w);
    }
}

/* What moves in the last position's own stream: its query and its direct
 * path, as a gradient w [M..2M) of its moved coefficients. */
static void back_last(const egi_toy *toy, egi_toy_state *st)
{
    int moved = EGI_TOKENS_MAPPED | EGI_POSITIONS_MAPPED;

    if (toy->g2 && toy->query2 & moved) {
        clear(toy, st->v); /* the values are done with */
        stream_sum(toy, st, st->ds, st->v, st->x);
    }
    clear(toy, st->w);
    for (int kind = EGI_TOKENS_MAPPED; kind <= EGI_POSITIONS_MAPPED;
         kind *= 2) {
        span b = kind_span(toy, kind);

        if (toy->g2 && toy->query2 & kind)
            for (eg_index i = b.at; i < b.at + b.n; i++)
                st->w[i] =
                    dot_kinds(toy, toy->key2, toy->g2 + i * 2 * toy->m, st->v);
        if (toy->dir && toy->direct & kind)
            for (eg_index k = 0; k < toy->n; k++)
                egi_axpy(st->w + b.at, st->logits[k],
                         toy->dir + k * 2 * toy->m + b.at, b.n);
    }
}

/* c -= gradient of the score between s and r. */
static void add_pair(const egi_toy *toy, const egi_toy_state *st, eg_index s,
                     eg_index r, double g, double *c)
{
    if (toy->read1 & EGI_TOKENS)
        plain_add(toy, toy->read1, c + st->z[s] * toy->m, -g, st->z[r], r);
    if (toy->read1 & EGI_POSITIONS)
        plain_add(toy, toy->read1, c + (toy->n + s) * toy->m, -g, st->z[r], r);
}

void egi_toy_back_keys1(const egi_toy *toy, egi_toy_state *st, double *c)
{
    eg_index last = st->len - 1;

    back_scores2(toy, st);
    back_last(toy, st);
    /* gradient of a1[s, r]: a2[s] x[r] through the value, ds[s] y[r] through
     * the key */
    for (eg_index r = 0; r < st->len; r++) {
        st->x[r] = moved_dot(toy, toy->value2, st->gf, st->z[r], r);
        st->y[r] = toy->g2 ? moved_dot(toy, toy->key2, st->qv, st->z[r], r) : 0;
    }
    for (eg_index s = 0; s <= last; s++) {
        const double *a = st->a1 + s * toy->t;
        double *da = st->v, mean; /* [s + 1] of 2M >= T */

        for (eg_index r = 0; r <= s; r++) {
            da[r] = st->a2[s] * st->x[r] + st->ds[s] * st->y[r];
            if (s == last)
                da[r] +=
                    plain_dot(toy, toy->write1, st->w + toy->m, st->z[r], r);
        }
        mean = egi_dot(a, da, s + 1);
        for (eg_index r = 0; r <= s; r++)
            add_pair(toy, st, s, r, a[r] * (da[r] - mean), c);
    }
}
