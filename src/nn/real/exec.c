/* Running a program on one sequence, forwards and back. */
#include <string.h>

#include "engram/mem.h"
#include "nn/real/batch.h"
#include "nn/real/layout.h"

/* ---- binding --------------------------------------------------------------
 */

static real *entries_of(const N(exec) * e, int v)
{
    const egi_value *value = &e->p->value[v];

    return value->tensor >= 0 ? (real *)egi_param(e->p->m, value->tensor)
                              : e->w[v].x;
}

static N(arg) weight_arg(const N(exec) * e, int v, N(sums) s)
{
    const egi_value *value = &e->p->value[v];
    const N(weight) *w = &e->w[v];
    N(arg)
    a = {.x = entries_of(e, v),
         .ld = value->cols,
         .rows = value->rows,
         .cols = value->cols,
         .pw = w->pw,
         .pwt = w->pwt,
         .team = e->p->team};

    if (!value->grad) return a;
    if (s.grad && value->tensor >= 0)
        a.g = s.grad + e->p->m->tensor[value->tensor].offset;
    else if (s.acc && w->acc >= 0)
        a.g = s.acc + w->acc;
    else
        a.g = w->g;
    return a;
}

static int rows_of(const N(room) * r, egi_class cls)
{
    if (cls == EGI_PAIR) return r->pair_rows;
    return cls == EGI_LOSS ? r->rows : r->n * r->count;
}

static const int32_t *limit_of(const N(room) * r, egi_class cls)
{
    if (cls == EGI_PAIR) return r->pair_limit;
    return cls == EGI_LOSS ? r->limit : r->each;
}

/* What op spread reads lies with the batch, and so does what reaches it: rows
 * of pairs, gradients by place. */
static void bind_cut(N(arg) * a, const N(room) * r, int v)
{
    const N(batch) *b = r->batch;

    for (int i = 0; b && i < b->n_cuts; i++) {
        const N(cut) *c = &b->cut[i];

        if (c->value != v) continue;
        a->x = c->out;
        a->g = c->dout ? c->dout + (eg_index)r->index * b->T * c->ld : NULL;
    }
}

static N(arg) room_arg(const N(exec) * e, const N(room) * r, int v)
{
    const egi_value *value = &e->p->value[v];
    const egi_place *at = &e->room.at[v];
    N(arg)
    a = {.x = at->x < 0 ? NULL : r->base + at->x,
         .g = at->g < 0 ? NULL : r->base + at->g,
         .ld = at->ld,
         .rows = rows_of(r, value->cls),
         .cols = value->cols};

    return a;
}

static N(arg) arg_of(const N(exec) * e, const N(room) * r, N(sums) s, int v)
{
    if (e->p->value[v].cls == EGI_WEIGHT) return weight_arg(e, v, s);
    return room_arg(e, r, v);
}

N(call) N(bind)(const N(exec) * e, const N(room) * r, N(sums) s, int k)
{
    const egi_op *op = &e->p->op[k];
    egi_class cls = e->p->value[op->out[0]].cls;
    N(call) c = {.K = e->K, .op = op, .table = e->table[k]};

    for (int i = 0; i < EGI_INS; i++) {
        if (op->in[i] < 0) continue;
        c.in[i] = arg_of(e, r, s, op->in[i]);
        c.in[i].fresh = e->room.fresh[k * EGI_INS + i];
    }
    for (int i = 0; i < EGI_OUTS; i++)
        if (op->out[i] >= 0) c.out[i] = arg_of(e, r, s, op->out[i]);
    c.shared = r ? r->base + e->room.work : NULL;
    c.work = r ? r->base + e->room.entries - e->workers * e->each : e->work;
    c.each = e->each;
    c.pool = r && !e->p->team ? NULL : e->pool;
    if (r) c.limit = limit_of(r, cls);
    c.sees = r && op->attr.whole ? r->whole : c.limit;
    if (op->kind == EGI_OP_spread) bind_cut(&c.in[0], r, op->in[0]);
    return c;
}

/* ---- a sequence -----------------------------------------------------------
 */

static bool in_loss(const egi_program *p, const N(room) * r, int t)
{
    return egi_in_group(p->loss, r->seq.targets[t], r->seq.labels[t]);
}

