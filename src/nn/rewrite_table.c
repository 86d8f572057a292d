/* table: gather commutes with linear maps. Where x = E[token] + P[t],
 *     x W = (E W)[token] + (P W)[t],
 * V + n_ctx rows of a product a step in place of every row of the batch; and
 * behind a layer norm, with Ec, Pc the tables' rows minus their means,
 *     norm(x) W = s[t] ((Ec diag(w) W)[token] + (Pc diag(w) W)[t]) + b W,
 * s = 1 / std(x). */
#include "nn/rewrite.h"

#define MOST 32 /* values remembered */

/* What x is made of. */
typedef struct source {
    int e, pos;  /* tables */
    int x, w, b; /* with a norm: its input, gain and bias; else x -1 */
    double eps;
} source;

/* Weights that several projections share: made once. */
typedef struct maker {
    egi_program *p;
    int n, from[MOST], to[MOST];
} maker;

static const egi_op *made_by(const egi_program *p, int v, egi_kind kind)
{
    int k = v < 0 ? -1 : p->value[v].maker;

    return k >= 0 && p->op[k].kind == kind && p->op[k].out[0] == v ? &p->op[k]
                                                                   : NULL;
}

static bool source_of(const egi_program *p, int v, source *s)
{
    const egi_op *norm = made_by(p, v, EGI_OP_layernorm);
    const egi_op *e = made_by(p, norm ? norm->in[0] : v, EGI_OP_embed);

    if (!e || (norm && (norm->in[2] < 0 || norm->attr.heads > 1))) return false;
    *s = (source){.e = e->in[0], .pos = e->in[1], .x = -1};
    if (norm)
        *s = (source){.e = e->in[0],
                      .pos = e->in[1],
                      .x = norm->in[0],
                      .w = norm->in[1],
                      .b = norm->in[2],
                      .eps = norm->attr.eps};
    return true;
}

static int once(maker *m, int from, egi_kind kind, int at, egi_attr attr)
{
    int v;

    for (int i = 0; i < m->n; i++)
        if (m->from[i] == from) return m->to[i];
    v = egi_op_beside(m->p, at, kind, EGI_INPUTS(from, -1, -1, -1), attr);
    if (m->n < MOST) {
        m->from[m->n] = from;
        m->to[m->n++] = v;
    }
    return v;
}

static int product(maker *m, int a, int b)
{
    return egi_op_beside(m->p, 0, EGI_OP_product, EGI_INPUTS(a, b, -1, -1),
                         (egi_attr){0});
}

/* x W, beside op `at`. */
static int gathered(maker *m, const source *s, int w, int at)
{
    int e = s->e, pos = s->pos, g = w, b, std;

    if (s->x < 0)
        return egi_op_beside(m->p, at, EGI_OP_embed,
                             EGI_INPUTS(product(m, e, w),
                                        pos < 0 ? -1 : product(m, pos, w), -1,
                                        -1),
                             (egi_attr){0});
    std = once(m, s->x, EGI_OP_rstd, m->p->value[s->x].maker,
               (egi_attr){.eps = s->eps});
    e = once(m, e, EGI_OP_centre, 0, (egi_attr){0});
    if (pos >= 0) pos = once(m, pos, EGI_OP_centre, 0, (egi_attr){0});
    g = egi_op_beside(m->p, 0, EGI_OP_gain, EGI_INPUTS(s->w, w, -1, -1),
                      (egi_attr){0});
    b = product(m, s->b, w);
    e = product(m, e, g);
    if (pos >= 0) pos = product(m, pos, g);
    return egi_op_beside(m->p, at, EGI_OP_gather, EGI_INPUTS(e, pos, std, b),
                         (egi_attr){0});
}

/* Does a table cost less than the rows it replaces? In multiply-adds a column,
 * forward and both gradients: an entry of the table is made, cleared and summed
 * in every slot; a row is gathered and scattered. */
static bool pays(egi_program *p, const egi_load *load, const source *s,
                 eg_index cols)
{
    double rows = load->batch * (double)p->m->T;
    double table = (double)p->value[s->e].rows +
                   (s->pos < 0 ? 0 : (double)p->value[s->pos].rows);
    double d = (double)p->value[s->e].cols;

    double cost = table * (3 * d + 32 * load->slots) + rows * 24;

    return egi_weigh(p, cost * (double)cols, rows * 3 * d * (double)cols);
}

/* (P x) M = P (x M) with one head: the values come from a table instead. */
static void mixed(maker *m, int k, const egi_load *load)
{
    egi_program *p = m->p;
    egi_op op = p->op[k], mix;
    const egi_op *z = egi_mixed(p, op.in[0]);
    source s;
    int v;

    if (!z || z->attr.heads != 1 || op.in[3] >= 0) return;
    mix = *z;
    if (!source_of(p, mix.in[2], &s) ||
        !pays(p, load, &s, p->value[op.out[0]].cols))
        return;
    v = gathered(m, &s, op.in[1], k);
    v = egi_op_beside(p, p->value[op.in[0]].maker, mix.kind,
                      EGI_INPUTS(mix.in[0], mix.in[1], v, mix.in[3]), mix.attr);
    if (op.in[2] >= 0)
        v = egi_op_beside(p, k, EGI_OP_add, EGI_INPUTS(op.in[2], v, -1, -1),
                          (egi_attr){0});
    egi_replace(p, op.out[0], v);
}

void egi_rewrite_table(egi_program *p, const egi_load *load)
{
    maker m = {.p = p};

    for (int k = 0, n = p->n_ops; k < n; k++) {
        egi_op op = p->op[k];
        source s;

        if (op.kind != EGI_OP_linear || p->value[op.out[0]].kept) continue;
        if (!source_of(p, op.in[0], &s)) {
            mixed(&m, k, load);
            continue;
        }
        if (op.in[2] >= 0 || op.in[3] >= 0 ||
            !pays(p, load, &s, p->value[op.out[0]].cols))
            continue;
        egi_replace(p, op.out[0], gathered(&m, &s, op.in[1], k));
    }
}
