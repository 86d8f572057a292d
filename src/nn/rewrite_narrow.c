/* narrow: of a value whose first columns alone are read, no others are made:
 *     (r + x W)[:, :n] = r[:, :n] + x W[:, :n],
 * and so behind a clip or a sum. */
#include "nn/rewrite.h"

/* The first n columns of v, of a weight or of rows. */
static int first_columns(egi_program *p, int at, int v, eg_index n)
{
    if (v < 0) return v;
    return egi_op_beside(p, at, EGI_OP_columns, EGI_INPUTS(v, -1, -1, -1),
                         (egi_attr){.width = n});
}

/* Multiply-adds a step that columns n .. of y = x W cost; W is copied. */
static bool pays(egi_program *p, const egi_load *load, int w, eg_index n)
{
    const egi_value *v = &p->value[w];
    double left_out = (double)v->rows * (double)(v->cols - n);

    return egi_weigh(p, 3 * (double)v->rows * (double)n,
                     3 * load->batch * load->n * (double)p->m->T * left_out);
}

/* Op k takes columns of what another op makes: that op, made narrow; -1: it
 * cannot be. */
static int narrowed(egi_program *p, const egi_load *load, int k)
{
    int v = p->op[k].in[0], at = p->value[v].maker;
    eg_index n = p->op[k].attr.width;
    const egi_op *inner = egi_inner(p, v, EGI_OP_linear);
    egi_op op;

    if (inner && !pays(p, load, inner->in[1], n)) return -1;
    if (!inner) inner = egi_inner(p, v, EGI_OP_clip);
    if (!inner) inner = egi_inner(p, v, EGI_OP_add);
    if (!inner || n >= p->value[v].cols) return -1;
    op = *inner;
    for (int i = 0; i < EGI_INS; i++)
        if (op.kind != EGI_OP_linear || i > 0)
            op.in[i] = first_columns(p, at, op.in[i], n);
    return egi_op_beside(p, at, op.kind, op.in, op.attr);
}

/* Nobody reads what op k makes any more: neither does it read. */
static void drop(egi_program *p, int k)
{
    for (int i = 0; i < EGI_INS; i++) p->op[k].in[i] = -1;
}

void egi_rewrite_narrow(egi_program *p, const egi_load *load)
{
    /* what it adds is looked at too, from the loss upwards */
    for (int k = 0; p->st == EG_OK && k < p->n_ops; k++) {
        int from = p->op[k].out[0], to;

        if (p->op[k].kind != EGI_OP_columns || p->value[from].kept) continue;
        if (p->value[from].cls == EGI_WEIGHT) continue;
        to = narrowed(p, load, k);
        if (to < 0 || p->st != EG_OK) continue;
        drop(p, p->value[p->op[k].in[0]].maker);
        egi_replace(p, from, to);
    }
}
