/* Scores of the first block from tables: the matrices behind them.
 *
 * With rows x0 = X[token] + X[sv + t], X stacking W_E and W_pos, the score of a
 * query and a key is a sum of entries of X Wq (X Wk)^T / sqrt(kw), and so are
 * its gradients. Tables [V, n] and [T, n] of the first block hold X times
 * W = Wq KX^T / sqrt(kw), KX = X Wk or X itself, as they hold any projection;
 * what is here goes from the matrices to W and back, once a step. */
#include "nn/real/pass.h"

/* Both kinds of rows of X and of KX: tokens' and positions'. */
typedef struct part {
    const real *x; /* [rows, d] */
    eg_index rows, at;
    int tensor;
    bool trained;
} part;

static int parts_of(part out[2], const N(net) * net)
{
    const eg_model *m = net->m;
    const egi_plan *p = &net->plan;

    out[0] = (part){net->ec, m->V, 0, m->e, p->acc_e >= 0};
    out[1] = (part){net->pc, m->T, p->layer[0].sv, m->pos, p->acc_pos >= 0};
    return m->pos >= 0 ? 2 : 1;
}

void N(scores_prepare)(N(net) * net)
{
    const eg_model *m = net->m;
    const egi_layer_plan *lp = &net->plan.layer[0];
    const egi_block_roles *r = &m->block[0];
    N(lnet) *n = &net->layer[0];
    const real *wq = N(gain)(m, r->qk >= 0 ? r->qk : r->q);
    eg_index d = m->d_model, kw = lp->kw, ld = N(key_columns)(m, lp);
    part parts[2];
    int n_parts = parts_of(parts, net);

    for (int i = 0; i < n_parts; i++) {
        real *to = n->kx + parts[i].at * ld;
        for (eg_index h = 0; r->k >= 0 && h < m->n_heads; h++) N(product)
        (net, to + h * kw, ld, (N(mat)){parts[i].x, d, 1},
         (N(mat)){N(gain)(m, r->k) + h * d * kw, kw, 1}, parts[i].rows, kw, d,
         1, 0);
        if (r->k < 0)
            memcpy(to, parts[i].x, (size_t)(parts[i].rows * d) * sizeof *to);
    }
    for (eg_index h = 0; h < m->n_heads; h++) N(product)
    (net, n->q.w + h * lp->sn, lp->nq, (N(mat)){wq + h * d * kw, kw, 1},
     (N(mat)){n->kx + (r->k >= 0 ? h * kw : 0), 1, ld}, d, lp->sn, kw,
     N(score_scale)(m, lp), 0);
}

/* From dw_h [d, sn]: what reaches the keys of tokens and positions. */
static void keys_finish(const N(net) * net, eg_index h, N(mat) dw, real *grad)
{
    const eg_model *m = net->m;
    const egi_layer_plan *lp = &net->plan.layer[0];
    const egi_block_roles *r = &m->block[0];
    eg_index d = m->d_model, kw = lp->kw, head = h * d * kw;
    const real *wq = N(gain)(m, r->qk >= 0 ? r->qk : r->q) + head;
    part parts[2];
    int n_parts = parts_of(parts, net);

    for (int i = 0; i < n_parts; i++) {
        const part *p = &parts[i];
        N(mat) turned = {dw.at + p->at, 1, dw.rows};
        real *dk = net->rows; /* [rows, kw] */
        N(product)
        (net, dk, kw, turned, (N(mat)){wq, kw, 1}, p->rows, kw, d,
         N(score_scale)(m, lp), 0);
        real *to = p->trained ? grad + m->tensor[p->tensor].offset : NULL;
        if (r->k < 0) {
            if (to) net->K->add(to, dk, p->rows * d);
            continue;
        }
        N(product)
        (net, grad + m->tensor[r->k].offset + head, kw, (N(mat)){p->x, 1, d},
         (N(mat)){dk, kw, 1}, d, kw, p->rows, 1, 1);
        if (to) N(product)
        (net, to, d, (N(mat)){dk, kw, 1},
         (N(mat)){N(gain)(m, r->k) + head, 1, kw}, p->rows, d, kw, 1, 1);
    }
}

void N(scores_finish)(const N(net) * net, const real *dw, eg_index ld,
                      real *grad)
{
    const eg_model *m = net->m;
    const egi_layer_plan *lp = &net->plan.layer[0];
    const egi_block_roles *r = &m->block[0];
    eg_index d = m->d_model, kw = lp->kw, ldk = N(key_columns)(m, lp);
    real *dq = grad + m->tensor[r->qk >= 0 ? r->qk : r->q].offset;

    for (eg_index h = 0; h < m->n_heads; h++) {
        N(mat) dwh = {dw + h * lp->sn, ld, 1};
        const real *kx = net->layer[0].kx + (r->k >= 0 ? h * kw : 0);
        if (lp->need_q) N(product)
        (net, dq + h * d * kw, kw, dwh, (N(mat)){kx, ldk, 1}, d, kw, lp->sn,
         N(score_scale)(m, lp), 1);
        if (lp->need_k) keys_finish(net, h, dwh, grad);
    }
}
