/* y = x / (1 + exp(-x)).   in: x
 * Elfwing, Uchibe, Doya 2017 (1702.03118). */
static void silu_row(real *y, const real *x, eg_index n)
{
    for (eg_index i = 0; i < n; i++) {
        double v = (double)x[i];
        y[i] = (real)(v / (1 + exp(-v)));
    }
}

static void silu_row_back(real *dx, const real *dy, const real *x, eg_index n)
{
    for (eg_index i = 0; i < n; i++) {
        double v = (double)x[i];
        double s = 1 / (1 + exp(-v));

        dx[i] = (real)((double)dy[i] * s * (1 + v * (1 - s)));
    }
}

static void silu_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++)
        silu_row(y->x + i * y->ld, x->x + i * x->ld, y->cols);
}

static void silu_backward(const N(call) * c)
{
    op_activation_back(c, silu_row_back, &c->in[0]);
}

KIND(silu, .shape = op_shape_as_input, .forward = silu_forward,
     .backward = silu_backward, .work = op_work_row, .info.reads_in = 1u << 0,
     .info.grad_in_place = 1u << 0, .info.any_rows = true, .info.apart = true,
     .info.by_row = 1u << 0);
