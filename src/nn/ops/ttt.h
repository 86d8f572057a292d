/* TTT-linear: a linear model f(x) = LN(x S + c) of each head is trained while
 * it reads, on |f(k) - (v - k)|^2 / 2, by gradients that the tokens of a batch
 * of attr.at all take at the state before the batch. With p_j the gradient at
 * k_j S + c,
 *     o_t = q_t S + c - eta_t sum_{j <= t in the batch} (q_t . k_j + 1) p_j,
 *     z_t = o_t + LN(o_t),
 * and after the batch S -= eta sum_j k_j^T p_j, c -= eta sum_j p_j with the eta
 * of its last token; LN(x) = (x - mean) / std * w + b; q is scaled by
 * attr.scale.
 *
 * in: q [rows, heads d], k, v [n, heads d], eta [n, heads], w, b [heads, d], S
 *     at first [heads d, d]
 * by-product: the states before each batch
 *
 * Sun et al. 2024 (2407.04620), section 2.4. */
typedef struct ttt_head {
    const N(call) * c;
    const kern *K;
    eg_index d, batch, state; /* state: entries of S and c */
    int h;
    const real *w, *b;
    real scale;
    double eps;
    real *S;                  /* [d, d], and c [d] behind it */
    real *hat, *g, *p, *rstd; /* [batch, d] of each token; [batch] */
    real *D, *dp, *o, *u, *x; /* of S, c; [batch, d]; [d] each */
} ttt_head;

static eg_index ttt_batches(const egi_program *p, const egi_op *op)
{
    return (p->m->T + op->attr.at - 1) / op->attr.at;
}

static eg_status ttt_shape(egi_program *p, egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[0]);
    eg_index d = q->cols / op->attr.heads, rows = q->rows, cols = q->cols;
    egi_class cls = q->cls;

    op->attr.width = ttt_batches(p, op);
    egi_out(p, op, 0, cls, rows, cols);
    egi_by_product(p, op, 1, cls, rows, 1,
                   op->attr.heads * op->attr.width * (d * d + d));
    return p->st;
}

static ttt_head ttt_bind(const N(call) * c, int h)
{
    eg_index d = c->in[0].cols / c->op->attr.heads, n = c->op->attr.at;
    ttt_head t = {.c = c,
                  .K = c->K,
                  .d = d,
                  .batch = n,
                  .state = d * d + d,
                  .h = h,
                  .w = c->in[4].x + h * d,
                  .b = c->in[5].x + h * d,
                  .scale = (real)c->op->attr.scale,
                  .eps = c->op->attr.eps,
                  .S = c->work};

    t.D = t.S + t.state;
    t.hat = t.D + t.state;
    t.g = t.hat + n * d;
    t.p = t.g + n * d;
    t.dp = t.p + n * d;
    t.o = t.dp + n * d;
    t.u = t.o + d;
    t.x = t.u + d;
    t.rstd = t.x + d;
    return t;
}

static eg_index ttt_work(const kern *K, const egi_program *p, const egi_op *op)
{
    eg_index d = egi_value_of(p, op->in[0])->cols / op->attr.heads;

    (void)K;
    return 2 * (d * d + d) + op->attr.at * (4 * d + 1) + 3 * d;
}

/* Token t's columns of input i, or of its gradient. */
static const real *ttt_in(const ttt_head *t, int i, eg_index row)
{
    const N(arg) *a = &t->c->in[i];

    return a->x + row * a->ld + t->h * (a->cols / t->c->op->attr.heads);
}

static real *ttt_grad(const ttt_head *t, int i, eg_index row)
{
    const N(arg) *a = &t->c->in[i];

    return a->g ? a->g + row * a->ld + t->h * (a->cols / t->c->op->attr.heads)
                : NULL;
}

/* The state before the batch of token `from`. */
static real *ttt_kept(const ttt_head *t, eg_index from)
{
    eg_index each = t->c->op->attr.width; /* batches */

    return t->c->out[1].x + (t->h * each + from / t->batch) * t->state;
}

