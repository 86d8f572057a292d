/* Softmax attention in general form:
 *     P[r, s] = softmax_{s <= t}(scale q[r, h] . (k[s, h] + R[t - s])),
 *     z[r, h] = sum_{s <= t} m P[r, s] v[s, h],   t the position of row r,
 * m = 0 where the pattern is dropped in training (with probability attr.drop)
 * and else 1 / (1 - drop). Where neither is asked for, op softmax is faster.
 * in: q [rows, heads kw], k [n, k_heads kw], v [n, v_heads vw] as of op
 * softmax, R [n_ctx, kw] or none. By-product: P before anything is dropped,
 * [heads, n_ctx, n_ctx]. Shaw et al. 2018 (1803.02155), equation 4. */
static eg_status attend_shape(egi_program *p, egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[0]);
    eg_index vw = egi_value_of(p, op->in[2])->cols / op->attr.v_heads;
    eg_index T = p->m->T, heads = op->attr.heads, rows = q->rows;
    egi_class cls = q->cls;

    egi_out(p, op, 0, cls, rows, heads * vw);
    egi_by_product(p, op, 1, cls, rows, 1, heads * T * T);
    return p->st;
}

/* Rows are taken in blocks of so many, as matrices. */
enum { ATTEND_ROWS = 32 };

/* A block of rows in head h: their queries, and keys and values up to the last
 * that any of them sees; patterns as rows of `span` entries. */
typedef struct attend_block {
    const N(call) * c;
    const real *q, *k, *v, *dz;
    real *z, *p, *dq, *dk, *dv, *dR;
    eg_index h, row, rows, n, span, kw, vw;
    real *one, *two; /* scratch [rows, span] */
    real *work;      /* of products */
    uint64_t key;    /* of the masks */
} attend_block;

static real *attend_part(real *x, eg_index shift)
{
    return x ? x + shift : NULL;
}

static attend_block attend_at(const N(call) * c, eg_index h, eg_index row,
                              real *work)
{
    const egi_attr *a = &c->op->attr;
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    eg_index kw = q->cols / a->heads, vw = v->cols / a->v_heads;
    eg_index kh = h * a->k_heads / a->heads * kw;
    eg_index vh = h * a->v_heads / a->heads * vw, span = k->rows;
    eg_index rows = op_least(z->rows - row, ATTEND_ROWS);

    return (attend_block){.c = c,
                          .q = q->x + row * q->ld + h * kw,
                          .k = k->x + kh,
                          .v = v->x + vh,
                          .dz = attend_part(z->g, row * z->ld + h * vw),
                          .z = z->x + row * z->ld + h * vw,
                          .p = c->out[1].x + (h * span + row) * span,
                          .dq = attend_part(q->g, row * q->ld + h * kw),
                          .dk = attend_part(k->g, kh),
                          .dv = attend_part(v->g, vh),
                          .h = h,
                          .row = row,
                          .rows = rows,
                          .n = c->sees[row + rows - 1],
                          .span = span,
                          .kw = kw,
                          .vw = vw,
                          .one = work,
                          .two = work + ATTEND_ROWS * span,
                          .work = work + (eg_index)2 * ATTEND_ROWS * span,
                          .key = op_mask_key(c)};
}

/* Keys that row r of the block sees. */
static eg_index attend_keys(const attend_block *b, eg_index r)
{
    return b->c->sees[b->row + r];
}

/* m of row r and key s. */
static real attend_mask(const attend_block *b, eg_index r, eg_index s)
{
    uint64_t first = ((uint64_t)b->h << 24 | (uint64_t)b->c->limit[b->row + r])
                     << 24;

    return op_mask(b->key, first + (uint64_t)s, b->c->op->attr.drop);
}

/* P = scale Q (K + R[t - s])^T where it is seen. */
static void attend_scores(const attend_block *b)
{
    const N(call) *c = b->c;
    const N(arg) *q = &c->in[0], *k = &c->in[1], *R = &c->in[3];
    real scale = (real)c->op->attr.scale;

    c->K->gemm(b->p, b->span, b->q, q->ld, 1, b->k, 1, k->ld, b->rows, b->n,
               b->kw, scale, 0, b->work);
    if (!R->x) return;
    c->K->gemm(b->one, b->span, b->q, q->ld, 1, R->x, 1, R->ld, b->rows, b->n,
               b->kw, scale, 0, b->work);
    for (eg_index r = 0; r < b->rows; r++) {
        eg_index t = attend_keys(b, r) - 1;

        for (eg_index s = 0; s <= t; s++)
            b->p[r * b->span + s] += b->one[r * b->span + t - s];
    }
}

