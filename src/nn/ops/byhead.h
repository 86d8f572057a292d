/* y[r, h, i] = s x[r, h, i] g[r, h], s = attr.scale; g a row of a weight for
 * all r, or a row each.   in: x [rows, heads w], g [rows or 1, heads] */
static const real *byhead_row(const N(arg) * g, eg_index r)
{
    return g->x + (g->rows == 1 ? 0 : r * g->ld);
}

static void byhead_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *g = &c->in[1], *y = &c->out[0];
    eg_index w = y->cols / g->cols;
    real s = (real)c->op->attr.scale;

    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index i = 0; i < y->cols; i++)
            y->x[r * y->ld + i] =
                s * byhead_row(g, r)[i / w] * x->x[r * x->ld + i];
}

static void byhead_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *g = &c->in[1], *y = &c->out[0];
    eg_index w = y->cols / g->cols;
    real s = (real)c->op->attr.scale;

    if (x->g && x->fresh) op_zero(x->g, x->ld, x->rows, x->cols);
    if (g->g && g->fresh) op_zero(g->g, g->ld, g->rows, g->cols);
    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index h = 0; h < g->cols; h++) {
            const real *dy = y->g + r * y->ld + h * w;
            eg_index at = (g->rows == 1 ? 0 : r * g->ld) + h;

            if (x->g) c->K->axpy(x->g + r * x->ld + h * w, s * g->x[at], dy, w);
            if (g->g)
                g->g[at] +=
                    s * (real)c->K->dot(dy, x->x + r * x->ld + h * w, w);
        }
}

KIND(byhead, .shape = op_shape_as_input, .forward = byhead_forward,
     .backward = byhead_backward, .info.reads_in = 1u << 0 | 1u << 1);