/* The inner gradients p of tokens from .. to - 1 at the state S. */
static void ttt_gradients(const ttt_head *t, eg_index from, eg_index to)
{
    for (eg_index r = from; r < to; r++) {
        const real *k = ttt_in(t, 1, r), *v = ttt_in(t, 2, r);
        real *hat = t->hat + (r - from) * t->d, *g = t->g + (r - from) * t->d;

        t->K->vecmat(t->x, k, t->S, t->d, t->d);
        t->K->add(t->x, t->S + t->d * t->d, t->d);
        t->rstd[r - from] = vec_norm(t->d, t->eps, hat, t->x);
        for (eg_index i = 0; i < t->d; i++)
            g[i] = (t->w[i] * hat[i] + t->b[i] - (v[i] - k[i])) * t->w[i];
        vec_norm_back(t->d, t->p + (r - from) * t->d, g, hat,
                      t->rstd[r - from]);
    }
}

/* o of token r, whose query stands in row `row`, from the state and p. */
static void ttt_output(const ttt_head *t, eg_index from, eg_index r,
                       eg_index row)
{
    const real *q = ttt_in(t, 0, row);
    real eta = ttt_in(t, 3, r)[0];

    t->K->vecmat(t->o, q, t->S, t->d, t->d);
    t->K->scale(t->o, t->scale, t->d);
    t->K->add(t->o, t->S + t->d * t->d, t->d);
    for (eg_index j = from; j <= r; j++) {
        real a = t->scale * (real)t->K->dot(q, ttt_in(t, 1, j), t->d) + 1;

        t->K->axpy(t->o, -eta * a, t->p + (j - from) * t->d, t->d);
    }
}

/* The state behind a whole batch. */
static void ttt_learn(const ttt_head *t, eg_index from, eg_index to)
{
    real eta = ttt_in(t, 3, to - 1)[0];

    for (eg_index j = from; j < to; j++) {
        const real *k = ttt_in(t, 1, j), *p = t->p + (j - from) * t->d;

        for (eg_index i = 0; i < t->d; i++) t->x[i] = -eta * k[i];
        t->K->rank1(t->S, t->S, NULL, 0, t->x, p, t->d, t->d);
        t->K->axpy(t->S + t->d * t->d, -eta, p, t->d);
    }
}

/* z = o + LN(o) */
static void ttt_readout(const ttt_head *t, real *z)
{
    (void)vec_norm(t->d, t->eps, t->u, t->o);
    for (eg_index i = 0; i < t->d; i++)
        z[i] = t->o[i] + t->u[i] * t->w[i] + t->b[i];
}

static void ttt_forward(const N(call) * c)
{
    const N(arg) *z = &c->out[0];
    eg_index n = z->rows > 0 ? c->limit[z->rows - 1] : 0;

    for (int h = 0; h < c->op->attr.heads; h++) {
        ttt_head t = ttt_bind(c, h);
        eg_index row = 0;

        memcpy(t.S, c->in[6].x + h * t.d * t.d,
               (size_t)(t.d * t.d) * sizeof *t.S);
        op_zero(t.S + t.d * t.d, 0, 1, t.d);
        for (eg_index from = 0; from < n; from += t.batch) {
            eg_index to = op_least(n, from + t.batch);

            memcpy(ttt_kept(&t, from), t.S, (size_t)t.state * sizeof *t.S);
            ttt_gradients(&t, from, to);
            for (; row < z->rows && c->limit[row] <= to; row++) {
                ttt_output(&t, from, c->limit[row] - 1, row);
                ttt_readout(&t, z->x + row * z->ld + h * t.d);
            }
            ttt_learn(&t, from, to);
        }
    }
}

/* ---- one position alone --------------------------------------------------
 */

/* Of each head: the state before the batch; sum_j k_j^T p_j and sum_j p_j of
 * its tokens so far; how many they are. */
static eg_index ttt_state(const kern *K, const egi_program *p, const egi_op *op)
{
    eg_index d = egi_value_of(p, op->in[0])->cols / op->attr.heads;

    (void)K;
    return op->attr.heads * (2 * (d * d + d) + 1);
}

/* The token's own gradient, into sums. */
static void ttt_gather(const ttt_head *t, real *sums)
{
    ttt_gradients(t, 0, 1);
    t->K->rank1(sums, sums, NULL, 0, ttt_in(t, 1, 0), t->p, t->d, t->d);
    t->K->add(sums + t->d * t->d, t->p, t->d);
}

