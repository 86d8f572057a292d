/* Head h of Y is s A_h X_h^T: the score of every row of A with every row of X.
 * in: A [m, heads w], X [n, k_heads w]; out: [m, heads n]. On weights. */
static eg_status pairs_shape(egi_program *p, egi_op *op)
{
    const egi_value *a = egi_value_of(p, op->in[0]);
    const egi_value *x = egi_value_of(p, op->in[1]);

    egi_out(p, op, 0, EGI_WEIGHT, a->rows, op->attr.heads * x->rows);
    return p->st;
}

/* Where head h begins in A, X and Y, and its width. */
typedef struct pairs_at {
    eg_index a, x, y, w;
} pairs_at;

static pairs_at pairs_head(const N(call) * c, eg_index h)
{
    const egi_attr *at = &c->op->attr;
    eg_index w = c->in[0].cols / at->heads;

    return (pairs_at){h * w, h * at->k_heads / at->heads * w, h * c->in[1].rows,
                      w};
}

static void pairs_forward(const N(call) * c)
{
    const N(arg) *a = &c->in[0], *x = &c->in[1], *y = &c->out[0];

    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        pairs_at at = pairs_head(c, h);
        op_product(c, y->x + at.y, y->ld, a->x + at.a, a->ld, 1, x->x + at.x, 1,
                   x->ld, a->rows, x->rows, at.w, c->op->attr.scale, false);
    }
}

static void pairs_backward(const N(call) * c)
{
    const N(arg) *a = &c->in[0], *x = &c->in[1], *y = &c->out[0];
    double s = c->op->attr.scale;

    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        pairs_at at = pairs_head(c, h);
        if (a->g)
            op_product(c, a->g + at.a, a->ld, y->g + at.y, y->ld, 1,
                       x->x + at.x, x->ld, 1, a->rows, at.w, x->rows, s, true);
        if (x->g)
            op_product(c, x->g + at.x, x->ld, y->g + at.y, 1, y->ld,
                       a->x + at.a, a->ld, 1, x->rows, at.w, a->rows, s, true);
    }
}

static eg_index pairs_work(const kern *K, const egi_program *p,
                           const egi_op *op)
{
    const egi_value *a = egi_value_of(p, op->in[0]);
    const egi_value *x = egi_value_of(p, op->in[1]);
    eg_index w = a->cols / op->attr.heads;

    return op_most(K->pack_size(w, x->rows),
                   op_most(K->pack_size(x->rows, w), K->pack_size(a->rows, w)));
}

static void pairs_cost(const egi_program *p, const egi_op *op, double rows,
                       double pairs, egi_cost *out)
{
    const egi_value *a = egi_value_of(p, op->in[0]);
    const egi_value *x = egi_value_of(p, op->in[1]);

    (void)pairs;
    out->madds =
        rows * (double)a->cols * (double)x->rows * (1 + a->grad + x->grad);
}

KIND(pairs, .shape = pairs_shape, .forward = pairs_forward,
     .backward = pairs_backward, .work = pairs_work,
     .info.reads_in = 1u << 0 | 1u << 1, .info.cost = pairs_cost);
