/* y[t] = silu(a), a = sum_{j < width, j <= t} W[j] * x[t - j], column by
 * column: a causal convolution of each column of its own.
 * in: x [n, d], W [width, d] */
static void conv_sums(const N(call) * c, real *a, eg_index t)
{
    const N(arg) *x = &c->in[0], *w = &c->in[1];

    op_zero(a, 0, 1, x->cols);
    for (eg_index j = 0; j < w->rows && j <= t; j++)
        c->K->muladd(a, w->x + j * w->ld, x->x + (t - j) * x->ld, x->cols);
}

static void conv_forward(const N(call) * c)
{
    const N(arg) *y = &c->out[0];

    for (eg_index t = 0; t < y->rows; t++) {
        real *to = y->x + t * y->ld;

        conv_sums(c, to, t);
        for (eg_index i = 0; i < y->cols; i++) to[i] /= 1 + op_exp(-to[i]);
    }
}

/* da = dy s (1 + a (1 - s)), s = 1 / (1 + exp(-a)); dW[j] += da[t] x[t - j],
 * dx[t - j] += W[j] da[t] */
static void conv_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *w = &c->in[1], *y = &c->out[0];
    real *a = c->work;

    if (x->g && x->fresh) op_zero(x->g, x->ld, x->rows, x->cols);
    for (eg_index t = 0; t < y->rows; t++) {
        const real *dy = y->g + t * y->ld;

        conv_sums(c, a, t);
        for (eg_index i = 0; i < y->cols; i++) {
            real s = 1 / (1 + op_exp(-a[i]));

            a[i] = dy[i] * s * (1 + a[i] * (1 - s));
        }
        for (eg_index j = 0; j < w->rows && j <= t; j++) {
            if (w->g)
                c->K->muladd(w->g + j * w->ld, a, x->x + (t - j) * x->ld,
                             y->cols);
            if (x->g)
                c->K->muladd(x->g + (t - j) * x->ld, a, w->x + j * w->ld,
                             y->cols);
        }
    }
}

KIND(conv, .shape = op_shape_as_input, .forward = conv_forward,
     .backward = conv_backward, .work = op_work_row,
     .info.reads_in = 1u << 0 | 1u << 1);
