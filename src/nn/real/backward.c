/* Backward: from dlogits to sums of gradients, one sequence.
 *
 * st->dx carries the gradient of the residual stream: at a block's output rows
 * on the way in, at its input positions on the way out. What nothing trainable
 * needs is skipped. Sums of matrices are those of the effective ones (merged,
 * folded, tabled); finish.c takes them apart once a step. */
#include <string.h>

#include "nn/real/pass.h"
#include "nn/real/sheets.h"

typedef N(pass) pass;

static void zero_rows(real *x, eg_index ld, int rows, int n)
{
    for (int r = 0; r < rows; r++) memset(x + r * ld, 0, (size_t)n * sizeof *x);
}

/* dots[r] = dy . s (e + p) from the tables, where the gathered row is gone. */
static void table_dots(const pass *p, const real *dy, eg_index ld, int at,
                       int n, const int32_t *limit, int rows)
{
    eg_index cols = egi_table_cols(p->lp);
    const N(lnet) *w = p->w;

    for (int r = 0; r < rows; r++) {
        int t = limit[r] - 1;
        const real *d = dy + r * ld;
        double sum = p->K->dot(d, w->ey + p->st->tokens[t] * cols + at, n);
        if (w->py) sum += p->K->dot(d, w->py + t * cols + at, n);
        p->st->dots[r] = (real)(sum * (double)p->a->rstd1[t]);
    }
}

/* Scatters dy [rows, n] into the sums of the first block's tables, columns
 * at.., and its pull on 1/std into st->row. y: what the forward pass gathered,
 * NULL when it is gone (or rotated); a relu's output serves as well, since dy
 * is zero where it was cut. */
static void gather_back(const pass *p, real *acc, const real *dy, const real *y,
                        eg_index ld, int at, int n, const int32_t *limit,
                        int rows)
{
    const egi_layer_acc *o = &p->lp->acc;
    const N(lnet) *w = p->w;
    N(state) *st = p->st;
    bool pulls = w->by && p->lp->need_x;

    p->K->gather_back(acc + o->ey + at, w->py ? acc + o->py + at : NULL,
                      w->by ? acc + o->by + at : NULL,
                      pulls && y ? st->dots : NULL, egi_sum_cols(p->lp),
                      st->tokens, limit, w->by ? p->a->rstd1 : NULL, dy, y, ld,
                      w->by ? w->by + at : NULL, rows, n);
    if (!pulls) return;
    if (!y) table_dots(p, dy, ld, at, n, limit, rows);
    /* With y - b = s (e + p): the pull on s is dots / s, and d s / d x = -s^2
     * xhat / d_model; kept in row until the block's input gradient is
     * assembled. */
    for (int r = 0; r < rows; r++) {
        int t = limit[r] - 1;
        st->row[t] -= st->dots[r] * p->a->rstd1[t] / (real)p->m->d_model;
    }
}

static void norm_back(const pass *p, real *dx, const real *dy, const real *xhat,
                      const real *rstd, int w, eg_index acc_w, eg_index acc_b,
                      real *acc, int rows)
{
    eg_index ldx = p->st->ldx;
    p->K->layernorm_back(dx, ldx, acc_w < 0 ? NULL : acc + acc_w,
                         acc_b < 0 ? NULL : acc + acc_b, dy, ldx, xhat, ldx,
                         rstd, N(gain)(p->m, w), rows, p->m->d_model);
}

/* ---------------------------------------------------------- feed-forward -- */

/* dmi from dsum = st->dx; weight sums on the way. False: no dmi wanted or made
 * (the tables took it). */
