/* Names for activations: the arrays of a keep state as a cache of hooks. */
#include <stdio.h>
#include <string.h>

#include "nn/real/hooks.h"

typedef struct lister {
    N(hooks) * h;
    eg_index n_ctx;
} lister;

static void add(lister *L, const char *name, const real *data, int ndim,
                eg_index a, eg_index b, eg_index c)
{
    N(hooks) *h = L->h;

    if (!data || h->n == EGI_HOOKS) return;
    N(hook) *k = &h->hook[h->n++];
    snprintf(k->name, sizeof k->name, "%s", name);
    k->view = (eg_view){.data = data,
                        .dtype = sizeof(real) == 8 ? EG_F64 : EG_F32,
                        .ndim = ndim,
                        .shape = {a, b, c}};
}

static void add_block(lister *L, const eg_model *m, const egi_plan *plan,
                      const N(state) * st, int l)
{
    const N(lact) *a = &st->act[l];
    const egi_layer_plan *lp = &plan->layer[l];
    eg_index T = L->n_ctx, d = m->d_model, H = m->n_heads;
    char name[64];
    bool norm = m->opts.norm != EG_NORM_NONE;
    const real *out = l + 1 < m->n_layers ? st->act[l + 1].x : st->out;

#define ADD(suffix, data, ndim, x, y, z)                        \
    do {                                                        \
        snprintf(name, sizeof name, "blocks.%d.%s", l, suffix); \
        add(L, name, data, ndim, x, y, z);                      \
    } while (0)
    ADD("hook_resid_pre", a->x, 2, T, d, 0);
    if (norm) {
        ADD("ln1.hook_scale", a->scale1, 2, T, 1, 0);
        ADD("ln1.hook_normalized", a->xhat1, 2, T, d, 0);
    }
    ADD("attn.hook_q", a->q, 3, T, H, lp->kw);
    if (lp->nk > 0) ADD("attn.hook_k", a->k, 3, T, H, lp->kw);
    if (lp->k_copy) ADD("attn.hook_k", a->k, 3, T, 1, lp->kw);
    if (lp->nv > 0) ADD("attn.hook_v", a->v, 3, T, H, lp->vw);
    ADD("attn.hook_attn_scores", a->scores, 3, H, T, T);
    ADD("attn.hook_pattern", a->pattern, 3, H, T, T);
    ADD("attn.hook_z", a->z, 3, T, H, lp->vw);
    ADD("attn.hook_result", a->result, 3, T, H, d);
    ADD("hook_attn_out", a->h, 2, T, d, 0);
    ADD("hook_resid_mid", a->mid, 2, T, d, 0);
    if (lp->mlp != EG_MLP_NONE) {
        if (norm) {
            ADD("ln2.hook_scale", a->scale2, 2, T, 1, 0);
            ADD("ln2.hook_normalized", a->xhat2, 2, T, d, 0);
        }
        ADD("mlp.hook_pre", a->pre, 2, T, m->d_mlp, 0);
        ADD("mlp.hook_post", a->pre ? a->post : NULL, 2, T, m->d_mlp, 0);
        ADD("hook_mlp_out", a->mo, 2, T, d, 0);
    }
    ADD("hook_resid_post", out, 2, T, d, 0);
#undef ADD
}

void N(hooks_init)(N(hooks) * h, const N(net) * net, const N(state) * st)
{
    const eg_model *m = net->m;
    lister L = {h, m->T};

    h->n = 0;
    add(&L, "hook_embed", st->embed, 2, m->T, m->d_model, 0);
    add(&L, "hook_pos_embed", m->pos >= 0 ? N(gain)(m, m->pos) : NULL, 2, m->T,
        m->d_model, 0);
    for (int l = 0; l < m->n_layers; l++) add_block(&L, m, &net->plan, st, l);
    if (m->lnf_w >= 0) {
        add(&L, "ln_final.hook_scale", st->scalef, 2, m->T, 1, 0);
        add(&L, "ln_final.hook_normalized", st->xhatf, 2, m->T, m->d_model, 0);
    }
    add(&L, "logits", st->logits, 2, m->T, m->V, 0);
}

/* Dense pattern [H, T, T] from the saved key-major blocks. */
static void spread_pattern(real *out, const real *p, int T)
{
    memset(out, 0, (size_t)T * (size_t)T * sizeof *out);
    for (int b = 0; b < T; b += EG_ATTN_BLOCK) {
        int rows = T - b < EG_ATTN_BLOCK ? T - b : EG_ATTN_BLOCK;
        int keys = b + rows;
        for (int s = 0; s < keys; s++)
            for (int r = 0; r < rows; r++)
                out[(eg_index)(b + r) * T + s] = p[s * EG_ATTN_BLOCK + r];
        p += (eg_index)keys * EG_ATTN_BLOCK;
    }
}

static void inverse(real *out, const real *rstd, int T)
{
    for (int t = 0; out && t < T; t++) out[t] = 1 / rstd[t];
}

static void fill_scores(const N(pass) * p)
{
    N(lact) *a = p->a;
    eg_index T = p->m->T;

    for (eg_index h = 0; h < p->m->n_heads; h++)
        for (int t = 0; t < T; t++) {
            real *row = a->scores + (h * T + t) * T;
            p->K->attn_scores(row, a->q + t * p->st->ldq + h * p->lp->kw,
                              a->k + N(key_at)(p, h), a->ldk, t + 1, p->lp->kw,
                              N(score_scale)(p->m, p->lp));
            for (int s = t + 1; s < T; s++) row[s] = -(real)__builtin_inf();
        }
}

/* result[t, h] = z[t, h] W_O[h] */
static void fill_result(const N(pass) * p)
{
    N(lact) *a = p->a;
    eg_index d = p->m->d_model, H = p->m->n_heads, vw = p->lp->vw;

    for (eg_index h = 0; h < H; h++) {
        if (p->lp->has_o) {
            p->K->gemm(a->result + h * d, H * d, a->z + h * vw, p->st->ldz, 1,
                       p->w->o.w + h * vw * d, d, 1, p->m->T, d, vw, 1, 0,
                       p->st->work);
            continue;
        }
        for (eg_index t = 0; t < p->m->T; t++) {
            real *to = a->result + (t * H + h) * d;
            memset(to, 0, (size_t)d * sizeof *to);
            memcpy(to + h * vw, a->z + t * p->st->ldz + h * vw,
                   (size_t)vw * sizeof *to);
        }
    }
}

void N(hooks_fill)(const N(net) * net, N(state) * st)
{
    const eg_model *m = net->m;

    net->K->embed(st->embed, m->d_model, N(gain)(m, m->e), m->d_model, NULL, 0,
                  st->tokens, m->T, m->d_model);
    for (int l = 0; l < m->n_layers; l++) {
        N(pass) p = N(pass_of)(net, st, l);
        eg_index psize = net->K->attn_size(p.limit, p.rows);
        for (int h = 0; h < m->n_heads; h++)
            spread_pattern(p.a->pattern + (eg_index)h * m->T * m->T,
                           p.a->p + h * psize, m->T);
        inverse(p.a->scale1, p.a->rstd1, m->T);
        inverse(p.a->scale2, p.a->rstd2, m->T);
        if (p.a->scores) fill_scores(&p);
        if (p.a->result) fill_result(&p);
    }
    inverse(st->scalef, st->rstdf, m->T);
}
