/* Many runs as one: settings, which are runs alike in all but the seed, and of
 * each setting a metric's mean, median and interval over its seeds.
 *
 *     ensemble   run directories in settings, by the keys in which they differ
 *     question   a metric, and where it is read: at the end, at a step, at the
 *                largest value, at the first step of an event
 *     estimate   what the numbers of several runs come to
 *
 * Reading commands write nothing: all of this looks at run directories only. */
#ifndef ENGRAM_AGGREGATE_H
#define ENGRAM_AGGREGATE_H

#include "engram/energy.h"
#include "engram/run.h"
#include "engram/sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Several numbers as one ---------------------------------------------- */

/* How intervals are found; {0} is 95 %, so many resamples, seed 0. */
typedef struct eg_bootstrap {
    double confidence; /* in (0, 1); 0: .95 */
    int resamples;     /* 0: EG_RESAMPLES, and EG_CURVE_RESAMPLES of curves */
    uint64_t seed;     /* of the draws */
} eg_bootstrap;
enum {
    EG_RESAMPLES = 10000,
    EG_CURVE_RESAMPLES = 1000,
    EG_RESAMPLES_MIN = 100,
    EG_RESAMPLES_MAX = 1000000,
    EG_FEW_RUNS = 5 /* with fewer, an interval says less than it seems to */
};

/* NaN: there is none. A run whose event never happened is right-censored: it
 * comes later than the last step that it was watched at. Its mean and sd are
 * not known then, its median is that of Kaplan and Meier (1958), the first step
 * by which half of the runs are there, INFINITY where they never were; of runs
 * that all have numbers it is the plain median.
 *
 * Intervals are the percentile bootstrap (Efron and Tibshirani 1993, 13.3) over
 * runs: the same statistic of n runs drawn with replacement, again and again,
 * from the k-th smallest to the k-th largest of the results. The draws are a
 * function of the seed and of n alone. One run has no interval. */
typedef struct eg_estimate {
    int n;         /* runs with a number */
    int n_never;   /* runs whose event never happened */
    int n_missing; /* runs with nothing to count: no such value, not finite */
    double mean, mean_low, mean_high;
    double median, median_low, median_high;
    double sd;       /* of a sample: over n - 1 */
    double min, max; /* max is INFINITY where n_never > 0 */
} eg_estimate;

/* Of value [n]; NaN is missing, INFINITY an event that never happened until
 * step until [n] (NULL: watched longer than any that did). EG_EINVAL: a
 * confidence or a number of resamples out of range. Cost: resamples times n
 * draws. */
EG_API eg_status eg_estimate_make(eg_estimate *out, const double *value,
                                  const double *until, int n,
                                  const eg_bootstrap *how, eg_err *err);

/* ---- Where a metric is read -----------------------------------------------
 */

typedef enum eg_at_kind {
    EG_AT_LAST,
    EG_AT_MAX, /* the first step with the largest value of a metric */
    EG_AT_MIN,
    EG_AT_STEP,
    EG_AT_FIRST /* the first step at which a metric is above, below a level */
} eg_at_kind;

typedef struct eg_at {
    eg_at_kind kind;
    char metric[96]; /* of max, min, first; "": the one that is asked for */
    double level;    /* the step; of first, what is crossed */
    bool below;      /* of first: < in the place of > */
    bool or_equal;   /* >= or <= */
} eg_at;

/* "last", "max", "min", "max:METRIC", "min:METRIC", "step=N",
 * "first:METRIC>X", or with >=, <, <= in the place of >. */
EG_API eg_status eg_at_parse(eg_at *at, const char *text, eg_err *err);
/* As eg_at_parse reads it back; its length. */
EG_API int eg_at_format(const eg_at *at, char *buf, size_t size);

/* The metric EG_METRIC_STEP is the step itself at which it is read. */
#define EG_METRIC_STEP "step"

typedef struct eg_question {
    char metric[96];
    eg_at at;
} eg_question;

/* The answer of one run: a number; NaN where there is none, or none that is
 * finite; INFINITY where the step of an event is asked for that never happened.
 * Another metric at such an event has no answer. *until, if not NULL, is the
 * last step of the series that was looked at. Values that are not finite are no
 * events, and never the best. */
EG_API double eg_question_answer(const eg_question *ask, const eg_metrics *m,
                                 double *until);

/* ---- Runs in settings ------------------------------------------------------
 */

/* A key that differs between settings, run.seed excepted. */
typedef struct eg_ensemble_axis {
    char key[128];
    int n;          /* values: ascending where all are numbers, in the order of
                       a sweep, else as they come */
    char **value;   /* as a configuration has them */
    double *number; /* NaN where a value is none */
    bool numeric;   /* all are */
} eg_ensemble_axis;

typedef struct eg_ensemble_run {
    char dir[EG_PATH];
    char status[32]; /* as in eg_run_info; of a sweep, its point's */
    int64_t seed;
} eg_ensemble_run;

