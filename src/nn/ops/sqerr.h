/* nll[r] = |x[r] - target[r]|^2 / 2, summed over entries; the loss is their sum
 * over rows with a target. Forward writes the gradient, in the place of x.
 * in: x [rows, n_out] */
static void sqerr_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0];
    const N(seq) *s = c->seq;

    for (eg_index r = 0; r < x->rows; r++) {
        const double *y = s->outputs + (s->limit[r] - 1) * x->cols;
        bool counts = s->target[r] >= 0;
        double sum = 0;

        for (eg_index k = 0; k < x->cols; k++) {
            double diff = counts ? (double)x->x[r * x->ld + k] - y[k] : 0;

            sum += diff * diff;
            if (x->g) x->g[r * x->ld + k] = (real)diff;
        }
        s->nll[r] = 0.5 * sum;
        s->pred[r] = -1;
    }
}

static void sqerr_backward(const N(call) * c)
{
    (void)c; /* done */
}

KIND(sqerr, .shape = op_shape_loss, .forward = sqerr_forward,
     .backward = sqerr_backward, .info.seeds = true, .info.any_rows = true,
     .info.by_row = 1u << 0);
