/* One row of every op, on a room that keeps what is read across positions: the
 * rows of such values lie where the prompt's forward pass put them, all others
 * are row 0 of their places. What runs position by position keeps a state, in
 * the prompt too. Products of one row read their matrix once, shared
 * by columns. */
#include "nn/decode.h"

#include <string.h>

#include "engram/mem.h"
#include "nn/real/exec.h"
#include "nn/real/row_product.h"

enum { WORTH = 1 << 16 }; /* entries from which on threads share them */

typedef struct decoder {
    egi_decoder_spec s;
    N(exec) x;
    N(room) r;
    int32_t limit; /* of the row in hand */
    bool *cached;  /* [n_values]: all rows have a place */
    real **state;  /* [n_ops], of those that run on one; else NULL */
    real *states;
    real *logits;           /* [V] */
    real *scores;           /* [threads, T] */
    real *row;              /* of a product to which something is added */
    N(row_product) product; /* what all of them have in common */
    egi_weights16 *narrow;  /* [n_ops + 1]: of linear ones, and of the head */
    int64_t bytes;
} decoder;

/* Op linear: y = x W (+ r) (+ b), of which r may lie where y does. */
static void linear_row(const decoder *d, const N(call) * c, int k)
{
    const N(arg) *w = &c->in[1], *r = &c->in[2], *b = &c->in[3];
    real *y = r->x ? d->row : c->out[0].x;
    N(row_product) j = d->product;

    j.x = c->in[0].x;
    j.w = w->x;
    j.narrow = &d->narrow[k];
    j.y = y;
    j.ld = w->ld;
    j.k = w->rows;
    j.n = w->cols;
    N(row_multiply)(&j);
    if (b->x) d->x.K->add(y, b->x, w->cols);
    if (!r->x) return;
    d->x.K->add(y, r->x, w->cols);
    memcpy(c->out[0].x, y, (size_t)w->cols * sizeof *y);
}

/* ---- attention -------------------------------------------------------------
 */

typedef struct attention {
    const decoder *d;
    const N(call) * c;
} attention;

static void attention_head(void *ctx, int h, int worker)
{
    const attention *j = ctx;
    const N(call) *c = j->c;
    const kern *K = j->d->x.K;
    const egi_attr *a = &c->op->attr;
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    eg_index kw = q->cols / a->heads, vw = v->cols / a->v_heads;
    const real *keys = k->x + h * a->k_heads / a->heads * kw;
    const real *values = v->x + h * a->v_heads / a->heads * vw;
    real *s = j->d->scores + (eg_index)worker * j->d->x.p->m->T;

    K->gemv_t(s, keys, k->ld, q->x + h * kw, j->d->limit, kw);
    K->softmax(s, (real)a->scale, j->d->limit);
    K->gemv(c->out[0].x + h * vw, s, values, v->ld, j->d->limit, vw);
}

static void attention_row(const decoder *d, const N(call) * c)
{
    attention j = {d, c};
    eg_index reads = d->limit * (c->in[1].cols + c->in[2].cols);

    if (reads >= WORTH)
        eg_pool_run(d->s.pool, c->op->attr.heads, attention_head, &j);
    else
        for (int h = 0; h < c->op->attr.heads; h++) attention_head(&j, h, 0);
}

/* ---- ops -------------------------------------------------------------------
 */

/* The argument of value v as row t: its own row of all, or the only one. */
static void at_row(const decoder *d, N(arg) * a, int v, int t)
{
    if (d->cached[v]) a->x += t * a->ld;
    a->rows = 1;
}

/* c, whose rows are those of position t, on the state of op k. */
static void on_state(const decoder *d, N(call) * c, int k, int t)
{
    static const int32_t alone = 1;

    c->limit = c->sees = &alone;
    N(kinds)[c->op->kind]->step(c, d->state[k], t == 0);
}

static void one_row(const decoder *d, N(call) * c, int k, int t)
{
    const egi_program *p = d->x.p;
    const egi_op *op = c->op;

    c->limit = c->sees = &d->limit;
    for (int i = 0; i < EGI_INS; i++)
        if (op->in[i] >= 0 && p->value[op->in[i]].cls == EGI_POSITION &&
            !egi_reads_across(p, op, i))
            at_row(d, &c->in[i], op->in[i], t);
    for (int i = 0; i < EGI_OUTS; i++)
        if (op->out[i] >= 0) at_row(d, &c->out[i], op->out[i], t);
    if (op->kind == EGI_OP_place) c->in[0].x += t * c->in[0].ld;
    if (d->state[k])
        on_state(d, c, k, t);
    else if (op->kind == EGI_OP_linear)
        linear_row(d, c, k);
    else if (op->kind == EGI_OP_softmax)
        attention_row(d, c);
    else
        N(op_run)(c, false);
}

/* ---- the head --------------------------------------------------------------
 */

