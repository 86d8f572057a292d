/* join: W_E[token] + W_pos[t] in one op. */
#include "nn/rewrite.h"

void egi_rewrite_join(egi_program *p, const egi_load *load)
{
    (void)load;
    for (int k = 0, n = p->n_ops; k < n; k++) {
        egi_op op = p->op[k];
        const egi_op *e, *pos;

        if (op.kind != EGI_OP_add) continue;
        e = egi_inner(p, op.in[0], EGI_OP_embed);
        pos = egi_inner(p, op.in[1], EGI_OP_place);
        if (!e || !pos || e->in[1] >= 0) continue;
        egi_replace(p, op.out[0],
                    egi_op_beside(p, k, EGI_OP_embed,
                                  EGI_INPUTS(e->in[0], pos->in[0], -1, -1),
                                  (egi_attr){0}));
    }
}