static void ttt_next(const N(call) * c, real *state, bool first)
{
    const kern *K = c->K;

    for (int h = 0; h < c->op->attr.heads; h++) {
        ttt_head t = ttt_bind(c, h);
        eg_index each = 2 * t.state + 1, all = t.d * t.d;
        real eta = ttt_in(&t, 3, 0)[0], *sums, *seen;

        t.S = state + h * each;
        sums = t.S + t.state;
        seen = sums + t.state;
        if (first) {
            op_zero(t.S, 0, 1, each);
            memcpy(t.S, c->in[6].x + h * all, (size_t)all * sizeof *t.S);
        }
        ttt_gather(&t, sums);
        K->vecmat(t.o, ttt_in(&t, 0, 0), t.S, t.d, t.d);
        K->vecmat(t.u, ttt_in(&t, 0, 0), sums, t.d, t.d);
        K->axpy(t.o, -eta, t.u, t.d);
        K->scale(t.o, t.scale, t.d);
        K->add(t.o, t.S + all, t.d);
        K->axpy(t.o, -eta, sums + all, t.d);
        ttt_readout(&t, c->out[0].x + h * t.d);
        if (++*seen < (real)t.batch) continue;
        K->axpy(t.S, -eta, sums, t.state);
        op_zero(sums, 0, 1, t.state + 1);
    }
}

/* ---- back ---------------------------------------------------------------- */

/* Of z in one row: into dq, deta, dk, dp and D, which is added to. */
static void ttt_output_back(const ttt_head *t, eg_index from, eg_index r,
                            eg_index row)
{
    const kern *K = t->K;
    const N(arg) *z = &t->c->out[0];
    const real *q = ttt_in(t, 0, row), *dz = z->g + row * z->ld + t->h * t->d;
    real *dq = ttt_grad(t, 0, row), *deta = ttt_grad(t, 3, r);
    real *dw = t->c->in[4].g, *db = t->c->in[5].g;
    real eta = ttt_in(t, 3, r)[0], rstd;

    ttt_output(t, from, r, row);
    rstd = vec_norm(t->d, t->eps, t->u, t->o);
    for (eg_index i = 0; i < t->d; i++) {
        if (dw) dw[t->h * t->d + i] += dz[i] * t->u[i];
        if (db) db[t->h * t->d + i] += dz[i];
        t->x[i] = dz[i] * t->w[i];
    }
    vec_norm_back(t->d, t->o, t->x, t->u, rstd);
    K->add(t->o, dz, t->d); /* now the gradient of o */
    for (eg_index i = 0; i < t->d; i++) t->x[i] = t->scale * q[i];
    K->rank1(t->D, t->D, NULL, 0, t->x, t->o, t->d, t->d);
    K->add(t->D + t->d * t->d, t->o, t->d);
    if (dq) {
        K->rowdot(t->u, t->S, t->o, 0, t->d, t->d);
        K->axpy(dq, t->scale, t->u, t->d);
    }
    for (eg_index j = from; j <= r; j++) {
        const real *k = ttt_in(t, 1, j), *p = t->p + (j - from) * t->d;
        real *dk = ttt_grad(t, 1, j);
        real a = t->scale * (real)K->dot(q, k, t->d) + 1;
        real along = (real)K->dot(p, t->o, t->d);

        if (dq) K->axpy(dq, -t->scale * eta * along, k, t->d);
        if (dk) K->axpy(dk, -t->scale * eta * along, q, t->d);
        if (deta) deta[0] -= a * along;
        K->axpy(t->dp + (j - from) * t->d, -eta * a, t->o, t->d);
    }
}

/* Of the state behind the batch, D: into dp, dk and deta of its last token. */
static void ttt_learn_back(const ttt_head *t, eg_index from, eg_index to)
{
    const kern *K = t->K;
    real eta = ttt_in(t, 3, to - 1)[0], *deta = ttt_grad(t, 3, to - 1);

    for (eg_index j = from; j < to; j++) {
        const real *k = ttt_in(t, 1, j), *p = t->p + (j - from) * t->d;
        real *dk = ttt_grad(t, 1, j), *dp = t->dp + (j - from) * t->d;

        K->vecmat(t->x, k, t->D, t->d, t->d);
        K->add(t->x, t->D + t->d * t->d, t->d);
        if (deta) deta[0] -= (real)K->dot(t->x, p, t->d);
        for (eg_index i = 0; i < t->d; i++) dp[i] = -eta * t->x[i];
        if (!dk) continue;
        K->rowdot(t->x, t->D, p, 0, t->d, t->d);
        K->axpy(dk, -eta, t->x, t->d);
    }
}