static void head(const decoder *d, const real *x)
{
    const eg_model *m = d->x.p->m;
    const egi_weights16 *w = &d->narrow[d->x.p->n_ops];
    N(row_product) j = d->product;

    j.x = x;
    j.w = egi_param(m, d->s.head);
    j.narrow = w;
    j.y = d->logits;
    j.ld = w->cols;
    j.k = d->s.tied ? w->cols : w->rows;
    j.n = m->V;
    j.turned = d->s.tied;
    N(row_multiply)(&j);
    if (d->s.scale < 1 || d->s.scale > 1)
        d->x.K->scale(d->logits, (real)d->s.scale, m->V);
    if (d->s.bias >= 0) d->x.K->add(d->logits, egi_param(m, d->s.bias), m->V);
}

static const real *hidden_row(const decoder *d, int t)
{
    const egi_place *at = &d->x.room.at[d->s.hidden];

    return d->r.base + at->x + t * at->ld;
}

/* All n positions of an op with a state, one by one. */
static void walk(const decoder *d, const N(call) * all, int k, int n)
{
    const egi_program *p = d->x.p;
    const egi_op *op = all->op;

    for (int t = 0; t < n; t++) {
        N(call) c = *all;

        for (int i = 0; i < EGI_INS; i++)
            if (op->in[i] >= 0 && p->value[op->in[i]].cls == EGI_POSITION)
                c.in[i].x += t * c.in[i].ld;
        c.out[0].x += t * c.out[0].ld;
        c.out[0].rows = 1;
        on_state(d, &c, k, t);
    }
}

/* Positions from .. n - 1, of which those before are there; all, or one. */
static void advance(decoder *d, int from, int n)
{
    const egi_program *p = d->x.p;
    bool one = n == from + 1 && from > 0;
    N(seq)
    seq = {.n = n,
           .tokens = d->r.seq.tokens,
           .each = d->r.each,
           .limit = one ? &d->limit : d->r.each};

    d->r.n = d->limit = n;
    for (int k = 0; k < p->n_ops; k++) {
        if (egi_op_weight(p, &p->op[k])) continue;
        N(call) c = N(bind)(&d->x, &d->r, (N(sums)){NULL, NULL}, k);

        c.seq = &seq;
        if (one && !egi_op_whole(p, &p->op[k]))
            one_row(d, &c, k, from);
        else if (d->state[k])
            walk(d, &c, k, n);
        else
            N(op_run)(&c, false);
    }
}

static void decoder_prompt(egi_decoder *opaque, const int32_t *tokens, int n)
{
    decoder *d = (decoder *)opaque;

    memcpy(d->r.seq.tokens, tokens, (size_t)n * sizeof *tokens);
    advance(d, 0, n);
    head(d, hidden_row(d, n - 1));
}

static void decoder_step(egi_decoder *opaque, int32_t token, int t)
{
    decoder *d = (decoder *)opaque;

    d->r.seq.tokens[t] = token;
    advance(d, t, t + 1);
    head(d, hidden_row(d, d->cached[d->s.hidden] ? t : 0));
}

static void decoder_logits(const egi_decoder *opaque, double *out)
{
    const decoder *d = (const decoder *)opaque;

    for (int i = 0; i < d->x.p->m->V; i++) out[i] = (double)d->logits[i];
}

/* ---- life ------------------------------------------------------------------
 */

static void decoder_free(egi_decoder *opaque)
{
    decoder *d = (decoder *)opaque;

    if (!d) return;
    for (int k = 0; d->narrow && k <= d->s.program->n_ops; k++)
        egi_weights16_release(&d->narrow[k]);
    eg_free(d->narrow);
    N(room_release)(&d->r);
    N(exec_release)(&d->x);
    eg_free(d->cached);
    eg_free(d->state);
    eg_free(d->states);
    eg_free(d->logits);
    eg_free(d->scores);
    eg_free(d->row);
    eg_free(d);
}

/* What shares the place of a cached value has rows there too. */
static void find_cached(decoder *d)
{
    const egi_program *p = d->x.p;
    const egi_place *at = d->x.room.at;

    for (int u = 0; u < p->n_values; u++) {
        if (!p->value[u].cached) continue;
        for (int v = 0; v < p->n_values; v++)
            if (v == u || (p->value[v].cls == EGI_POSITION && at[u].x >= 0 &&
                           at[v].x == at[u].x))
                d->cached[v] = true;
    }
}

/* Places for the states, a cache line apart; gives their entries. */
static eg_index lay_states(decoder *d, bool there)
{
    const egi_program *p = d->x.p;
    eg_index at = 0;

    for (int k = 0; k < p->n_ops; k++) {
        const N(kind) *kind = N(kinds)[p->op[k].kind];

        if (!kind->info.steps || egi_op_weight(p, &p->op[k])) continue;
        if (there) d->state[k] = d->states + at;
        at += (kind->state(d->x.K, p, &p->op[k]) + 15) / 16 * 16;
    }
    return at;
}

