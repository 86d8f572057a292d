/* inputs: where a sequence's vectors come in by a linear map,
 *     (x A) W = x (A W),    [x A, P[t]] W = x (A W1) + (P W2)[t],
 * W1 and W2 the rows of W for either part. x has few columns and no gradient:
 * a product of rows is saved, and another one is narrow. */
#include "nn/rewrite.h"

/* A product reads v = x A, or [x A, P]. */
typedef struct source {
    int x, a, pos; /* pos -1: none */
} source;

static bool is_projected(const egi_program *p, int v, source *s)
{
    int k = v < 0 ? -1 : p->value[v].maker;
    const egi_op *op = k < 0 ? NULL : &p->op[k];

    if (!op || op->kind != EGI_OP_linear || op->in[2] >= 0 || op->in[3] >= 0)
        return false;
    s->x = op->in[0];
    s->a = op->in[1];
    return !p->value[s->x].grad && p->value[s->x].cls == EGI_POSITION;
}

static bool source_of(const egi_program *p, int v, source *s)
{
    int k = v < 0 ? -1 : p->value[v].maker;

    s->pos = -1;
    if (k >= 0 && p->op[k].kind == EGI_OP_cat) {
        s->pos = p->op[k].in[1];
        v = p->op[k].in[0];
    }
    return is_projected(p, v, s);
}

/* Rows from .. from + n - 1 of a weight. */
static int rows_of(egi_program *p, int w, eg_index from, eg_index n)
{
    const egi_attr plain = {.scale = 1};
    int v =
        egi_op_beside(p, 0, EGI_OP_transpose, EGI_INPUTS(w, -1, -1, -1), plain);

    v = egi_op_beside(p, 0, EGI_OP_columns, EGI_INPUTS(v, -1, -1, -1),
                      (egi_attr){.at = from, .width = n});
    return egi_op_beside(p, 0, EGI_OP_transpose, EGI_INPUTS(v, -1, -1, -1),
                         plain);
}

static int product(egi_program *p, int a, int b)
{
    return egi_op_beside(p, 0, EGI_OP_product, EGI_INPUTS(a, b, -1, -1),
                         (egi_attr){0});
}

/* What an entry of a row costs that comes from a table, forwards and back. */
enum { PLACED = 16 };

/* In multiply-adds a step and column: three passes over rows as wide as W has
 * rows, against two over those of x and what is made of weights. */
static bool pays(egi_program *p, const egi_load *load, const source *s, int w)
{
    double rows = load->batch * load->n * (double)p->m->T;
    double wide = (double)p->value[w].rows, in = (double)p->value[s->x].cols;
    double d = (double)p->value[s->a].cols, n = (double)p->value[w].cols;
    double cost = rows * 2 * in + 3 * in * d;

    if (s->pos >= 0) cost += rows * PLACED + 3 * (double)p->m->T * (wide - d);
    return egi_weigh(p, cost * n, rows * 3 * wide * n);
}

static void projected(egi_program *p, int k, const source *s)
{
    egi_op op = p->op[k];
    int w = op.in[1], at = -1;
    eg_index d = p->value[s->a].cols, rows = p->value[w].rows;

    if (s->pos >= 0) {
        at = product(p, s->pos, rows_of(p, w, d, rows - d));
        at = egi_op_beside(p, k, EGI_OP_place, EGI_INPUTS(at, -1, -1, -1),
                           (egi_attr){0});
        w = rows_of(p, w, 0, d);
    }
    w = product(p, s->a, w);
    egi_replace(p, op.out[0],
                egi_op_beside(p, k, EGI_OP_linear,
                              EGI_INPUTS(s->x, w, at, op.in[3]),
                              (egi_attr){0}));
}

void egi_rewrite_inputs(egi_program *p, const egi_load *load)
{
    for (int k = 0, n = p->n_ops; p->st == EG_OK && k < n; k++) {
        const egi_op *op = &p->op[k];
        source s;

        if (op->kind != EGI_OP_linear || p->value[op->out[0]].kept ||
            op->in[2] >= 0 || p->value[op->out[0]].cls != EGI_POSITION)
            continue;
        if (source_of(p, op->in[0], &s) && pays(p, load, &s, op->in[1]))
            projected(p, k, &s);
    }
}
