/* scores: where queries and keys are rows of tables,
 *     q_t = A[token] + B[t],   k_s = C[token] + D[s],
 * their products are sums of four entries of [A; B] [C; D]^T, made once a step;
 * and what reaches them are four sums. */
#include "nn/rewrite.h"

#include <math.h>

#define WIDEST 0x1p23 /* entries of tables, and of each slot's sums */

static const egi_op *rows_of_tables(const egi_program *p, int v)
{
    int k = p->value[v].maker;

    return k >= 0 && p->op[k].kind == EGI_OP_embed ? &p->op[k] : NULL;
}

/* A table of n^2 entries costs some 6 n^2 w multiply-adds a step, and saves w
 * of them for each pair of a query and a key, forwards and for each gradient;
 * heads of 64 and more cost more than gathering. Asked of a quarter. */
static bool pays(egi_program *p, const egi_load *load, const egi_op *op,
                 double n)
{
    double T = (double)p->m->T, heads = op->attr.heads;
    double w = (double)p->value[op->in[0]].cols / heads;
    double passes = 1 + p->value[op->in[0]].grad + p->value[op->in[1]].grad;

    if (op->attr.whole) return egi_refuse(p, "every position sees every other");
    if (w < 64) return egi_refuse(p, "heads narrower than 64");
    if (heads * n * n > WIDEST) return egi_refuse(p, "tables too large");
    return egi_weigh(p, 4 * 6 * n * n * heads * w,
                     load->batch * passes * T * T / 2 * heads * w);
}

static int table(egi_program *p, int rows, int keys, const egi_op *op)
{
    return egi_op_beside(p, 0, EGI_OP_pairs, EGI_INPUTS(rows, keys, -1, -1),
                         op->attr);
}

static void look_up(egi_program *p, int k, const egi_load *load)
{
    egi_op op = p->op[k];
    const egi_op *q = rows_of_tables(p, op.in[0]);
    const egi_op *key = rows_of_tables(p, op.in[1]);
    eg_index V, T;
    int e, pos, keys;

    if (!q || !key || (q->in[1] < 0) != (key->in[1] < 0)) return;
    e = q->in[0];
    pos = q->in[1];
    V = (p->value[e].rows + 15) / 16 * 16;
    T = pos < 0 ? 0 : p->value[pos].rows;
    if (!pays(p, load, &op, (double)(V + T))) return;
    op.attr.at = V;
    op.attr.width = p->value[op.in[0]].cols / op.attr.heads;
    keys = egi_op_beside(p, 0, EGI_OP_stack,
                         EGI_INPUTS(key->in[0], key->in[1], -1, -1),
                         (egi_attr){.at = V});
    e = table(p, e, keys, &op);
    if (pos >= 0) pos = table(p, pos, keys, &op);
    egi_replace(p, op.out[0],
                egi_op_beside(p, k, EGI_OP_lookup,
                              EGI_INPUTS(e, pos, op.in[2], -1), op.attr));
}

void egi_rewrite_scores(egi_program *p, const egi_load *load)
{
    for (int k = 0, n = p->n_ops; k < n; k++)
        if (p->op[k].kind == EGI_OP_softmax && !p->value[p->op[k].out[0]].kept)
            look_up(p, k, load);
}
