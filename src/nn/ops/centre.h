/* Y = X, each row minus its mean.   in: X [m, n]. On weights. */
static real centre_mean(const real *x, eg_index n)
{
    double sum = 0;

    for (eg_index j = 0; j < n; j++) sum += (double)x[j];
    return (real)(sum / (double)n);
}

static void centre_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++) {
        const real *from = x->x + i * x->ld;
        real mean = centre_mean(from, x->cols);
        for (eg_index j = 0; j < y->cols; j++)
            y->x[i * y->ld + j] = from[j] - mean;
    }
}

static void centre_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++) {
        const real *dy = y->g + i * y->ld;
        real mean = centre_mean(dy, y->cols);
        for (eg_index j = 0; j < y->cols; j++)
            x->g[i * x->ld + j] += dy[j] - mean;
    }
}

KIND(centre, .shape = op_shape_as_input, .forward = centre_forward,
     .backward = centre_backward);
