/* Queries of MesaNet: as of the mesa layer, with what is forgotten, how
 * strongly is written, and a regulariser that neither touches: q*_t = (H_t +
 * Lambda)^-1 q_t,    H_t = g_t H_{t-1} + b_t k_t k_t^T, Lambda = diag(1/4 +
 * softplus(w + c)),   c such that w = 0 is Lambda = 1 by conjugate gradients
 * from 0, for all rows of a chunk at once: with H the state before the chunk,
 * d_t and m_ti what is left at t of H and of key i, H_t p = d_t H p + sum_{i <=
 * t} m_ti k_i (k_i . p), so that no H_t is formed and all is matrix products. A
 * row stops when its residual is below attr.eps |q|, or after attr.steps steps.
 * in: q [rows, heads kw], k [n, k_heads kw], b, g [n, heads] (left out: 1),
 * w [heads, kw]; y: q*. von Oswald et al. 2025 (2506.05233). */
#define MESANET_LEAST 0.25
/* log(e^(3/4) - 1): softplus of it is 3/4 */
#define MESANET_SHIFT 0.11064653496
/* What is added to both denominators where attr.guarded, as the public kernels
 * have it; the iteration then stalls at residuals of 1e-3. */
#define MESANET_GUARD 1e-5
/* A row stops there whatever eps says: what the recursion takes for the
 * residual shrinks for ever, until it is made of numbers too small to have
 * digits. */
#define MESANET_FLOOR (sizeof(real) == sizeof(float) ? 1e-9 : 1e-18)

typedef struct mesanet_head {
    const N(call) * c;
    ridge_keys of;
    eg_index kw;
    real *H;                 /* [kw, kw] before the chunk */
    real *m, *d;             /* [chunk, chunk], [chunk] */
    real *lambda;            /* [kw] */
    real *x, *r, *p, *y, *s; /* [chunk, kw] of the solver; [chunk, chunk] */
    real *work;              /* of products */
    double rr[LINATT_CHUNK]; /* |r|^2; of rows that have stopped negative */
    double qq[LINATT_CHUNK]; /* eps^2 |q|^2 */
} mesanet_head;

_Static_assert((int)RIDGE_CHUNK == (int)LINATT_CHUNK, "chunks agree");

static double mesanet_raw(const N(call) * c, eg_index h, eg_index j)
{
    return (double)c->in[RIDGE_W].x[h * c->in[RIDGE_W].ld + j] + MESANET_SHIFT;
}

static mesanet_head mesanet_at(const N(call) * c, eg_index h, real *work)
{
    ridge_keys of = ridge_of(c, h);
    eg_index kw = of.kw, part = LINATT_CHUNK * kw;
    mesanet_head p = {
        .c = c, .of = of, .kw = kw, .H = work, .m = work + kw * kw};

    p.s = p.m + LINATT_SCORES;
    p.d = p.s + LINATT_SCORES;
    p.lambda = p.d + LINATT_CHUNK;
    p.x = p.lambda + kw;
    p.r = p.x + part;
    p.p = p.r + part;
    p.y = p.p + part;
    p.work = p.y + part;
    op_zero(p.H, kw, kw, kw);
    for (eg_index j = 0; j < kw; j++) {
        double w = mesanet_raw(c, h, j);

        p.lambda[j] = (real)(MESANET_LEAST + (w > 30 ? w : log1p(exp(w))));
    }
    return p;
}

/* d and m of the chunk of n keys that begins at `from`. */
static void mesanet_left(const mesanet_head *p, eg_index from, eg_index n)
{
    for (eg_index t = 0; t < n; t++) {
        real g = ridge_gate(&p->of, RIDGE_G, from + t);
        real *m = p->m + t * LINATT_CHUNK;

        p->d[t] = t > 0 ? p->d[t - 1] * g : g;
        for (eg_index i = 0; i < t; i++) m[i] = g * m[i - LINATT_CHUNK];
        m[t] = ridge_gate(&p->of, RIDGE_B, from + t);
        for (eg_index i = t + 1; i < n; i++) m[i] = 0;
    }
}

/* H from that before the chunk to that behind it. */
static void mesanet_take_in(const mesanet_head *p, eg_index from)
{
    eg_index kw = p->kw, last = LINATT_CHUNK - 1;
    const real *k = ridge_key(&p->of, from), *m = p->m + last * LINATT_CHUNK;

    mesanet_left(p, from, LINATT_CHUNK);
    p->c->K->scale(p->H, p->d[last], kw * kw);
    for (eg_index i = 0; i <= last; i++)
        for (eg_index j = 0; j < kw; j++)
            p->y[i * kw + j] = m[i] * k[i * p->of.ld + j];
    p->c->K->gemm(p->H, kw, k, 1, p->of.ld, p->y, kw, 1, kw, kw, LINATT_CHUNK,
                  1, 1, p->work);
}

