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
 * gates may be 0.
 *
 * Rows of a state are padded with zeros to whole vectors (ld), and so are the
 * vectors that meet them: all arithmetic is vecmat, rowdot and rank1. */

/* Inputs of the op. b [n, heads steps]; g [n, heads] or [n, heads kw]; e, x as
 * k; m [n, heads]. All but q, k, v may be left out: 1, 1, k, (b k), none. */
enum { RECUR_Q, RECUR_K, RECUR_V, RECUR_B, RECUR_G, RECUR_E, RECUR_X, RECUR_M };

/* One head in one sequence. */
typedef struct recur_head {
    const N(call) * c;
    eg_index kw, vw, ld, zw, n; /* zw: of z; n: tokens */
    int h, steps;
    bool erases, before, across, momentum;
    real scale;
    eg_index chunk; /* tokens between states that are kept */
    eg_index all;   /* entries of S, and of S and M */
    eg_index states;
    real *r;           /* [n_ctx steps, ld] what was erased */
    real *kept;        /* [chunks, states] the state before each chunk */
    real *S;           /* and M behind it; or their gradients */
    real *u, *w, *y;   /* [ld] scratch */
    real *by, *to, *e; /* [kw] scratch */
} recur_head;

static eg_index recur_padded(eg_index n)
{
    return (n + 15) / 16 * 16;
}

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
    if (i != RECUR_G && i != RECUR_M)
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

/* What row i of the state is multiplied by: g[i * recur_each]; NULL: 1. */
static const real *recur_decay(const recur_head *p, eg_index t, int j)
{
    return j > 0 ? NULL : recur_in(p, RECUR_G, t, j);
}

static eg_index recur_each(const recur_head *p)
{
    return p->c->in[RECUR_G].cols != p->c->op->attr.heads;
}

/* What the state before the step is read with: e, or g e. */
static const real *recur_reader(const recur_head *p, eg_index t, int j)
{
    int from = p->c->in[RECUR_E].x ? RECUR_E : RECUR_K;
    const real *e = recur_in(p, from, t, j), *g = recur_decay(p, t, j);
    eg_index each = recur_each(p);

    if (p->before || !g) return e;
    for (eg_index i = 0; i < p->kw; i++) p->e[i] = e[i] * g[i * each];
    return p->e;
}

static real *recur_erased(const recur_head *p, eg_index t, int j)
{
    return p->erases ? p->r + (t * p->steps + j) * p->ld : NULL;
}

/* A row of so many entries, padded. */
static void recur_pad(real *to, const real *from, eg_index n, eg_index ld)
{
    memcpy(to, from, (size_t)n * sizeof *to);
    if (ld > n) op_zero(to + n, 0, 1, ld - n);
}

/* u = v, or v - r; v as wide as the input, or as the pattern's units. */
static void recur_error(const recur_head *p, const real *v, const real *r,
                        bool apart)
{
    recur_pad(p->u, v, p->vw, p->ld);
    if (r && !apart) p->c->K->axpy(p->u, -1, r, p->ld);
}

/* The states `to` from those before the step, which may lie there too. */
static void recur_write(const recur_head *p, real *to, const real *from,
                        eg_index t, int j, const real *v, const real *r)
{
    const kern *K = p->c->K;
    const real *k = recur_in(p, RECUR_K, t, j), *x = recur_in(p, RECUR_X, t, j);
    const real *b = recur_in(p, RECUR_B, t, j), *g = recur_decay(p, t, j);
    const real *m = recur_in(p, RECUR_M, t, j);
    eg_index each = recur_each(p), shift = m ? p->all : 0;
    real strength = b ? b[0] : 1;

    recur_error(p, v, r, x != NULL);
    for (eg_index i = 0; i < p->kw; i++) p->by[i] = strength * k[i];
    K->rank1(to + shift, from + shift, m ? m : g, m ? 0 : each, p->by, p->u,
             p->kw, p->ld);
    if (r && x) {
        for (eg_index i = 0; i < p->kw; i++) p->by[i] = -x[i];
        K->rank1(to + shift, to + shift, NULL, 0, p->by, r, p->kw, p->ld);
    }
    if (!m) return;
    if (to != from) memcpy(to, from, (size_t)p->all * sizeof *to);
    for (eg_index i = 0; g && i < p->kw; i++)
        K->scale(to + i * p->ld, g[i * each], p->ld);
    K->add(to, to + p->all, p->all);
}

/* z = scale S^T q, or S q. */
static void recur_out(const recur_head *p, real *z, const real *S,
                      const real *q)
{
    const kern *K = p->c->K;

    if (p->across) {
        recur_pad(p->u, q, p->vw, p->ld);
        K->rowdot(p->to, S, p->u, 0, p->kw, p->ld);
    } else {
        K->vecmat(p->y, q, S, p->kw, p->ld);
    }
    for (eg_index i = 0; i < p->zw; i++)
        z[i] = p->scale * (p->across ? p->to[i] : p->y[i]);
}