static eg_status make_states(decoder *d, eg_err *err)
{
    eg_index n = lay_states(d, false);

    d->state = eg_calloc((size_t)d->x.p->n_ops, sizeof *d->state);
    d->states = eg_calloc((size_t)n + 1, sizeof *d->states);
    if (!d->state || !d->states)
        return EG_FAIL(err, EG_ENOMEM, "states of %td entries", n);
    lay_states(d, true);
    d->bytes += n * (int64_t)sizeof *d->states;
    return EG_OK;
}

/* Matrices that lose nothing in 16 bits are read in these; the program's own
 * weights have been computed. */
static eg_status make_narrow(decoder *d, eg_err *err)
{
    const egi_program *p = d->x.p;
    eg_index width = p->value[d->s.hidden].cols, V = p->m->V;
    eg_status st = EG_OK;

    for (int k = 0; k < p->n_ops; k++) {
        N(call) c;

        if (p->op[k].kind != EGI_OP_linear || egi_op_weight(p, &p->op[k]))
            continue;
        c = N(bind)(&d->x, &d->r, (N(sums)){NULL, NULL}, k);
        EG_TRY(N(row_weights16)(&d->narrow[k], c.in[1].x, c.in[1].ld,
                                c.in[1].rows, c.in[1].cols, err));
    }
    EG_TRY(N(row_weights16)(&d->narrow[p->n_ops], egi_param(p->m, d->s.head),
                            d->s.tied ? width : V, d->s.tied ? V : width,
                            d->s.tied ? width : V, err));
    for (int k = 0; k <= p->n_ops; k++)
        if (d->narrow[k].a)
            d->bytes += 2 * d->narrow[k].rows * d->narrow[k].cols;
done:
    return st;
}

static eg_status decoder_make(egi_decoder **out, const egi_decoder_spec *s,
                              eg_err *err)
{
    const eg_model *m = s->program->m;
    size_t threads = (size_t)eg_pool_size(s->pool), widest = 0;
    decoder *d = eg_calloc(1, sizeof *d);
    eg_status st = EG_OK;

    *out = NULL;
    if (!d) return EG_FAIL(err, EG_ENOMEM, "a decoder");
    d->s = *s;
    for (int v = 0; v < s->program->n_values; v++)
        if ((size_t)s->program->value[v].cols > widest)
            widest = (size_t)s->program->value[v].cols;
    EG_TRY(N(exec_init)(&d->x, s->program, s->kern, s->pool, err));
    EG_TRY(N(room_init)(&d->r, &d->x, err));
    N(room_touch)(&d->r, &d->x);
    d->cached = eg_calloc((size_t)s->program->n_values, sizeof *d->cached);
    d->logits = eg_calloc((size_t)m->V, sizeof *d->logits);
    d->scores = eg_calloc(threads * (size_t)m->T, sizeof *d->scores);
    d->row = eg_calloc(widest, sizeof *d->row);
    d->narrow = eg_calloc((size_t)s->program->n_ops + 1, sizeof *d->narrow);
    d->product = (N(row_product)){
        .K = d->x.K, .half = egi_half_pick(d->x.K->name), .pool = s->pool};
    if (!d->cached || !d->logits || !d->scores || !d->row || !d->narrow) {
        st = EG_FAIL(err, EG_ENOMEM, "a decoder of %d tokens", m->T);
        goto done;
    }
    find_cached(d);
    EG_TRY(make_states(d, err));
    d->bytes += (int64_t)(d->x.bytes + d->r.bytes +
                          ((size_t)m->V + threads * (size_t)m->T + widest) *
                              sizeof(real));
    N(exec_prepare)(&d->x);
    EG_TRY(make_narrow(d, err));
    *out = (egi_decoder *)d;
    d = NULL;
done:
    decoder_free((egi_decoder *)d);
    return st;
}

static int64_t decoder_bytes(const egi_decoder *opaque)
{
    return ((const decoder *)opaque)->bytes;
}

static int64_t decoder_reads(const egi_decoder *opaque)
{
    const decoder *d = (const decoder *)opaque;
    int64_t bytes = 0;

    for (int k = 0; k <= d->x.p->n_ops; k++)
        bytes +=
            d->narrow[k].rows * d->narrow[k].cols *
            (int64_t)(d->product.half && d->narrow[k].a ? 2 : sizeof(real));
    return bytes;
}

static void decoder_narrow(egi_decoder *opaque, bool on)
{
    decoder *d = (decoder *)opaque;

    d->product.half = on ? egi_half_pick(d->x.K->name) : NULL;
}

const egi_decoder_vt N(egi_decoder) = {
    .make = decoder_make,
    .free = decoder_free,
    .prompt = decoder_prompt,
    .step = decoder_step,
    .logits = decoder_logits,
    .bytes = decoder_bytes,
    .reads = decoder_reads,
    .narrow = decoder_narrow,
};
