#include "probe/linear.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "flow/lapack.h"
#include "probe/model.h"

/* Directions of the stream that are so much smaller than the largest one are
 * float32's rounding. */
#define RANK_AT 1e-6
/* A step that no run makes: the sequences are the same whenever it is asked. */
#define STEP ((uint64_t)1 << 39)

/* ---- life -----------------------------------------------------------------
 */

static const char *const names[] = {"next", "current", "solved", "token",
                                    "features"};
enum { KINDS = sizeof names / sizeof *names };

/* One for each state before, scored by the entry. */
static bool goes_back(int kind)
{
    return kind == EGI_LINEAR_TOKEN || kind == EGI_LINEAR_FEATURES;
}

static eg_status add_target(egi_linear *p, const char *name, int64_t back,
                            eg_err *err)
{
    int kind = 0;

    while (kind < KINDS && strcmp(name, names[kind]) != 0) kind++;
    if (kind == KINDS)
        return EG_FAIL(err, EG_EINVAL,
                       "probe.linear: expected next, current, solved, token or "
                       "features, found '%s'",
                       name);
    if (kind == EGI_LINEAR_FEATURES && !eg_task_features(p->task, NULL, NULL))
        return EG_FAIL(err, EG_EINVAL,
                       "probe.linear: features are of task.kind nonlinear");
    for (int k = 0; k < p->n_targets; k++)
        if ((int)p->target[k].kind == kind)
            return EG_FAIL(err, EG_EINVAL,
                           "probe.linear: expected each once, found '%s' a "
                           "second time",
                           name);
    for (int k = 0; k <= (goes_back(kind) ? back : 0); k++) {
        if (p->n_targets == EGI_LINEAR_TARGETS)
            return EG_FAIL(err, EG_EINVAL,
                           "probe.linear: expected at most %d targets",
                           EGI_LINEAR_TARGETS);
        p->target[p->n_targets++] =
            (egi_linear_target){(egi_linear_kind)kind, k};
    }
    return EG_OK;
}

static int n_names(const egi_linear *p)
{
    return 2 * p->n_depths * p->n_at * p->n_targets;
}

static char *name_of(const egi_linear *p, int held, int depth, int i, int k)
{
    return p
        ->name[((held * p->n_depths + depth) * p->n_at + i) * p->n_targets + k];
}

/* "linear.next.2.50", "linear_held.token3.1.50". */
static void name_all(egi_linear *p)
{
    for (int q = 0; q < n_names(p); q++) {
        int k = q % p->n_targets, i = q / p->n_targets % p->n_at;
        int depth = q / p->n_targets / p->n_at % p->n_depths;
        bool held = q >= n_names(p) / 2;
        char back[16] = "";

        if (goes_back((int)p->target[k].kind))
            (void)snprintf(back, sizeof back, "%d", p->target[k].back);
        (void)snprintf(p->name[q], EGI_NAME, "linear%s.%s%s.%d.%d",
                       held ? "_held" : "", names[p->target[k].kind], back,
                       depth, p->at[i] + 1);
    }
}

static eg_status make_room(egi_linear *p, int threads, eg_err *err)
{
    size_t both = 2 * (size_t)p->count, at = (size_t)p->n_at;
    size_t n = (size_t)p->n, D = (size_t)p->D, count = (size_t)p->count;
    size_t tall = count > D ? count : D;

    p->x = eg_calloc(both * (size_t)p->n_depths * at * D, sizeof *p->x);
    p->y = eg_calloc(both * at * (size_t)p->n_targets * n, sizeof *p->y);
    p->use = eg_calloc(both * at, sizeof *p->use);
    p->a = eg_calloc(count * D, sizeof *p->a);
    p->b = eg_calloc(tall * n, sizeof *p->b);
    p->work = eg_calloc((size_t)threads * (size_t)egi_linear_y_work(p),
                        sizeof *p->work);
    p->pivot = eg_calloc(D, sizeof *p->pivot);
    p->name = eg_calloc((size_t)n_names(p), sizeof *p->name);
    if (p->x && p->y && p->use && p->a && p->b && p->work && p->pivot &&
        p->name)
        return EG_OK;
    return EG_FAIL(err, EG_ENOMEM,
                   "probe.linear: no memory for %d sequences, %d positions and "
                   "%d depths",
                   2 * p->count, p->n_at, p->n_depths);
}

eg_status egi_linear_init(egi_linear *p, const eg_probe_opts *opts,
                          const eg_model *m, const eg_task *task, int threads,
                          eg_err *err)
{
    const eg_task_opts *o = eg_task_options(task);
    eg_io io = eg_task_io(task);
    const egi_lapack *lapack;
    eg_status st = EG_OK;

    if (opts->linear.n == 0) return EG_OK;
    if (io.n_in == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "probe.linear: of tasks of vectors, and task.kind is %s",
                       eg_task_kind_name((int)o->kind, NULL));
    if (p->n_at == 0)
        return EG_FAIL(
            err, EG_EINVAL,
            "probe.linear: at which positions, probe.positions says, "
            "which is empty");
    p->task = task;
    for (int i = 0; i < opts->linear.n; i++)
        EG_TRY(add_target(p, opts->linear.item[i], opts->linear_back, err));
    /* that there is LAPACK is told before the run, not behind it */
    EG_TRY(egi_lapack_enter(&lapack, err));
    egi_lapack_leave();
    p->n = io.n_out;
    p->n_in = io.n_in;
    p->state = o->tokens == EG_TOKENS_CONSTRUCTED ||
                       o->tokens == EG_TOKENS_CONSTRUCTED_ONE
                   ? 2 * io.n_out
                   : 0;
    p->n_depths = (int)eg_model_options(m)->n_layers + 1;
    p->D = (eg_index)eg_model_options(m)->d_model;
    p->count = (int)opts->linear_sequences;
    EG_TRY(make_room(p, threads, err));
    name_all(p);
done:
    if (st != EG_OK) egi_linear_release(p);
    return st;
}

