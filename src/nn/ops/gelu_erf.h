/* y = x Phi(x), Phi the normal distribution function.   in: x
 * Hendrycks, Gimpel 2016 (1606.08415), equation 1. */
static void gelu_erf_row(real *y, const real *x, eg_index n)
{
    for (eg_index i = 0; i < n; i++) {
        double v = (double)x[i];
        y[i] = (real)(v * 0.5 * erfc(-v * M_SQRT1_2));
    }
}

static void gelu_erf_row_back(real *dx, const real *dy, const real *x,
                              eg_index n)
{
    for (eg_index i = 0; i < n; i++) {
        double v = (double)x[i];
        double phi = exp(-0.5 * v * v) * 0.3989422804014327;

        dx[i] = (real)((double)dy[i] * (0.5 * erfc(-v * M_SQRT1_2) + v * phi));
    }
}

static void gelu_erf_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++)
        gelu_erf_row(y->x + i * y->ld, x->x + i * x->ld, y->cols);
}

static void gelu_erf_backward(const N(call) * c)
{
    op_activation_back(c, gelu_erf_row_back, &c->in[0]);
}

KIND(gelu_erf, .shape = op_shape_as_input, .forward = gelu_erf_forward,
     .backward = gelu_erf_backward, .work = op_work_row,
     .info.reads_in = 1u << 0, .info.grad_in_place = 1u << 0,
     .info.any_rows = true, .info.apart = true, .info.by_row = 1u << 0);
