/* fold: linear maps one behind the other, the last of which is narrow, become
 * one each:
 *     (m + m F) U = m (U + F U)
 *     (x + z O) A = x A + z (O A)
 * so that logits are made without the residual stream in between. */
#include "nn/rewrite.h"

/* Does A B of weights [w, d] [d, n] pay, when each row in the loss is spared so
 * many multiply-adds? All of it forwards and twice back. */
static bool pays(egi_program *p, const egi_load *load, int a, int b,
                 double spared)
{
    double made = (double)p->value[a].rows * (double)p->value[a].cols *
                  (double)p->value[b].cols;
    double rows = load->batch * p->m->T * load->rows;

    return egi_weigh(p, 3 * made, 3 * rows * spared);
}

/* y U with y = m + m F, or m F alone. */
static bool fold_feed_forward(egi_program *p, const egi_load *load, int k)
{
    egi_op op = p->op[k];
    const egi_op *y = egi_inner(p, op.in[0], EGI_OP_linear);
    const egi_value *f;
    double n = (double)p->value[op.out[0]].cols;
    int m, a;

    if (!y || y->in[3] >= 0) return false;
    if (y->in[2] >= 0 && y->in[2] != y->in[0]) return false;
    f = &p->value[y->in[1]];
    if (!pays(p, load, y->in[1], op.in[1],
              (double)f->rows * (double)f->cols +
                  ((double)f->cols - (double)f->rows) * n))
        return false;
    m = y->in[0];
    a = egi_op_beside(
        p, 0, EGI_OP_product,
        EGI_INPUTS(y->in[1], op.in[1], y->in[2] >= 0 ? op.in[1] : -1, -1),
        (egi_attr){0});
    egi_replace(p, op.out[0],
                egi_op_beside(p, k, EGI_OP_linear,
                              EGI_INPUTS(m, a, op.in[2], op.in[3]),
                              (egi_attr){0}));
    return true;
}

/* y U with y = x + z O, or y = x + z. */
static bool fold_sum(egi_program *p, const egi_load *load, int k)
{
    egi_op op = p->op[k];
    const egi_op *y = egi_inner(p, op.in[0], EGI_OP_linear);
    const egi_op *s = egi_inner(p, op.in[0], EGI_OP_add);
    int x, z, c = op.in[1], t;

    if (y && (y->in[2] < 0 || y->in[2] == y->in[0] || y->in[3] >= 0))
        return false;
    if (!y && !s) return false;
    if (y &&
        !pays(p, load, y->in[1], op.in[1],
              (double)p->value[y->in[1]].rows *
                  (double)(p->value[y->in[1]].cols - p->value[op.out[0]].cols)))
        return false;
    x = y ? y->in[2] : s->in[0];
    z = y ? y->in[0] : s->in[1];
    if (y) {
        int o = y->in[1];

        c = egi_op_beside(p, 0, EGI_OP_product, EGI_INPUTS(o, op.in[1], -1, -1),
                          (egi_attr){0});
    }
    t = egi_op_beside(p, k, EGI_OP_linear,
                      EGI_INPUTS(x, op.in[1], op.in[2], op.in[3]),
                      (egi_attr){0});
    egi_replace(p, op.out[0],
                egi_op_beside(p, k, EGI_OP_linear, EGI_INPUTS(z, c, t, -1),
                              (egi_attr){0}));
    return true;
}

/* From the loss upwards while it pays: d columns of the stream are saved, and
 * V more are computed. */
void egi_rewrite_fold(egi_program *p, const egi_load *load)
{
    int k = p->value[p->op[p->n_ops - 1].in[0]].maker;
    const egi_value *u;

    if (k < 0 || p->op[k].kind != EGI_OP_linear ||
        p->value[p->op[k].out[0]].kept)
        return;
    u = &p->value[p->op[k].in[1]];
    if (u->cols > u->rows) {
        (void)egi_refuse(p, "logits are wider than the stream");
        return;
    }
    if (fold_feed_forward(p, load, k)) k = p->n_ops - 1;
    (void)fold_sum(p, load, k);
}
