/* The core of recurrent mixers: a state S [kw, vw] a head, and one step of it
 * forwards and back. Included by ops.c alone; ops/recur.h is the op.
 *
 * A step, with S' = Diag(g) S the state after it is forgotten in part:
 *     r = S*^T e                     S* = S', or S where attr.before
 *     S = S' + b k (v - r)^T         or, with x, S' + b k v^T - x r^T
 *     S = S' + M, M = m M + (that)   with momentum m
 *     z = scale S^T q                or, attr.across, scale S q
 * A token may take attr.steps of them, each with its own k, v, b, e, x; it is
 * forgotten before the first and read after the last. Nothing is divided by:
 * gates may be 0. */

/* Inputs of the op. b [n, heads steps]; g [n, heads] or [n, heads kw]; e, x as
 * k; m [n, heads]. All but q, k, v may be left out: 1, 1, k, (b k), none. */
enum { RECUR_Q, RECUR_K, RECUR_V, RECUR_B, RECUR_G, RECUR_E, RECUR_X, RECUR_M };

/* One head in one sequence. */
typedef struct recur_head {
    const N(call) * c;
    eg_index kw, vw, zw, n; /* zw: of z; n: tokens */
    int h, steps;
    bool erases, before, across;
    real scale;
    eg_index chunk;  /* tokens between states that are kept */
    real *r;         /* [n_ctx steps, vw] what was erased; NULL */
    real *kept;      /* [chunks, states] the state before each chunk */
    real *S, *M;     /* [kw, vw]; M NULL without momentum, else behind S */
    eg_index states; /* entries of S and M */
} recur_head;

/* Columns of input i that step j of the head's token t reads. */
static eg_index recur_at(const recur_head *p, int i, eg_index t, int j)
{
    const egi_attr *a = &p->c->op->attr;
    const N(arg) *in = &p->c->in[i];
    eg_index h = p->h, w = in->cols / a->heads;

    if (i == RECUR_K) {
        h = p->h * a->k_heads / a->heads;
        w = in->cols / a->k_heads;
    } else if (i == RECUR_V) {
        h = p->h * a->v_heads / a->heads;
        w = in->cols / a->v_heads;
    }
    if (i != RECUR_Q && i != RECUR_G && i != RECUR_M)
        return t * in->ld + h * w + j * (w / p->steps);
    return t * in->ld + h * w;
}

static const real *recur_in(const recur_head *p, int i, eg_index t, int j)
{
    const real *x = p->c->in[i].x;

    return x ? x + recur_at(p, i, t, j) : NULL;
}

static real *recur_grad(const recur_head *p, int i, eg_index t, int j)
{
    real *g = p->c->in[i].g;

    return g ? g + recur_at(p, i, t, j) : NULL;
}

/* What row i of the state is multiplied by. */
static real recur_decay(const recur_head *p, const real *g, int j, eg_index i)
{
    if (!g || j > 0) return 1;
    return p->c->in[RECUR_G].cols == p->c->op->attr.heads ? g[0] : g[i];
}

/* out [vw] = S^T e, forgotten before unless attr.before. */
static void recur_read(const recur_head *p, real *out, const real *S,
                       const real *e, const real *g, int j)
{
    op_zero(out, 0, 1, p->vw);
    for (eg_index i = 0; i < p->kw; i++)
        p->c->K->axpy(out, p->before ? e[i] : e[i] * recur_decay(p, g, j, i),
                      S + i * p->vw, p->vw);
}

/* S and M from those before the step, in place; v [vw], r [vw] or NULL. u [vw]
 * is scratch. */
static void recur_write(const recur_head *p, real *S, eg_index t, int j,
                        const real *v, const real *r, real *u)
{
    const kern *K = p->c->K;
    const real *k = recur_in(p, RECUR_K, t, j), *x = recur_in(p, RECUR_X, t, j);
    const real *b = recur_in(p, RECUR_B, t, j), *g = recur_in(p, RECUR_G, t, j);
    const real *m = recur_in(p, RECUR_M, t, j);
    real *to = p->M ? S + p->kw * p->vw : S;
    real strength = b ? b[0] : 1;

    memcpy(u, v, (size_t)p->vw * sizeof *u);
    if (r && !x) K->axpy(u, -1, r, p->vw);
    for (eg_index i = 0; i < p->kw; i++) {
        real *row = S + i * p->vw, *into = to + i * p->vw;
        real decay = recur_decay(p, g, j, i);

        if (decay != 1) K->scale(row, decay, p->vw);
        if (p->M) K->scale(into, m[0], p->vw);
        K->axpy(into, strength * k[i], u, p->vw);
        if (r && x) K->axpy(into, -x[i], r, p->vw);
        if (p->M) K->axpy(row, 1, into, p->vw);
    }
}

/* z (+)= scale S^T q, or S q. */
static void recur_out(const recur_head *p, real *z, const real *S,
                      const real *q)
{
    if (!p->across) op_zero(z, 0, 1, p->vw);
    for (eg_index i = 0; i < p->kw; i++) {
        const real *row = S + i * p->vw;

        if (p->across)
            z[i] = p->scale * (real)p->c->K->dot(row, q, p->vw);
        else
            p->c->K->axpy(z, p->scale * q[i], row, p->vw);
    }
}

/* ---- back ---------------------------------------------------------------- */

/* Gradients on their way: of the state behind the step, of its momentum, and
 * scratch [vw] each. */
