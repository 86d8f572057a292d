/* y = min(max(x, -c), c), c = attr.scale; no gradient where clipped.   in: x */
static void clip_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];
    eg_index n = op_at_once(y, y->ld, x->ld);

    for (eg_index r = 0; r < y->rows; r += n)
        c->K->clip(y->x + r * y->ld, x->x + r * x->ld, (real)c->op->attr.scale,
                   n * y->cols);
}

static void clip_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];
    eg_index n = x->fresh ? op_at_once(y, y->ld, x->ld) : 1;

    for (eg_index r = 0; r < y->rows; r += n) {
        real *to = x->fresh ? x->g + r * x->ld : c->work;

        c->K->clip_back(to, y->g + r * y->ld, x->x + r * x->ld,
                        (real)c->op->attr.scale, n * y->cols);
        if (!x->fresh) c->K->add(x->g + r * x->ld, to, y->cols);
    }
}

KIND(clip, .shape = op_shape_as_input, .forward = clip_forward,
     .backward = clip_backward, .work = op_work_row, .info.reads_in = 1u << 0,
     .info.grad_in_place = 1u << 0, .info.any_rows = true, .info.apart = true,
     .info.by_row = 1u << 0);
