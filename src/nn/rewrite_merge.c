/* merge: with one head whose values are as wide as what it writes,
 * (P (a W_V)) W_O = (P a) (W_V W_O): one product of rows instead of two. */
#include "nn/rewrite.h"

void egi_rewrite_merge(egi_program *p, const egi_load *load)
{
    for (int k = 0, n = p->n_ops; k < n; k++) {
        egi_op out = p->op[k], mix;
        const egi_op *z, *v;
        double size;
        int a, m;

        if (out.kind != EGI_OP_linear) continue;
        z = egi_mixed(p, out.in[0]);
        if (!z || z->attr.heads != 1) continue;
        v = egi_inner(p, z->in[2], EGI_OP_linear);
        if (!v || v->in[2] >= 0 || v->in[3] >= 0) continue;
        a = v->in[0];
        if (p->value[a].cols != p->value[z->out[0]].cols) continue;
        /* saved: a product of every position; new: one of weights */
        size = 3 * (double)p->value[a].cols * (double)p->value[a].cols;
        if (!egi_weigh(p, size * (double)p->value[out.out[0]].cols,
                       size * load->batch * p->m->T))
            continue;
        mix = *z;
        m = egi_op_beside(p, 0, EGI_OP_product,
                          EGI_INPUTS(v->in[1], out.in[1], -1, -1),
                          (egi_attr){0});
        a = egi_op_beside(p, p->value[out.in[0]].maker, mix.kind,
                          EGI_INPUTS(mix.in[0], mix.in[1], a, mix.in[3]),
                          mix.attr);
        egi_replace(p, out.out[0],
                    egi_op_beside(p, k, EGI_OP_linear,
                                  EGI_INPUTS(a, m, out.in[2], out.in[3]),
                                  (egi_attr){0}));
    }
}
