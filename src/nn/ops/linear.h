/* y = x W (+ r) (+ b).   in: x [rows, k], W [k, n], r [rows, n] or none,
 * b [1, n] or none */
static eg_status linear_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);
    const egi_value *w = egi_value_of(p, op->in[1]);

    EG_ASSERT(x->cols == w->rows);
    egi_out(p, op, 0, x->cls, x->rows, w->cols);
    return p->st;
}

static void linear_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *w = &c->in[1], *r = &c->in[2], *b = &c->in[3];
    const N(arg) *y = &c->out[0];

    if (r->x && r->x != y->x) op_copy(y, y->x, r->x, r->ld);
    c->K->gemm_packed(y->x, y->ld, x->x, x->ld, 1, w->pw, y->rows, y->cols,
                      x->cols, 1, r->x != NULL);
    for (eg_index i = 0; b->x && i < y->rows; i++)
        c->K->add(y->x + i * y->ld, b->x, y->cols);
}

static void linear_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *w = &c->in[1], *r = &c->in[2], *b = &c->in[3];
    const N(arg) *y = &c->out[0];

    if (w->g)
        c->K->gemm(w->g, w->ld, x->x, 1, x->ld, y->g, y->ld, 1, x->cols,
                   y->cols, y->rows, 1, 1, c->work);
    for (eg_index i = 0; b->g && i < y->rows; i++)
        c->K->add(b->g, y->g + i * y->ld, y->cols);
    if (x->g)
        c->K->gemm_packed(x->g, x->ld, y->g, y->ld, 1, w->pwt, y->rows, x->cols,
                          y->cols, 1, !x->fresh);
    if (r->g) op_pass(c, r, y);
}

/* A right operand [rows, n], packed for the gradient of W. */
static eg_index linear_work(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    const egi_value *y = egi_value_of(p, op->out[0]);

    return K->pack_size(y->rows, y->cols);
}

KIND(linear, .shape = linear_shape, .forward = linear_forward,
     .backward = linear_backward, .work = linear_work,
     .info.reads_in = 1u << 0 | 1u << 1, .info.in_place = 1u << 2,
     .info.grad_in_place = 1u << 2, .info.cost = op_linear_cost,
     .info.any_rows = true, .info.by_row = 1u << 0 | 1u << 2);
