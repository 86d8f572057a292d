/* The two-layer model of section 2.1 with its ideal memories put in by hand:
 *     W_K^1 = beta_1 sum_t p_t p_{t-1}^T
 *     W_K^2 = beta_2 sum_k w_E(k) (R w_E(k))^T,       R = W_O^1 W_V^1
 *     W_O^2 = beta_3 sum_k w_U(k) (W_V^2 w_E(k))^T
 * random objects N(0, 1/d), scores not divided by sqrt(d).
 *
 * Every vector of the residual stream is a sum of tokens, positions and their
 * images under R, so only their products with the four matrices that read the
 * stream are needed: the cost of a sequence does not depend on d. */
#include "memory/checks.h"
#include "memory/dense.h"
#include "memory/sweep.h"

#include <math.h>
#include <stdio.h>

#define EG_FIELDS_OWNER eg_theory_constructed
EG_FIELDS_TABLE(egi_constructed_fields, EG_THEORY_CONSTRUCTED_FIELDS)

typedef struct setting {
    const eg_theory_constructed *o;
    const eg_task *task;
} setting;

typedef struct model {
    eg_index v, t, m; /* tokens, positions, m = v + t */
    double *score1;   /* [m, m] first-layer score of each pair */
    double *plain;    /* [m, 4 v] what reads a token or position: queries,
                         keys, values, logits */
    double *mapped;   /* [m, 4 v] what reads its image under R */
} model;

/* score1[i, j] = beta_1 sum_{r >= 1} (x_i . p_r) (x_j . p_{r-1}) */
static void fill_score1(model *m, const double *x, double beta, eg_index d,
                        double *xp)
{
    egi_mul_nt(xp, x, x + m->v * d, m->m, m->t, d);
    for (eg_index i = 0; i < m->m; i++)
        for (eg_index j = 0; j < m->m; j++)
            m->score1[i * m->m + j] =
                beta * egi_dot(xp + i * m->t + 1, xp + j * m->t, m->t - 1);
}

static void put_columns(double *table, const double *part, eg_index m,
                        eg_index v, eg_index which, double factor)
{
    for (eg_index i = 0; i < m; i++)
        for (eg_index k = 0; k < v; k++)
            table[(i * 4 + which) * v + k] = factor * part[i * v + k];
}

typedef struct frozen {
    eg_index d;
    double *x, *rx;  /* [m, d] tokens and positions, their images under R */
    double *u;       /* [v, d] */
    double *wv;      /* [d, d] W_V^2 */
    double *ve, *vx; /* [v, d], [m, d] images under W_V^2 */
    double *ku;      /* [v, v] U U^T */
    double *part, *part2; /* [m, v] */
} frozen;

static void fill_readers(model *m, frozen *f, const double *y, double *table,
                         const eg_theory_constructed *o)
{
    egi_mul_nt(f->part, y, f->x, m->m, m->v, f->d);
    put_columns(table, f->part, m->m, m->v, 0, o->beta2);
    egi_mul_nt(f->part, y, f->rx, m->m, m->v, f->d);
    put_columns(table, f->part, m->m, m->v, 1, 1);
    egi_mul_nt(f->vx, y, f->wv, m->m, f->d, f->d);
    egi_mul_nt(f->part, f->vx, f->ve, m->m, m->v, f->d);
    egi_mul(f->part2, f->part, f->ku, m->m, m->v, m->v);
    put_columns(table, f->part2, m->m, m->v, 2, o->beta3);
    egi_mul_nt(f->part, y, f->u, m->m, m->v, f->d);
    put_columns(table, f->part, m->m, m->v, 3, 1);
}

static eg_status fill_model(model *m, const eg_theory_constructed *o,
                            eg_index d, eg_rng *rng, eg_err *err)
{
    eg_index n = m->m, v = m->v;
    double sd = 1 / sqrt((double)d), *xp;
    double *all = eg_calloc(
        (size_t)(3 * n * d + 2 * v * d + d * d + v * v + 2 * n * v + n * m->t),
        sizeof *all);
    double *next = all;
    frozen f;

    if (!all) return EG_FAIL(err, EG_ENOMEM, "constructed model, d = %td", d);
    f = (frozen){.d = d,
                 .x = egi_take(&next, n * d),
                 .rx = egi_take(&next, n * d),
                 .vx = egi_take(&next, n * d),
                 .u = egi_take(&next, v * d),
                 .ve = egi_take(&next, v * d),
                 .wv = egi_take(&next, d * d),
                 .ku = egi_take(&next, v * v),
                 .part = egi_take(&next, n * v),
                 .part2 = egi_take(&next, n * v)};
    xp = egi_take(&next, n * m->t);
    egi_fill_normal(f.x, n * d, sd, rng);
    egi_fill_normal(f.u, v * d, sd, rng);
    egi_fill_normal(f.wv, d * d, sd, rng); /* W_V^1 first, then W_O^1 */
    egi_mul_nt(f.vx, f.x, f.wv, n, d, d);
    egi_fill_normal(f.wv, d * d, sd, rng);
    egi_mul_nt(f.rx, f.vx, f.wv, n, d, d);
    egi_fill_normal(f.wv, d * d, sd, rng);
    egi_mul_nt(f.ve, f.x, f.wv, v, d, d);
    egi_mul_nt(f.ku, f.u, f.u, v, v, d);
    fill_score1(m, f.x, o->beta1, d, xp);
    fill_readers(m, &f, f.x, m->plain, o);
    fill_readers(m, &f, f.rx, m->mapped, o);
    eg_free(all);
    return EG_OK;
}

