/* What the mesa layers share: systems of keys, with gates, and the way back
 * through them. Included by ops.c alone; ops/mesa.h and ops/mesanet.h are the
 * ops.
 *
 *     q*_t = (H_t + Lambda)^-1 q_t,    H_t = g_t H_{t-1} + b_t k_t k_t^T
 *
 * With d_t the gradient at q*_t and a_t = (H_t + Lambda)^-1 d_t: dq_t = a_t,
 * and from the end, N = 0,
 *     N += a_t q*_t^T,
 *     dk_t -= b_t (N + N^T) k_t,   db_t -= k_t . N k_t,   dg_t -= <N, H_{t-1}>,
 *     N *= g_t. */

/* Inputs of the ops. b, g [n, heads], each may be left out: 1; w: of Lambda. */
enum { RIDGE_Q, RIDGE_K, RIDGE_B, RIDGE_G, RIDGE_W };

/* H is kept before every so many tokens. */
enum { RIDGE_CHUNK = 32 };

/* The keys of one head. */
typedef struct ridge_keys {
    const N(call) * c;
    eg_index h, kw, ld, at; /* at: its first column */
} ridge_keys;

static ridge_keys ridge_of(const N(call) * c, eg_index h)
{
    const egi_attr *a = &c->op->attr;
    eg_index kw = c->in[RIDGE_K].cols / a->k_heads;

    return (ridge_keys){.c = c,
                        .h = h,
                        .kw = kw,
                        .ld = c->in[RIDGE_K].ld,
                        .at = h * a->k_heads / a->heads * kw};
}

static const real *ridge_key(const ridge_keys *p, eg_index t)
{
    return p->c->in[RIDGE_K].x + t * p->ld + p->at;
}

/* What the head's gate i is at token t. */
static real ridge_gate(const ridge_keys *p, int i, eg_index t)
{
    const N(arg) *gate = &p->c->in[i];

    return gate->x ? gate->x[t * gate->ld + p->h] : 1;
}

/* to = g_t H + b_t k_t k_t^T; to may be H. */
static void ridge_next(const ridge_keys *p, real *to, const real *H, eg_index t)
{
    const kern *K = p->c->K;
    const real *k = ridge_key(p, t);
    real b = ridge_gate(p, RIDGE_B, t);
    eg_index kw = p->kw;

    if (to != H) memcpy(to, H, (size_t)(kw * kw) * sizeof *to);
    if (p->c->in[RIDGE_G].x) K->scale(to, ridge_gate(p, RIDGE_G, t), kw * kw);
    for (eg_index i = 0; i < kw; i++) K->axpy(to + i * kw, b * k[i], k, kw);
}

/* Token t, whose N is that of it and all later ones. before: H_{t-1}. u [kw] is
 * scratch. */
static void ridge_token_back(const ridge_keys *p, eg_index t, real *N_,
                             const real *before, real *u)
{
    const kern *K = p->c->K;
    const N(arg) *key = &p->c->in[RIDGE_K], *b = &p->c->in[RIDGE_B];
    const N(arg) *g = &p->c->in[RIDGE_G];
    const real *k = ridge_key(p, t);
    real strength = ridge_gate(p, RIDGE_B, t);
    eg_index kw = p->kw;

    for (eg_index i = 0; i < kw; i++) u[i] = (real)K->dot(N_ + i * kw, k, kw);
    if (b->g) b->g[t * b->ld + p->h] -= (real)K->dot(k, u, kw);
    if (key->g) {
        real *dk = key->g + t * p->ld + p->at;

        K->axpy(dk, -strength, u, kw);
        for (eg_index i = 0; i < kw; i++)
            K->axpy(dk, -strength * k[i], N_ + i * kw, kw);
    }
    if (g->g) g->g[t * g->ld + p->h] -= (real)K->dot(N_, before, kw * kw);
    if (g->x) K->scale(N_, ridge_gate(p, RIDGE_G, t), kw * kw);
}

/* From a [rows, kw] and kept [chunks, kw, kw], H before each chunk; N [kw, kw]
 * becomes what is left of it before the first token; u [kw], and states of a
 * chunk, [RIDGE_CHUNK, kw, kw], are scratch. */
static void ridge_sweep_back(const ridge_keys *p, const real *a,
                             const real *kept, real *N_, real *u, real *states)
{
    const N(call) *c = p->c;
    const N(arg) *q = &c->out[0];
    eg_index kw = p->kw, all = kw * kw, row = q->rows - 1;
    eg_index n = c->limit[row];

    op_zero(N_, kw, kw, kw);
    for (eg_index from = (n - 1) / RIDGE_CHUNK * RIDGE_CHUNK; from >= 0;
         from -= RIDGE_CHUNK) {
        eg_index to = op_least(n, from + RIDGE_CHUNK);

        memcpy(states, kept + from / RIDGE_CHUNK * all,
               (size_t)all * sizeof *states);
        for (eg_index t = from; t + 1 < to; t++)
            ridge_next(p, states + (t + 1 - from) * all,
                       states + (t - from) * all, t);
        for (eg_index t = to - 1; t >= from; t--) {
            for (; row >= 0 && c->limit[row] == t + 1; row--)
                for (eg_index i = 0; i < kw; i++)
                    c->K->axpy(N_ + i * kw, a[row * kw + i],
                               q->x + row * q->ld + p->h * kw, kw);
            ridge_token_back(p, t, N_, states + (t - from) * all, u);
        }
    }
}

/* Gradients that ops add to begin at 0; dq += a of head h. */
static void ridge_begin_back(const N(call) * c)
{
    for (int i = RIDGE_Q; i <= RIDGE_G; i++) {
        const N(arg) *x = &c->in[i];
        if (x->g && x->fresh) op_zero(x->g, x->ld, x->rows, x->cols);
    }
}

static void ridge_queries_back(const N(call) * c, eg_index h, const real *a)
{
    const N(arg) *q = &c->in[RIDGE_Q];
    eg_index kw = q->cols / c->op->attr.heads;

    for (eg_index r = 0; q->g && r < c->out[0].rows; r++)
        c->K->add(q->g + r * q->ld + h * kw, a + r * kw, kw);
}

/* Entries of a, and of H before each chunk. */
static eg_index ridge_keeps(eg_index n, eg_index kw)
{
    return n * kw + (n + RIDGE_CHUNK - 1) / RIDGE_CHUNK * kw * kw;
}

static eg_status ridge_shape(egi_program *p, egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[RIDGE_Q]);

    egi_out(p, op, 0, q->cls, q->rows, q->cols);
    return p->st;
}
