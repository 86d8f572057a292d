/* y = the rows of x at the positions in the loss.   in: x [n, d] */
static eg_status pick_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, EGI_LOSS, x->rows, x->cols);
    return p->st;
}

static void pick_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index r = 0; r < y->rows; r++)
        memcpy(y->x + r * y->ld, x->x + (c->limit[r] - 1) * x->ld,
               (size_t)y->cols * sizeof(real));
}

static void pick_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    if (x->fresh) op_zero(x->g, x->ld, x->rows, x->cols);
    for (eg_index r = 0; r < y->rows; r++)
        c->K->add(x->g + (c->limit[r] - 1) * x->ld, y->g + r * y->ld, y->cols);
}

KIND(pick, .shape = pick_shape, .forward = pick_forward,
     .backward = pick_backward);
