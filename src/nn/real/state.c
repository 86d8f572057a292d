/* One thread's room for one sequence, cut from one block. */
#include <string.h>

#include "nn/real/layout.h"

/* Rows 64 floats apart alias in a cache's sets: give such widths a skew. Hook
 * views are contiguous, so keep states have none. */
static eg_index stride(eg_index n, bool keep)
{
    if (keep) return n;
    n = (n + 15) / 16 * 16;
    return n % 64 == 0 ? n + 16 : n;
}

eg_index N(state_ldx)(const eg_model *m, const egi_plan *plan)
{
    return stride(m->d_model, plan->keep);
}

static void act_lay(layout *l, const N(net) * net, N(state) * st, int i,
                    int flags)
{
    const eg_model *m = net->m;
    const egi_layer_plan *lp = &net->plan.layer[i];
    N(lact) *a = &st->act[i];
    eg_index T = m->T, H = m->n_heads, X = T * st->ldx;
    eg_index block = EG_ATTN_BLOCK;
    bool keep = net->plan.keep, norm = m->opts.norm != EG_NORM_NONE;
    bool first = egi_norm_first(m);
    bool mlp2 = lp->mlp == EG_MLP_RELU || lp->mlp == EG_MLP_GELU;

    a->x = lay_real(l, X);
    if (norm) {
        a->xhat1 = lay_real(l, X);
        a->rstd1 = lay_real(l, T);
    }
    a->a = first ? lay_real(l, X) : a->x;
    a->q = lay_real(l, T * st->ldq);
    a->k = lp->nk > 0 || lp->k_copy ? lay_real(l, T * st->ldk) : a->a;
    a->ldk = lp->nk > 0 || lp->k_copy ? st->ldk : st->ldx;
    a->v = lp->nv > 0 ? lay_real(l, T * st->ldv) : a->a;
    a->ldv = lp->nv > 0 ? st->ldv : st->ldx;
    /* The saved pattern: whole causal blocks, and what ragged rows add. */
    a->p = lay_real(l, H * (T * T / 2 + 2 * block * T + block * block));
    a->z = lay_real(l, T * st->ldz);
    a->h = keep ? lay_real(l, X) : NULL;
    if (norm && lp->mlp != EG_MLP_NONE) {
        a->xhat2 = lay_real(l, X);
        a->rstd2 = lay_real(l, T);
    }
    /* Without a feed-forward the block ends here: mid is its output. */
    if (lp->mlp != EG_MLP_NONE) a->mid = lay_real(l, X);
    a->mi = first && lp->mlp != EG_MLP_NONE ? lay_real(l, X) : a->mid;
    a->pre = mlp2 ? lay_real(l, T * st->ldm) : NULL;
    a->post = mlp2 && (keep || lp->mlp == EG_MLP_GELU)
                  ? lay_real(l, T * st->ldm)
                  : a->pre;
    if (!keep) return;
    a->mo = lp->mlp != EG_MLP_NONE ? lay_real(l, X) : NULL;
    a->pattern = lay_real(l, H * T * T);
    a->scores = flags & EG_EVAL_FULL ? lay_real(l, H * T * T) : NULL;
    a->result = flags & EG_EVAL_FULL ? lay_real(l, T * H * m->d_model) : NULL;
    a->scale1 = norm ? lay_real(l, T) : NULL;
    a->scale2 = norm && lp->mlp != EG_MLP_NONE ? lay_real(l, T) : NULL;
}

static eg_index widest_head(const N(net) * net, int *vw)
{
    eg_index w = 0;

    *vw = 0;
    for (int i = 0; i < net->m->n_layers; i++) {
        if (net->plan.layer[i].kw > w) w = net->plan.layer[i].kw;
        if (net->plan.layer[i].vw > *vw) *vw = net->plan.layer[i].vw;
    }
    return w;
}

