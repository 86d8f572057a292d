/* y = s / (1 + exp(-x)), s = attr.scale: a gate.   in: x */
static void sigmoid_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];
    real s = (real)c->op->attr.scale;

    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index i = 0; i < y->cols; i++)
            y->x[r * y->ld + i] = s / (1 + op_exp(-x->x[r * x->ld + i]));
}

/* dx = dy y (1 - y / s) */
static void sigmoid_back(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];
    real s = (real)c->op->attr.scale;

    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index i = 0; i < y->cols; i++) {
            real at = y->x[r * y->ld + i];
            real v = y->g[r * y->ld + i] * at * (1 - at / s);
            real *g = &x->g[r * x->ld + i];

            *g = x->fresh ? v : *g + v;
        }
}

KIND(sigmoid, .shape = op_shape_as_input, .forward = sigmoid_forward,
     .backward = sigmoid_back, .info.reads_out = 1u << 0,
     .info.in_place = 1u << 0, .info.grad_in_place = 1u << 0,
     .info.any_rows = true, .info.apart = true, .info.by_row = 1u << 0);