typedef struct scratch {
    eg_seq seq;
    double *stream; /* [t, 4 v] what reads x1 */
    double *mapped; /* [t, 4 v] what reads R x0 */
    double *a;      /* [t] */
    double *logits; /* [v] */
} scratch;

/* First layer at t: attention into w->a; returns its argmax. */
static eg_index first_layer(const model *m, scratch *w, eg_index t)
{
    const int32_t *z = w->seq.tokens;
    const double *by_token = m->score1 + z[t] * m->m;
    const double *by_pos = m->score1 + (m->v + t) * m->m;
    eg_index best;

    for (eg_index s = 0; s <= t; s++)
        w->a[s] = by_token[z[s]] + by_token[m->v + s] + by_pos[z[s]] +
                  by_pos[m->v + s];
    best = egi_argmax(w->a, t + 1);
    egi_softmax(w->a, w->a, t + 1);
    return best;
}

/* Second layer at t; returns the predicted token. */
static eg_index second_layer(const model *m, scratch *w, eg_index t)
{
    eg_index v = m->v, row = 4 * v;
    const double *at = w->stream + t * row;

    for (eg_index s = 0; s <= t; s++)
        w->a[s] = egi_dot(at, w->stream + s * row + v, v);
    egi_softmax(w->a, w->a, t + 1);
    for (eg_index k = 0; k < v; k++) w->logits[k] = at[3 * v + k];
    for (eg_index s = 0; s <= t; s++)
        egi_axpy(w->logits, w->a[s], w->stream + s * row + 2 * v, v);
    return egi_argmax(w->logits, v);
}

typedef struct tally {
    double right, asked, previous, positions;
} tally;

static void run_sequence(const model *m, scratch *w, tally *sum)
{
    const int32_t *z = w->seq.tokens;
    eg_index row = 4 * m->v;

    for (eg_index t = 0; t < m->t; t++) {
        double *mapped = w->mapped + t * row, *stream = w->stream + t * row;
        const double *a = m->mapped + z[t] * row;
        const double *b = m->mapped + (m->v + t) * row;

        for (eg_index k = 0; k < row; k++) mapped[k] = a[k] + b[k];
        if (first_layer(m, w, t) == t - 1) sum->previous++;
        if (t > 0) sum->positions++;
        egi_mul(stream, w->a, w->mapped, 1, row, t + 1);
        egi_axpy(stream, 1, m->plain + z[t] * row, row);
        egi_axpy(stream, 1, m->plain + (m->v + t) * row, row);
        if (w->seq.labels[t] < 2) continue;
        sum->asked++;
        if (second_layer(m, w, t) == w->seq.targets[t]) sum->right++;
    }
}

static eg_status one_draw(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    const setting *set = ctx;
    eg_index v = eg_task_vocab(set->task), t = eg_task_ctx(set->task);
    eg_index n = v + t;
    double *all =
        eg_calloc((size_t)(n * n + 8 * n * v + 8 * t * v + t + v), sizeof *all);
    int32_t *ids = eg_calloc((size_t)t * 3, sizeof *ids);
    double *next = all;
    tally sum = {0};
    eg_status st = EG_OK;

    if (!all || !ids) {
        st = EG_FAIL(err, EG_ENOMEM, "constructed model");
        goto done;
    }
    {
        model m = {v,
                   t,
                   n,
                   egi_take(&next, n * n),
                   egi_take(&next, 4 * n * v),
                   egi_take(&next, 4 * n * v)};
        scratch w = {{ids, ids + t, ids + 2 * t, NULL, NULL, NULL},
                     egi_take(&next, 4 * t * v),
                     egi_take(&next, 4 * t * v),
                     egi_take(&next, t),
                     egi_take(&next, v)};
        uint32_t step = eg_rng_u32(rng);

        EG_TRY(fill_model(&m, set->o, (eg_index)at, rng, err));
        for (int64_t i = 0; i < set->o->n_sequences; i++) {
            eg_task_sequence(set->task, EG_PROBE, step, (uint32_t)i, &w.seq);
            run_sequence(&m, &w, &sum);
        }
    }
    value[0] = sum.asked > 0 ? sum.right / sum.asked : 0;
    value[1] = sum.previous / sum.positions;
done:
    eg_free(all);
    eg_free(ids);
    return st;
}

eg_status egi_theory_constructed(const void *options, uint64_t seed,
                                 eg_pool *pool, const eg_theory_out *out,
                                 eg_err *err)
{
    static const char *const names[] = {"accuracy", "attends_previous", NULL};
    const eg_theory_constructed *o = options;
    setting set = {o, NULL};
    eg_task *task = NULL;
    eg_task_opts task_opts;
    int64_t at[EG_STRS_MAX];
    egi_sweep s = {.at = at,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = one_draw,
                   .ctx = &set};
    eg_status st = EG_OK;

    EG_TRY(egi_list_ints(at, &s.n, &o->dims, 1, 16384, "dims", err));
    eg_fields_default(eg_task_fields, &task_opts);
    (void)snprintf(task_opts.stats, sizeof task_opts.stats, "%s", o->stats);
    task_opts.n_ctx = o->n_ctx;
    task_opts.n_triggers = o->n_triggers;
    EG_TRY(eg_task_new(&task, &task_opts, seed, err));
    set.task = task;
    EG_TRY(egi_sweep_run(&s, seed, pool, out, err));
done:
    eg_task_free(task);
    return st;
}
