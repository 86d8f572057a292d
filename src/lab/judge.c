/* A claim judged: its measure on every seed, reduced, compared, and the same
 * on the control, on which it must fail. On the control of a statement that is
 * expected to be refuted it must hold. */
#include "lab/judge.h"
#include "base/num.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "engram/aggregate.h"
#include "engram/text.h"

const char *eg_verdict_name(eg_verdict v)
{
    static const char *const name[] = {"holds", "refuted", "fails", "not run"};

    return name[v];
}

/* Where the measure of one seed finds its series. */
typedef struct view {
    const egi_claim *claim;
    const egi_experiment *file;
    eg_profile profile;
    egi_jobs *jobs;
    int seed_index;
    bool control;
} view;

/* The job, seeds and k-th seed of a run that the measure names. */
static eg_status look_up(const view *v, const char *run, int k, int *job,
                         int *n_seeds, int64_t *seed, eg_err *err)
{
    egi_variant what = {.run = run};

    if (v->control) what = egi_control_run(v->claim, v->profile, run);
    return egi_jobs_need(v->jobs, v->file, &what, v->profile, k, job, n_seeds,
                         seed, err);
}

static const egi_job *find_job(const view *v, const char *run)
{
    int job = -1, n_seeds = 0;
    int64_t seed;

    if (look_up(v, run, v->seed_index, &job, &n_seeds, &seed, NULL) != EG_OK)
        return NULL;
    return job < 0 ? NULL : &v->jobs->job[job];
}

static const eg_series *find_series(void *ctx, const char *run,
                                    const char *metric)
{
    const egi_job *job = find_job(ctx, run);

    return job ? eg_metrics_find(&job->metrics, metric) : NULL;
}

static const eg_series *find_curve(void *ctx, const char *name)
{
    const view *v = ctx;

    for (int i = 0; i < v->file->n_curves; i++)
        if (strcmp(v->file->curve[i].name, name) == 0)
            return &v->file->curve[i];
    return NULL;
}

static double mean_of(const eg_node *list)
{
    double sum = 0, v = (double)NAN;

    for (int i = 0; i < list->n; i++) {
        if (!egi_number(list->item[i].text, &v)) return (double)NAN;
        sum += v;
    }
    return sum / list->n;
}

static void spread_of(eg_claim_result *r)
{
    int n = r->n_seeds;
    double sum = 0, squares = 0;

    r->min = r->max = r->value[0];
    for (int i = 0; i < n; i++) {
        sum += r->value[i];
        r->min = r->value[i] < r->min ? r->value[i] : r->min;
        r->max = r->value[i] > r->max ? r->value[i] : r->max;
    }
    r->mean = sum / n;
    for (int i = 0; i < n; i++) {
        double d = r->value[i] - r->mean;

        squares += d * d;
    }
    r->sd = n > 1 ? sqrt(squares / (n - 1)) : 0;
}

double egi_reduce(eg_claim_result *r, const egi_terms *t, const double *until)
{
    int n = r->n_seeds;
    eg_estimate e;

    if (eg_estimate_make(&e, r->value, until, n, NULL, NULL) != EG_OK)
        return (double)NAN;
    spread_of(r);
    r->n_never = e.n_never;
    if (e.n_never > 0) r->mean = r->sd = (double)NAN;
    r->low = e.mean_low;
    r->high = e.mean_high;
    if (t->over == EGI_MEDIAN || t->over >= EGI_MEDIAN_LOW) {
        r->low = e.median_low;
        r->high = e.median_high;
    }
    switch (t->over) {
    case EGI_MEAN:
        return r->mean;
    case EGI_MEDIAN:
        return e.median;
    case EGI_MIN:
        return r->min;
    case EGI_MAX:
        return r->max;
    case EGI_SD:
        return r->sd;
    case EGI_DISTANCE:
        return n > 1 && t->reference
                   ? fabs(mean_of(t->reference) - r->mean) / r->sd
                   : (double)NAN;
    case EGI_MEAN_LOW:
    case EGI_MEDIAN_LOW:
        return r->low;
    case EGI_MEAN_HIGH:
    case EGI_MEDIAN_HIGH:
        return r->high;
    }
    return (double)NAN;
}

/* The number of seeds: the fewest that a run with more than one has. Says why
 * not in note. */
static int count_seeds(const view *v, const eg_measure *m, char *note,
                       size_t size)
{
    int n = 1;

    for (int i = 0; eg_measure_run(m, i); i++) {
        const char *run = eg_measure_run(m, i);
        int job, n_seeds = 0;
        int64_t seed;
        eg_err why = {0};

        if (look_up(v, run, 0, &job, &n_seeds, &seed, &why) != EG_OK) {
            eg_text_copy(note, size, why.msg);
            return 0;
        }
        if (n_seeds > 1 && (n == 1 || n_seeds < n)) n = n_seeds;
    }
    return n;
}

/* Are the jobs of one seed there? Adds their time; notes what is missing. */
static bool jobs_ready(const view *v, const eg_measure *m, eg_claim_result *r,
                       bool *not_run)
{
    for (int i = 0; eg_measure_run(m, i); i++) {
        const egi_job *job = find_job(v, eg_measure_run(m, i));

        if (!job || !job->done) {
            *not_run = true;
            snprintf(r->note, sizeof r->note, "%s did not run",
                     eg_measure_run(m, i));
            return false;
        }
        if (!r->run[0]) snprintf(r->run, sizeof r->run, "%s", job->dir);
        r->seconds += job->seconds;
        if (!job->ok) {
            snprintf(r->note, sizeof r->note, "%s: %.*s", job->label,
                     eg_text_fit(job->why, 150), job->why);
            return false;
        }
    }
    return true;
}

