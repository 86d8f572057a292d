/* y[t] = E[token[t]] (+ P[t]): rows of tables; of every position, or of those
 * in the loss.   in: E [V, n], P [n_ctx, n] or none */
static void embed_forward(const N(call) * c)
{
    const N(arg) *e = &c->in[0], *pos = &c->in[1], *y = &c->out[0];

    if (c->limit == c->seq->each)
        c->K->embed(y->x, y->ld, e->x, e->ld, pos->x, pos->ld, c->seq->tokens,
                    y->rows, y->cols);
    else
        c->K->gather(y->x, y->ld, e->x, pos->x, e->ld, c->seq->tokens, c->limit,
                     NULL, NULL, y->rows, y->cols);
}

static void embed_backward(const N(call) * c)
{
    const N(arg) *e = &c->in[0], *pos = &c->in[1], *y = &c->out[0];

    if (e->g)
        c->K->gather_back(e->g, pos->g, NULL, NULL, e->ld, c->seq->tokens,
                          c->limit, NULL, y->g, NULL, y->ld, NULL, y->rows,
                          y->cols);
    for (eg_index r = 0; !e->g && r < y->rows; r++)
        c->K->add(pos->g + (c->limit[r] - 1) * pos->ld, y->g + r * y->ld,
                  y->cols);
}

KIND(embed, .shape = op_shape_of_table, .forward = embed_forward,
     .backward = embed_backward, .info.any_rows = true);
