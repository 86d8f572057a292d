/* What the heads of a model do, on random tokens said twice; the formulas stand
 * in engram/probe.h. */
#include "probe/heads.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "probe/model.h"

#define EGI_HEAD_ROW(id, name, unit, help) [EG_HEAD_##id] = {name, unit, help},
static const eg_probe_info scores[EG_HEAD_SCORES] = {
    EGI_HEAD_LIST(EGI_HEAD_ROW)};
#undef EGI_HEAD_ROW

const eg_probe_info *eg_head_score(int i)
{
    return i < 0 || i >= EG_HEAD_SCORES ? NULL : &scores[i];
}

/* ---- one row of attention -------------------------------------------------
 */

static void count(egi_ratio *r, double value)
{
    r->sum += value;
    r->count += 1;
}

void egi_head_add(egi_ratio *r, const double *a, const int32_t *z, int t,
                  bool again)
{
    double all = 0, a_log_a = 0, copies = 0, behind = 0;

    for (int s = 0; s <= t; s++) {
        all += a[s];
        if (a[s] > 0) a_log_a += a[s] * log(a[s]);
    }
    if (all == 0) return;
    if (!isfinite(all)) all = (double)NAN; /* and so is every score */
    for (int s = 0; again && s < t; s++) {
        if (z[s] != z[t]) continue;
        copies += a[s];
        behind += a[s + 1];
    }
    count(&r[EG_HEAD_PREVIOUS], a[t - 1] / all);
    count(&r[EG_HEAD_FIRST], a[0] / all);
    count(&r[EG_HEAD_CURRENT], a[t] / all);
    count(&r[EG_HEAD_ENTROPY], log(all) - a_log_a / all);
    if (!again) return;
    count(&r[EG_HEAD_INDUCTION], behind / all);
    count(&r[EG_HEAD_DUPLICATE], copies / all);
}

/* ---- sequences ------------------------------------------------------------
 */

/* [A A], and for odd n_ctx its first token once more, which nobody reads. */
static void say_twice(const void *from, uint32_t index, eg_seq *out)
{
    const egi_heads *h = from;
    eg_rng rng = eg_rng_make(h->seed, EG_RNG_HEADS, 0, index);
    int T = h->n_ctx, L = T / 2;

    for (int t = 0; t < T; t++) {
        out->tokens[t] = t < L ? (int32_t)eg_rng_below(&rng, (uint32_t)h->vocab)
                               : out->tokens[t - L];
        out->labels[t] = 0;
    }
    for (int t = 0; t < T; t++)
        out->targets[t] = t + 1 < 2 * L ? out->tokens[t + 1] : -1;
}

/* The weights of row t of the pattern of head k, without sign. */
static void take_row(double *row, const eg_view *p, eg_index k, eg_index t)
{
    eg_index T = p->shape[2], at = (k * T + t) * T;

    for (eg_index s = 0; s <= t; s++)
        row[s] =
            fabs(p->dtype == EG_F64 ? ((const double *)p->data)[at + s]
                                    : (double)((const float *)p->data)[at + s]);
}

/* Where row i of the table has its sums. */
static egi_ratio *sums_of(egi_ratio *part, eg_index i)
{
    return part + i * EG_HEAD_SCORES;
}

static void add_head(const egi_heads *h, egi_ratio *r, double *row,
                     const eg_view *pattern, int k, const int32_t *tokens)
{
    int L = h->n_ctx / 2;

    for (int t = 1; t < 2 * L; t++) {
        if (pattern) take_row(row, pattern, k, t);
        egi_head_add(r, row, tokens, t, t >= L);
    }
}

static void add_losses(egi_ratio loss[2], const eg_acts *acts)
{
    int L = acts->n_ctx / 2;

    for (int t = 0; t < 2 * L; t++)
        if (acts->targets[t] >= 0 && t != L - 1)
            count(&loss[t >= L], acts->nll[t]);
}

static void on_sequence(void *ctx, int index, int worker, const eg_acts *acts)
{
    egi_heads *h = ctx;
    size_t rows = (size_t)h->table.n + 1;
    egi_ratio *part = h->part + (size_t)index * rows * EG_HEAD_SCORES;
    double *row = h->row + (size_t)worker * (size_t)h->n_ctx;

    memset(part, 0, rows * EG_HEAD_SCORES * sizeof *part);
    memset(h->loss + (size_t)index * 2, 0, 2 * sizeof *h->loss);
    add_losses(h->loss + (size_t)index * 2, acts);
    for (int l = 0; l < h->n_layers; l++) {
        eg_view pattern;

        if (!h->hook[l][0] || !eg_acts_hook(acts, h->hook[l], &pattern))
            continue;
        for (int k = 0; k < (int)pattern.shape[0]; k++)
            add_head(h, sums_of(part, h->first[l] + k), row, &pattern, k,
                     acts->tokens);
    }
    for (int t = 0; t < h->n_ctx; t++) row[t] = 1;
    add_head(h, sums_of(part, h->table.n), row, NULL, 0, acts->tokens);
}