/* The rows of EGI_LOSS: positions in the loss. Without such rows the loss reads
 * every position, and targets say which count. */
static void choose_rows(const egi_program *p, N(room) * r)
{
    bool chosen = p->value[p->op[p->n_ops - 1].in[0]].cls == EGI_LOSS;
    int T = p->m->T;

    r->rows = r->n_loss = 0;
    r->n = T;
    for (int t = 0; t < T * r->count; t++) {
        bool in = in_loss(p, r, t);

        r->n_loss += in;
        if (chosen && !in) continue;
        r->limit[r->rows] = t % T + 1;
        r->target[r->rows] = in ? r->seq.targets[t] : -1;
        r->rows++;
    }
    if (chosen && r->rows > 0 && p->m->opts.causal)
        r->n = r->limit[r->rows - 1];
}

/* The i-th sequence, and all that follow. */
static N(seq) seq_of(const N(exec) * e, const N(room) * r, int i)
{
    eg_index at = (eg_index)i * e->p->m->T;
    eg_seq s = N(room_seq)(r, e, i);

    return (N(seq)){.n = r->n,
                    .n_loss = r->n_loss,
                    .draw = r->draw[i],
                    .tokens = s.tokens,
                    .inputs = s.inputs,
                    .outputs = s.outputs,
                    .prompts = s.prompts,
                    .row = r->batch ? r->batch->row +
                                          (eg_index)r->index * r->batch->T
                                    : NULL,
                    .each = r->each + at,
                    .limit = r->limit + at,
                    .target = r->target + at,
                    .nll = r->nll + at,
                    .pred = r->pred + at};
}

/* The i-th sequence's part of an argument. */
static void part_of(const N(exec) * e, const N(room) * r, N(arg) * a, int v,
                    int i)
{
    eg_index at;

    if (v < 0 || e->p->value[v].cls == EGI_WEIGHT) return;
    at = i * egi_stretch(&e->room, e->p, v);
    if (a->x) a->x += at;
    if (a->g) a->g += at;
    a->rows = r->n;
}

/* The i-th sequence's part of a call. */
static N(call)
    call_of(const N(exec) * e, const N(room) * r, const N(call) * c, int i)
{
    eg_index at = (eg_index)i * e->p->m->T;
    N(call) d = *c;

    for (int k = 0; k < EGI_INS; k++) part_of(e, r, &d.in[k], c->op->in[k], i);
    for (int k = 0; k < EGI_OUTS; k++)
        part_of(e, r, &d.out[k], c->op->out[k], i);
    if (d.limit) d.limit += at;
    if (d.sees) d.sees += at;
    return d;
}

/* Op k on all sequences of a room: at once, or one by one. all: the first, and
 * all that follow. */
static void run_op(const N(exec) * e, const N(room) * r, N(call) * c,
                   const N(seq) * all, int k, bool back)
{
    c->seq = all;
    if (r->count == 1 || egi_op_joint(c->op->kind)) {
        N(exec_run)(c, r->tick, k, back);
        return;
    }
    for (int i = 0; i < r->count; i++) {
        N(seq) seq = seq_of(e, r, i);
        N(call) d = call_of(e, r, c, i);

        d.seq = &seq;
        N(exec_run)(&d, r->tick, k, back);
    }
}

void N(exec_run)(const N(call) * c, egi_tick *ticks, int k, bool back)
{
    egi_tick *t;
    double start;
    int64_t pairs = 0;

    if (!ticks) {
        N(op_run)(c, back);
        return;
    }
    t = &ticks[2 * k + back];
    start = eg_clock();
    N(op_run)(c, back);
    t->seconds += eg_clock() - start;
    t->calls++;
    t->rows += (double)c->out[0].rows;
    for (eg_index i = 0; c->sees && i < c->out[0].rows; i++)
        pairs += c->sees[i];
    t->pairs += (double)pairs;
}

/* Does op k belong to that part of the program? */
static bool belongs(const egi_program *p, int k, bool pairs)
{
    egi_class cls = p->value[p->op[k].out[0]].cls;

    return cls != EGI_WEIGHT && (cls == EGI_PAIR) == pairs;
}