/* The seed that r->value[k] belongs to: that of the runs with several, which
 * must be the same in all of them. Says why not in note. */
static bool seed_of(int64_t *found, const view *v, const eg_measure *m,
                    char *note, size_t size)
{
    int most = 0;

    *found = 0;

    for (int i = 0; eg_measure_run(m, i); i++) {
        int job, n = 0;
        int64_t seed = 0;

        if (look_up(v, eg_measure_run(m, i), v->seed_index, &job, &n, &seed,
                    NULL) != EG_OK)
            continue;
        if (n > 1 && most > 1 && seed != *found) {
            snprintf(note, size, "runs of the claim pair seeds %lld and %lld",
                     (long long)*found, (long long)seed);
            return false;
        }
        if (n <= most) continue;
        most = n;
        *found = seed;
    }
    return true;
}

/* The measure on every seed into r->value; until [EG_SEEDS_MAX]: how long each
 * was watched. */
static bool measure_seeds(view *v, const eg_measure *m, bool never_counts,
                          double *until, eg_claim_result *r, bool *not_run)
{
    eg_measure_source from = {find_series, find_curve, v};

    r->n_seeds = count_seeds(v, m, r->note, sizeof r->note);
    if (r->n_seeds == 0) return false;
    for (int k = 0; k < r->n_seeds; k++) {
        eg_err why = {0};

        v->seed_index = k;
        if (!jobs_ready(v, m, r, not_run)) return false;
        if (!seed_of(&r->seed[k], v, m, r->note, sizeof r->note)) return false;
        if ((never_counts && egi_measure_is_event(m)
                 ? egi_measure_event(m, &r->value[k], &until[k], &from, &why)
                 : eg_measure_eval(m, &r->value[k], &from, &why)) == EG_OK)
            continue;
        eg_text_copy(r->note, sizeof r->note, why.msg);
        r->value[k] = (double)NAN;
        r->n_seeds = k + 1;
        return false;
    }
    return true;
}

/* One finite number of all seeds, or false: note says why. */
static bool measure(double *out, view *v, const egi_terms *t,
                    eg_claim_result *r, bool *not_run)
{
    const eg_measure *m =
        v->control && t->control.measure ? t->control.measure : t->measure;
    double until[EG_SEEDS_MAX] = {0};

    if (!measure_seeds(v, m, t->never_counts, until, r, not_run)) return false;
    *out = egi_reduce(r, t, until);
    if (isfinite(*out)) return true;
    if (r->n_never > 0)
        snprintf(r->note, sizeof r->note,
                 "the event never happens for %d of %d seeds", r->n_never,
                 r->n_seeds);
    else
        snprintf(r->note, sizeof r->note,
                 r->n_seeds == 1 && t->over > EGI_DISTANCE
                     ? "one seed has no interval"
                     : "over the seeds it is no finite number");
    *out = (double)NAN;
    return false;
}

/* Does the control do what it must: be measured, and miss what is expected,
 * or meet it where the statement is expected to be wrong? */
static bool control_agrees(view *v, const egi_terms *t, eg_claim_result *r,
                           bool *not_run)
{
    bool wants = v->claim->info.expect_refuted, measured;
    eg_claim_result other = {0};

    v->control = true;
    measured = measure(&r->control, v, t, &other, not_run);
    r->seconds += other.seconds;
    if (!measured) {
        snprintf(r->note, sizeof r->note, "control: %.*s",
                 eg_text_fit(other.note, 370), other.note);
        return false;
    }
    r->has_control = true;
    if (egi_relation_holds(&t->relation, &t->tol, r->control) == wants)
        return true;
    egi_snprintf(
        r->note, sizeof r->note,
        wants ? "the control gives %.4g: the statement holds there neither"
              : "the control gives %.4g, which passes as well: the claim "
                "distinguishes nothing",
        r->control);
    return false;
}

void egi_judge(eg_claim_result *r, const egi_claim *c, const egi_experiment *e,
               eg_profile profile, egi_jobs *jobs)
{
    const egi_terms *t = &c->terms[profile];
    view v = {.claim = c, .file = e, .profile = profile, .jobs = jobs};
    bool not_run = false, holds, refuted = c->info.expect_refuted;

    *r = (eg_claim_result){.info = c->info,
                           .measured = (double)NAN,
                           .mean = (double)NAN,
                           .sd = (double)NAN,
                           .min = (double)NAN,
                           .max = (double)NAN,
                           .low = (double)NAN,
                           .high = (double)NAN,
                           .control = (double)NAN};
    r->info.id = c->id;
    r->info.measure = t->measure_node->text;
    r->info.no_control = t->control.none;
    eg_text_copy(r->expected, sizeof r->expected, t->expected);
    snprintf(r->tolerance, sizeof r->tolerance, "%.*s: %.*s",
             eg_text_fit(t->tolerance, 40), t->tolerance,
             eg_text_fit(t->reason, 300), t->reason);
    r->verdict = EG_FAILS;
    if (!measure(&r->measured, &v, t, r, &not_run)) {
        if (not_run) r->verdict = EG_NOT_RUN;
        return;
    }
    holds = egi_relation_holds(&t->relation, &t->tol, r->measured);
    if (refuted && holds)
        snprintf(r->note, sizeof r->note,
                 "expected to be refuted, but it holds");
    if (holds != refuted &&
        (!egi_control_given(&t->control) || control_agrees(&v, t, r, &not_run)))
        r->verdict = refuted ? EG_REFUTED : EG_HOLDS;
    if (not_run) r->verdict = EG_NOT_RUN;
}
