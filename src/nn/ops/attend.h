/* Softmax attention in general form, row by row:
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

/* A row's part in head h: its query, keys, values and pattern, and what
 * reaches them; n keys, the last at its own position. */
typedef struct attend_row {
    const real *q, *k, *v, *dz;
    real *z, *p, *dq, *dk, *dv;
    eg_index n, kw, vw, ldk, ldv;
    uint64_t key, first; /* of the mask: its stream, and entry s = 0 */
} attend_row;

static attend_row attend_at(const N(call) * c, eg_index h, eg_index r)
{
    const egi_attr *a = &c->op->attr;
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    eg_index kw = q->cols / a->heads, vw = v->cols / a->v_heads;
    eg_index kh = h * a->k_heads / a->heads * kw;
    eg_index vh = h * a->v_heads / a->heads * vw, n = c->limit[r];
    eg_index span = k->rows;

    return (attend_row){.q = q->x + r * q->ld + h * kw,
                        .k = k->x + kh,
                        .v = v->x + vh,
                        .dz = z->g ? z->g + r * z->ld + h * vw : NULL,
                        .z = z->x + r * z->ld + h * vw,
                        .p = c->out[1].x + (h * span + r) * span,
                        .dq = q->g ? q->g + r * q->ld + h * kw : NULL,
                        .dk = k->g ? k->g + kh : NULL,
                        .dv = v->g ? v->g + vh : NULL,
                        .n = n,
                        .kw = kw,
                        .vw = vw,
                        .ldk = k->ld,
                        .ldv = v->ld,
                        .key = op_mask_key(c),
                        .first = ((uint64_t)h << 24 | (uint64_t)n) << 24};
}

/* s[i] = scale q . (k_i + R[n - 1 - i]) */
static void attend_scores(const N(call) * c, const attend_row *a, real *s)
{
    const N(arg) *R = &c->in[3];
    real scale = (real)c->op->attr.scale, *far = c->work;

    c->K->attn_scores(s, a->q, a->k, a->ldk, a->n, a->kw, scale);
    if (!R->x) return;
    c->K->attn_scores(far, a->q, R->x, R->ld, a->n, a->kw, scale);
    for (eg_index i = 0; i < a->n; i++) s[i] += far[a->n - 1 - i];
}

static void attend_softmax(real *s, eg_index n)
{
    real top = s[0];
    double sum = 0;

    for (eg_index i = 1; i < n; i++) top = s[i] > top ? s[i] : top;
    for (eg_index i = 0; i < n; i++) {
        s[i] = (real)exp((double)(s[i] - top));
        sum += (double)s[i];
    }
    for (eg_index i = 0; i < n; i++) s[i] = (real)((double)s[i] / sum);
}

static void attend_forward(const N(call) * c)
{
    double drop = c->op->attr.drop;

    for (eg_index h = 0; h < c->op->attr.heads; h++)
        for (eg_index r = 0; r < c->out[0].rows; r++) {
            attend_row a = attend_at(c, h, r);

            attend_scores(c, &a, a.p);
            attend_softmax(a.p, a.n);
            op_zero(a.z, 0, 1, a.vw);
            for (eg_index i = 0; i < a.n; i++) {
                real m = op_mask(a.key, a.first + (uint64_t)i, drop);
                if (m > 0) c->K->axpy(a.z, m * a.p[i], a.v + i * a.ldv, a.vw);
            }
        }
}

/* ds[i] = P_i (m_i dz . v_i - sum_j P_j m_j dz . v_j); and dv. */
static void attend_values_back(const N(call) * c, const attend_row *a, real *ds)
{
    double drop = c->op->attr.drop, mean = 0;

    c->K->attn_scores(ds, a->dz, a->v, a->ldv, a->n, a->vw, 1);
    for (eg_index i = 0; i < a->n; i++) {
        real m = op_mask(a->key, a->first + (uint64_t)i, drop);

        ds[i] *= m;
        mean += (double)(a->p[i] * ds[i]);
        if (a->dv && m > 0)
            c->K->axpy(a->dv + i * a->ldv, m * a->p[i], a->dz, a->vw);
    }
    for (eg_index i = 0; i < a->n; i++) ds[i] = a->p[i] * (ds[i] - (real)mean);
}

static void attend_scores_back(const N(call) * c, const attend_row *a, real *ds)
{
    const N(arg) *R = &c->in[3];

    c->K->scale(ds, (real)c->op->attr.scale, a->n);
    for (eg_index i = 0; i < a->n; i++) {
        eg_index far = (a->n - 1 - i) * R->ld;

        if (a->dq) c->K->axpy(a->dq, ds[i], a->k + i * a->ldk, a->kw);
        if (a->dq && R->x) c->K->axpy(a->dq, ds[i], R->x + far, a->kw);
        if (a->dk) c->K->axpy(a->dk + i * a->ldk, ds[i], a->q, a->kw);
        if (R->g) c->K->axpy(R->g + far, ds[i], a->q, a->kw);
    }
}

static void attend_backward(const N(call) * c)
{
    for (int i = 0; i < 3; i++) {
        const N(arg) *a = &c->in[i];
        if (a->g && a->fresh) op_zero(a->g, a->ld, a->rows, a->cols);
    }
    for (eg_index h = 0; h < c->op->attr.heads; h++)
        for (eg_index r = 0; r < c->out[0].rows; r++) {
            attend_row a = attend_at(c, h, r);

            attend_values_back(c, &a, c->work);
            attend_scores_back(c, &a, c->work);
        }
}

static eg_index attend_work(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    (void)K;
    (void)op;
    return p->m->T;
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

    memset(out, 0, (size_t)(T * T) * sizeof *out);
    for (eg_index r = 0; r < T; r++) {
        attend_row a = attend_at(c, h, r);
        memcpy(out + r * T, a.p, (size_t)a.n * sizeof *out);
    }
}

KIND(attend, .shape = attend_shape, .forward = attend_forward,
     .backward = attend_backward, .work = attend_work,
     .info.reads_in = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 3,
     .info.reads_out = 1u << 1, .info.mixes = true, .pattern = attend_pattern,
     .info.cost = attend_cost, .info.any_rows = true, .info.draws = true,
     .info.by_row = 1u << 0);
