/* Recurrent mixers in chunks: the states within a chunk are not made, all is
 * products of matrices. Included by ops.c alone; real/recur.h has the step and
 * the notation, real/recur_wide_back.h the way back.
 *
 * Without what is read before it is forgotten, x, momentum and a z along the
 * other axis, a step is
 *     S = Diag(g) S,    u = v - S^T e (or v),    S += b k u^T
 * With S_0 the state behind the chunk's first g, and of each step
 *     G = the product of the g since,    E = e G,    Q = scale q G,
 *     W = b k / G
 * as rows of matrices, the u of all steps are rows of U,
 *     (1 + A) U = V - E S_0,    A = lower(E W^T), without the diagonal
 *     Z = Q S_0 + B U,          B = lower(Q W^T)
 *     S = Diag(G) (S_0 + W^T U),    G the last one
 * which is the WY form (Bischof, Van Loan 1987; Yang et al. 2024, 2406.06484).
 * A g below RECUR_LEAST begins a chunk, since dg is a sum that is divided by
 * it, and so does a G that would leave the range of numbers: a g may be 0. */

/* Steps of a chunk at most, the least g and the least G. */
enum { RECUR_WIDE = 32 };
#define RECUR_LEAST ((real)1 / 64)
#define RECUR_LEFT ((real)0x1p-40)

/* A chunk of one head. Matrices of steps [RECUR_WIDE, kw or ld]; of rows that
 * ask, as many. */
typedef struct recur_wide {
    const recur_head *p;
    eg_index from, to, n;         /* tokens; steps */
    eg_index row, asks;           /* the first row that asks, and how many */
    real *E, *Q, *W, *G;          /* [n, kw] */
    real *A, *B;                  /* [n, n], [asks, n] with stride RECUR_WIDE */
    real *U;                      /* [n, ld] */
    real *S;                      /* [kw, ld] S_0 */
    real *dA, *dB, *dE, *dW, *dU; /* back; dQ takes the place of B's products */
    real *dQ, *dS;
    real *sum, *coef; /* [kw]; [RECUR_WIDE] */
    real *work;
    eg_index at[RECUR_WIDE]; /* steps before the row asks */
} recur_wide;

/* Tokens of a chunk at most. */
static eg_index recur_span(int steps)
{
    return steps < RECUR_WIDE ? RECUR_WIDE / steps : 1;
}

static eg_index recur_wide_size(const kern *K, eg_index kw, eg_index ld)
{
    eg_index n = RECUR_WIDE, most = op_most(op_most(kw, ld), n);

    return 7 * n * kw + 4 * n * n + 2 * n * ld + 2 * kw * ld + kw + n +
           K->pack_size(most, most);
}

static recur_wide recur_wide_at(const recur_head *p, real *work)
{
    eg_index n = RECUR_WIDE, all = n * p->kw;
    recur_wide c = {.p = p, .E = work};

    c.Q = c.E + all;
    c.W = c.Q + all;
    c.G = c.W + all;
    c.dE = c.G + all;
    c.dQ = c.dE + all;
    c.dW = c.dQ + all;
    c.A = c.dW + all;
    c.B = c.A + n * n;
    c.dA = c.B + n * n;
    c.dB = c.dA + n * n;
    c.U = c.dB + n * n;
    c.dU = c.U + n * p->ld;
    c.S = c.dU + n * p->ld;
    c.dS = c.S + p->kw * p->ld;
    c.sum = c.dS + p->kw * p->ld;
    c.coef = c.sum + p->kw;
    c.work = c.coef + n;
    return c;
}

/* G of the step of token t that forgets, from that before; false: it, or g, is
 * too small. */
static bool recur_shrink(const recur_wide *c, real *G, const real *before,
                         eg_index t)
{
    const real *g = recur_decay(c->p, t, 0);
    eg_index each = recur_each(c->p);
    bool large = true;

    for (eg_index i = 0; i < c->p->kw; i++) {
        real by = g ? g[i * each] : 1;

        G[i] = before[i] * by;
        large = large && by >= RECUR_LEAST && G[i] >= RECUR_LEFT;
    }
    return large;
}

/* Step j of token t into the chunk. */
static void recur_take(recur_wide *c, eg_index t, int j)
{
    const recur_head *p = c->p;
    const real *k = recur_in(p, RECUR_K, t, j), *b = recur_in(p, RECUR_B, t, j);
    const real *e = recur_in(p, RECUR_E, t, j);
    eg_index kw = p->kw, u = c->n++;
    const real *G = c->G + u * kw;
    real strength = b ? b[0] : 1;

    if (!e) e = k;
    for (eg_index i = 0; i < kw; i++) {
        c->E[u * kw + i] = e[i] * G[i];
        c->W[u * kw + i] = strength * k[i] / G[i];
    }
    recur_pad(c->U + u * p->ld, recur_in(p, RECUR_V, t, j), p->vw, p->ld);
}

/* The tokens from `from`, to `to` at most, of rows from `row` on; before: the
 * state before them. */
