/* xhat = x / sqrt(mean(x^2) + eps), y = xhat w; of each of attr.heads parts of
 * a row alike.   in: x [rows, heads d], w [1, d]; by-products: xhat, 1 / rms.
 * Zhang, Sennrich 2019 (1910.07467), equation 4. */
static void rmsnorm_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0], *xhat = &c->out[1];
    eg_index heads = c->op->attr.heads, d = y->cols / heads;
    const real *w = c->in[1].x;

    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index h = 0; h < heads; h++) {
            const real *from = x->x + r * x->ld + h * d;
            real *hat = xhat->x + r * xhat->ld + h * d;
            real *to = y->x + r * y->ld + h * d;
            double mean = c->K->sumsq(from, d) / (double)d;
            real s = (real)(1 / sqrt(mean + c->op->attr.eps));

            c->out[2].x[h * y->rows + r] = s;
            for (eg_index j = 0; j < d; j++) hat[j] = from[j] * s;
            for (eg_index j = 0; j < d; j++) to[j] = hat[j] * w[j];
        }
}

/* dx = s (g - xhat mean(g xhat)), g = dy w. */
static void rmsnorm_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0], *xhat = &c->out[1];
    eg_index heads = c->op->attr.heads, d = y->cols / heads;
    const real *w = c->in[1].x;
    real *g = c->work, *dw = c->in[1].g;

    if (x->g && x->fresh) op_zero(x->g, x->ld, x->rows, x->cols);
    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index h = 0; h < heads; h++) {
            const real *dy = y->g + r * y->ld + h * d;
            const real *hat = xhat->x + r * xhat->ld + h * d;
            real s = c->out[2].x[h * y->rows + r], mean;

            for (eg_index j = 0; dw && j < d; j++) dw[j] += dy[j] * hat[j];
            if (!x->g) continue;
            for (eg_index j = 0; j < d; j++) g[j] = dy[j] * w[j];
            mean = (real)(c->K->dot(g, hat, d) / (double)d);
            c->K->axpy(g, -mean, hat, d);
            c->K->axpy(x->g + r * x->ld + h * d, s, g, d);
        }
}

KIND(rmsnorm, .shape = norm_shape, .forward = rmsnorm_forward,
     .backward = rmsnorm_backward, .work = op_work_row,
     .info.reads_in = 1u << 1, .info.reads_out = 1u << 1 | 1u << 2,
     .info.in_place = 1u << 0, .info.joint = true, .info.any_rows = true,
     .info.by_row = 1u << 0);
