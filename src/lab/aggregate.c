/* Questions put to every run of an ensemble, and what the answers of each
 * setting come to. */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "lab/aggregate_priv.h"

const eg_answer *eg_aggregate_at(const eg_aggregate *a, int question,
                                 int setting)
{
    return &a->answer[(size_t)question * (size_t)a->n_settings +
                      (size_t)setting];
}

void eg_aggregate_release(eg_aggregate *a)
{
    eg_free(a->answer);
    eg_free(a->room);
    *a = (eg_aggregate){0};
}

/* Are last values enough? */
static bool asks_last(const eg_question *ask, int n)
{
    for (int i = 0; i < n; i++)
        if (ask[i].at.kind != EG_AT_LAST) return false;
    return true;
}

static eg_status read_metrics(eg_metrics *m, const char *dir, bool last,
                              eg_err *err)
{
    eg_err why = {0};
    eg_status st =
        last ? eg_metrics_last(m, dir, &why) : eg_metrics_read(m, dir, &why);

    /* a run without a readable one has no answers */
    return st == EG_ENOMEM ? EG_FAIL(err, st, "%s", dir) : EG_OK;
}

/* Of each question: has some run the metric that is read, and the one that is
 * looked at? */
typedef struct seen {
    bool *read, *looked;
} seen;

static void note_seen(seen *s, const eg_question *ask, int n,
                      const eg_metrics *m)
{
    for (int i = 0; i < n; i++) {
        const char *at = egi_question_looks_at(&ask[i]);

        s->read[i] |= egi_question_of_step(&ask[i]) ||
                      eg_metrics_find(m, ask[i].metric) != NULL;
        s->looked[i] |=
            strcmp(at, EG_METRIC_STEP) == 0 || eg_metrics_find(m, at) != NULL;
    }
}

static eg_status no_metric(const eg_ensemble *x, const char *name, eg_err *err)
{
    char(*names)[96] = NULL;
    int n = 0;
    eg_nearest near = {.asked = name};
    eg_status st = eg_ensemble_metrics(&names, &n, x, err);

    if (st != EG_OK) return st;
    for (int i = 0; i < n; i++) eg_nearest_try(&near, names[i]);
    st = EG_FAIL(err, EG_EINVAL, "no run has the metric '%.*s'%s%s%s",
                 eg_text_fit(name, 95), name,
                 near.best ? "; did you mean '" : "",
                 near.best ? near.best : "", near.best ? "'?" : "");
    eg_free(names);
    return st;
}

static eg_status check_seen(const seen *s, const eg_ensemble *x,
                            const eg_question *ask, int n, eg_err *err)
{
    if (x->n_runs == 0) return EG_OK;
    for (int i = 0; i < n; i++) {
        if (!s->read[i]) return no_metric(x, ask[i].metric, err);
        if (!s->looked[i])
            return no_metric(x, egi_question_looks_at(&ask[i]), err);
    }
    return EG_OK;
}

/* value, until: [n, n_runs]. */
static eg_status ask_all(double *value, double *until, const eg_ensemble *x,
                         const eg_question *ask, int n, eg_err *err)
{
    seen s = {eg_calloc((size_t)n, 1), eg_calloc((size_t)n, 1)};
    bool last = asks_last(ask, n);
    eg_status st = EG_OK;

    if (!s.read || !s.looked) {
        st = EG_FAIL(err, EG_ENOMEM, "%d questions", n);
        goto done;
    }
    for (int r = 0; r < x->n_runs; r++) {
        eg_metrics m = {0};

        EG_TRY(read_metrics(&m, x->run[r].dir, last, err));
        note_seen(&s, ask, n, &m);
        for (int i = 0; i < n; i++) {
            size_t k = (size_t)i * (size_t)x->n_runs + (size_t)r;

            value[k] = eg_question_answer(&ask[i], &m, &until[k]);
        }
        eg_metrics_release(&m);
    }
    st = check_seen(&s, x, ask, n, err);
done:
    eg_free(s.read);
    eg_free(s.looked);
    return st;
}

eg_status eg_aggregate_make(eg_aggregate *out, const eg_ensemble *x,
                            const eg_question *ask, int n,
                            const eg_bootstrap *how, eg_err *err)
{
    size_t cells = (size_t)n * (size_t)x->n_runs;
    eg_aggregate a = {.n_questions = n, .n_settings = x->n_settings};
    eg_bootstrap b;
    eg_status st = egi_bootstrap_check(&b, how, EG_RESAMPLES, err);

    *out = (eg_aggregate){0};
    for (int i = 0; i < n && st == EG_OK; i++)
        st = egi_question_check(&ask[i], err);
    if (st != EG_OK) return st;
    a.room = eg_calloc(2 * cells, sizeof *a.room);
    a.answer = eg_calloc((size_t)n * (size_t)x->n_settings, sizeof *a.answer);
    if (!a.room || !a.answer) {
        st = EG_FAIL(err, EG_ENOMEM, "%d questions to %d runs", n, x->n_runs);
        goto done;
    }
    EG_TRY(ask_all(a.room, a.room + cells, x, ask, n, err));
    for (int i = 0; i < n; i++)
        for (int s = 0; s < x->n_settings; s++) {
            const eg_ensemble_setting *of = &x->setting[s];
            eg_answer *to =
                &a.answer[(size_t)i * (size_t)x->n_settings + (size_t)s];

            to->value = a.room + (size_t)i * (size_t)x->n_runs + of->first;
            to->until = to->value + cells;
            EG_TRY(egi_estimate(&to->estimate, to->value, to->until, of->n_runs,
                                &b, true, err));
        }
done:
    if (st != EG_OK) eg_aggregate_release(&a);
    *out = a;
    return st;
}
