/* y[t] = E[token[t]] (+ P[t]).   in: E [V, d], P [n_ctx, d] or none */
static eg_status embed_shape(egi_program *p, egi_op *op)
{
    const egi_value *e = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, EGI_POSITION, p->m->T, e->cols);
    return p->st;
}

static void embed_forward(const N(call) * c)
{
    const N(arg) *e = &c->in[0], *pos = &c->in[1], *y = &c->out[0];

    c->K->embed(y->x, y->ld, e->x, e->ld, pos->x, pos->ld, c->seq->tokens,
                y->rows, y->cols);
}

static void embed_backward(const N(call) * c)
{
    const N(arg) *e = &c->in[0], *pos = &c->in[1], *y = &c->out[0];

    for (eg_index t = 0; t < y->rows; t++) {
        const real *dy = y->g + t * y->ld;
        if (e->g)
            c->K->add(e->g + (eg_index)c->seq->tokens[t] * e->ld, dy, y->cols);
        if (pos->g) c->K->add(pos->g + t * pos->ld, dy, y->cols);
    }
}

KIND(embed, .shape = embed_shape, .forward = embed_forward,
     .backward = embed_backward);
