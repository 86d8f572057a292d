/* Linear probes by depth: ridge regression from the stream at some places to
 * the token there, the one before, the next one, and to a step of gradient
 * descent on the pairs of the context.
 *
 * A token is its embedding, about the mean of those that occur and of length 1;
 * vectors are as they are. With x_s -> y_s the pairs of the context (a token
 * and the next one), a step of gradient descent from W = 0 on the squared error
 * predicts sum_{s<t} (x_s . x_t) y_s at t [arXiv 2309.05858]. Targets are seen
 * in at most EGI_LENS_TARGETS random directions. Half of the sequences are
 * fitted to, a quarter chooses the ridge, the last quarter is scored. */
#include <string.h>

#include "engram/flow.h"
#include "engram/rng.h"
#include "flow/lapack.h"
#include "lens/lens.h"

enum { KINDS = 4, RIDGES = 4 };
static const char *const names[KINDS] = {"previous", "current", "next",
                                         "gradient"};

typedef struct probing {
    egi_lens *s;
    int width, K;          /* entries of a token, and of what is fitted */
    int rows, fit, choose; /* rows in all, of the first half, up to 3/4 */
    double *mean;          /* [width] */
    float *to;             /* [width, K] the random directions */
    float *y;              /* [rows, KINDS, K] */
    double *token;         /* [threads, T + 1, width] */
    double *score;         /* [depths, KINDS] */
    /* threads' room for one depth */
    float *gram, *cross, *w, *pred, *pack;
    double *a, *b;
} probing;

/* ---- targets ---------------------------------------------------------------
 */

/* Token t of sequence i, [width]; t = T: what follows the last. */
static void raw(const probing *p, double *out, int i, int t)
{
    const egi_lens *s = p->s;
    eg_io io = eg_task_io(s->spec->task);
    eg_view v;

    if (s->V == 0) {
        const double *x = s->inputs + ((eg_index)i * s->T + t) * io.n_in;

        memcpy(out, x, (size_t)p->width * sizeof *out);
        return;
    }
    v = eg_model_view(s->m, eg_model_find(s->m, "W_E"));
    for (int j = 0; j < p->width; j++)
        out[j] = eg_view_at(&v, s->tokens[(eg_index)i * s->T + t] * s->D + j);
}

static void find_mean(probing *p, double *x)
{
    const egi_lens *s = p->s;
    int most = s->count < 64 ? s->count : 64;

    if (s->V == 0) return;
    for (int i = 0; i < most; i++)
        for (int t = 0; t < s->T; t++) {
            raw(p, x, i, t);
            for (int j = 0; j < p->width; j++) p->mean[j] += x[j] / most / s->T;
        }
}

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;

    for (int j = 0; j < n; j++) sum += a[j] * b[j];
    return sum;
}

static void project(const probing *p, float *out, const double *x)
{
    for (int k = 0; k < p->K; k++) {
        double sum = 0;

        for (int j = 0; j < p->width; j++)
            sum += x[j] * (double)p->to[(eg_index)j * p->K + k];
        out[k] = (float)sum;
    }
}

/* Targets of sequence i at all of its places. */
static void target_task(void *ctx, int i, int worker)
{
    const probing *p = ctx;
    const egi_lens *s = p->s;
    int n = p->width;
    double *x = p->token + (eg_index)worker * (s->T + 1) * n;
    double *step = x + (eg_index)s->T * n;

    for (int t = 0; t < s->T; t++) {
        double *e = x + (eg_index)t * n, length;

        raw(p, e, i, t);
        if (s->V == 0) continue;
        for (int j = 0; j < n; j++) e[j] -= p->mean[j];
        length = sqrt(dot(e, e, n));
        for (int j = 0; j < n && length > 0; j++) e[j] /= length;
    }
    for (int r = 0; r < s->n_places; r++) {
        int t = s->place[r];
        float *y = p->y + ((eg_index)i * s->n_places + r) * KINDS * p->K;

        memset(step, 0, (size_t)n * sizeof *step);
        for (int c = 0; c < t; c++) {
            double near = dot(x + (eg_index)c * n, x + (eg_index)t * n, n);

            for (int j = 0; j < n; j++)
                step[j] += near * x[(eg_index)(c + 1) * n + j];
        }
        project(p, y, x + (eg_index)(t - 1) * n);
        project(p, y + p->K, x + (eg_index)t * n);
        project(p, y + (eg_index)2 * p->K, x + (eg_index)(t + 1) * n);
        project(p, y + (eg_index)3 * p->K, step);
    }
}