static void recur_gather(recur_wide *c, eg_index from, eg_index to,
                         eg_index row, const real *before)
{
    const recur_head *p = c->p;
    const N(call) *call = p->c;
    const N(arg) *q = &call->in[RECUR_Q];
    const real *g = recur_decay(p, from, 0);
    eg_index kw = p->kw, each = recur_each(p);

    c->n = c->asks = 0;
    c->from = from;
    c->row = row;
    to = op_least(to, from + recur_span(p->steps));
    memcpy(c->S, before, (size_t)p->all * sizeof *before);
    for (eg_index i = 0; g && i < kw; i++)
        call->K->scale(c->S + i * p->ld, g[i * each], p->ld);
    for (eg_index t = from; t < to; t++) {
        real *G = c->G + c->n * kw;

        if (t == from)
            for (eg_index i = 0; i < kw; i++) G[i] = 1;
        else if (!recur_shrink(c, G, G - kw, t))
            to = t;
        for (int j = 0; t < to && j < p->steps; j++) {
            if (j > 0) memcpy(c->G + c->n * kw, G, (size_t)kw * sizeof *G);
            recur_take(c, t, j);
        }
        if (t == to || row + c->asks == call->out[0].rows ||
            call->limit[row + c->asks] != t + 1)
            continue;
        for (eg_index i = 0; i < kw; i++)
            c->Q[c->asks * kw + i] =
                p->scale * G[i] * q->x[(row + c->asks) * q->ld + p->h * kw + i];
        c->at[c->asks++] = c->n;
    }
    c->to = to;
}

/* m [rows, n] = lower(x W^T), of row i the first seen[i], or i. */
static void recur_lower(const recur_wide *c, real *m, const real *x,
                        eg_index ldx, const real *w, eg_index ldw,
                        eg_index rows, eg_index width, real scale,
                        const eg_index *seen)
{
    c->p->c->K->gemm(m, RECUR_WIDE, x, ldx, 1, w, 1, ldw, rows, c->n, width,
                     scale, 0, c->work);
    for (eg_index i = 0; i < rows; i++)
        for (eg_index s = seen ? seen[i] : i; s < c->n; s++)
            m[i * RECUR_WIDE + s] = 0;
}

/* A and U, of which rows hold V so far. */
static void recur_solve(const recur_wide *c)
{
    const recur_head *p = c->p;
    const kern *K = p->c->K;

    if (!p->erases) return;
    recur_lower(c, c->A, c->E, p->kw, c->W, p->kw, c->n, p->kw, 1, NULL);
    K->gemm(c->U, p->ld, c->E, p->kw, 1, c->S, p->ld, 1, c->n, p->ld, p->kw, -1,
            1, c->work);
    for (eg_index u = 1; u < c->n; u++) {
        K->vecmat(p->y, c->A + u * RECUR_WIDE, c->U, u, p->ld);
        K->axpy(c->U + u * p->ld, -1, p->y, p->ld);
    }
}

/* S = Diag(G) (S_0 + W^T U), G the last one. */
static void recur_leave(const recur_wide *c, real *S)
{
    const recur_head *p = c->p;
    const kern *K = p->c->K;
    const real *G = c->G + (c->n - 1) * p->kw;

    if (S != c->S) memcpy(S, c->S, (size_t)p->all * sizeof *S);
    K->gemm(S, p->ld, c->W, 1, p->kw, c->U, p->ld, 1, p->kw, p->ld, c->n, 1, 1,
            c->work);
    for (eg_index i = 0; recur_in(p, RECUR_G, 0, 0) && i < p->kw; i++)
        K->scale(S + i * p->ld, G[i], p->ld);
}

static void recur_answer(const recur_wide *c)
{
    const recur_head *p = c->p;
    const kern *K = p->c->K;
    const N(arg) *z = &p->c->out[0];
    real *to = z->x + c->row * z->ld + p->h * p->zw;

    if (c->asks == 0) return;
    recur_lower(c, c->B, c->Q, p->kw, c->W, p->kw, c->asks, p->kw, 1, c->at);
    K->gemm(to, z->ld, c->Q, p->kw, 1, c->S, p->ld, 1, c->asks, p->vw, p->kw, 1,
            0, c->work);
    K->gemm(to, z->ld, c->B, RECUR_WIDE, 1, c->U, p->ld, 1, c->asks, p->vw,
            c->n, 1, 1, c->work);
}

static void recur_wide_forward(const recur_head *p, real *work)
{
    const N(call) *call = p->c;
    eg_index rows = call->out[0].rows, row = 0;
    eg_index n = rows > 0 ? call->limit[rows - 1] : 0;
    recur_wide c = recur_wide_at(p, work);

    op_zero(p->S, 0, 1, p->states);
    for (eg_index t = 0; t < n; t = c.to, row += c.asks) {
        if (t % p->chunk == 0)
            memcpy(p->kept + t / p->chunk * p->states, p->S,
                   (size_t)p->states * sizeof *p->S);
        recur_gather(&c, t, op_least(n, (t / p->chunk + 1) * p->chunk), row,
                     p->S);
        recur_solve(&c);
        recur_answer(&c);
        recur_leave(&c, p->S);
    }
}
