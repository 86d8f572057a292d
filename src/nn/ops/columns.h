/* y = attr.width columns of x from attr.at on.   in: x */
static eg_status columns_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, x->cls, x->rows, op->attr.width);
    return p->st;
}

static void columns_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    op_copy(y, y->x, x->x + c->op->attr.at, x->ld);
}

static void columns_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    if (x->fresh) op_zero(x->g, x->ld, x->rows, x->cols);
    for (eg_index r = 0; r < y->rows; r++)
        c->K->add(x->g + r * x->ld + c->op->attr.at, y->g + r * y->ld, y->cols);
}

KIND(columns, .shape = columns_shape, .forward = columns_forward,
     .backward = columns_backward, .info.any_rows = true, .info.apart = true,
     .info.by_row = 1u << 0);