/* ---- back: S, M of p are the gradients D, E on their way ------------------
 */

/* Of what z reads: D += scale q dz^T, dq = scale S dz. */
static void recur_out_back(const recur_head *p, const real *S, const real *q,
                           real *dq, const real *dz)
{
    const kern *K = p->c->K;

    if (p->across) {
        for (eg_index i = 0; i < p->kw; i++) p->by[i] = p->scale * dz[i];
        recur_pad(p->u, q, p->vw, p->ld);
        K->rank1(p->S, p->S, NULL, 0, p->by, p->u, p->kw, p->ld);
        if (!dq) return;
        K->vecmat(p->y, p->by, S, p->kw, p->ld);
        K->add(dq, p->y, p->vw);
        return;
    }
    for (eg_index i = 0; i < p->kw; i++) p->by[i] = p->scale * q[i];
    recur_pad(p->u, dz, p->vw, p->ld);
    K->rank1(p->S, p->S, NULL, 0, p->by, p->u, p->kw, p->ld);
    if (!dq) return;
    K->rowdot(p->to, S, p->u, 0, p->kw, p->ld);
    K->axpy(dq, p->scale, p->to, p->kw);
}

/* Of k, b, v and x, from P, the gradient of what was written; leaves that of r
 * in p->w. */
static void recur_write_back(const recur_head *p, const real *P, eg_index t,
                             int j, const real *r)
{
    const kern *K = p->c->K;
    const real *k = recur_in(p, RECUR_K, t, j), *x = recur_in(p, RECUR_X, t, j);
    const real *b = recur_in(p, RECUR_B, t, j);
    real *dk = recur_grad(p, RECUR_K, t, j), *dx = recur_grad(p, RECUR_X, t, j);
    real *db = recur_grad(p, RECUR_B, t, j), *dv = recur_grad(p, RECUR_V, t, j);
    real strength = b ? b[0] : 1;

    recur_error(p, recur_in(p, RECUR_V, t, j), r, x != NULL);
    for (eg_index i = 0; i < p->kw; i++) p->by[i] = strength * k[i];
    K->vecmat(p->w, p->by, P, p->kw, p->ld);
    if (dv) K->add(dv, p->w, p->vw);
    if (dk || db) K->rowdot(p->to, P, p->u, 0, p->kw, p->ld);
    if (dk) K->axpy(dk, strength, p->to, p->kw);
    if (db) db[0] += (real)K->dot(k, p->to, p->kw);
    if (!r) return;
    if (x) {
        if (dx) {
            K->rowdot(p->to, P, r, 0, p->kw, p->ld);
            K->axpy(dx, -1, p->to, p->kw);
        }
        K->vecmat(p->w, x, P, p->kw, p->ld);
    }
    K->scale(p->w, -1, p->ld);
}

/* Of e and g; and D of the state before, g D + (reader) dr^T. */
static void recur_read_back(const recur_head *p, eg_index t, int j,
                            const real *before, const real *r)
{
    const kern *K = p->c->K;
    int from = p->c->in[RECUR_E].x ? RECUR_E : RECUR_K;
    const real *e = recur_in(p, from, t, j), *g = recur_decay(p, t, j);
    real *de = recur_grad(p, from, t, j);
    real *dg = g ? recur_grad(p, RECUR_G, t, j) : NULL;
    eg_index each = recur_each(p);

    if (dg) {
        K->rowdot(p->to, p->S, before, p->ld, p->kw, p->ld);
        for (eg_index i = 0; i < p->kw; i++) dg[i * each] += p->to[i];
    }
    if (r) {
        K->rowdot(p->to, before, p->w, 0, p->kw, p->ld);
        for (eg_index i = 0; dg && !p->before && i < p->kw; i++)
            dg[i * each] += e[i] * p->to[i];
        for (eg_index i = 0; de && i < p->kw; i++)
            de[i] += p->to[i] * (g && !p->before ? g[i * each] : 1);
        K->rank1(p->S, p->S, g, each, recur_reader(p, t, j), p->w, p->kw,
                 p->ld);
    } else if (g) {
        for (eg_index i = 0; i < p->kw; i++)
            K->scale(p->S + i * p->ld, g[i * each], p->ld);
    }
}

/* One step back: the gradients of the states behind it become those before. */
static void recur_step_back(const recur_head *p, eg_index t, int j,
                            const real *before)
{
    const real *r = recur_erased(p, t, j), *m = recur_in(p, RECUR_M, t, j);
    const kern *K = p->c->K;
    real *E = p->S + p->all, *dm = recur_grad(p, RECUR_M, t, j);

    if (m) K->add(E, p->S, p->all);
    recur_write_back(p, m ? E : p->S, t, j, r);
    if (dm) dm[0] += (real)K->dot(E, before + p->all, p->all);
    if (m) K->scale(E, m[0], p->all);
    recur_read_back(p, t, j, before, r);
}