/* ---- one depth --------------------------------------------------------------
 */

/* Columns of x [rows, n] get mean 0 over the first `fit` rows, and variance 1
 * where scaled. */
static void standard(float *x, int rows, int fit, eg_index n, bool scaled)
{
    for (eg_index j = 0; j < n; j++) {
        double sum = 0, square = 0, mean, dev;

        for (int i = 0; i < fit; i++) sum += (double)x[i * n + j];
        mean = sum / fit;
        for (int i = 0; i < fit; i++) {
            double off = (double)x[i * n + j] - mean;

            square += off * off;
        }
        dev = scaled ? sqrt(square / fit) : 1;
        for (int i = 0; i < rows; i++)
            x[i * n + j] =
                dev > 0 ? (float)(((double)x[i * n + j] - mean) / dev) : 0;
    }
}

/* 1 - |y - x w|^2 / |y|^2 of each kind over rows from..to. */
static void score(const probing *p, const float *x, int from, int to,
                  double *out)
{
    const egi_lens *s = p->s;
    int wide = KINDS * p->K, n = to - from;
    double left[KINDS] = {0}, all[KINDS] = {0};

    egi_lens_product(s, p->pred, x + from * s->D, p->w, n, wide, s->D, p->pack);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < wide; k++) {
            double y = (double)p->y[(eg_index)(from + i) * wide + k];
            double off = y - (double)p->pred[(eg_index)i * wide + k];

            left[k / p->K] += off * off;
            all[k / p->K] += y * y;
        }
    for (int k = 0; k < KINDS; k++)
        out[k] = all[k] > 0 ? 1 - left[k] / all[k] : (double)NAN;
}

/* w [D, KINDS K] of that ridge, relative to the columns' variance. */
static bool solve(probing *p, double ridge)
{
    const egi_lens *s = p->s;
    eg_index D = s->D, wide = (eg_index)KINDS * p->K;
    const egi_lapack *lapack;
    int info;

    for (eg_index k = 0; k < D * D; k++) p->a[k] = (double)p->gram[k];
    for (eg_index k = 0; k < D; k++) p->a[k * D + k] += ridge * p->fit;
    for (eg_index k = 0; k < D * wide; k++) p->b[k] = (double)p->cross[k];
    if (egi_lapack_enter(&lapack, NULL) != EG_OK) return false;
    info = lapack->dposv(LAPACK_ROW_MAJOR, 'U', (int)D, (int)wide, p->a, (int)D,
                         p->b, (int)wide);
    egi_lapack_leave();
    for (eg_index k = 0; k < D * wide; k++) p->w[k] = (float)p->b[k];
    return info == 0;
}

static void one_depth(probing *p, int depth)
{
    static const double ridges[RIDGES] = {1e-3, 1e-2, 1e-1, 1};
    egi_lens *s = p->s;
    eg_index D = s->D, wide = (eg_index)KINDS * p->K;
    float *x = egi_gather_at(&s->places, depth);
    double best[KINDS], *out = p->score + (eg_index)depth * KINDS;

    standard(x, p->rows, p->fit, D, true);
    s->kern->gemm(p->gram, D, x, 1, D, x, D, 1, D, D, p->fit, 1, 0, p->pack);
    s->kern->gemm(p->cross, wide, x, 1, D, p->y, wide, 1, D, wide, p->fit, 1, 0,
                  p->pack);
    for (int k = 0; k < KINDS; k++) {
        best[k] = -INFINITY;
        out[k] = (double)NAN;
    }
    for (int r = 0; r < RIDGES; r++) {
        double chosen[KINDS], held[KINDS];

        if (!solve(p, ridges[r])) continue;
        score(p, x, p->fit, p->choose, chosen);
        score(p, x, p->choose, p->rows, held);
        for (int k = 0; k < KINDS; k++) {
            if (!(chosen[k] > best[k])) continue;
            best[k] = chosen[k];
            out[k] = held[k];
        }
    }
}

/* ---- all of them ------------------------------------------------------------
 */

static void release(probing *p)
{
    eg_free(p->mean);
    eg_free(p->to);
    eg_free(p->y);
    eg_free(p->token);
    eg_free(p->score);
    eg_free(p->gram);
    eg_free(p->cross);
    eg_free(p->w);
    eg_free(p->pred);
    eg_free(p->pack);
    eg_free(p->a);
    eg_free(p->b);
}