static void scratch_lay(layout *l, const N(net) * net, N(state) * st)
{
    const eg_model *m = net->m;
    eg_index T = m->T, X = T * st->ldx, n = m->d_mlp, gw, aw, tw = 0;
    int vw;
    eg_index kw = widest_head(net, &vw);

    st->dlogits = lay_real(l, T * st->ldu);
    st->dx = lay_real(l, X);
    st->dmid = lay_real(l, X);
    st->da_room = lay_real(l, X);
    st->dq = lay_real(l, T * st->ldq);
    st->dk = lay_real(l, T * st->ldk);
    st->dv = lay_real(l, T * st->ldv);
    st->dz = lay_real(l, T * st->ldz);
    st->dpre = lay_real(l, T * st->ldm);
    st->dmi = lay_real(l, X);
    if (st->ldq > n) n = st->ldq;
    if (m->V > n) n = m->V;
    if (m->d_model > n) n = m->d_model;
    st->row = lay_real(l, n + T);
    st->dots = lay_real(l, T);
    /* packing a right operand [T, n] for weight gradients, or attention */
    gw = net->K->pack_size(T, n);
    aw = net->K->attn_work(kw, vw, T);
    if (net->plan.layer[0].scores)
        tw = net->K->attn_table_work(net->plan.layer[0].sv, vw, T);
    if (tw > aw) aw = tw;
    st->work = lay_real(l, gw > aw ? gw : aw);
}

static size_t state_lay(N(state) * st, const N(net) * net, char *base,
                        int flags)
{
    const eg_model *m = net->m;
    layout l = {base, 0};
    bool keep = net->plan.keep;
    eg_index T = m->T, H = m->n_heads, nq = 1, nk = 1, nv = 1, nz = 1;

    for (int i = 0; i < m->n_layers; i++) {
        const egi_layer_plan *lp = &net->plan.layer[i];
        if (lp->nq > nq && !lp->scores) nq = lp->nq;
        if (lp->nk > nk) nk = lp->nk;
        if (lp->k_copy && lp->kw > nk) nk = lp->kw;
        if (lp->nv > nv) nv = lp->nv;
        if (H * lp->vw > nz) nz = H * lp->vw;
    }
    st->ldx = N(state_ldx)(m, &net->plan);
    st->ldq = stride(nq, keep);
    st->ldk = stride(nk, keep);
    st->ldv = stride(nv, keep);
    st->ldz = stride(nz, keep);
    st->ldm = stride(m->d_mlp, keep);
    st->ldu = stride(m->V, keep);

    int32_t **ints[] = {&st->tokens, &st->targets, &st->occur,
                        &st->idx,    &st->limit,   &st->limit_all,
                        &st->pred,   &st->rtarget, &st->each};
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        *ints[i] = lay_int(&l, T);
    st->nll = lay_bytes(&l, (size_t)T * sizeof(double));
    for (int i = 0; i < m->n_layers; i++) act_lay(&l, net, st, i, flags);
    st->embed = keep ? lay_real(&l, T * st->ldx) : NULL;
    st->xl = lay_real(&l, T * st->ldx);
    st->out = lay_real(&l, T * st->ldx);
    if (m->lnf_w >= 0) {
        st->xhatf = lay_real(&l, T * st->ldx);
        st->rstdf = lay_real(&l, T);
        st->xf = lay_real(&l, T * st->ldx);
        st->scalef = lay_real(&l, T);
    } else {
        st->xf = st->out;
    }
    for (int i = 0; i < m->n_layers; i++)
        if (net->plan.layer[i].mlp == EG_MLP_NONE)
            st->act[i].mid = i + 1 < m->n_layers ? st->act[i + 1].x : st->out;
    st->logits = lay_real(&l, T * st->ldu);
    scratch_lay(&l, net, st);
    return l.used;
}

size_t N(state_bytes)(const eg_model *m, const egi_plan *plan,
                      const char *kern_name, int flags)
{
    N(net) net = {.K = N(net_kern)(kern_name), .m = m, .plan = *plan};
    N(state) st;

    memset(&st, 0, sizeof st);
    return state_lay(&st, &net, NULL, flags);
}

eg_status N(state_init)(N(state) * st, const N(net) * net, int flags,
                        eg_err *err)
{
    memset(st, 0, sizeof *st);
    st->bytes = state_lay(st, net, NULL, flags);
    char *base = eg_calloc(1, st->bytes);
    if (!base)
        return EG_FAIL(err, EG_ENOMEM, "activations of %zu bytes", st->bytes);
    state_lay(st, net, base, flags);
    st->block = base;
    for (int t = 0; t < net->m->T; t++) {
        st->each[t] = t;
        st->limit_all[t] = t + 1;
    }
    return EG_OK;
}

void N(state_release)(N(state) * st)
{
    eg_free(st->block);
    memset(st, 0, sizeof *st);
}