typedef struct recur_back {
    real *D, *E;
    real *u, *du, *dr;
} recur_back;

/* The gradient of row i of what was written. */
static const real *recur_wrote(const recur_head *p, const recur_back *w,
                               eg_index i)
{
    return (p->M ? w->E : w->D) + i * p->vw;
}

/* Of what z reads: D += scale q dz^T, dq = scale S dz. */
static void recur_out_back(const recur_head *p, const recur_back *w,
                           const real *S, const real *q, real *dq,
                           const real *dz)
{
    const kern *K = p->c->K;

    for (eg_index i = 0; i < p->kw; i++) {
        const real *row = S + i * p->vw;

        if (p->across) {
            K->axpy(w->D + i * p->vw, p->scale * dz[i], q, p->vw);
            if (dq) K->axpy(dq, p->scale * dz[i], row, p->vw);
        } else {
            K->axpy(w->D + i * p->vw, p->scale * q[i], dz, p->vw);
            if (dq) dq[i] += p->scale * (real)K->dot(row, dz, p->vw);
        }
    }
}

/* Of k, b and, with x, x; du = b P^T k and dr. P: what was written's. */
static void recur_write_back(const recur_head *p, const recur_back *w,
                             eg_index t, int j, const real *v, const real *r)
{
    const kern *K = p->c->K;
    const real *k = recur_in(p, RECUR_K, t, j), *x = recur_in(p, RECUR_X, t, j);
    const real *b = recur_in(p, RECUR_B, t, j);
    real *dk = recur_grad(p, RECUR_K, t, j), *dx = recur_grad(p, RECUR_X, t, j);
    real *db = recur_grad(p, RECUR_B, t, j), *dv = recur_grad(p, RECUR_V, t, j);
    real strength = b ? b[0] : 1;

    memcpy(w->u, v, (size_t)p->vw * sizeof *v);
    if (r && !x) K->axpy(w->u, -1, r, p->vw);
    op_zero(w->du, 0, 1, p->vw);
    op_zero(w->dr, 0, 1, p->vw);
    for (eg_index i = 0; i < p->kw; i++) {
        const real *row = recur_wrote(p, w, i);
        real dot = dk || db ? (real)K->dot(row, w->u, p->vw) : 0;

        if (dk) dk[i] += strength * dot;
        if (db) db[0] += k[i] * dot;
        K->axpy(w->du, strength * k[i], row, p->vw);
        if (!r || !x) continue;
        if (dx) dx[i] -= (real)K->dot(row, r, p->vw);
        K->axpy(w->dr, -x[i], row, p->vw);
    }
    if (dv) K->add(dv, w->du, p->vw);
    if (r && !x) K->axpy(w->dr, -1, w->du, p->vw);
}

/* Of e and g, and D of the state before: D = g (D + e dr^T), or g D + e dr^T
 * where that is read before it is forgotten. before: the state before. */
static void recur_read_back(const recur_head *p, const recur_back *w,
                            eg_index t, int j, const real *before,
                            const real *r)
{
    const kern *K = p->c->K;
    bool own = p->c->in[RECUR_E].x != NULL;
    const real *g = recur_in(p, RECUR_G, t, j);
    const real *e = recur_in(p, own ? RECUR_E : RECUR_K, t, j);
    real *de = recur_grad(p, own ? RECUR_E : RECUR_K, t, j);
    real *dg = j == 0 ? recur_grad(p, RECUR_G, t, j) : NULL;
    bool one = p->c->in[RECUR_G].cols == p->c->op->attr.heads;

    for (eg_index i = 0; i < p->kw; i++) {
        const real *row = before + i * p->vw;
        real *D = w->D + i * p->vw, decay = recur_decay(p, g, j, i);
        real outer = p->before ? 1 : decay, dot = 0;

        if (dg) dg[one ? 0 : i] += (real)K->dot(D, row, p->vw);
        if (r) dot = (real)K->dot(row, w->dr, p->vw);
        if (r && de) de[i] += outer * dot;
        if (r && dg && !p->before) dg[one ? 0 : i] += e[i] * dot;
        if (decay != 1) K->scale(D, decay, p->vw);
        if (r) K->axpy(D, outer * e[i], w->dr, p->vw);
    }
}

/* The momentum's: E = (what comes from behind) + D; then dm, and m E. */
static void recur_momentum(const recur_head *p, const recur_back *w)
{
    p->c->K->add(w->E, w->D, p->kw * p->vw);
}

static void recur_momentum_back(const recur_head *p, const recur_back *w,
                                eg_index t, int j, const real *before)
{
    const real *m = recur_in(p, RECUR_M, t, j);
    real *dm = recur_grad(p, RECUR_M, t, j);
    eg_index all = p->kw * p->vw;

    if (dm) dm[0] += (real)p->c->K->dot(w->E, before + all, all);
    p->c->K->scale(w->E, m[0], all);
}

/* One step back: w->D, w->E of the states behind it become those before it. */
static void recur_step_back(const recur_head *p, const recur_back *w,
                            eg_index t, int j, const real *before)
{
    const real *v = recur_in(p, RECUR_V, t, j);
    const real *r = p->erases ? p->r + (t * p->steps + j) * p->vw : NULL;

    if (p->M) recur_momentum(p, w);
    recur_write_back(p, w, t, j, v, r);
    if (p->M) recur_momentum_back(p, w, t, j, before);
    recur_read_back(p, w, t, j, before, r);
}