void egi_linear_release(egi_linear *p)
{
    eg_free(p->x);
    eg_free(p->y);
    eg_free(p->use);
    eg_free(p->a);
    eg_free(p->b);
    eg_free(p->work);
    eg_free(p->pivot);
    eg_free(p->name);
    *p = (egi_linear){0};
}

/* ---- measuring ------------------------------------------------------------
 */

static double *x_at(const egi_linear *p, int seq, int depth, int i)
{
    return p->x + (((eg_index)seq * p->n_depths + depth) * p->n_at + i) * p->D;
}

static double *y_at(const egi_linear *p, int seq, int i, int k)
{
    return p->y + (((eg_index)seq * p->n_at + i) * p->n_targets + k) * p->n;
}

static void keep_sequence(void *ctx, int index, int worker, const eg_acts *acts)
{
    egi_linear *p = ctx;

    for (int d = 0; d < p->n_depths; d++) {
        eg_view v;

        if (!egi_stream(&v, acts, d)) continue;
        for (int i = 0; i < p->n_at; i++)
            for (eg_index j = 0; j < p->D; j++)
                x_at(p, index, d, i)[j] = eg_view_at(&v, p->at[i] * p->D + j);
    }
    egi_linear_y(p, y_at(p, index, 0, 0), acts,
                 p->work + worker * egi_linear_y_work(p));
}

/* Solved targets whose length is more than two standard deviations above the
 * mean of their half of the sequences are left out, as the paper does. */
static void leave_out(egi_linear *p, int i, int k)
{
    for (int half = 0; half < 2; half++) {
        double sum = 0, square = 0, top;

        for (int pass = 0; pass < 2; pass++) {
            top = sum / p->count;
            top += 2 * sqrt(fmax(square / p->count - top * top, 0));
            for (int r = half * p->count; r < (half + 1) * p->count; r++) {
                double size = 0;

                for (int c = 0; c < p->n; c++)
                    size += y_at(p, r, i, k)[c] * y_at(p, r, i, k)[c];
                p->use[(eg_index)r * p->n_at + i] = sqrt(size) <= top;
                if (pass == 1) continue;
                sum += sqrt(size);
                square += size;
            }
        }
    }
}

static bool used(const egi_linear *p, int seq, int i, int k)
{
    return p->target[k].kind != EGI_LINEAR_SOLVED ||
           p->use[(eg_index)seq * p->n_at + i];
}

/* b [n, tall] by columns: the least squares matrix [D, n] from the stream to
 * target k, of least norm where the stream has fewer directions than columns.
 * No constant. */
static bool fit(egi_linear *p, int depth, int i, int k)
{
    eg_index tall = p->count > p->D ? p->count : p->D;
    const egi_lapack *lapack;
    int32_t rank = 0;
    int failed;

    for (int r = 0; r < p->count; r++) {
        bool counts = used(p, r, i, k);

        for (eg_index j = 0; j < p->D; j++)
            p->a[j * p->count + r] = counts ? x_at(p, r, depth, i)[j] : 0;
        for (eg_index c = 0; c < p->n; c++)
            p->b[c * tall + r] = counts ? y_at(p, r, i, k)[c] : 0;
    }
    memset(p->pivot, 0, (size_t)p->D * sizeof *p->pivot);
    if (egi_lapack_enter(&lapack, NULL) != EG_OK) return false;
    failed =
        lapack->dgelsy(LAPACK_COL_MAJOR, p->count, (int)p->D, p->n, p->a,
                       p->count, p->b, (int)tall, p->pivot, RANK_AT, &rank);
    egi_lapack_leave();
    return failed == 0;
}

/* Mean squared distance over sequences from `first` on: of tokens an entry's,
 * else half of the vector's. */
static double score(const egi_linear *p, int depth, int i, int k, int first)
{
    eg_index tall = p->count > p->D ? p->count : p->D;
    double sum = 0, n = 0;

    for (int r = first; r < first + p->count; r++) {
        const double *x = x_at(p, r, depth, i), *y = y_at(p, r, i, k);

        if (!used(p, r, i, k)) continue;
        n += 1;
        for (eg_index c = 0; c < p->n; c++) {
            double off = y[c];

            for (eg_index j = 0; j < p->D; j++)
                off -= x[j] * p->b[c * tall + j];
            sum += off * off;
        }
    }
    return sum / n / (goes_back((int)p->target[k].kind) ? p->n : 2);
}

void egi_linear_run(egi_linear *p, eg_eval *eval, eg_probe_emit emit, void *ctx)
{
    if (p->count == 0) return;
    eg_eval_run(eval, EG_PROBE, STEP, 0, 2 * p->count, keep_sequence, p);
    if (eg_eval_stopped(eval)) return;
    for (int i = 0; i < p->n_at; i++)
        for (int k = 0; k < p->n_targets; k++) {
            if (p->target[k].back > p->at[i]) continue;
            if (p->target[k].kind == EGI_LINEAR_SOLVED) leave_out(p, i, k);
            for (int d = 0; d < p->n_depths; d++) {
                if (!fit(p, d, i, k)) continue;
                emit(ctx, name_of(p, 0, d, i, k), score(p, d, i, k, 0));
                emit(ctx, name_of(p, 1, d, i, k), score(p, d, i, k, p->count));
            }
        }
}