void N(exec_ops)(const N(exec) * e, N(room) * r, bool pairs, N(sums) s)
{
    const egi_program *p = e->p;
    const N(seq) all = seq_of(e, r, 0);

    for (int k = 0; k < p->n_ops; k++) {
        if (!belongs(p, k, pairs)) continue;
        if (r->halt && egi_halted(r->halt, r->asks)) return;
        N(call) c = N(bind)(e, r, s, k);
        run_op(e, r, &c, &all, k, false);
        if (r->n_held > 0) N(hold_out)(r, &c.out[0], p->op[k].out[0]);
    }
}

void N(exec_ops_back)(const N(exec) * e, N(room) * r, bool pairs, N(sums) s)
{
    const egi_program *p = e->p;
    const N(seq) all = seq_of(e, r, 0);

    for (int k = p->n_ops - 1; k >= 0; k--) {
        const egi_op *op = &p->op[k];

        if (!belongs(p, k, pairs) || !egi_op_back(p, op)) continue;
        N(call) c = N(bind)(e, r, s, k);
        if (r->n_held > 0) N(hold_back)(r, &c.out[0], op->out[0]);
        run_op(e, r, &c, &all, k, true);
    }
}

int N(exec_forward)(const N(exec) * e, N(room) * r, N(sums) s)
{
    choose_rows(e->p, r);
    if (r->rows == 0) return 0;
    N(exec_ops)(e, r, false, s);
    return r->n_loss;
}

void N(exec_backward)(const N(exec) * e, N(room) * r, N(sums) s)
{
    N(exec_ops_back)(e, r, false, s);
}

/* ---- rooms ----------------------------------------------------------------
 */

static size_t room_lay(N(room) * r, const N(exec) * e, char *base)
{
    layout l = {base, 0};
    eg_index T = (eg_index)e->p->m->T * e->p->many; /* of all */
    eg_io io = e->p->m->io;
    int32_t **ints[] = {&r->seq.tokens, &r->seq.targets, &r->seq.labels,
                        &r->each,       &r->limit,       &r->target,
                        &r->pred,       &r->whole};

    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        *ints[i] = lay_int(&l, T);
    if (io.n_eos + io.n_prefix > 0) r->seq.prompts = lay_int(&l, T);
    r->draw = lay_bytes(&l, (size_t)e->p->many * sizeof *r->draw);
    r->nll = lay_bytes(&l, (size_t)T * sizeof(double));
    r->seq.inputs = lay_bytes(&l, (size_t)(T * io.n_in) * sizeof(double));
    r->seq.outputs = lay_bytes(&l, (size_t)(T * io.n_out) * sizeof(double));
    r->base = lay_real(&l, e->room.entries);
    return l.used;
}

size_t N(room_bytes)(const N(exec) * e)
{
    N(room) r = {0};

    return room_lay(&r, e, NULL);
}

eg_seq N(room_seq)(const N(room) * r, const N(exec) * e, int i)
{
    eg_index at = (eg_index)i * e->p->m->T;
    eg_io io = e->p->m->io;
    eg_seq s = r->seq;

    s.tokens += at;
    s.targets += at;
    s.labels += at;
    s.inputs += at * io.n_in;
    s.outputs += at * io.n_out;
    if (s.prompts) s.prompts += at;
    return s;
}

eg_status N(room_init)(N(room) * r, const N(exec) * e, eg_err *err)
{
    *r = (N(room)){0};
    r->bytes = room_lay(r, e, NULL);
    r->block = eg_realloc(NULL, r->bytes); /* touched by no one yet */
    if (!r->block)
        return EG_FAIL(err, EG_ENOMEM, "a room of %zu bytes", r->bytes);
    room_lay(r, e, r->block);
    r->count = 1;
    return EG_OK;
}

void N(room_touch)(const N(room) * r, const N(exec) * e)
{
    memset(r->block, 0xff, r->bytes); /* NaN: nothing counts on zeros */
    for (int i = 0; i < e->p->many; i++) r->draw[i] = 0;
    for (int t = 0, T = e->p->m->T; t < T * e->p->many; t++) {
        r->each[t] = t % T + 1;
        r->whole[t] = T;
    }
}

void N(room_release)(N(room) * r)
{
    eg_free(r->block);
    *r = (N(room)){0};
}