/* s[0..n-1] becomes its softmax; what stands behind, up to `all`, is 0. */
static void attend_softmax(real *s, eg_index n, eg_index all)
{
    real top = s[0];
    double sum = 0;

    for (eg_index i = 1; i < n; i++) top = s[i] > top ? s[i] : top;
    for (eg_index i = 0; i < n; i++) {
        s[i] = op_exp(s[i] - top);
        sum += (double)s[i];
    }
    for (eg_index i = 0; i < n; i++) s[i] = (real)((double)s[i] / sum);
    for (eg_index i = n; i < all; i++) s[i] = 0;
}

/* m P of the block: P itself, or in scratch. */
static const real *attend_dropped(const attend_block *b, real *to)
{
    if (b->c->op->attr.drop <= 0) return b->p;
    for (eg_index r = 0; r < b->rows; r++)
        for (eg_index s = 0; s < b->n; s++) {
            real p = b->p[r * b->span + s];

            to[r * b->span + s] = p > 0 ? p * attend_mask(b, r, s) : 0;
        }
    return to;
}

/* A block of rows in one head. */
static void attend_forward_task(void *ctx, int i, int worker)
{
    const N(call) *c = ctx;
    const N(arg) *v = &c->in[2], *z = &c->out[0];
    int parts = op_parts(z->rows, ATTEND_ROWS);
    attend_block b = attend_at(
        c, i / parts, (eg_index)(i % parts) * ATTEND_ROWS, op_work(c, worker));

    attend_scores(&b);
    for (eg_index r = 0; r < b.rows; r++)
        attend_softmax(b.p + r * b.span, attend_keys(&b, r), b.n);
    c->K->gemm(b.z, z->ld, attend_dropped(&b, b.one), b.span, 1, b.v, v->ld, 1,
               b.rows, b.vw, b.n, 1, 0, b.work);
}

/* Of scores, or of values, with exponentials and masks beside them. */
static double attend_madds(const N(call) * c)
{
    return (double)(c->out[0].rows * c->in[1].rows * c->in[0].cols);
}

static void attend_forward(const N(call) * c)
{
    N(call) all = *c;

    op_share(c, attend_madds(c),
             c->op->attr.heads * op_parts(c->out[0].rows, ATTEND_ROWS),
             attend_forward_task, &all);
}

/* ds = scale P (m dz . v - sum_j P_j m_j dz . v_j) into b.one; and dv. */
static void attend_values_back(const attend_block *b)
{
    const N(call) *c = b->c;
    const N(arg) *v = &c->in[2], *z = &c->out[0];
    const real *mp = attend_dropped(b, b->two);

    if (b->dv)
        c->K->gemm(b->dv, v->ld, mp, 1, b->span, b->dz, z->ld, 1, b->n, b->vw,
                   b->rows, 1, 1, b->work);
    c->K->gemm(b->one, b->span, b->dz, z->ld, 1, b->v, 1, v->ld, b->rows, b->n,
               b->vw, 1, 0, b->work);
    for (eg_index r = 0; r < b->rows; r++) {
        real *ds = b->one + r * b->span;
        const real *p = b->p + r * b->span, *m = mp + r * b->span;
        real mean = (real)c->K->dot(m, ds, b->n);

        for (eg_index s = 0; s < b->n; s++)
            ds[s] = (real)c->op->attr.scale * (m[s] * ds[s] - p[s] * mean);
    }
}

/* What scores pass to queries and keys; and then, each row turned round so that
 * entry j is of distance j, to R. */
static void attend_scores_back(const attend_block *b)
{
    const N(call) *c = b->c;
    const N(arg) *q = &c->in[0], *k = &c->in[1], *R = &c->in[3];

    if (b->dq)
        c->K->gemm(b->dq, q->ld, b->one, b->span, 1, b->k, k->ld, 1, b->rows,
                   b->kw, b->n, 1, 1, b->work);
    if (b->dk)
        c->K->gemm(b->dk, k->ld, b->one, 1, b->span, b->q, q->ld, 1, b->n,
                   b->kw, b->rows, 1, 1, b->work);
    if (!R->x) return;
    for (eg_index r = 0; r < b->rows; r++) {
        eg_index n = attend_keys(b, r);

        for (eg_index s = 0; s < b->n; s++)
            b->two[r * b->span + s] =
                s < n ? b->one[r * b->span + n - 1 - s] : 0;
    }
    if (b->dq)
        c->K->gemm(b->dq, q->ld, b->two, b->span, 1, R->x, R->ld, 1, b->rows,
                   b->kw, b->n, 1, 1, b->work);
    if (R->g)
        c->K->gemm(b->dR, R->ld, b->two, 1, b->span, b->q, q->ld, 1, b->n,
                   b->kw, b->rows, 1, 1, b->work);
}

