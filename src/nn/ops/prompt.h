/* y[t] = x[t] + P[k - attr.at] where k, the task's mark at t, is one of the
 * rows of P. A sequence's own, like `vectors`.   in: x [n_ctx, d], P [m, d] */
static eg_status prompt_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, x->cls, x->rows, x->cols);
    return p->st;
}

/* Which row of P position t has; -1: none. */
static eg_index prompt_row(const N(call) * c, eg_index t)
{
    eg_index k = c->seq->prompts[t] - c->op->attr.at;

    return k >= 0 && k < c->in[1].rows ? k : -1;
}

static void prompt_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *P = &c->in[1], *y = &c->out[0];

    op_copy(y, y->x, x->x, x->ld);
    for (eg_index t = 0; t < y->rows; t++) {
        eg_index k = prompt_row(c, t);

        if (k >= 0) c->K->add(y->x + t * y->ld, P->x + k * P->ld, y->cols);
    }
}

static void prompt_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *P = &c->in[1], *y = &c->out[0];

    if (x->g) op_pass(c, x, y);
    for (eg_index t = 0; P->g && t < y->rows; t++) {
        eg_index k = prompt_row(c, t);

        if (k >= 0) c->K->add(P->g + k * P->ld, y->g + t * y->ld, y->cols);
    }
}

KIND(prompt, .shape = prompt_shape, .forward = prompt_forward,
     .backward = prompt_backward);