typedef struct eg_ensemble_setting {
    char *label;                /* "optim.lr=0.1 model.d_model=32"; "": one */
    const int *at;              /* [n_axes], which value of each axis */
    int n_runs;                 /* 0: a point of a sweep that has not run */
    int first;                  /* number of run[0] among all of the ensemble */
    const eg_ensemble_run *run; /* by seed */
} eg_ensemble_setting;

/* Settings are in the order of their axes, the last one fastest. */
typedef struct eg_ensemble {
    int n_axes, n_settings, n_runs;
    eg_ensemble_axis *axis;
    eg_ensemble_setting *setting;
    eg_ensemble_run *run; /* those of setting 0, then of 1, ... */
    int n_doubles;        /* runs left out that another one repeats: the same
                             configuration and seed. One that finished stays,
                             then the newest. Or points of a sweep that are one
                             run in one setting */
    int n_unread;         /* runs left out as damaged, or of a sweep because
                             they were extended; */
    char why[512];        /* what the first of them says */
    void *room;           /* what the pointers lead to */
} eg_ensemble;

/* Of n run directories. by (NULL: all keys that differ): keys of the axes;
 * runs that differ in others then fall into one setting. EG_EINVAL: runs of
 * different kinds, or a key in which they do not differ. Reads every
 * configuration: 0.3 ms a run. */
EG_API eg_status eg_ensemble_of_runs(eg_ensemble *out,
                                     const char (*dirs)[EG_PATH], int n,
                                     const eg_strs *by, eg_err *err);
/* Of a sweep as it is now, with all its axes in their order (seeds are none,
 * also those of an axis run.seed), and a setting for every combination; runs
 * are the points that have begun, but for those whose run was extended. by as
 * above. Reads no configuration. */
EG_API eg_status eg_ensemble_of_sweep(eg_ensemble *out, const eg_sweep *s,
                                      const eg_strs *by, eg_err *err);
EG_API void eg_ensemble_release(eg_ensemble *x);

/* The metrics that any of its runs has, as they come; *names [n], released with
 * eg_free. Runs without any are no error. */
EG_API eg_status eg_ensemble_metrics(char (**names)[96], int *n,
                                     const eg_ensemble *x, eg_err *err);

/* ---- Answers --------------------------------------------------------------
 */

typedef struct eg_answer {
    eg_estimate estimate;
    const double *value; /* of each run of the setting, as in
                            eg_question_answer */
    const double *until;
} eg_answer;

typedef struct eg_aggregate {
    int n_questions, n_settings;
    eg_answer *answer; /* [n_questions, n_settings] */
    double *room;
} eg_aggregate;

/* Answers n questions; every run is read once. EG_EINVAL: a metric that no run
 * has, with the nearest one. */
EG_API eg_status eg_aggregate_make(eg_aggregate *out, const eg_ensemble *x,
                                   const eg_question *ask, int n,
                                   const eg_bootstrap *how, eg_err *err);
EG_API void eg_aggregate_release(eg_aggregate *a);
EG_API const eg_answer *eg_aggregate_at(const eg_aggregate *a, int question,
                                        int setting);

/* A metric of one setting against the step, over its runs. */
typedef struct eg_band {
    int n; /* steps at which any run has a number, ascending */
    double *step;
    int *runs; /* how many of them have one there; the others are left out */
    double *mean, *low, *high; /* NaN interval with fewer than two */
    double *median;
} eg_band;
/* max_points (0: no bound) thins the steps out evenly, first and last kept. */
EG_API eg_status eg_band_make(eg_band *out, const eg_ensemble *x, int setting,
                              const char *metric, int max_points,
                              const eg_bootstrap *how, eg_err *err);
EG_API void eg_band_release(eg_band *b);

/* ---- Power laws ------------------------------------------------------------
 */

/* answer = exp(intercept) key^slope over the runs of all settings that agree in
 * the other axes. The interval is that of the bootstrap over the runs of each
 * setting, which assumes less than that of `line`. Where there is none, `why`
 * says why: answers that are not positive, events that never happened, too few
 * values of the key. */
typedef struct eg_law {
    char *label; /* the values of the other axes */
    eg_power_fit line;
    double slope_low, slope_high;
    double factor, factor_low, factor_high; /* exp(intercept) */
    int n, n_missing;                       /* runs in it, and without answer */
    char why[200];
} eg_law;
/* *laws [n]; axis must have numbers alone, all positive (EG_EINVAL). */
EG_API eg_status eg_laws_make(eg_law **laws, int *n, const eg_ensemble *x,
                              const eg_aggregate *a, int question, int axis,
                              const eg_bootstrap *how, eg_err *err);
EG_API void eg_laws_free(eg_law *laws, int n);

#ifdef __cplusplus
}
#endif
#endif