static bool mlp_core_back(const pass *p, real *acc)
{
    N(state) *st = p->st;
    N(lact) *a = p->a;
    const egi_layer_acc *o = &p->lp->acc;
    int d = p->m->d_model, n = p->m->d_mlp;
    int at = egi_table_mlp(p->lp);
    eg_index ldx = st->ldx, ldm = st->ldm;

    if (p->lp->mlp == EG_MLP_LINEAR) {
        if (p->lp->table_mlp) {
            if (o->ey >= 0)
                gather_back(p, acc, st->dx, NULL, ldx, at, d, p->limit,
                            p->rows);
            return false;
        }
        if (o->f >= 0) N(lin_grad)
        (p->K, acc + o->f, a->mi, ldx, st->dx, ldx, d, d, p->rows, st->work);
        N(lin_back)(p->K, st->dmi, ldx, st->dx, ldx, &p->w->f, p->rows, 0);
        return true;
    }
    if (p->l == 0 && st->mlp_dout) { /* goes on in sheet_backward */
        for (int r = 0; r < p->rows; r++)
            memcpy(st->mlp_dout + r * ldx, st->dx + r * ldx,
                   (size_t)d * sizeof(real));
        return false;
    }
    if (o->out >= 0) N(lin_grad)
    (p->K, acc + o->out, a->post, ldm, st->dx, ldx, n, d, p->rows, st->work);
    N(lin_back)(p->K, st->dpre, ldm, st->dx, ldx, &p->w->wout, p->rows, 0);
    for (int r = 0; r < p->rows; r++) {
        real *dp = st->dpre + r * ldm;
        if (p->lp->mlp == EG_MLP_RELU)
            p->K->relu_back(dp, dp, a->pre + r * ldm, n);
        else
            p->K->gelu_back(dp, dp, a->pre + r * ldm, n);
    }
    if (p->lp->table_mlp) {
        if (o->ey >= 0)
            gather_back(p, acc, st->dpre, a->pre, ldm, at, n, p->limit,
                        p->rows);
        return false;
    }
    if (o->in >= 0) N(lin_grad)
    (p->K, acc + o->in, a->mi, ldx, st->dpre, ldm, d, n, p->rows, st->work);
    N(lin_back)(p->K, st->dmi, ldx, st->dpre, ldm, &p->w->win, p->rows, 0);
    return true;
}

/* From dx at the output to the gradient after the attention, which is
 * returned, and to dx, which now holds what reaches the block's input directly;
 * without feed-forward and norm the two are one. */
static const real *mlp_back(const pass *p, real *acc)
{
    N(state) *st = p->st;
    const egi_block_roles *r = &p->m->block[p->l];
    const egi_layer_acc *o = &p->lp->acc;
    eg_index ldx = st->ldx;
    int d = p->m->d_model, norms = p->m->opts.norm;
    size_t bytes = (size_t)p->rows * (size_t)ldx * sizeof(real);

    if (p->lp->mlp == EG_MLP_NONE) {
        if (norms != EG_NORM_POST) return st->dx;
        memcpy(st->dmid, st->dx, bytes);
    } else {
        if (norms == EG_NORM_POST) {
            zero_rows(st->dmid, ldx, p->rows, d);
            norm_back(p, st->dmid, st->dx, p->a->xhat2, p->a->rstd2, r->ln2_w,
                      o->ln2_w, o->ln2_b, acc, p->rows);
            memcpy(st->dx, st->dmid, bytes);
        }
        bool made = mlp_core_back(p, acc);
        memcpy(st->dmid, st->dx, bytes);
        if (made && norms == EG_NORM_PARALLEL)
            norm_back(p, st->dx, st->dmi, p->a->xhat2, p->a->rstd2, r->ln2_w,
                      o->ln2_w, o->ln2_b, acc, p->rows);
        else if (made && norms == EG_NORM_PRE)
            norm_back(p, st->dmid, st->dmi, p->a->xhat2, p->a->rstd2, r->ln2_w,
                      o->ln2_w, o->ln2_b, acc, p->rows);
        else if (made)
            for (int i = 0; i < p->rows; i++)
                p->K->add(st->dmid + i * ldx, st->dmi + i * ldx, d);
        if (norms != EG_NORM_PARALLEL) memcpy(st->dx, st->dmid, bytes);
    }
    if (norms == EG_NORM_POST) {
        memcpy(st->dmi, st->dmid, bytes);
        zero_rows(st->dmid, ldx, p->rows, d);
        norm_back(p, st->dmid, st->dmi, p->a->xhat1, p->a->rstd1, r->ln1_w,
                  o->ln1_w, o->ln1_b, acc, p->rows);
        memcpy(st->dx, st->dmid, bytes);
    }
    return st->dmid;
}

/* ------------------------------------------------------------- attention -- */

/* Where the gradient at head h's values is summed; NULL: not wanted. */
static real *value_grads(const pass *p, eg_index h)
{
    const egi_layer_plan *lp = p->lp;
    real *to = lp->nv > 0 ? p->st->dv : p->st->da;

    return lp->need_v ? to + h * lp->vw : NULL;
}

/* dz to dv, and with scores from tables to the sums of the tables' gradients.
 */
