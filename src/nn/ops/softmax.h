/* z[r, h] = sum_{s <= t} P[r, s] v[s, h],
 * P[r, s] = softmax_s(scale q[r, h] . k[s, h]), t the position of row r.
 * in: q [rows, heads kw], k [n, k_heads kw], v [n, v_heads vw]; head h reads
 * head h k_heads / heads of k, likewise of v. By-product: the patterns. */
static eg_status softmax_shape(egi_program *p, egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[0]);
    const egi_value *v = egi_value_of(p, op->in[2]);

    return op_attention_shape(p, op, q->cls, q->rows,
                              v->cols / op->attr.v_heads);
}

typedef struct softmax_at {
    eg_index q, k, v, z, p; /* where head h's parts begin */
    eg_index kw, vw;
} softmax_at;

static softmax_at softmax_head(const N(call) * c, eg_index h)
{
    const egi_attr *a = &c->op->attr;
    eg_index kw = c->in[0].cols / a->heads, vw = c->in[2].cols / a->v_heads;
    softmax_at s = {.q = h * kw,
                    .k = h * a->k_heads / a->heads * kw,
                    .v = h * a->v_heads / a->heads * vw,
                    .z = h * vw,
                    .p = h * c->K->attn_size(c->limit, c->out[0].rows),
                    .kw = kw,
                    .vw = vw};
    return s;
}

static void softmax_forward(const N(call) * c)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];

    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        softmax_at s = softmax_head(c, h);
        c->K->attn(z->x + s.z, z->ld, c->out[1].x + s.p, q->x + s.q, q->ld,
                   c->limit, k->x + s.k, k->ld, v->x + s.v, v->ld, z->rows,
                   s.kw, s.vw, (real)c->op->attr.scale, c->work);
    }
}

/* The kernel writes dq and adds to dk and dv. */
static void softmax_backward(const N(call) * c)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    real *dq = q->g && !q->fresh ? c->work : q->g;
    eg_index lddq = dq == q->g ? q->ld : q->cols;
    real *work = dq == q->g ? c->work : c->work + q->rows * q->cols;

    if (k->g && k->fresh) op_zero(k->g, k->ld, k->rows, k->cols);
    if (v->g && v->fresh) op_zero(v->g, v->ld, v->rows, v->cols);
    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        softmax_at s = softmax_head(c, h);
        c->K->attn_back(dq ? dq + s.q : NULL, lddq, k->g ? k->g + s.k : NULL,
                        k->ld, v->g ? v->g + s.v : NULL, v->ld, z->g + s.z,
                        z->ld, z->x + s.z, z->ld, c->out[1].x + s.p, q->x + s.q,
                        q->ld, c->limit, k->x + s.k, k->ld, v->x + s.v, v->ld,
                        z->rows, s.kw, s.vw, (real)c->op->attr.scale, work);
    }
    for (eg_index r = 0; dq != q->g && r < q->rows; r++)
        c->K->add(q->g + r * q->ld, dq + r * lddq, q->cols);
}

static eg_index softmax_work(const kern *K, const egi_program *p,
                             const egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[0]);
    const egi_value *v = egi_value_of(p, op->in[2]);

    return q->rows * q->cols + K->attn_work(q->cols / op->attr.heads,
                                            v->cols / op->attr.v_heads,
                                            p->m->T);
}

static void softmax_cost(const egi_program *p, const egi_op *op, double rows,
                         double pairs, egi_cost *out)
{
    const egi_value *q = egi_value_of(p, op->in[0]);

    (void)rows;
    op_attention_cost(p, op, pairs, q->cols,
                      1 + q->grad + egi_value_of(p, op->in[1])->grad, out);
    out->looked_up = 0;
}

/* Dense from the saved key-major blocks. */
static void softmax_pattern(real *out, const N(call) * c, eg_index h)
{
    int T = (int)c->out[0].rows;
    const real *p = c->out[1].x + h * c->K->attn_size(c->limit, T);

    memset(out, 0, (size_t)T * (size_t)T * sizeof *out);
    for (int b = 0; b < T; b += EG_ATTN_BLOCK) {
        int rows = T - b < EG_ATTN_BLOCK ? T - b : EG_ATTN_BLOCK;
        int keys = b + rows;
        for (int s = 0; s < keys; s++)
            for (int r = 0; r < rows; r++)
                out[(eg_index)(b + r) * T + s] = p[s * EG_ATTN_BLOCK + r];
        p += (eg_index)keys * EG_ATTN_BLOCK;
    }
}

KIND(softmax, .shape = softmax_shape, .forward = softmax_forward,
     .backward = softmax_backward, .work = softmax_work,
     .info.reads_in = 1u << 0 | 1u << 1 | 1u << 2,
     .info.reads_out = 1u << 0 | 1u << 1, .info.mixes = true,
     .pattern = softmax_pattern, .info.cost = softmax_cost,
     .info.any_rows = true, .info.by_row = 1u << 0);
