/* Strengths that know the key's length: y = b / (1 + b |k|^2), the exact
 * proximal step on |v - S^T k|^2 / 2; with attr.turned b / (eps + |k|^2), a
 * step normalised (0 where that is 0 / 0).
 * in: b [n, heads], k [n, heads w] */
static real stepsize_below(const N(call) * c, real b, const real *k, eg_index w)
{
    double kk = c->K->sumsq(k, w);

    if (c->op->attr.turned) return (real)(c->op->attr.eps + kk);
    return (real)(1 + (double)b * kk);
}

static void stepsize_forward(const N(call) * c)
{
    const N(arg) *b = &c->in[0], *k = &c->in[1], *y = &c->out[0];
    eg_index w = k->cols / y->cols;

    for (eg_index t = 0; t < y->rows; t++)
        for (eg_index h = 0; h < y->cols; h++) {
            real at = b->x[t * b->ld + h];
            real n = stepsize_below(c, at, k->x + t * k->ld + h * w, w);

            y->x[t * y->ld + h] = n > 0 ? at / n : 0;
        }
}

/* With n what b is divided by: dy/db = 1 / n^2, or 1 / n; dy/dk = -2 y^2 k, or
 * -2 y k / n. */
static void stepsize_backward(const N(call) * c)
{
    const N(arg) *b = &c->in[0], *k = &c->in[1], *y = &c->out[0];
    eg_index w = k->cols / y->cols;
    bool normed = c->op->attr.turned;

    if (b->g && b->fresh) op_zero(b->g, b->ld, b->rows, b->cols);
    if (k->g && k->fresh) op_zero(k->g, k->ld, k->rows, k->cols);
    for (eg_index t = 0; t < y->rows; t++)
        for (eg_index h = 0; h < y->cols; h++) {
            const real *key = k->x + t * k->ld + h * w;
            real at = y->x[t * y->ld + h], dy = y->g[t * y->ld + h];
            real n = stepsize_below(c, b->x[t * b->ld + h], key, w);

            if (!(n > 0)) continue;
            if (b->g) b->g[t * b->ld + h] += normed ? dy / n : dy / n / n;
            if (k->g)
                c->K->axpy(k->g + t * k->ld + h * w,
                           -2 * dy * at * (normed ? 1 / n : at), key, w);
        }
}

KIND(stepsize, .shape = op_shape_as_input, .forward = stepsize_forward,
     .backward = stepsize_backward, .info.reads_in = 1u << 0 | 1u << 1,
     .info.reads_out = 1u << 0);
