/* into: x + y W is one op, whose result may take the place of x. */
#include "nn/rewrite.h"

void egi_rewrite_into(egi_program *p, const egi_load *load)
{
    (void)load;
    for (int k = 0, n = p->n_ops; k < n; k++) {
        egi_op op = p->op[k];
        const egi_op *inner;

        if (op.kind != EGI_OP_add) continue;
        inner = egi_inner(p, op.in[1], EGI_OP_linear);
        if (!inner || inner->in[2] >= 0) continue;
        egi_replace(p, op.out[0],
                    egi_op_beside(p, k, EGI_OP_linear,
                                  EGI_INPUTS(inner->in[0], inner->in[1],
                                             op.in[0], inner->in[3]),
                                  (egi_attr){0}));
    }
}
