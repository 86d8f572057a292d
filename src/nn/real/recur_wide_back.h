/* Recurrent mixers in chunks (real/recur_wide.h), back. D is the gradient of
 * the state behind a chunk, and in the end that of the state before. With dZ,
 *     dU = W D' + B^T dZ,  D' = Diag(G) D,  (1 + A)^T dV = dU,
 *     dA = -lower(dV U^T),  dB = lower(dZ U^T),  dE = dA W - dV S_0^T,
 *     dQ = dB W + dZ S_0^T,  dW = U D'^T + dA^T E + dB^T Q,
 *     dS_0 = D' + Q^T dZ - E^T dV,
 * and of the g of a step, g dg = what E dE + Q dQ - W dW of it and the steps
 * behind it sum up to, with D * S of the state behind the chunk. */

/* sum_i of D * S behind the chunk, a number a row, which is the part of G dG
 * that the state has; then D is that of S_0 + W^T U. */
static void recur_enter_back(const recur_wide *c, real *D)
{
    const recur_head *p = c->p;
    const kern *K = p->c->K;
    const real *G = c->G + (c->n - 1) * p->kw;

    op_zero(c->sum, 0, 1, p->kw);
    if (!recur_in(p, RECUR_G, 0, 0)) return;
    if (p->c->in[RECUR_G].g) {
        recur_leave(c, c->dS);
        K->rowdot(c->sum, D, c->dS, p->ld, p->kw, p->ld);
    }
    for (eg_index i = 0; i < p->kw; i++) K->scale(D + i * p->ld, G[i], p->ld);
}

/* dU, then of v = (1 + A) U + E S_0: dU becomes dV. */
static void recur_values_back(const recur_wide *c, const real *D,
                              const real *dz, eg_index ldz)
{
    const recur_head *p = c->p;
    const kern *K = p->c->K;
    eg_index ld = p->ld;

    K->gemm(c->dU, ld, c->W, p->kw, 1, D, ld, 1, c->n, ld, p->kw, 1, 0,
            c->work);
    if (c->asks > 0)
        K->gemm(c->dU, ld, c->B, 1, RECUR_WIDE, dz, ldz, 1, c->n, p->vw,
                c->asks, 1, 1, c->work);
    for (eg_index u = c->n - 1; p->erases && u > 0; u--) {
        for (eg_index s = 0; s < u; s++) c->coef[s] = -c->A[u * RECUR_WIDE + s];
        K->rank1(c->dU, c->dU, NULL, 0, c->coef, c->dU + u * ld, u, ld);
    }
}

/* dE, dQ, dW; then D is the gradient of S_0. */
static void recur_keys_back(const recur_wide *c, real *D, const real *dz,
                            eg_index ldz)
{
    const recur_head *p = c->p;
    const kern *K = p->c->K;
    eg_index kw = p->kw, ld = p->ld, n = c->n, m = c->asks;

    K->gemm(c->dW, kw, c->U, ld, 1, D, 1, ld, n, kw, p->vw, 1, 0, c->work);
    op_zero(c->dE, 0, 1, n * kw);
    if (p->erases) {
        recur_lower(c, c->dA, c->dU, ld, c->U, ld, n, p->vw, -1, NULL);
        K->gemm(c->dW, kw, c->dA, 1, RECUR_WIDE, c->E, kw, 1, n, kw, n, 1, 1,
                c->work);
        K->gemm(c->dE, kw, c->dA, RECUR_WIDE, 1, c->W, kw, 1, n, kw, n, 1, 0,
                c->work);
        K->gemm(c->dE, kw, c->dU, ld, 1, c->S, 1, ld, n, kw, p->vw, -1, 1,
                c->work);
        K->gemm(D, ld, c->E, 1, kw, c->dU, ld, 1, kw, p->vw, n, -1, 1, c->work);
    }
    if (m == 0) return;
    recur_lower(c, c->dB, dz, ldz, c->U, ld, m, p->vw, 1, c->at);
    K->gemm(c->dW, kw, c->dB, 1, RECUR_WIDE, c->Q, kw, 1, n, kw, m, 1, 1,
            c->work);
    K->gemm(c->dQ, kw, c->dB, RECUR_WIDE, 1, c->W, kw, 1, m, kw, n, 1, 0,
            c->work);
    K->gemm(c->dQ, kw, dz, ldz, 1, c->S, 1, ld, m, kw, p->vw, 1, 1, c->work);
    K->gemm(D, ld, c->Q, 1, kw, dz, ldz, 1, kw, p->vw, m, 1, 1, c->work);
}

/* Step u, which is step j of token t, to its inputs; into sum what it adds to G
 * dG. */
