/* z[r, h] = sum_{s <= t} P[r, s] v[s, h],
 * P[r, s] = softmax_s(scale q[r, h] . k[s, h]), t the position of row r, or
 * (attr.whole) the last.
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
                    .p = h * c->K->attn_size(c->sees, c->out[0].rows),
                    .kw = kw,
                    .vw = vw};
    return s;
}

/* Forwards, at most. */
static double softmax_madds(const N(call) * c)
{
    return (double)(c->out[0].rows * c->in[1].rows) / 2 *
           (double)(c->in[0].cols + c->out[0].cols);
}

static void softmax_forward_head(void *ctx, int h, int worker)
{
    const N(call) *c = ctx;
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    softmax_at s = softmax_head(c, h);

    c->K->attn(z->x + s.z, z->ld, c->out[1].x + s.p, q->x + s.q, q->ld, c->sees,
               k->x + s.k, k->ld, v->x + s.v, v->ld, z->rows, s.kw, s.vw,
               (real)c->op->attr.scale, op_work(c, worker));
}

static void softmax_forward(const N(call) * c)
{
    N(call) all = *c;

    op_share(c, softmax_madds(c), c->op->attr.heads, softmax_forward_head,
             &all);
}

/* Where dq is written before it is added; q's gradient itself, where nothing
 * is there yet. */
static real *softmax_dq(const N(call) * c, eg_index *ld)
{
    const N(arg) *q = &c->in[0];
    bool apart = q->g && !q->fresh;

    *ld = apart ? q->cols : q->ld;
    return apart ? c->shared : q->g;
}

static void softmax_backward_head(const N(call) * c, eg_index h, real *work)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    softmax_at s = softmax_head(c, h);
    eg_index lddq;
    real *dq = softmax_dq(c, &lddq);

    c->K->attn_back(dq ? dq + s.q : NULL, lddq, k->g ? k->g + s.k : NULL, k->ld,
                    v->g ? v->g + s.v : NULL, v->ld, z->g + s.z, z->ld,
                    z->x + s.z, z->ld, c->out[1].x + s.p, q->x + s.q, q->ld,
                    c->sees, k->x + s.k, k->ld, v->x + s.v, v->ld, z->rows,
                    s.kw, s.vw, (real)c->op->attr.scale, work);
}

static void softmax_backward_task(void *ctx, int i, int worker)
{
    const N(call) *c = ctx;
    int each = c->op->attr.heads / op_groups(&c->op->attr);

    for (int h = i * each; h < (i + 1) * each; h++)
        softmax_backward_head(c, h, op_work(c, worker));
}

/* The kernel writes dq and adds to dk and dv. */
static void softmax_backward(const N(call) * c)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    N(call) all = *c;
    eg_index lddq;
    real *dq = softmax_dq(c, &lddq);

    if (k->g && k->fresh) op_zero(k->g, k->ld, k->rows, k->cols);
    if (v->g && v->fresh) op_zero(v->g, v->ld, v->rows, v->cols);
    op_share(c, 2 * softmax_madds(c), op_groups(&c->op->attr),
             softmax_backward_task, &all);
    for (eg_index r = 0; dq != q->g && r < q->rows; r++)
        c->K->add(q->g + r * q->ld, dq + r * lddq, q->cols);
}

static eg_index softmax_work(const kern *K, const egi_program *p,
                             const egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[0]);
    const egi_value *v = egi_value_of(p, op->in[2]);

    return K->attn_work(q->cols / op->attr.heads, v->cols / op->attr.v_heads,
                        p->m->T);
}

static eg_index softmax_shared(const kern *K, const egi_program *p,
                               const egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[0]);

    (void)K;
    return q->rows * q->cols;
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
    const real *p = c->out[1].x + h * c->K->attn_size(c->sees, T);

    memset(out, 0, (size_t)T * (size_t)T * sizeof *out);
    for (int b = 0; b < T; b += EG_ATTN_BLOCK) {
        int rows = T - b < EG_ATTN_BLOCK ? T - b : EG_ATTN_BLOCK;
        int keys = c->sees[b + rows - 1];
        for (int s = 0; s < keys; s++)
            for (int r = 0; r < rows; r++)
                out[(eg_index)(b + r) * T + s] = p[s * EG_ATTN_BLOCK + r];
        p += (eg_index)keys * EG_ATTN_BLOCK;
    }
}

KIND(softmax, .shape = softmax_shape, .forward = softmax_forward,
     .backward = softmax_backward, .work = softmax_work,
     .shared = softmax_shared, .info.reads_in = 1u << 0 | 1u << 1 | 1u << 2,
     .info.reads_out = 1u << 0 | 1u << 1, .info.mixes = true,
     .pattern = softmax_pattern, .info.cost = softmax_cost,
     .info.any_rows = true, .info.by_row = 1u << 0);