/* y = (H_t + Lambda) p of the rows of a group. */
static void mesanet_times(const mesanet_head *p, const linatt_rows *g)
{
    const kern *K = p->c->K;
    const real *k = ridge_key(&p->of, g->from);
    eg_index kw = p->kw, C = LINATT_CHUNK;

    K->gemm(p->s, C, p->p, kw, 1, k, 1, p->of.ld, g->rows, g->n, kw, 1, 0,
            p->work);
    K->gemm(p->y, kw, p->p, kw, 1, p->H, kw, 1, g->rows, kw, kw, 1, 0, p->work);
    for (eg_index i = 0; i < g->rows; i++) {
        eg_index t = p->c->limit[g->first + i] - 1 - g->from;
        real *y = p->y + i * kw, *s = p->s + i * C;

        for (eg_index j = 0; j < g->n; j++) s[j] *= p->m[t * C + j];
        for (eg_index j = 0; j < kw; j++)
            y[j] = p->d[t] * y[j] + p->lambda[j] * p->p[i * kw + j];
    }
    K->gemm(p->y, kw, p->s, C, 1, k, p->of.ld, 1, g->rows, kw, g->n, 1, 1,
            p->work);
}

/* One step of row i; false: it has stopped. A row whose curvature is not
 * positive stays where it is. What is no number goes on, and is seen. */
static bool mesanet_step(mesanet_head *p, eg_index i)
{
    const kern *K = p->c->K;
    double guard = p->c->op->attr.guarded ? MESANET_GUARD : 0;
    real *x = p->x + i * p->kw, *r = p->r + i * p->kw, *d = p->p + i * p->kw;
    const real *y = p->y + i * p->kw;
    double curve, a, rr;

    if (p->rr[i] <= p->qq[i]) return false;
    curve = K->dot(d, y, p->kw);
    if (curve <= 0) {
        p->qq[i] = p->rr[i];
        return false;
    }
    a = p->rr[i] / (curve + guard);
    K->axpy(x, (real)a, d, p->kw);
    K->axpy(r, (real)-a, y, p->kw);
    rr = K->sumsq(r, p->kw);
    K->scale(d, (real)(rr / (p->rr[i] + guard)), p->kw);
    K->add(d, r, p->kw);
    p->rr[i] = rr;
    return true;
}

/* Rows of b that begin at the group's first, into rows of x. */
static void mesanet_group(mesanet_head *p, const linatt_rows *g, const real *b,
                          eg_index ldb)
{
    const egi_attr *a = &p->c->op->attr;
    double tol = a->guarded ? 0 : fmax(a->eps, MESANET_FLOOR);
    bool more = true;

    mesanet_left(p, g->from, g->n);
    for (eg_index i = 0; i < g->rows; i++) {
        memcpy(p->r + i * p->kw, b + i * ldb, (size_t)p->kw * sizeof *b);
        memcpy(p->p + i * p->kw, b + i * ldb, (size_t)p->kw * sizeof *b);
        p->rr[i] = p->c->K->sumsq(b + i * ldb, p->kw);
        p->qq[i] = tol * tol * p->rr[i];
    }
    op_zero(p->x, p->kw, g->rows, p->kw);
    for (int n = 0; more && n < a->steps; n++) {
        mesanet_times(p, g);
        more = false;
        for (eg_index i = 0; i < g->rows; i++)
            more = mesanet_step(p, i) || more;
    }
}

/* y = (H_t + Lambda)^-1 x in head h; keep [chunks, kw, kw] or NULL: the state
 * before each chunk. */
static void mesanet_solve(const N(call) * c, eg_index h, real *y, eg_index ldy,
                          const real *x, eg_index ldx, real *work, real *keep)
{
    mesanet_head p = mesanet_at(c, h, work);
    eg_index taken = 0, all = p.kw * p.kw;

    for (eg_index r = 0; r < c->out[0].rows;) {
        linatt_rows g = linatt_group(c, r);

        for (;; taken += LINATT_CHUNK) {
            if (keep)
                memcpy(keep + taken / LINATT_CHUNK * all, p.H,
                       (size_t)all * sizeof *keep);
            if (taken == g.from) break;
            mesanet_take_in(&p, taken);
        }
        mesanet_group(&p, &g, x + r * ldx, ldx);
        for (eg_index i = 0; i < g.rows; i++)
            memcpy(y + (r + i) * ldy, p.x + i * p.kw, (size_t)p.kw * sizeof *y);
        r += g.rows;
    }
}

