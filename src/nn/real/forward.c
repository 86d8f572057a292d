/* Forward: tokens to logits, one sequence, and what backward needs on the way.
 *
 * Rows: every block but the last works at positions 0 .. n-1, n - 1 being the
 * last position in the loss; the last block needs keys and values there but
 * queries, and all that follows them, at the positions in the loss only. */
#include <string.h>

#include "nn/real/pass.h"
#include "nn/real/sheets.h"

typedef N(pass) pass;

static bool in_loss(const N(net) * net, const N(state) * st, int t)
{
    return st->targets[t] >= 0 && (!net->plan.in_context || st->occur[t] >= 2);
}

/* The rows of the last block; returns the positions in the loss. */
static int choose_rows(const N(net) * net, N(state) * st)
{
    int T = net->m->T, n_loss = 0;

    st->n = T;
    st->rows = 0;
    for (int t = 0; t < T; t++) {
        bool in = in_loss(net, st, t);
        n_loss += in;
        if (net->plan.subset && !in) continue;
        st->idx[st->rows] = t;
        st->limit[st->rows] = t + 1;
        st->rtarget[st->rows] = in ? st->targets[t] : -1;
        st->rows++;
    }
    if (net->plan.subset && st->rows > 0) st->n = st->idx[st->rows - 1] + 1;
    return n_loss;
}

/* x [rows of output]: the block's input at the positions of its output. */
static const real *input_rows(const pass *p)
{
    if (p->rows == p->n) return p->a->x;
    N(copy_rows)
    (p->st->xl, p->a->x, p->st->ldx, p->limit, p->rows, p->m->d_model);
    return p->st->xl;
}

/* rows of y[:, n] from columns at.. of the first block's tables. */
static void gather(const pass *p, real *y, eg_index ldy, int at, int n,
                   const int32_t *limit, int rows)
{
    eg_index cols = egi_table_cols(p->lp);
    const N(lnet) *w = p->w;

    p->K->gather(y, ldy, w->ey + at, w->py ? w->py + at : NULL, cols,
                 p->st->tokens, limit, w->by ? p->a->rstd1 : NULL,
                 w->by ? w->by + at : NULL, rows, n);
}

static void projections(const pass *p)
{
    N(state) *st = p->st;
    N(lact) *a = p->a;
    const egi_layer_plan *lp = p->lp;
    int d = p->m->d_model;
    eg_index ldx = st->ldx;

    if (lp->table) {
        if (!lp->scores) gather(p, a->q, st->ldq, 0, lp->nq, p->limit, p->rows);
        if (lp->nk > 0)
            gather(p, a->k, st->ldk, lp->nq, lp->nk, st->limit_all, p->n);
        if (lp->nv > 0)
            gather(p, a->v, st->ldv, egi_table_values(lp), lp->nv,
                   st->limit_all, p->n);
    } else {
        const real *aq = a->a;
        if (p->rows != p->n) {
            N(copy_rows)(st->out, a->a, ldx, p->limit, p->rows, d);
            aq = st->out; /* free until the block's end */
        }
        N(lin_forward)(p->K, a->q, st->ldq, aq, ldx, &p->w->q, p->rows, 0);
        if (lp->nk > 0)
            N(lin_forward)(p->K, a->k, st->ldk, a->a, ldx, &p->w->k, p->n, 0);
        if (lp->nv > 0)
            N(lin_forward)(p->K, a->v, st->ldv, a->a, ldx, &p->w->v, p->n, 0);
    }
    if (!lp->rotary) return;
    N(rotate)
    (p->net, a->q, st->ldq, p->limit, p->rows, p->m->n_heads, lp->kw, 1);
    if (lp->k_copy)
        for (int t = 0; t < p->n; t++)
            memcpy(a->k + t * st->ldk, a->a + t * ldx,
                   (size_t)d * sizeof *a->k);
    N(rotate)
    (p->net, a->k, st->ldk, st->limit_all, p->n, lp->k_copy ? 1 : p->m->n_heads,
     lp->kw, 1);
}

/* Scores from tables, without queries and keys. */
static void table_mix(const pass *p)
{
    N(lact) *a = p->a;
    N(state) *st = p->st;
    const egi_layer_plan *lp = p->lp;
    eg_index psize = p->K->attn_size(p->limit, p->rows);

    for (eg_index h = 0; h < p->m->n_heads; h++)
        p->K->attn_table(a->z + h * lp->vw, st->ldz, a->p + h * psize,
                         p->w->ey + h * lp->sn,
                         p->w->py ? p->w->py + h * lp->sn : NULL,
                         egi_table_cols(lp), lp->sv, st->tokens, p->limit,
                         a->v + h * lp->vw, a->ldv, p->rows, lp->vw, st->work);
}