/* Of p, a gradient of a norm: with s = 1 / std and u = g - mean(g) - hat B,
 * B = mean(g hat), p = s u. */
static void ttt_gradient_back(const ttt_head *t, eg_index from, eg_index r)
{
    const kern *K = t->K;
    const real *hat = t->hat + (r - from) * t->d, *g = t->g + (r - from) * t->d;
    const real *p = t->p + (r - from) * t->d, *dp = t->dp + (r - from) * t->d;
    const real *k = ttt_in(t, 1, r), *v = ttt_in(t, 2, r);
    real *dk = ttt_grad(t, 1, r), *dv = ttt_grad(t, 2, r);
    real *dw = t->c->in[4].g, *db = t->c->in[5].g, s = t->rstd[r - from];
    real B = (real)(K->dot(g, hat, t->d) / (double)t->d);
    real dB = -s * (real)(K->dot(dp, hat, t->d) / (double)t->d);
    real ds =
        s * (real)(K->dot(dp, p, t->d) / (double)t->d); /* times s^2 / d */

    vec_norm_back(t->d, t->x, dp, hat, s); /* dg */
    for (eg_index i = 0; i < t->d; i++) {
        real off = t->w[i] * hat[i] + t->b[i] - (v[i] - k[i]), dg = t->x[i];

        if (dw) dw[t->h * t->d + i] += dg * (off + t->w[i] * hat[i]);
        if (db) db[t->h * t->d + i] += dg * t->w[i];
        if (dv) dv[i] -= dg * t->w[i];
        if (dk) dk[i] += dg * t->w[i];
        t->u[i] = dg * t->w[i] * t->w[i] - B * s * dp[i] + dB * g[i];
    }
    vec_norm_back(t->d, t->o, t->u, hat, s);
    for (eg_index i = 0; i < t->d; i++) t->o[i] -= ds * hat[i];
    K->rank1(t->D, t->D, NULL, 0, k, t->o, t->d, t->d);
    K->add(t->D + t->d * t->d, t->o, t->d);
    if (!dk) return;
    K->rowdot(t->x, t->S, t->o, 0, t->d, t->d);
    K->add(dk, t->x, t->d);
}

static void ttt_head_back(const N(call) * c, int h)
{
    const N(arg) *z = &c->out[0];
    ttt_head t = ttt_bind(c, h);
    eg_index row = z->rows - 1, n = c->limit[row];

    op_zero(t.D, 0, 1, t.state);
    for (eg_index from = (n - 1) / t.batch * t.batch; from >= 0;
         from -= t.batch) {
        eg_index to = op_least(n, from + t.batch);

        memcpy(t.S, ttt_kept(&t, from), (size_t)t.state * sizeof *t.S);
        ttt_gradients(&t, from, to);
        ttt_learn_back(&t, from, to);
        for (; row >= 0 && c->limit[row] > from; row--)
            ttt_output_back(&t, from, c->limit[row] - 1, row);
        for (eg_index r = from; r < to; r++) ttt_gradient_back(&t, from, r);
    }
    if (c->in[6].g) c->K->add(c->in[6].g + h * t.d * t.d, t.D, t.d * t.d);
}

static void ttt_backward(const N(call) * c)
{
    for (int i = 0; i < 4; i++) {
        const N(arg) *a = &c->in[i];

        if (a->g && a->fresh) op_zero(a->g, a->ld, a->rows, a->cols);
    }
    for (int h = 0; h < c->op->attr.heads && c->out[0].rows > 0; h++)
        ttt_head_back(c, h);
}

/* q S, k S and the batch's outer products; within it, half its length twice. */
static void ttt_cost(const egi_program *p, const egi_op *op, double rows,
                     double pairs, egi_cost *out)
{
    const egi_value *z = egi_value_of(p, op->out[0]);
    double d = (double)z->cols / op->attr.heads;

    (void)pairs;
    out->madds = rows * (double)z->cols * (3 * d + (double)op->attr.at) *
                 (z->grad ? 3 : 1);
    out->attention = out->madds;
}

KIND(ttt, .shape = ttt_shape, .forward = ttt_forward, .backward = ttt_backward,
     .work = ttt_work, .state = ttt_state, .step = ttt_next, .info.steps = true,
     .info.reads_in = 0x7f, .info.reads_out = 1u << 1, .info.any_rows = true,
     .info.by_row = 1u << 0, .info.cost = ttt_cost);