/* Heads of one task add to the same heads of keys and values, and to a gradient
 * of R that is its own where a team shares the op. */
static void attend_backward_task(void *ctx, int i, int worker)
{
    const N(call) *c = ctx;
    const N(arg) *R = &c->in[3];
    eg_index each = c->op->attr.heads / op_groups(&c->op->attr);
    real *dR = R->g;

    if (R->g && R->team) {
        dR = c->shared + (eg_index)i * R->rows * R->ld;
        op_zero(dR, R->ld, R->rows, R->ld);
    }
    for (eg_index h = i * each; h < (i + 1) * each; h++)
        for (eg_index row = 0; row < c->out[0].rows; row += ATTEND_ROWS) {
            attend_block b = attend_at(c, h, row, op_work(c, worker));

            b.dR = dR;
            attend_values_back(&b);
            attend_scores_back(&b);
        }
}

static void attend_backward(const N(call) * c)
{
    const N(arg) *R = &c->in[3];
    int tasks = op_groups(&c->op->attr);
    N(call) all = *c;

    for (int i = 0; i < 3; i++) {
        const N(arg) *a = &c->in[i];
        if (a->g && a->fresh) op_zero(a->g, a->ld, a->rows, a->cols);
    }
    op_share(c, 2 * attend_madds(c), tasks, attend_backward_task, &all);
    for (int i = 0; R->g && R->team && i < tasks; i++)
        c->K->add(R->g, c->shared + (eg_index)i * R->rows * R->ld,
                  R->rows * R->ld);
}

/* Two blocks of patterns, and a packed right operand. */
static eg_index attend_work(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    eg_index T = p->m->T;
    eg_index kw = egi_value_of(p, op->in[0])->cols / op->attr.heads;
    eg_index vw = egi_value_of(p, op->in[2])->cols / op->attr.v_heads;
    eg_index w = op_most(kw, vw);

    return (eg_index)2 * ATTEND_ROWS * T +
           op_most(op_most(K->pack_size(w, T), K->pack_size(T, w)),
                   K->pack_size(ATTEND_ROWS, w));
}

/* A team's gradients of R, one for each task. */
static eg_index attend_shared(const kern *K, const egi_program *p,
                              const egi_op *op)
{
    const egi_value *R = op->in[3] < 0 ? NULL : egi_value_of(p, op->in[3]);

    (void)K;
    if (!p->team || !R || !R->grad) return 0;
    return op_groups(&op->attr) * R->rows * R->cols;
}

static void attend_cost(const egi_program *p, const egi_op *op, double rows,
                        double pairs, egi_cost *out)
{
    const egi_value *q = egi_value_of(p, op->in[0]);
    int passes = 1 + q->grad + egi_value_of(p, op->in[1])->grad;

    (void)rows;
    if (op->in[3] >= 0)
        passes += 1 + q->grad + egi_value_of(p, op->in[3])->grad;
    op_attention_cost(p, op, pairs, q->cols, passes, out);
    out->looked_up = 0;
}

static void attend_pattern(real *out, const N(call) * c, eg_index h)
{
    eg_index T = c->out[0].rows;
    const real *p = c->out[1].x + h * T * T;

    memset(out, 0, (size_t)(T * T) * sizeof *out);
    for (eg_index r = 0; r < T; r++)
        memcpy(out + r * T, p + r * T, (size_t)c->sees[r] * sizeof *out);
}

KIND(attend, .shape = attend_shape, .forward = attend_forward,
     .backward = attend_backward, .work = attend_work, .shared = attend_shared,
     .info.reads_in = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 3,
     .info.reads_out = 1u << 1, .info.mixes = true, .pattern = attend_pattern,
     .info.cost = attend_cost, .info.any_rows = true, .info.draws = true,
     .info.by_row = 1u << 0);
