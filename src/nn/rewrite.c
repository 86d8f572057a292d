/* The table of rewrites, and what they have in common. A rewrite adds ops and
 * redirects readers; tidying then drops what nobody reads and puts the rest in
 * order. */
#include "nn/rewrite.h"

#include <stdio.h>
#include <string.h>

#include "engram/mem.h"

static const struct {
    const char *name, *help;
    void (*apply)(egi_program *p, const egi_load *load);
} row[] = {
#define ROW(name, text) {#name, text, egi_rewrite_##name},
    EGI_REWRITES(ROW)
#undef ROW
};

const char *egi_rewrite_name(int i)
{
    return i >= 0 && i < EGI_N_REWRITES ? row[i].name : NULL;
}

const char *egi_rewrite_help(int i)
{
    return i >= 0 && i < EGI_N_REWRITES ? row[i].help : NULL;
}

bool egi_weigh(egi_program *p, double cost, double gain)
{
    bool pays = cost < gain;

    p->weighed.places++;
    p->weighed.taken += pays;
    p->weighed.cost += cost;
    p->weighed.gain += gain;
    return pays;
}

bool egi_refuse(egi_program *p, const char *why)
{
    p->weighed.why = why;
    return false;
}

int egi_uses(const egi_program *p, int v)
{
    int n = 0;

    for (int k = 0; k < p->n_ops; k++)
        for (int i = 0; i < EGI_INS; i++) n += p->op[k].in[i] == v;
    return n;
}

int egi_only_reader(const egi_program *p, int v)
{
    int reader = -1;

    for (int k = 0; k < p->n_ops; k++)
        for (int i = 0; i < EGI_INS; i++) {
            if (p->op[k].in[i] != v) continue;
            if (reader >= 0) return -1;
            reader = k;
        }
    return reader;
}

/* The op behind v, when v is its output, read once and not kept; or NULL. */
static const egi_op *inner(const egi_program *p, int v)
{
    const egi_op *op;

    if (v < 0 || p->value[v].maker < 0 || p->value[v].kept) return NULL;
    op = &p->op[p->value[v].maker];
    return op->out[0] == v && egi_uses(p, v) == 1 ? op : NULL;
}

const egi_op *egi_inner(const egi_program *p, int v, egi_kind kind)
{
    const egi_op *op = inner(p, v);

    return op && op->kind == kind ? op : NULL;
}

const egi_op *egi_mixed(const egi_program *p, int v)
{
    const egi_op *op = inner(p, v);

    return op && egi_op_info(op->kind)->mixes ? op : NULL;
}

int egi_op_beside(egi_program *p, int at, egi_kind kind, const int in[EGI_INS],
                  egi_attr attr)
{
    double key = p->op[at].key;
    int v = egi_op_add(p, kind, in, attr);

    if (p->st == EG_OK) p->op[p->n_ops - 1].key = key;
    return v;
}

void egi_replace(egi_program *p, int from, int to)
{
    for (int k = 0; k < p->n_ops; k++)
        for (int i = 0; i < EGI_INS; i++)
            if (p->op[k].in[i] == from) p->op[k].in[i] = to;
    memcpy(p->value[to].name, p->value[from].name, sizeof p->value[to].name);
}

/* ---- tidying --------------------------------------------------------------
 */

static void mark_live(const egi_program *p, bool *live, int loss)
{
    bool more = true;

    live[loss] = true;
    for (int k = 0; k < p->n_ops; k++)
        if (p->value[p->op[k].out[0]].kept) live[k] = true;
    while (more) {
        more = false;
        for (int k = p->n_ops - 1; k >= 0; k--)
            for (int i = 0; live[k] && i < EGI_INS; i++) {
                int v = p->op[k].in[i];
                int maker = v < 0 ? -1 : p->value[v].maker;

                if (maker < 0 || live[maker]) continue;
                live[maker] = more = true;
            }
    }
}

static bool ready(const egi_program *p, const egi_op *op, const bool *done)
{
    for (int i = 0; i < EGI_INS; i++) {
        int maker = op->in[i] < 0 ? -1 : p->value[op->in[i]].maker;

        if (maker >= 0 && !done[maker]) return false;
    }
    return true;
}

/* Weights, then pairs, then sequences. */
static int phase(const egi_program *p, int k)
{
    egi_class cls = p->value[p->op[k].out[0]].cls;

    return cls < EGI_POSITION ? (int)cls : (int)EGI_POSITION;
}

/* The op that goes next: of those whose inputs are made, the earliest. */
static int next(const egi_program *p, const bool *live, const bool *done)
{
    int best = -1;

    for (int k = 0; k < p->n_ops; k++) {
        int before;

        if (!live[k] || done[k] || !ready(p, &p->op[k], done)) continue;
        before = best < 0 ? -1 : phase(p, k) - phase(p, best);
        if (before < 0 || (before == 0 && p->op[k].key < p->op[best].key))
            best = k;
    }
    return best;
}

/* Drops ops that nobody reads and puts the others in order. Values keep their
 * numbers; those without a maker any more are of no consequence. */
static eg_status tidy(egi_program *p)
{
    size_t n = (size_t)p->n_ops;
    bool *live = eg_calloc(2 * n, sizeof *live), *done = live ? live + n : NULL;
    egi_op *order = eg_calloc(n, sizeof *order);
    int count = 0, loss = -1;

    for (int k = 0; k < p->n_ops; k++)
        if (egi_op_info(p->op[k].kind)->seeds) loss = k;
    if (!live || !order) {
        eg_free(live);
        eg_free(order);
        return EG_ENOMEM;
    }
    mark_live(p, live, loss);
    for (int k = next(p, live, done); k >= 0; k = next(p, live, done)) {
        order[count++] = p->op[k];
        done[k] = true;
    }
    memcpy(p->op, order, (size_t)count * sizeof *order);
    p->n_ops = count;
    for (int v = 0; v < p->n_values; v++) p->value[v].maker = -1;
    for (int k = 0; k < count; k++) p->op[k].key = k;
    for (int k = 0; k < count; k++)
        for (int i = 0; i < EGI_OUTS; i++)
            if (p->op[k].out[i] >= 0) p->value[p->op[k].out[i]].maker = k;
    eg_free(live);
    eg_free(order);
    return EG_OK;
}

eg_status egi_program_rewrite(egi_program *p, const bool *trains,
                              const egi_load *load, unsigned which, eg_err *err)
{
    eg_status st = egi_program_need(p, trains);

    for (int i = 0; i < EGI_N_REWRITES && st == EG_OK; i++) {
        if (!(which >> i & 1)) continue;
        p->weighed = (egi_weighed){0};
        row[i].apply(p, load);
        st = p->st;
        if (st == EG_OK) st = tidy(p);
        if (st == EG_OK) st = egi_program_need(p, trains);
    }
    return st == EG_OK
               ? st
               : EG_FAIL(err, st, "rewriting a program of %d ops", p->n_ops);
}
