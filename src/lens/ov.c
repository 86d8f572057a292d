/* What the product W_V W_O of each head does. */
#include <stdlib.h>
#include <string.h>

#include "engram/flow.h"
#include "lens/lens.h"

enum { BLOCK = 256 };

/* ---- the tokens of the sample ---------------------------------------------
 */

typedef struct counted {
    int64_t n;
    int32_t id;
} counted;

static int by_count(const void *a, const void *b)
{
    const counted *x = a, *y = b;

    if (x->n != y->n) return x->n > y->n ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* The most frequent ones of the sequences. */
static eg_status sample(egi_ov *ov, const egi_lens *s, eg_err *err)
{
    counted *all = eg_calloc((size_t)s->V, sizeof *all);

    ov->n = s->V < EGI_OV_SAMPLE ? s->V : EGI_OV_SAMPLE;
    ov->shown = ov->n < EGI_OV_SHOWN ? ov->n : EGI_OV_SHOWN;
    ov->id = eg_calloc((size_t)ov->n, sizeof *ov->id);
    if (all && ov->id) {
        for (int v = 0; v < s->V; v++) all[v].id = v;
        for (eg_index i = 0; i < (eg_index)s->count * s->T; i++)
            all[s->tokens[i]].n++;
        qsort(all, (size_t)s->V, sizeof *all, by_count);
        for (int i = 0; i < ov->n; i++) ov->id[i] = all[i].id;
        eg_free(all);
        return EG_OK;
    }
    eg_free(all);
    return egi_lens_no_memory(err);
}

/* G = W_U W_E, the sum over all tokens of w_U(v) w_E(v)^T, by blocks. */
static eg_status tables(egi_ov *ov, const egi_lens *s, eg_err *err)
{
    size_t D = (size_t)s->D;
    eg_index packed = s->kern->pack_size(BLOCK, s->D);
    float *u = eg_calloc(BLOCK * D, sizeof *u);
    float *e = eg_calloc(BLOCK * D, sizeof *e);
    float *work = eg_calloc((size_t)packed, sizeof *work);
    int32_t id[BLOCK];

    ov->G = eg_calloc(D * D, sizeof *ov->G);
    ov->E = eg_calloc((size_t)ov->n * D, sizeof *ov->E);
    ov->U = eg_calloc((size_t)ov->n * D, sizeof *ov->U);
    if (u && e && work && ov->G && ov->E && ov->U) {
        for (int v = 0; v < s->V; v += BLOCK) {
            int n = s->V - v < BLOCK ? s->V - v : BLOCK;

            for (int i = 0; i < n; i++) id[i] = v + i;
            egi_lens_unembed(s, u, id, n);
            egi_lens_embed(s, e, id, n);
            s->kern->gemm(ov->G, s->D, u, 1, s->D, e, s->D, 1, s->D, s->D, n, 1,
                          1, work);
        }
        egi_lens_embed(s, ov->E, ov->id, ov->n);
        egi_lens_unembed(s, ov->U, ov->id, ov->n);
    }
    eg_free(u);
    eg_free(e);
    eg_free(work);
    return u && e && work && ov->G && ov->E && ov->U ? EG_OK
                                                     : egi_lens_no_memory(err);
}

/* ---- one head -------------------------------------------------------------
 */

/* A thread's floats: matrices of a head and products of them. */
typedef struct parts {
    float *W_V, *W_O, *EV, *OU, *score, *OG, *pack;
    double *small;
} parts;

static eg_index size_of(const egi_lens *s, const egi_ov *ov)
{
    eg_index n = ov->n, D = s->D, dh = s->dh, wide = D > n ? D : n;

    return 3 * D * dh + 2 * n * dh + n * n + dh * dh +
           s->kern->pack_size(D > dh ? D : dh, wide > dh ? wide : dh);
}

static parts parts_of(const egi_lens *s, const egi_ov *ov, int worker)
{
    parts p;
    eg_index n = ov->n, D = s->D, dh = s->dh;

    p.W_V = ov->room + worker * ov->size;
    p.W_O = p.W_V + D * dh;
    p.OG = p.W_O + D * dh;
    p.EV = p.OG + D * dh;
    p.OU = p.EV + n * dh;
    p.score = p.OU + n * dh;
    p.pack = p.score + n * n + dh * dh;
    p.small = ov->small + worker * dh * dh;
    return p;
}

/* Eigenvalues of a b, [dh, D] [D, dh]. */
static bool eigen(const egi_lens *s, const parts *p, const float *a,
                  const float *b, double *re, double *im)
{
    eg_index dh = s->dh;
    float *c = p->pack - dh * dh;

    egi_lens_product(s, c, a, b, dh, dh, s->D, p->pack);
    for (eg_index k = 0; k < dh * dh; k++) p->small[k] = (double)c[k];
    return egi_lens_eigen(re, im, p->small, dh, NULL) == EG_OK;
}

/* Scores of sampled tokens i against j: (w_E(i) W_V W_O) . w_U(j). */
static double recall(const egi_lens *s, const egi_ov *ov, const parts *p)
{
    eg_index n = ov->n, right = 0;

    egi_lens_product(s, p->EV, ov->E, p->W_V, n, s->dh, s->D, p->pack);
    s->kern->gemm(p->OU, n, p->W_O, s->D, 1, ov->U, 1, s->D, s->dh, n, s->D, 1,
                  0, p->pack);
    egi_lens_product(s, p->score, p->EV, p->OU, n, n, s->dh, p->pack);
    for (eg_index i = 0; i < n; i++) {
        eg_index top = 0;

        for (eg_index j = 1; j < n; j++)
            if (p->score[i * n + j] > p->score[i * n + top]) top = j;
        right += top == i;
    }
    return (double)right / (double)n;
}

/* Sum of real parts over that of moduli: 1 copies, -1 the contrary. */
static double positive(const double *re, const double *im, eg_index n)
{
    double sum = 0, all = 0;

    for (eg_index k = 0; k < n; k++) {
        sum += re[k];
        all += hypot(re[k], im[k]);
    }
    return all > 0 ? sum / all : (double)NAN;
}

static void head_task(void *ctx, int task, int worker)
{
    const egi_lens *s = ctx;
    egi_ov *ov = s->ov;
    parts p = parts_of(s, ov, worker);
    double *re = ov->re + (eg_index)task * s->dh;
    double *im = ov->im + (eg_index)task * s->dh;
    bool ok = egi_lens_values(s, task / s->H, task % s->H, p.W_V, p.W_O);

    if (ok && s->V > 0) {
        ov->recall[task] = recall(s, ov, &p);
        egi_lens_product(s, p.OG, p.W_O, ov->G, s->dh, s->D, s->D, p.pack);
        ok = eigen(s, &p, p.OG, p.W_V, re, im);
        ov->copying[task] = positive(re, im, s->dh);
    }
    ok = ok && eigen(s, &p, p.W_O, p.W_V, re, im);
    if (!ok) ov->copying[task] = ov->recall[task] = re[0] = (double)NAN;
}

/* ---- all of them ----------------------------------------------------------
 */

/* The scores of the best head between the tokens that are shown. */
static eg_status take_map(egi_ov *ov, egi_lens *s, eg_err *err)
{
    parts p = parts_of(s, ov, 0);
    eg_index n = ov->shown;

    ov->best = 0;
    for (int k = 1; k < s->L * s->H; k++)
        if (isnan(ov->recall[ov->best]) || ov->recall[k] > ov->recall[ov->best])
            ov->best = k;
    ov->map = eg_calloc((size_t)(n * n), sizeof *ov->map);
    if (!ov->map) return egi_lens_no_memory(err);
    if (!egi_lens_values(s, ov->best / s->H, ov->best % s->H, p.W_V, p.W_O))
        return EG_OK;
    (void)recall(s, ov, &p);
    for (eg_index i = 0; i < n; i++)
        for (eg_index j = 0; j < n; j++)
            ov->map[i * n + j] = (double)p.score[i * ov->n + j];
    return EG_OK;
}

static eg_status make_room(egi_ov *ov, const egi_lens *s, eg_err *err)
{
    size_t threads = (size_t)eg_pool_size(s->spec->pool);
    size_t heads = (size_t)s->L * (size_t)s->H, dh = (size_t)s->dh;

    ov->size = (size_of(s, ov) + 15) / 16 * 16;
    ov->re = eg_calloc(heads * dh, sizeof *ov->re);
    ov->im = eg_calloc(heads * dh, sizeof *ov->im);
    ov->copying = eg_calloc(heads, sizeof *ov->copying);
    ov->recall = eg_calloc(heads, sizeof *ov->recall);
    ov->room = eg_calloc(threads * (size_t)ov->size, sizeof *ov->room);
    ov->small = eg_calloc(threads * dh * dh, sizeof *ov->small);
    if (ov->re && ov->im && ov->copying && ov->recall && ov->room && ov->small)
        return EG_OK;
    return egi_lens_no_memory(err);
}

eg_status egi_lens_ov(egi_lens *s, eg_err *err)
{
    eg_status st = EG_OK;
    eg_err why = {0};

    if (s->dh > EGI_OV_WIDEST)
        st = EG_FAIL(&why, EG_EUNSUPPORTED,
                     "eigenvalues of W_V W_O: heads of %d columns are wider "
                     "than %d",
                     s->dh, EGI_OV_WIDEST);
    if (st == EG_OK) {
        char text[64]; /* that there is LAPACK is told before the work */

        st = eg_flow_lapack(text, sizeof text, &why);
    }
    if (st != EG_OK) return egi_lens_note(s, st, &why, err);
    s->ov = eg_calloc(1, sizeof *s->ov);
    if (!s->ov) return egi_lens_no_memory(err);
    if (s->V > 0) EG_TRY(sample(s->ov, s, err));
    if (s->V > 0) EG_TRY(tables(s->ov, s, err));
    EG_TRY(make_room(s->ov, s, err));
    eg_pool_run(s->spec->pool, s->L * s->H, head_task, s);
    if (s->V > 0) EG_TRY(take_map(s->ov, s, err));
done:
    return st;
}

void egi_lens_ov_free(egi_ov *ov)
{
    if (!ov) return;
    eg_free(ov->id);
    eg_free(ov->re);
    eg_free(ov->im);
    eg_free(ov->copying);
    eg_free(ov->recall);
    eg_free(ov->map);
    eg_free(ov->G);
    eg_free(ov->E);
    eg_free(ov->U);
    eg_free(ov->room);
    eg_free(ov->small);
    eg_free(ov);
}
