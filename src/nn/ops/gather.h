/* y[t] = s[t] (E[token[t]] + P[t]) + b: rows of tables behind a norm; of every
 * position, or of those in the loss.
 * in: E [V, n], P [n_ctx, n] or none, s [n_positions, 1], b [1, n]
 * The gradient of s[t] is dy . (E[token] + P) = dy . (y - b) / s. */
static void gather_forward(const N(call) * c)
{
    const N(arg) *e = &c->in[0], *y = &c->out[0];

    c->K->gather(y->x, y->ld, e->x, c->in[1].x, e->ld, c->seq->tokens, c->limit,
                 c->in[2].x, c->in[3].x, y->rows, y->cols);
}

/* Without a gradient of E, which the kernel takes for granted. */
static void gather_back_rest(const N(call) * c, real *dots)
{
    const N(arg) *pos = &c->in[1], *s = &c->in[2], *b = &c->in[3];
    const N(arg) *y = &c->out[0];

    for (eg_index r = 0; r < y->rows; r++) {
        const real *dy = y->g + r * y->ld;
        eg_index t = c->limit[r] - 1;

        if (pos->g) c->K->axpy(pos->g + t * pos->ld, s->x[t], dy, y->cols);
        if (b->g) c->K->add(b->g, dy, y->cols);
        if (dots)
            dots[r] = (real)(c->K->dot(dy, y->x + r * y->ld, y->cols) -
                             c->K->dot(dy, b->x, y->cols));
    }
}

static void gather_backward(const N(call) * c)
{
    const N(arg) *e = &c->in[0], *s = &c->in[2], *y = &c->out[0];
    real *dots = s->g ? c->work : NULL;

    if (e->g)
        c->K->gather_back(e->g, c->in[1].g, c->in[3].g, dots, e->ld,
                          c->seq->tokens, c->limit, s->x, y->g, y->x, y->ld,
                          c->in[3].x, y->rows, y->cols);
    else
        gather_back_rest(c, dots);
    if (!dots) return;
    if (s->fresh) op_zero(s->g, 1, c->seq->n, 1);
    for (eg_index r = 0; r < y->rows; r++)
        s->g[c->limit[r] - 1] += dots[r] / s->x[c->limit[r] - 1];
}

static eg_index gather_work(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    (void)K;
    (void)op;
    return p->m->T;
}

KIND(gather, .shape = op_shape_of_table, .forward = gather_forward,
     .backward = gather_backward, .work = gather_work,
     .info.reads_in = 1u << 2 | 1u << 3, .info.reads_out = 1u << 0,
     .info.any_rows = true, .info.by_place = 1u << 2);
