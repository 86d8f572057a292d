/* sheets: what depends on a token and its position only is computed once for
 * each distinct pair of the batch (real/batch.h). Sought are products of rows:
 * everything else is cheaper than to keep. */
#include "nn/rewrite.h"

#include "engram/mem.h"

#define MOST 4 /* products, of EGI_CUTS */

typedef struct copier {
    egi_program *p;
    bool *pure; /* [n] depends on tokens and positions only, row by row */
    int *copy;  /* [n] the same as a value of pairs; -1: not made yet */
    int n;      /* values there were */
} copier;

static void mark(copier *c)
{
    const egi_program *p = c->p;

    for (int v = 0; v < c->n; v++) c->pure[v] = p->value[v].cls == EGI_WEIGHT;
    for (int k = 0; k < p->n_ops; k++) {
        const egi_op *op = &p->op[k];
        const egi_kind_info *info = egi_op_info(op->kind);
        bool pure = info->any_rows && !info->seeds && !info->draws;

        for (int i = 0; i < EGI_INS; i++) {
            bool weight =
                op->in[i] < 0 || p->value[op->in[i]].cls == EGI_WEIGHT;
            bool row = (info->by_row | info->by_place) >> i & 1;

            pure &= weight || (row && c->pure[op->in[i]]);
        }
        for (int i = 0; i < EGI_OUTS; i++)
            if (op->out[i] >= 0 && p->value[op->out[i]].cls != EGI_WEIGHT)
                c->pure[op->out[i]] = pure;
    }
}

/* The value of pairs that v is for the places of a sequence. */
static int copy_of(copier *c, int v)
{
    egi_program *p = c->p;
    egi_op op;
    int out;

    if (v < 0 || p->value[v].cls == EGI_WEIGHT) return v;
    if (c->copy[v] >= 0) return c->copy[v];
    op = p->op[p->value[v].maker];
    for (int i = 0; i < EGI_INS; i++) op.in[i] = copy_of(c, op.in[i]);
    out = egi_op_beside(p, p->value[v].maker, op.kind, op.in, op.attr);
    if (p->st != EG_OK) return 0;
    for (int i = 0; i < EGI_OUTS; i++) {
        int made = p->op[p->n_ops - 1].out[i];
        if (made >= 0) p->value[made].cls = EGI_PAIR;
    }
    c->copy[v] = out;
    return out;
}

static void cut(copier *c, int k)
{
    egi_program *p = c->p;
    egi_op op = p->op[k];
    int x = copy_of(c, op.in[0]);
    int y = egi_op_beside(p, k, EGI_OP_linear,
                          EGI_INPUTS(x, op.in[1], -1, op.in[3]), (egi_attr){0});

    if (p->st == EG_OK) p->value[y].cls = EGI_PAIR;
    egi_replace(p, op.out[0],
                egi_op_beside(p, k, EGI_OP_spread,
                              EGI_INPUTS(y, op.in[2], -1, -1), (egi_attr){0}));
}

/* Is there a product of rows that a sequence reads? Not what a pure product
 * reads in its turn. */
static bool sought(const copier *c, int k)
{
    const egi_program *p = c->p;
    const egi_op *op = &p->op[k];

    if (op->kind != EGI_OP_linear || p->value[op->out[0]].kept) return false;
    if (!c->pure[op->in[0]] || p->value[op->in[0]].cls != EGI_POSITION)
        return false;
    for (int j = 0; c->pure[op->out[0]] && j < p->n_ops; j++)
        for (int i = 0; i < EGI_INS; i++)
            if (p->op[j].in[i] == op->out[0] && c->pure[p->op[j].out[0]])
                return false;
    return true;
}

/* Pays while a pair is likely to come again. */
void egi_rewrite_sheets(egi_program *p, const egi_load *load)
{
    copier c = {.p = p, .n = p->n_values};
    int made = 0, n_ops = p->n_ops;

    if (2 * load->batch < p->m->V) {
        (void)egi_refuse(p, "a pair of token and position seldom comes again: "
                            "less than half as many sequences as tokens");
        return;
    }
    c.pure = eg_calloc((size_t)c.n, sizeof *c.pure);
    c.copy = eg_calloc((size_t)c.n, sizeof *c.copy);
    if (!c.pure || !c.copy) {
        p->st = EG_ENOMEM;
    } else {
        mark(&c);
        for (int v = 0; v < c.n; v++) c.copy[v] = -1;
        for (int k = 0; k < n_ops && made < MOST; k++) {
            if (!sought(&c, k)) continue;
            cut(&c, k);
            made++;
        }
    }
    eg_free(c.pure);
    eg_free(c.copy);
}