/* Of column i of n, over the sequences in their order. */
static double mean(const egi_ratio *part, eg_index n, eg_index i, int count)
{
    egi_ratio r = {0, 0};

    for (int k = 0; k < count; k++) {
        r.sum += part[k * n + i].sum;
        r.count += part[k * n + i].count;
    }
    return r.count > 0 ? r.sum / r.count : (double)NAN;
}

void egi_heads_run(egi_heads *h, eg_eval *eval)
{
    eg_heads *t = &h->table;
    eg_index n = ((eg_index)t->n + 1) * EG_HEAD_SCORES;

    if (h->vocab > 0)
        eg_eval_run_on(eval, say_twice, h, h->count, on_sequence, h);
    for (int i = 0; i <= t->n; i++) {
        eg_head *to = i < t->n ? &t->row[i] : &t->even;

        for (int k = 0; k < EG_HEAD_SCORES; k++)
            to->score[k] =
                mean(h->part, n, (eg_index)i * EG_HEAD_SCORES + k, h->count);
    }
    t->loss_first = mean(h->loss, 2, 0, h->count);
    t->loss_again = mean(h->loss, 2, 1, h->count);
}

/* ---- life -----------------------------------------------------------------
 */

static void find_patterns(egi_heads *h, const eg_eval *eval, const eg_model *m)
{
    for (int l = 0; l < h->n_layers; l++) {
        (void)snprintf(h->hook[l], sizeof *h->hook,
                       "blocks.%d.attn.hook_pattern", l);
        h->first[l] = h->table.n;
        if (egi_has_hook(eval, h->hook[l]))
            h->table.n += eg_model_heads(m, l);
        else
            h->hook[l][0] = '\0';
    }
}

static void name_rows(egi_heads *h, const eg_model *m)
{
    for (int l = 0; l < h->n_layers; l++)
        for (int k = 0; h->hook[l][0] && k < eg_model_heads(m, l); k++) {
            h->table.row[h->first[l] + k].layer = l;
            h->table.row[h->first[l] + k].head = k;
        }
}

eg_status egi_heads_init(egi_heads *h, const eg_eval *eval, const eg_model *m,
                         eg_pool *pool, int count, uint64_t seed, eg_err *err)
{
    const eg_model_opts *o = eg_model_options(m);
    size_t layers = (size_t)o->n_layers, n = (size_t)count, rows;

    *h = (egi_heads){.n_layers = (int)o->n_layers,
                     .n_ctx = eg_model_ctx(m),
                     .vocab = eg_model_vocab(m),
                     .count = count,
                     .seed = seed};
    h->hook = eg_calloc(layers, sizeof *h->hook);
    h->first = eg_calloc(layers, sizeof *h->first);
    if (!h->hook || !h->first) goto no_memory;
    if (h->vocab > 0)
        find_patterns(h, eval, m); /* vectors cannot be said twice */
    rows = (size_t)h->table.n + 1;
    h->table.row = eg_calloc(rows, sizeof *h->table.row);
    h->part = eg_calloc(n * rows * EG_HEAD_SCORES, sizeof *h->part);
    h->loss = eg_calloc(n * 2, sizeof *h->loss);
    h->row = eg_calloc((size_t)eg_pool_size(pool) * (size_t)h->n_ctx,
                       sizeof *h->row);
    if (!h->table.row || !h->part || !h->loss || !h->row) goto no_memory;
    name_rows(h, m);
    return EG_OK;
no_memory:
    egi_heads_release(h);
    return EG_FAIL(err, EG_ENOMEM, "scores of heads on %d sequences", count);
}

void egi_heads_release(egi_heads *h)
{
    eg_heads_release(&h->table);
    eg_free(h->hook);
    eg_free(h->first);
    eg_free(h->part);
    eg_free(h->loss);
    eg_free(h->row);
    *h = (egi_heads){0};
}

eg_status eg_heads_measure(eg_heads *out, eg_eval *eval, const eg_model *m,
                           eg_pool *pool, int count, uint64_t seed, eg_err *err)
{
    egi_heads h;
    eg_status st = egi_heads_init(&h, eval, m, pool, count, seed, err);

    *out = (eg_heads){0};
    if (st != EG_OK) return st;
    egi_heads_run(&h, eval);
    *out = h.table;
    h.table = (eg_heads){0}; /* now the caller's */
    egi_heads_release(&h);
    return EG_OK;
}

void eg_heads_release(eg_heads *h)
{
    eg_free(h->row);
    *h = (eg_heads){0};
}