static void attention(const pass *p)
{
    N(lact) *a = p->a;
    N(state) *st = p->st;
    const egi_layer_plan *lp = p->lp;
    eg_index psize = p->K->attn_size(p->limit, p->rows);

    projections(p);
    if (lp->scores) {
        table_mix(p);
        return;
    }
    for (eg_index h = 0; h < p->m->n_heads; h++)
        p->K->attn(a->z + h * lp->vw, st->ldz, a->p + h * psize,
                   a->q + h * lp->kw, st->ldq, p->limit, a->k + N(key_at)(p, h),
                   a->ldk, a->v + h * lp->vw, a->ldv, p->rows, lp->kw, lp->vw,
                   N(score_scale)(p->m, lp), st->work);
}

/* y = W_E[z] + W_pos[t] for `rows` tokens, W_pos from row t on. */
static void embed(const pass *p, real *y, const int32_t *tokens, eg_index t,
                  int rows)
{
    const real *pos = (const real *)egi_param(p->m, p->m->pos);
    int d = p->m->d_model;

    p->K->embed(y, p->st->ldx, (const real *)egi_param(p->m, p->m->e), d,
                pos ? pos + t * d : NULL, d, tokens, rows, d);
}

/* mid = x + z where x was not kept: a row at a time, so that it stays near. */
static void add_to_embedding(const pass *p)
{
    N(lact) *a = p->a;
    N(state) *st = p->st;

    for (int t = 0; t < p->rows; t++) {
        embed(p, a->mid + t * st->ldx, st->tokens + t, t, 1);
        p->K->add(a->mid + t * st->ldx, a->z + t * st->ldz, p->m->d_model);
    }
}

/* mid = x + z W_O */
static void add_attention(const pass *p, const real *xr)
{
    N(lact) *a = p->a;
    N(state) *st = p->st;
    int d = p->m->d_model;
    eg_index ldx = st->ldx;

    if (!p->lp->has_o && p->lp->lone_x) {
        add_to_embedding(p);
        return;
    }
    if (!p->lp->has_o && !a->h) {
        p->K->embed(a->mid, ldx, xr, ldx, a->z, st->ldz, st->each, p->rows, d);
        return;
    }
    if (p->lp->lone_x)
        embed(p, a->mid, st->tokens, 0, p->rows);
    else
        for (int r = 0; r < p->rows; r++)
            memcpy(a->mid + r * ldx, xr + r * ldx, (size_t)d * sizeof *a->mid);
    if (!a->h) {
        N(lin_forward)(p->K, a->mid, ldx, a->z, st->ldz, &p->w->o, p->rows, 1);
        return;
    }
    if (p->lp->has_o)
        N(lin_forward)(p->K, a->h, ldx, a->z, st->ldz, &p->w->o, p->rows, 0);
    for (int r = 0; r < p->rows; r++) {
        if (!p->lp->has_o)
            memcpy(a->h + r * ldx, a->z + r * st->ldz,
                   (size_t)d * sizeof *a->h);
        p->K->add(a->mid + r * ldx, a->h + r * ldx, d);
    }
}

static void norm(const pass *p, real *y, real *xhat, real *rstd, const real *x,
                 int w, int b, int rows)
{
    eg_index ldx = p->st->ldx;
    p->K->layernorm(y, ldx, xhat, ldx, rstd, x, ldx,
                    (const real *)egi_param(p->m, w),
                    (const real *)egi_param(p->m, b), rows, p->m->d_model,
                    p->m->opts.norm_eps);
}

/* The feed-forward's input, mi. xr: block input at the output's rows. */
static void mlp_input(const pass *p, const real *xr)
{
    const egi_block_roles *r = &p->m->block[p->l];

    if (p->m->opts.norm == EG_NORM_PRE)
        norm(p, p->a->mi, p->a->xhat2, p->a->rstd2, p->a->mid, r->ln2_w,
             r->ln2_b, p->rows);
    else if (p->m->opts.norm == EG_NORM_PARALLEL)
        norm(p, p->a->mi, p->a->xhat2, p->a->rstd2, xr, r->ln2_w, r->ln2_b,
             p->rows);
}

static void activate(const pass *p)
{
    N(lact) *a = p->a;
    eg_index ld = p->st->ldm;
    int n = p->m->d_mlp;

    for (int r = 0; r < p->rows; r++) {
        if (p->lp->mlp == EG_MLP_RELU)
            p->K->relu(a->post + r * ld, a->pre + r * ld, n);
        else
            p->K->gelu(a->post + r * ld, a->pre + r * ld, n);
    }
}

