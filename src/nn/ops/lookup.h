/* softmax attention whose scores stand in tables: with y = E[token[t]] + P[t]
 * the score of a query at t and a key at s is y[token[s]] + y[at + s].
 * in: E [V, heads n], P [n_ctx, heads n] or none (then E alone, and the score
 * is y[token[s]]), v [n, v_heads vw]; by-product: the patterns. */
static eg_status lookup_shape(egi_program *p, egi_op *op)
{
    const egi_value *v = egi_value_of(p, op->in[2]);

    return op_attention_shape(p, op, EGI_POSITION, p->m->T,
                              v->cols / op->attr.v_heads);
}

typedef struct lookup_at {
    eg_index n, v, z, p, vw; /* columns of a table; where head h begins */
} lookup_at;

static lookup_at lookup_head(const N(call) * c, eg_index h)
{
    const egi_attr *a = &c->op->attr;
    eg_index vw = c->in[2].cols / a->v_heads;

    return (lookup_at){h * (c->in[0].cols / a->heads),
                       h * a->v_heads / a->heads * vw, h * vw,
                       h * c->K->attn_size(c->limit, c->out[0].rows), vw};
}

static real *lookup_part(real *table, eg_index at)
{
    return table ? table + at : NULL;
}

static void lookup_forward(const N(call) * c)
{
    const N(arg) *e = &c->in[0], *pos = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];

    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        lookup_at at = lookup_head(c, h);
        c->K->attn_table(z->x + at.z, z->ld, c->out[1].x + at.p, e->x + at.n,
                         lookup_part(pos->x, at.n), e->ld, c->op->attr.at,
                         c->seq->tokens, c->limit, v->x + at.v, v->ld, z->rows,
                         at.vw, c->work);
    }
}

static void lookup_backward(const N(call) * c)
{
    const N(arg) *e = &c->in[0], *pos = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];

    if (v->g && v->fresh) op_zero(v->g, v->ld, v->rows, v->cols);
    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        lookup_at at = lookup_head(c, h);
        c->K->attn_table_back(
            lookup_part(e->g, at.n), lookup_part(pos->g, at.n), e->ld,
            c->op->attr.at, c->seq->tokens, lookup_part(v->g, at.v), v->ld,
            z->g + at.z, z->ld, z->x + at.z, z->ld, c->out[1].x + at.p,
            c->limit, v->x + at.v, v->ld, z->rows, at.vw, c->work);
    }
}

static eg_index lookup_work(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    const egi_value *v = egi_value_of(p, op->in[2]);

    return K->attn_table_work(op->attr.at, v->cols / op->attr.v_heads, p->m->T);
}

static void lookup_cost(const egi_program *p, const egi_op *op, double rows,
                        double pairs, egi_cost *out)
{
    (void)rows;
    op_attention_cost(p, op, pairs, op->attr.heads * op->attr.width,
                      1 + 2 * egi_value_of(p, op->in[0])->grad, out);
}

KIND(lookup, .shape = lookup_shape, .forward = lookup_forward,
     .backward = lookup_backward, .work = lookup_work, .info.reads_in = 1u << 2,
     .info.reads_out = 1u << 0 | 1u << 1, .info.cost = lookup_cost,
     .info.any_rows = true);
