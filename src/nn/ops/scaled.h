/* Y = s X.   in: X [m, n]. On weights. */
static void scaled_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++)
        for (eg_index j = 0; j < y->cols; j++)
            y->x[i * y->ld + j] = (real)c->op->attr.scale * x->x[i * x->ld + j];
}

static void scaled_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++)
        c->K->axpy(x->g + i * x->ld, (real)c->op->attr.scale, y->g + i * y->ld,
                   y->cols);
}

KIND(scaled, .shape = op_shape_as_input, .forward = scaled_forward,
     .backward = scaled_backward);