static void table_mix_back(const pass *p, real *acc, const real *dz,
                           eg_index lddz)
{
    N(state) *st = p->st;
    const N(lact) *a = p->a;
    const egi_layer_plan *lp = p->lp;
    bool wanted = lp->need_q || lp->need_k;
    eg_index psize = p->K->attn_size(p->limit, p->rows);

    for (eg_index h = 0; h < p->m->n_heads; h++) {
        eg_index at = h * lp->sn;
        p->K->attn_table_back(
            wanted ? acc + lp->acc.ey + at : NULL,
            wanted && lp->acc.py >= 0 ? acc + lp->acc.py + at : NULL,
            egi_sum_cols(lp), lp->sv, st->tokens, value_grads(p, h),
            lp->nv > 0 ? st->ldv : st->ldx, dz + h * lp->vw, lddz,
            a->z + h * lp->vw, st->ldz, a->p + h * psize, p->limit,
            a->v + h * lp->vw, a->ldv, p->rows, lp->vw, st->work);
    }
}

/* Through the mixing: dz to dq, dk, dv; identities add into da. */
static void mix_back(const pass *p, real *acc, const real *dz, eg_index lddz)
{
    N(state) *st = p->st;
    N(lact) *a = p->a;
    const egi_layer_plan *lp = p->lp;
    bool own_k = lp->nk > 0 || lp->k_copy;
    eg_index psize = p->K->attn_size(p->limit, p->rows);

    if (own_k && lp->need_k)
        zero_rows(st->dk, st->ldk, p->n, lp->k_copy ? lp->kw : lp->nk);
    if (lp->nv > 0 && lp->need_v) zero_rows(st->dv, st->ldv, p->n, lp->nv);
    if (lp->scores) {
        table_mix_back(p, acc, dz, lddz);
        return;
    }
    for (eg_index h = 0; h < p->m->n_heads; h++) {
        real *dq = lp->need_q ? st->dq + h * lp->kw : NULL;
        real *dk = NULL;
        if (lp->need_k) dk = own_k ? st->dk + N(key_at)(p, h) : st->da;
        p->K->attn_back(dq, st->ldq, dk, own_k ? st->ldk : st->ldx,
                        value_grads(p, h), lp->nv > 0 ? st->ldv : st->ldx,
                        dz + h * lp->vw, lddz, a->z + h * lp->vw, st->ldz,
                        a->p + h * psize, a->q + h * lp->kw, st->ldq, p->limit,
                        a->k + N(key_at)(p, h), a->ldk, a->v + h * lp->vw,
                        a->ldv, p->rows, lp->kw, lp->vw,
                        N(score_scale)(p->m, lp), st->work);
    }
    if (!lp->rotary) return;
    if (lp->need_q) N(rotate)
    (p->net, st->dq, st->ldq, p->limit, p->rows, p->m->n_heads, lp->kw, -1);
    if (!lp->need_k) return;
    N(rotate)
    (p->net, st->dk, st->ldk, st->limit_all, p->n,
     lp->k_copy ? 1 : p->m->n_heads, lp->kw, -1);
    for (int t = 0; lp->k_copy && t < p->n; t++)
        p->K->add(st->da + t * st->ldx, st->dk + t * st->ldk, p->m->d_model);
}

/* Queries were made at the output's rows only. */
static void query_back(const pass *p, real *acc)
{
    N(state) *st = p->st;
    const egi_layer_plan *lp = p->lp;
    int d = p->m->d_model;
    const real *aq = p->a->a;
    eg_index ldx = st->ldx;

    if (lp->acc.q >= 0) {
        if (p->rows != p->n) {
            N(copy_rows)(st->dmi, p->a->a, ldx, p->limit, p->rows, d);
            aq = st->dmi;
        }
        N(lin_grad)
        (p->K, acc + lp->acc.q, aq, ldx, st->dq, st->ldq, d, lp->nq, p->rows,
         st->work);
    }
    if (!lp->need_a) return;
    if (p->rows == p->n) {
        N(lin_back)(p->K, st->da, ldx, st->dq, st->ldq, &p->w->q, p->n, 1);
        return;
    }
    N(lin_back)(p->K, st->dmi, ldx, st->dq, st->ldq, &p->w->q, p->rows, 0);
    for (int r = 0; r < p->rows; r++)
        p->K->add(st->da + (p->limit[r] - 1) * ldx, st->dmi + r * ldx, d);
}

