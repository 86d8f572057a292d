/* y = min(max(x, -c), c), c = attr.scale; no gradient where clipped.   in: x */
static void clip_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];
    real top = (real)c->op->attr.scale;

    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index i = 0; i < y->cols; i++) {
            real v = x->x[r * x->ld + i];

            y->x[r * y->ld + i] = v > top ? top : v < -top ? -top : v;
        }
}

static void clip_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];
    real top = (real)c->op->attr.scale;

    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index i = 0; i < y->cols; i++) {
            real v = x->x[r * x->ld + i], *g = &x->g[r * x->ld + i];
            real dy = v <= top && v >= -top ? y->g[r * y->ld + i] : 0;

            *g = x->fresh ? dy : *g + dy;
        }
}

KIND(clip, .shape = op_shape_as_input, .forward = clip_forward,
     .backward = clip_backward, .info.reads_in = 1u << 0,
     .info.grad_in_place = 1u << 0, .info.any_rows = true, .info.apart = true,
     .info.by_row = 1u << 0);