static eg_status make_room(probing *p, eg_err *err)
{
    const egi_lens *s = p->s;
    size_t D = (size_t)s->D, wide = (size_t)KINDS * (size_t)p->K;
    size_t rows = (size_t)p->rows, n = (size_t)p->width;
    size_t threads = (size_t)eg_pool_size(s->spec->pool);
    eg_index deep = p->rows > s->D ? p->rows : s->D;
    eg_index across = s->D > (eg_index)wide ? s->D : (eg_index)wide;

    p->mean = eg_calloc(n, sizeof *p->mean);
    p->to = eg_calloc(n * (size_t)p->K, sizeof *p->to);
    p->y = eg_calloc(rows * wide, sizeof *p->y);
    p->token = eg_calloc(threads * ((size_t)s->T + 1) * n, sizeof *p->token);
    p->score = eg_calloc((size_t)(s->L + 1) * KINDS, sizeof *p->score);
    p->gram = eg_calloc(D * D, sizeof *p->gram);
    p->cross = eg_calloc(D * wide, sizeof *p->cross);
    p->w = eg_calloc(D * wide, sizeof *p->w);
    p->pred = eg_calloc(rows * wide, sizeof *p->pred);
    p->pack =
        eg_calloc((size_t)s->kern->pack_size(deep, across), sizeof *p->pack);
    p->a = eg_calloc(D * D, sizeof *p->a);
    p->b = eg_calloc(D * wide, sizeof *p->b);
    if (p->mean && p->to && p->y && p->token && p->score && p->gram &&
        p->cross && p->w && p->pred && p->pack && p->a && p->b)
        return EG_OK;
    return egi_lens_no_memory(err);
}

static void directions(probing *p)
{
    eg_rng rng = eg_rng_make(p->s->spec->seed, EG_RNG_USER, 1, 0);

    for (eg_index k = 0; k < (eg_index)p->width * p->K; k++)
        p->to[k] = p->K == p->width ? (float)(k % (p->K + 1) == 0)
                                    : (float)eg_rng_normal(&rng);
}

static json_t *scores_json(const probing *p)
{
    json_t *o = json_object(), *targets = json_array(), *depths = json_array();
    bool bad = !o || !targets || !depths;

    for (int k = 0; k < KINDS; k++)
        egi_lens_add(targets, json_string(names[k]), &bad);
    for (int d = 0; d <= p->s->L; d++)
        egi_lens_add(depths,
                     egi_lens_numbers(p->score + (eg_index)d * KINDS, KINDS),
                     &bad);
    egi_lens_put(o, "targets", targets, &bad);
    egi_lens_put(o, "r2", depths, &bad);
    egi_lens_put(o, "rows", json_integer(p->fit), &bad);
    egi_lens_put(o, "numbers", json_integer(p->K), &bad);
    return egi_json_whole(o, bad);
}

eg_status egi_lens_linear(json_t *mesa, egi_lens *s, eg_err *err)
{
    eg_io io = eg_task_io(s->spec->task);
    probing p = {.s = s, .width = s->V > 0 ? (int)s->D : io.n_in};
    char text[64];
    eg_err why = {0};
    bool bad = false;
    eg_status st = eg_flow_lapack(text, sizeof text, &why);

    if (st != EG_OK) return egi_lens_note(s, st, &why, err);
    p.K = p.width < EGI_LENS_TARGETS ? p.width : EGI_LENS_TARGETS;
    p.rows = s->probed * s->n_places;
    p.fit = s->probed / 2 * s->n_places;
    p.choose = s->probed * 3 / 4 * s->n_places;
    EG_TRY(make_room(&p, err));
    directions(&p);
    find_mean(&p, p.token);
    eg_pool_run(s->spec->pool, s->probed, target_task, &p);
    standard(p.y, p.rows, p.fit, (eg_index)KINDS * p.K, false);
    for (int d = 0; d <= s->L; d++) {
        if (!egi_lens_more(s, "linear probes", 0.82 + 0.06 * d / (s->L + 1.0)))
            goto done;
        one_depth(&p, d);
    }
    egi_lens_put(mesa, "probes", scores_json(&p), &bad);
    if (bad) st = egi_lens_no_memory(err);
done:
    release(&p);
    return st;
}