static void projections_back(const pass *p, real *acc)
{
    N(state) *st = p->st;
    const egi_layer_plan *lp = p->lp;
    const egi_layer_acc *o = &lp->acc;
    int d = p->m->d_model;
    eg_index ldx = st->ldx;

    if (lp->table) {
        if (o->ey < 0) return;
        const N(lact) *f = p->a;
        if (lp->need_q && !lp->scores)
            gather_back(p, acc, st->dq, lp->rotary ? NULL : f->q, st->ldq, 0,
                        lp->nq, p->limit, p->rows);
        if (lp->need_k && lp->nk > 0)
            gather_back(p, acc, st->dk, lp->rotary ? NULL : f->k, st->ldk,
                        lp->nq, lp->nk, st->limit_all, p->n);
        if (lp->need_v && lp->nv > 0)
            gather_back(p, acc, st->dv, f->v, st->ldv, egi_table_values(lp),
                        lp->nv, st->limit_all, p->n);
        return;
    }
    if (lp->need_q) query_back(p, acc);
    if (o->k >= 0) N(lin_grad)
    (p->K, acc + o->k, p->a->a, ldx, st->dk, st->ldk, d, lp->nk, p->n,
     st->work);
    if (o->v >= 0) N(lin_grad)
    (p->K, acc + o->v, p->a->a, ldx, st->dv, st->ldv, d, lp->nv, p->n,
     st->work);
    if (!lp->need_a) return;
    if (lp->nk > 0)
        N(lin_back)(p->K, st->da, ldx, st->dk, st->ldk, &p->w->k, p->n, 1);
    if (lp->nv > 0)
        N(lin_back)(p->K, st->da, ldx, st->dv, st->ldv, &p->w->v, p->n, 1);
}

/* dx at the output's rows becomes dx at all positions, in place, the last row
 * first. */
static void spread_rows(const pass *p)
{
    N(state) *st = p->st;
    size_t bytes = (size_t)p->m->d_model * sizeof(real);

    if (p->rows == p->n) return;
    for (int t = p->n - 1, r = p->rows - 1; t >= 0; t--) {
        bool mine = r >= 0 && p->limit[r] - 1 == t;
        if (mine && r != t)
            memcpy(st->dx + t * st->ldx, st->dx + r * st->ldx, bytes);
        else if (!mine)
            memset(st->dx + t * st->ldx, 0, bytes);
        r -= mine;
    }
}

/* Direct part (dx) plus da through the first norm: dx at the block's input. */
static void input_back(const pass *p, real *acc)
{
    N(state) *st = p->st;
    const egi_block_roles *r = &p->m->block[p->l];
    const egi_layer_acc *o = &p->lp->acc;
    eg_index ldx = st->ldx;
    int d = p->m->d_model;
    bool norm_first = egi_norm_first(p->m);

    if (st->da == st->dx) return; /* summed there */
    spread_rows(p);
    if (norm_first)
        norm_back(p, st->dx, st->da, p->a->xhat1, p->a->rstd1, r->ln1_w,
                  o->ln1_w, o->ln1_b, acc, p->n);
    for (int t = 0; t < p->n; t++) {
        if (!norm_first)
            p->K->add(st->dx + t * ldx, st->da + t * ldx, d);
        else if (p->lp->table)
            p->K->axpy(st->dx + t * ldx, st->row[t], p->a->xhat1 + t * ldx, d);
    }
}

/* The block behind dz [rows, n_heads vw] at its attention's output. */
static void attention_back(const pass *p, real *acc, const real *dz,
                           eg_index lddz)
{
    N(state) *st = p->st;

    if (!p->lp->need_q && !p->lp->need_k && !p->lp->need_v) return;
    st->da = st->da_room;
    if (p->lp->need_a && !egi_norm_first(p->m) && dz != st->dx) {
        spread_rows(p);
        st->da = st->dx;
    } else if (p->lp->need_a) {
        zero_rows(st->da, st->ldx, p->n, p->m->d_model);
    }
    mix_back(p, acc, dz, lddz);
    projections_back(p, acc);
    if (p->lp->need_a) input_back(p, acc);
}

static void block_back(const pass *p, real *acc)
{
    N(state) *st = p->st;
    const egi_layer_acc *o = &p->lp->acc;
    int d = p->m->d_model, zw = p->m->n_heads * p->lp->vw;

    memset(st->row, 0, (size_t)p->n * sizeof(real));
    const real *dmid = mlp_back(p, acc);
    if (!p->lp->has_o) {
        attention_back(p, acc, dmid, st->ldx);
        return;
    }
    if (o->o >= 0) N(lin_grad)
    (p->K, acc + o->o, p->a->z, st->ldz, dmid, st->ldx, zw, d, p->rows,
     st->work);
    N(lin_back)(p->K, st->dz, st->ldz, dmid, st->ldx, &p->w->o, p->rows, 0);
    attention_back(p, acc, st->dz, st->ldz);
}

