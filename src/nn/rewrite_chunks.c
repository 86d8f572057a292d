/* chunks: a state that only adds up and erases (the delta family) takes the
 * steps of a chunk by products of matrices. Arithmetic grows by what lies
 * within a chunk, but products run at the rate of registers, where single steps
 * go over the state in the cache. */
#include "nn/rewrite.h"

/* In the order of real/recur.h. */
enum { KEYS = 1, VALUES = 2, OWN = 6, MOMENTUM = 7 };
/* Steps of a chunk; what a multiply-add of a step by itself costs beside one of
 * products, and of what a step does with vectors besides. */
enum { CHUNK = 32, SINGLE = 2, BESIDE = 80 };

static bool plain(const egi_op *op)
{
    return op->kind == EGI_OP_recur && op->attr.width == 0 &&
           op->attr.steps <= CHUNK && !op->attr.before && !op->attr.across &&
           op->in[OWN] < 0 && op->in[MOMENTUM] < 0;
}

/* Multiply-adds a step, of all heads: over the state, and within a chunk. */
static bool pays(egi_program *p, const egi_op *op, const egi_load *load)
{
    const egi_attr *a = &op->attr;
    double kw = (double)p->value[op->in[KEYS]].cols / a->k_heads / a->steps;
    double vw = (double)p->value[op->in[VALUES]].cols / a->v_heads / a->steps;
    double sweeps = a->erases ? 3 : 2,
           passes = p->value[op->out[0]].grad ? 3 : 1;
    double steps = (double)p->m->T * load->batch * a->steps * a->heads * passes;
    double within = CHUNK * (kw + vw) * (a->erases ? 2 : 1);

    return egi_weigh(p, steps * (sweeps * kw * vw + within + BESIDE * kw),
                     steps * sweeps * kw * vw * SINGLE);
}

void egi_rewrite_chunks(egi_program *p, const egi_load *load)
{
    for (int k = 0, n = p->n_ops; k < n; k++) {
        egi_op op = p->op[k];

        if (!plain(&op) || p->value[op.out[0]].kept || !pays(p, &op, load))
            continue;
        op.attr.width = CHUNK;
        egi_replace(p, op.out[0],
                    egi_op_beside(p, k, EGI_OP_recur, op.in, op.attr));
    }
}
