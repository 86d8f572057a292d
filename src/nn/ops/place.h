/* y[t] = P[t].   in: P [n_ctx, d] */
static eg_status place_shape(egi_program *p, egi_op *op)
{
    egi_out(p, op, 0, EGI_POSITION, p->m->T, egi_value_of(p, op->in[0])->cols);
    return p->st;
}

static void place_forward(const N(call) * c)
{
    op_copy(&c->out[0], c->out[0].x, c->in[0].x, c->in[0].ld);
}

static void place_backward(const N(call) * c)
{
    const N(arg) *pos = &c->in[0], *y = &c->out[0];

    for (eg_index t = 0; t < y->rows; t++)
        c->K->add(pos->g + t * pos->ld, y->g + t * y->ld, y->cols);
}

KIND(place, .shape = place_shape, .forward = place_forward,
     .backward = place_backward);