/* ------------------------------------------------------------------ head -- */

/* Folded: logits = x A + z C. */
static void folded_back(const pass *p, real *acc)
{
    const egi_plan *plan = &p->net->plan;
    N(state) *st = p->st;
    const real *x = p->rows == p->n ? p->a->x : st->xl;
    int d = p->m->d_model, V = p->m->V, zw = p->m->n_heads * p->lp->vw;

    if (plan->acc_u >= 0) N(lin_grad)
    (p->K, acc + plan->acc_u, x, st->ldx, st->dlogits, st->ldu, d, V, p->rows,
     st->work);
    if (plan->acc_c >= 0) N(lin_grad)
    (p->K, acc + plan->acc_c, p->a->z, st->ldz, st->dlogits, st->ldu, zw, V,
     p->rows, st->work);
    if (!p->lp->need_q && !p->lp->need_k && !p->lp->need_v) return;
    if (p->lp->need_a) N(lin_back)
    (p->K, st->dx, st->ldx, st->dlogits, st->ldu, &p->net->u, p->rows, 0);
    N(lin_back)
    (p->K, st->dz, st->ldz, st->dlogits, st->ldu, &p->net->c, p->rows, 0);
    memset(st->row, 0, (size_t)p->n * sizeof(real));
    attention_back(p, acc, st->dz, st->ldz);
}

static void head_back(const pass *p, real *acc)
{
    const egi_plan *plan = &p->net->plan;
    N(state) *st = p->st;
    int d = p->m->d_model;
    bool final = p->m->lnf_w >= 0;

    if (plan->acc_u >= 0) N(lin_grad)
    (p->K, acc + plan->acc_u, st->xf, st->ldx, st->dlogits, st->ldu, d, p->m->V,
     p->rows, st->work);
    N(lin_back)
    (p->K, final ? st->dmi : st->dx, st->ldx, st->dlogits, st->ldu, &p->net->u,
     p->rows, 0);
    if (!final) return;
    zero_rows(st->dx, st->ldx, p->rows, d);
    norm_back(p, st->dx, st->dmi, st->xhatf, st->rstdf, p->m->lnf_w,
              plan->acc_lnf_w, plan->acc_lnf_b, acc, p->rows);
}

void N(backward)(const N(net) * net, N(state) * st, real *acc)
{
    const egi_plan *plan = &net->plan;
    int l = net->m->n_layers - 1, d = net->m->d_model;
    pass p = N(pass_of)(net, st, l);

    if (plan->fold) {
        folded_back(&p, acc);
        if (!p.lp->need_x) return;
        l--;
    } else {
        head_back(&p, acc);
    }
    for (; l >= 0; l--) {
        p = N(pass_of)(net, st, l);
        block_back(&p, acc);
        if (!p.lp->need_x) return;
    }
    for (int t = 0; t < st->n; t++) {
        const real *dx = st->dx + t * st->ldx;
        if (plan->acc_e >= 0)
            net->K->add(acc + plan->acc_e + (eg_index)st->tokens[t] * d, dx, d);
        if (plan->acc_pos >= 0)
            net->K->add(acc + plan->acc_pos + (eg_index)t * d, dx, d);
    }
}

/* What reaches the embeddings of a sheet goes through the norm's 1/std alone:
 * the rest is in the tables' sums. */
void N(sheet_backward)(const N(net) * net, N(state) * st, const N(sheets) * s,
                       int sheet, real *acc)
{
    const egi_plan *plan = &net->plan;
    eg_index d = net->m->d_model;
    pass p = N(sheet_inside)(net, st, s, sheet);

    N(sheets_sum)(s, sheet, st->dx, p.K, net->m->d_model);
    memset(st->row, 0, (size_t)p.n * sizeof(real));
    mlp_core_back(&p, acc);
    for (int r = 0; p.lp->need_x && r < p.rows; r++) {
        int t = p.limit[r] - 1;
        const real *x = p.a->xhat1 + t * st->ldx;
        if (plan->acc_e >= 0)
            p.K->axpy(acc + plan->acc_e + st->tokens[t] * d, st->row[t], x, d);
        if (plan->acc_pos >= 0)
            p.K->axpy(acc + plan->acc_pos + t * d, st->row[t], x, d);
    }
}
