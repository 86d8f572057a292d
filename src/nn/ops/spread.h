/* y[t] = x[pair of t] (+ r[t]): from the distinct pairs of the batch to the
 * places of a sequence. Backward leaves dy, place by place, for the sums over
 * the batch (real/batch.h).   in: x [pairs, n], r [n_positions, n] or none */
static void spread_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *r = &c->in[1], *y = &c->out[0];

    c->K->embed(y->x, y->ld, x->x, x->ld, r->x, r->ld, c->seq->row, y->rows,
                y->cols);
}

static void spread_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index t = 0; x->g && t < y->rows; t++)
        memcpy(x->g + t * x->ld, y->g + t * y->ld,
               (size_t)y->cols * sizeof *y->g);
    if (c->in[1].g) op_pass(c, &c->in[1], y);
}

KIND(spread, .shape = op_shape_of_table, .forward = spread_forward,
     .backward = spread_backward, .info.in_place = 1u << 1,
     .info.grad_in_place = 1u << 1);
