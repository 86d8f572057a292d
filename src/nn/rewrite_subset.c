/* subset: a value that only the loss reads, by way of ops that take row by row,
 * is computed at the positions in the loss alone. */
#include "nn/rewrite.h"

#include "engram/mem.h"

static unsigned by_row(const egi_op *op)
{
    return egi_op_info(op->kind)->by_row;
}

/* only[v]: every reader takes v row by row, and is such itself. */
static void mark(const egi_program *p, bool *only)
{
    int loss = p->n_ops - 1;

    for (int v = 0; v < p->n_values; v++)
        only[v] = p->value[v].cls == EGI_POSITION && !p->value[v].kept;
    for (int k = loss; k >= 0; k--) {
        const egi_op *op = &p->op[k];
        bool here = k == loss || only[op->out[0]];

        if (!egi_op_info(op->kind)->any_rows) here = false;
        if (!here && k < loss) only[op->out[0]] = false;
        for (int i = 0; i < EGI_INS; i++)
            if (op->in[i] >= 0 && !(here && by_row(op) >> i & 1))
                only[op->in[i]] = false;
    }
}

/* The rows of v that the loss reads. */
static int picked(egi_program *p, int *of, int v, int at)
{
    if (of[v] < 0)
        of[v] = egi_op_beside(p, at, EGI_OP_pick, EGI_INPUTS(v, -1, -1, -1),
                              (egi_attr){0});
    return of[v];
}

void egi_rewrite_subset(egi_program *p, const egi_load *load)
{
    int n_values = p->n_values, n_ops = p->n_ops;
    bool *only;
    int *of;

    if (load->rows >= 1) {
        (void)egi_refuse(p, "every position is in the loss");
        return;
    }
    only = eg_calloc((size_t)n_values, sizeof *only);
    of = eg_calloc((size_t)n_values, sizeof *of);
    if (!only || !of)
        p->st = EG_ENOMEM;
    else
        mark(p, only);
    for (int v = 0; of && v < n_values; v++) of[v] = -1;
    for (int k = 0; p->st == EG_OK && k < n_ops; k++) {
        if (k < n_ops - 1 && !only[p->op[k].out[0]]) continue;
        for (int i = 0; i < EGI_INS; i++) {
            int v = p->op[k].in[i];

            if (v < 0 || !(by_row(&p->op[k]) >> i & 1) || only[v]) continue;
            v = picked(p, of, v, k);
            if (p->st == EG_OK) p->op[k].in[i] = v;
        }
        for (int i = 0; i < EGI_OUTS; i++)
            if (p->op[k].out[i] >= 0) p->value[p->op[k].out[i]].cls = EGI_LOSS;
    }
    eg_free(only);
    eg_free(of);
}
