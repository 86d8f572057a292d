/* Y = s X^T.   in: X [m, n]. On weights. */
static eg_status transpose_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, EGI_WEIGHT, x->cols, x->rows);
    return p->st;
}

static void transpose_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++)
        for (eg_index j = 0; j < y->cols; j++)
            y->x[i * y->ld + j] = (real)c->op->attr.scale * x->x[j * x->ld + i];
}

static void transpose_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index j = 0; j < x->rows; j++)
        for (eg_index i = 0; i < x->cols; i++)
            x->g[j * x->ld + i] +=
                (real)c->op->attr.scale * y->g[i * y->ld + j];
}

KIND(transpose, .shape = transpose_shape, .forward = transpose_forward,
     .backward = transpose_backward);