static void mesanet_forward(const N(call) * c)
{
    const N(arg) *q = &c->in[RIDGE_Q], *y = &c->out[0];
    eg_index kw = q->cols / c->op->attr.heads;

    for (eg_index h = 0; h < c->op->attr.heads; h++)
        mesanet_solve(c, h, y->x + h * kw, y->ld, q->x + h * kw, q->ld, c->work,
                      NULL);
}

static eg_index mesanet_state(const kern *K, const egi_program *p,
                              const egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[RIDGE_Q]);

    (void)K;
    return q->cols * (q->cols / op->attr.heads);
}

/* With the key in hand taken in at once: its chunk holds nothing else. */
static void mesanet_next(const N(call) * c, real *state, bool first)
{
    const N(arg) *q = &c->in[RIDGE_Q], *y = &c->out[0];
    const linatt_rows alone = {.rows = 1};

    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        mesanet_head p = mesanet_at(c, h, c->work);
        eg_index all = p.kw * p.kw;

        p.H = state + h * all;
        if (first) op_zero(p.H, 0, 1, all);
        ridge_next(&p.of, p.H, p.H, 0);
        p.d[0] = 1;
        mesanet_group(&p, &alone, q->x + h * p.kw, q->ld);
        memcpy(y->x + h * p.kw, p.x, (size_t)p.kw * sizeof *y->x);
    }
}

/* dLambda = - sum_t a_t * q*_t */
static void mesanet_lambda_back(const N(call) * c, eg_index h, const real *a)
{
    const N(arg) *w = &c->in[RIDGE_W], *q = &c->out[0];
    eg_index kw = q->cols / c->op->attr.heads;

    for (eg_index j = 0; j < kw; j++) {
        double sum = 0;

        for (eg_index r = 0; r < q->rows; r++)
            sum += (double)a[r * kw + j] * (double)q->x[r * q->ld + h * kw + j];
        w->g[h * w->ld + j] -= (real)(sum / (1 + exp(-mesanet_raw(c, h, j))));
    }
}

static void mesanet_backward(const N(call) * c)
{
    const N(arg) *y = &c->out[0];
    eg_index kw = y->cols / c->op->attr.heads, n = c->in[RIDGE_K].rows;
    real *a = c->work, *kept = a + n * kw, *work = a + ridge_keeps(n, kw);

    ridge_begin_back(c);
    for (eg_index h = 0; h < c->op->attr.heads && y->rows > 0; h++) {
        ridge_keys of = ridge_of(c, h);

        mesanet_solve(c, h, a, kw, y->g + h * kw, y->ld, work, kept);
        ridge_queries_back(c, h, a);
        if (c->in[RIDGE_W].g) mesanet_lambda_back(c, h, a);
        ridge_sweep_back(&of, a, kept, work, work + kw * kw,
                         work + kw * kw + kw);
    }
}

static eg_index mesanet_work(const kern *K, const egi_program *p,
                             const egi_op *op)
{
    const egi_value *k = egi_value_of(p, op->in[RIDGE_K]);
    eg_index kw = k->cols / op->attr.k_heads, C = LINATT_CHUNK;
    eg_index most = op_most(kw, C);

    eg_index solve = kw * kw + 2 * (eg_index)LINATT_SCORES + C + kw +
                     4 * C * kw + K->pack_size(most, most);

    return ridge_keeps(k->rows, kw) + op_most(solve, (C + 1) * kw * kw + kw);
}

/* Each step of the solver, forwards and back, as if all were taken; and what a
 * token costs in the sweep back. */
static void mesanet_cost(const egi_program *p, const egi_op *op, double rows,
                         double pairs, egi_cost *out)
{
    const egi_value *y = egi_value_of(p, op->out[0]);
    double kw = (double)y->cols / op->attr.heads;
    double solve = op->attr.steps * (kw + 2.0 * LINATT_CHUNK);

    (void)pairs;
    out->madds = rows * (double)y->cols *
                 (solve * (1 + y->grad) + kw * (1 + 7 * y->grad));
    out->attention = out->madds;
}

KIND(mesanet, .shape = ridge_shape, .forward = mesanet_forward,
     .backward = mesanet_backward, .work = mesanet_work, .state = mesanet_state,
     .step = mesanet_next, .info.steps = true,
     .info.reads_in = 1u << RIDGE_K | 1u << RIDGE_B | 1u << RIDGE_G |
                      1u << RIDGE_W,
     .info.reads_out = 1u << 0, .info.any_rows = true, .info.by_row = 1u << 0,
     .info.cost = mesanet_cost);