/* out = mid + F(mi) */
static void feed_forward(const pass *p, real *out, const real *xr)
{
    N(lact) *a = p->a;
    N(state) *st = p->st;
    int d = p->m->d_model, kind = p->lp->mlp;
    eg_index ldx = st->ldx;
    int at = egi_table_mlp(p->lp);

    if (kind == EG_MLP_NONE) return; /* mid is out */
    if (p->l == 0 && st->mlp_row) {
        p->K->embed(out, ldx, st->mlp_out, ldx, a->mid, ldx, st->mlp_row,
                    p->rows, d);
        return;
    }
    mlp_input(p, xr);
    for (int r = 0; r < p->rows; r++)
        memcpy(out + r * ldx, a->mid + r * ldx, (size_t)d * sizeof *out);
    real *to = a->mo ? a->mo : out;
    if (kind == EG_MLP_LINEAR && p->lp->table_mlp) {
        gather(p, st->dmi, ldx, at, d, p->limit, p->rows);
        for (int r = 0; r < p->rows; r++)
            p->K->add(out + r * ldx, st->dmi + r * ldx, d);
        return;
    }
    if (kind == EG_MLP_LINEAR) {
        N(lin_forward)(p->K, to, ldx, a->mi, ldx, &p->w->f, p->rows, !a->mo);
    } else {
        if (p->lp->table_mlp)
            gather(p, a->pre, st->ldm, at, p->lp->nm, p->limit, p->rows);
        else
            N(lin_forward)
        (p->K, a->pre, st->ldm, a->mi, ldx, &p->w->win, p->rows, 0);
        activate(p);
        N(lin_forward)
        (p->K, to, ldx, a->post, st->ldm, &p->w->wout, p->rows, !a->mo);
    }
    for (int r = 0; a->mo && r < p->rows; r++)
        p->K->add(out + r * ldx, a->mo + r * ldx, d);
}

static void block(const pass *p, real *out)
{
    const egi_block_roles *r = &p->m->block[p->l];
    int norms = p->m->opts.norm;
    N(lact) *a = p->a;

    if (egi_norm_first(p->m))
        norm(p, a->a, a->xhat1, a->rstd1, a->x, r->ln1_w, r->ln1_b, p->n);
    attention(p);
    const real *xr = input_rows(p);
    if (p->net->plan.fold && p->l == p->m->n_layers - 1) return;
    add_attention(p, xr);
    if (norms == EG_NORM_POST)
        norm(p, a->mid, a->xhat1, a->rstd1, a->mid, r->ln1_w, r->ln1_b,
             p->rows);
    feed_forward(p, out, xr);
    if (norms == EG_NORM_POST && p->lp->mlp != EG_MLP_NONE)
        norm(p, out, a->xhat2, a->rstd2, out, r->ln2_w, r->ln2_b, p->rows);
}

static void head(const N(net) * net, N(state) * st)
{
    const eg_model *m = net->m;
    const kern *K = net->K;
    const N(lact) *last = &st->act[m->n_layers - 1];
    int rows = st->rows;

    if (net->plan.fold) {
        const real *x = rows == st->n ? last->x : st->xl;
        N(lin_forward)(K, st->logits, st->ldu, x, st->ldx, &net->u, rows, 0);
        N(lin_forward)
        (K, st->logits, st->ldu, last->z, st->ldz, &net->c, rows, 1);
    } else {
        if (m->lnf_w >= 0)
            K->layernorm(st->xf, st->ldx, st->xhatf, st->ldx, st->rstdf,
                         st->out, st->ldx, (const real *)egi_param(m, m->lnf_w),
                         (const real *)egi_param(m, m->lnf_b), rows, m->d_model,
                         m->opts.norm_eps);
        N(lin_forward)
        (K, st->logits, st->ldu, st->xf, st->ldx, &net->u, rows, 0);
    }
    K->xent(st->dlogits, st->nll, st->pred, st->logits, st->ldu, st->rtarget,
            rows, m->V, 1);
}

int N(forward)(const N(net) * net, N(state) * st)
{
    const eg_model *m = net->m;
    int n_loss = choose_rows(net, st);

    if (st->rows == 0) return 0;
    for (int l = 0; l < m->n_layers; l++) {
        bool last = l == m->n_layers - 1;
        pass p = N(pass_of)(net, st, l);
        if (l == 0 && !p.lp->lone_x) embed(&p, p.a->x, st->tokens, 0, st->n);
        block(&p, last ? st->out : st->act[l + 1].x);
    }
    head(net, st);
    return n_loss;
}

pass N(sheet_inside)(const N(net) * net, N(state) * st, const N(sheets) * s,
                     int sheet)
{
    eg_index at = (eg_index)sheet * s->T;
    const egi_block_roles *r = &net->m->block[0];

    memcpy(st->tokens, s->token + at, (size_t)s->T * sizeof *st->tokens);
    st->n = s->limit[at + s->rows[sheet] - 1];
    pass p = N(pass_of)(net, st, 0);
    p.rows = s->rows[sheet];
    p.limit = s->limit + at;
    embed(&p, p.a->x, st->tokens, 0, p.n);
    norm(&p, p.a->a, p.a->xhat1, p.a->rstd1, p.a->x, r->ln1_w, r->ln1_b, p.n);
    gather(&p, p.a->pre, st->ldm, egi_table_mlp(p.lp), p.lp->nm, p.limit,
           p.rows);
    activate(&p);
    return p;
}

void N(sheet_forward)(const N(net) * net, N(state) * st, const N(sheets) * s,
                      int sheet)
{
    pass p = N(sheet_inside)(net, st, s, sheet);

    N(lin_forward)
    (p.K, s->out + (eg_index)sheet * s->T * s->ld, s->ld, p.a->post, st->ldm,
     &p.w->wout, p.rows, 0);
}
