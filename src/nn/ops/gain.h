/* Y = diag(w) X.   in: w [1, m], X [m, n]. On weights. */
static eg_status gain_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[1]);

    egi_out(p, op, 0, EGI_WEIGHT, x->rows, x->cols);
    return p->st;
}

static void gain_forward(const N(call) * c)
{
    const N(arg) *w = &c->in[0], *x = &c->in[1], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++)
        for (eg_index j = 0; j < y->cols; j++)
            y->x[i * y->ld + j] = w->x[i] * x->x[i * x->ld + j];
}

static void gain_backward(const N(call) * c)
{
    const N(arg) *w = &c->in[0], *x = &c->in[1], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++) {
        const real *dy = y->g + i * y->ld;

        if (w->g) w->g[i] += (real)c->K->dot(dy, x->x + i * x->ld, y->cols);
        if (x->g) c->K->axpy(x->g + i * x->ld, w->x[i], dy, y->cols);
    }
}

KIND(gain, .shape = gain_shape, .forward = gain_forward,
     .backward = gain_backward, .info.reads_in = 1u << 0 | 1u << 1);