static void recur_inputs_back(const recur_wide *c, eg_index t, int j,
                              eg_index u)
{
    const recur_head *p = c->p;
    eg_index kw = p->kw;
    int from = p->c->in[RECUR_E].x ? RECUR_E : RECUR_K;
    const real *k = recur_in(p, RECUR_K, t, j), *b = recur_in(p, RECUR_B, t, j);
    const real *G = c->G + u * kw, *dE = c->dE + u * kw, *dW = c->dW + u * kw;
    real *dk = recur_grad(p, RECUR_K, t, j), *db = recur_grad(p, RECUR_B, t, j);
    real *de = recur_grad(p, from, t, j), *dv = recur_grad(p, RECUR_V, t, j);
    real strength = b ? b[0] : 1;
    double along = 0;

    for (eg_index i = 0; i < kw; i++) {
        c->sum[i] += c->E[u * kw + i] * dE[i] - c->W[u * kw + i] * dW[i];
        along += (double)(k[i] * dW[i] / G[i]);
        if (dk) dk[i] += strength * dW[i] / G[i];
        if (p->erases && de) de[i] += dE[i] * G[i];
    }
    if (db) db[0] += (real)along;
    if (dv) p->c->K->add(dv, c->dU + u * p->ld, p->vw);
}

static void recur_query_back(const recur_wide *c, eg_index m)
{
    const recur_head *p = c->p;
    const N(arg) *q = &p->c->in[RECUR_Q];
    const real *G = c->G + (c->at[m] - 1) * p->kw, *dQ = c->dQ + m * p->kw;
    real *dq = q->g ? q->g + (c->row + m) * q->ld + p->h * p->kw : NULL;

    for (eg_index i = 0; i < p->kw; i++) {
        c->sum[i] += c->Q[m * p->kw + i] * dQ[i];
        if (dq) dq[i] += p->scale * G[i] * dQ[i];
    }
}

/* From the last step to the first: dg = (sum of G dG from there on) / g. The
 * first g is that of S_0. */
static void recur_steps_back(const recur_wide *c, real *D, const real *before)
{
    const recur_head *p = c->p;
    eg_index u = c->n, m = c->asks, each = recur_each(p);

    for (eg_index t = c->to - 1; t >= c->from; t--) {
        const real *g = recur_decay(p, t, 0);
        real *dg = recur_grad(p, RECUR_G, t, 0);

        if (m > 0 && c->at[m - 1] == u) recur_query_back(c, --m);
        for (int j = p->steps - 1; j >= 0; j--) recur_inputs_back(c, t, j, --u);
        if (!g) continue;
        if (t == c->from) {
            p->c->K->rowdot(c->sum, D, before, p->ld, p->kw, p->ld);
            for (eg_index i = 0; i < p->kw; i++)
                p->c->K->scale(D + i * p->ld, g[i * each], p->ld);
        }
        for (eg_index i = 0; dg && i < p->kw; i++)
            dg[i * each] += t == c->from ? c->sum[i] : c->sum[i] / g[i * each];
    }
}

static void recur_chunk_back(recur_wide *c, real *D, const real *before)
{
    const recur_head *p = c->p;
    const N(arg) *z = &p->c->out[0];
    const real *dz = z->g + c->row * z->ld + p->h * p->zw;

    recur_solve(c);
    if (c->asks > 0)
        recur_lower(c, c->B, c->Q, p->kw, c->W, p->kw, c->asks, p->kw, 1,
                    c->at);
    recur_enter_back(c, D);
    recur_values_back(c, D, dz, z->ld);
    recur_keys_back(c, D, dz, z->ld);
    recur_steps_back(c, D, before);
}

/* Chunks between two states that are kept are made again, from the first on:
 * mostly there is one. states [chunk + 1]. */
static void recur_wide_back(const recur_head *p, real *states, real *work)
{
    const N(call) *call = p->c;
    eg_index row = call->out[0].rows, n = call->limit[row - 1];
    recur_wide c = recur_wide_at(p, work);
    eg_index begin[RECUR_WIDE + 1], rows[RECUR_WIDE + 1];

    op_zero(p->S, 0, 1, p->states);
    for (eg_index from = (n - 1) / p->chunk * p->chunk; from >= 0;
         from -= p->chunk) {
        eg_index end = op_least(n, from + p->chunk), parts = 0;

        while (row > 0 && call->limit[row - 1] > from) row--;
        memcpy(states, p->kept + from / p->chunk * p->states,
               (size_t)p->states * sizeof *states);
        rows[0] = row;
        for (eg_index t = from;; t = c.to) {
            real *S = states + parts * p->states;

            begin[parts] = t;
            recur_gather(&c, t, end, rows[parts], S);
            if (c.to == end) break;
            recur_solve(&c);
            recur_leave(&c, S + p->states);
            rows[++parts] = c.row + c.asks;
        }
        for (; parts >= 0; parts--) {
            const real *S = states + parts * p->states;

            recur_gather(&c, begin[parts], end, rows[parts], S);
            recur_chunk_back(&c, p->S, S);
            end = begin[parts];
        }
    }
}
