/* Y = A B (+ C).   in: A [m, k], B [k, n], C [m, n] or none. On weights. */
static eg_status product_shape(egi_program *p, egi_op *op)
{
    const egi_value *a = egi_value_of(p, op->in[0]);
    const egi_value *b = egi_value_of(p, op->in[1]);

    EG_ASSERT(a->cols == b->rows);
    egi_out(p, op, 0, EGI_WEIGHT, a->rows, b->cols);
    return p->st;
}

static void product_forward(const N(call) * c)
{
    const N(arg) *a = &c->in[0], *b = &c->in[1], *r = &c->in[2];
    const N(arg) *y = &c->out[0];

    if (r->x) op_copy(y, y->x, r->x, r->ld);
    op_product(c, y->x, y->ld, a->x, a->ld, 1, b->x, b->ld, 1, y->rows, y->cols,
               a->cols, 1, r->x != NULL);
}

static void product_backward(const N(call) * c)
{
    const N(arg) *a = &c->in[0], *b = &c->in[1], *r = &c->in[2];
    const N(arg) *y = &c->out[0];

    if (a->g)
        op_product(c, a->g, a->ld, y->g, y->ld, 1, b->x, 1, b->ld, a->rows,
                   a->cols, y->cols, 1, true);
    if (b->g)
        op_product(c, b->g, b->ld, a->x, 1, a->ld, y->g, y->ld, 1, b->rows,
                   b->cols, a->rows, 1, true);
    if (r->g) op_pass(c, r, y);
}

static eg_index product_work(const kern *K, const egi_program *p,
                             const egi_op *op)
{
    const egi_value *a = egi_value_of(p, op->in[0]);
    const egi_value *b = egi_value_of(p, op->in[1]);
    eg_index size = K->pack_size(a->cols, b->cols);

    if (a->grad) size = op_most(size, K->pack_size(b->cols, a->cols));
    if (b->grad) size = op_most(size, K->pack_size(a->rows, b->cols));
    return size;
}

static void product_cost(const egi_program *p, const egi_op *op, double rows,
                         double pairs, egi_cost *out)
{
    const egi_value *a = egi_value_of(p, op->in[0]);
    const egi_value *b = egi_value_of(p, op->in[1]);

    (void)pairs;
    out->madds =
        rows * (double)b->rows * (double)b->cols * (1 + a->grad + b->grad);
}

KIND(product, .shape = product_shape, .forward = product_forward,
     .backward = product_backward, .work = product_work,
     .info.reads_in = 1u << 0 | 1u << 1, .info.cost = product_cost);
