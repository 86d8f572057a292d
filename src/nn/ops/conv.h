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

static void conv_silu(real *a, eg_index n)
{
    for (eg_index i = 0; i < n; i++) a[i] /= 1 + op_exp(-a[i]);
}

static void conv_forward(const N(call) * c)
{
    const N(arg) *y = &c->out[0];

    for (eg_index t = 0; t < y->rows; t++) {
        conv_sums(c, y->x + t * y->ld, t);
        conv_silu(y->x + t * y->ld, y->cols);
    }
}

/* The rows of x before, the last one first. */
static eg_index conv_state(const kern *K, const egi_program *p,
                           const egi_op *op)
{
    const egi_value *w = egi_value_of(p, op->in[1]);

    (void)K;
    return (w->rows - 1) * w->cols;
}

static void conv_next(const N(call) * c, real *state, bool first)
{
    const N(arg) *w = &c->in[1];
    eg_index d = w->cols, before = w->rows - 1;
    size_t row = (size_t)d * sizeof *state;

    if (first) op_zero(state, d, before, d);
    conv_sums(c, c->out[0].x, 0);
    for (eg_index j = 0; j < before; j++)
        c->K->muladd(c->out[0].x, w->x + (j + 1) * w->ld, state + j * d, d);
    conv_silu(c->out[0].x, d);
    if (before == 0) return;
    memmove(state + d, state, (size_t)(before - 1) * row);
    memcpy(state, c->in[0].x, row);
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
     .backward = conv_backward, .work = op_work_row, .state = conv_state,
     .step = conv_next, .info.steps = true, .info.reads_in = 1u << 0 | 1u << 1);
