/* Claims: a paper's statements as files, run and judged.
 *
 * experiments/<paper>/<file>.yaml holds `runs` (configurations), `claims` and
 * perhaps `curves` (recorded reference numbers). docs/claims.md is the
 * language. A claim's full id is <paper>/<file>/<id>. */
#ifndef ENGRAM_CLAIM_H
#define ENGRAM_CLAIM_H

#include "engram/lab.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum eg_profile { EG_QUICK, EG_FULL } eg_profile;
EG_API const char *eg_profile_name(eg_profile p); /* "quick", "full" */

typedef enum eg_verdict {
    EG_HOLDS,   /* measured as expected; the control, if any, failed */
    EG_REFUTED, /* a statement expected to be wrong was shown wrong; the
                 * control, if any, held */
    EG_FAILS,
    EG_NOT_RUN
} eg_verdict;
EG_API const char *eg_verdict_name(eg_verdict v); /* as in the JSON */

typedef struct eg_experiments eg_experiments;

/* Reads and checks every experiment under dir/<paper>/. Errors carry file,
 * line and column. Files without `claims` are plain configurations. */
EG_API eg_status eg_experiments_load(eg_experiments **out, const char *dir,
                                     eg_err *err);
EG_API void eg_experiments_free(eg_experiments *x);

typedef enum eg_control_kind {
    EG_CONTROL_MISSING,
    EG_CONTROL_NONE, /* says why none makes sense */
    EG_CONTROL_GIVEN /* is measured */
} eg_control_kind;

/* One claim as its file states it; texts live as long as the experiments. */
typedef struct eg_claim_info {
    const char *id; /* full */
    const char *source, *statement, *measure;
    bool in[2]; /* part of the quick, of the full profile */
    bool expect_refuted;
    eg_control_kind control; /* of the profile that says least */
    const char *no_control;  /* "none, because ...", or NULL */
} eg_claim_info;
EG_API bool eg_experiments_claim(const eg_experiments *x, int i,
                                 eg_claim_info *out); /* false past the end */
/* Does the word pick the claim: its paper, file or id, or "all"? */
EG_API bool eg_claim_matches(const char *full_id, const char *word);
/* The id nearest to a word that picks nothing; NULL: none near. */
EG_API const char *eg_experiments_nearest(const eg_experiments *x,
                                          const char *word);

#define EG_SEEDS_MAX 64

typedef struct eg_seeds {
    int n;
    int64_t seed[EG_SEEDS_MAX];
} eg_seeds;
/* Appends "3", "0-9" or "1,2,5": each is a value of run.seed, and refused in
 * its words. */
EG_API eg_status eg_seeds_add(eg_seeds *s, const char *text, eg_err *err);

typedef struct eg_claim_result {
    eg_claim_info info;
    eg_verdict verdict;
    double measured; /* after the reduction over seeds; NaN: nothing */
    char expected[96], tolerance[352];
    int n_seeds;
    int64_t seed[EG_SEEDS_MAX];
    double value[EG_SEEDS_MAX]; /* of each seed */
    double mean, sd, min, max;  /* NaN: not known, see n_never */
    /* In which the mean of the seeds lies, or the median where the claim is
     * over that, as in engram/aggregate.h at its defaults; NaN: one seed. */
    double low, high;
    int n_never; /* seeds whose event never happened, where that counts */
    bool has_control;
    double control;    /* measured on the control */
    double seconds;    /* of training; shared runs count in every claim */
    char run[EG_PATH]; /* the first run's directory, "" when none */
    char note[384];    /* why it fails or did not run */
} eg_claim_result;

typedef struct eg_judgement {
    int n;
    eg_claim_result *claim;
    int n_dirs;
    char (*dirs)[EG_PATH]; /* every run directory used */
    bool interrupted;
    double seconds;
    int64_t announced_bytes, peak_bytes; /* of the largest run */
} eg_judgement;
EG_API void eg_judgement_release(eg_judgement *j);
/* Did everything that was to be run hold? */
EG_API bool eg_judgement_good(const eg_judgement *j);
/* {"claims": [{"id", "source", "statement", "verdict", "measured",
 * "expected", "tolerance", "seeds", "seconds", "run"}], "runs": [dirs]} and
 * the spread over seeds beside them; release with eg_free. */
EG_API eg_status eg_judgement_json(const eg_judgement *j, eg_profile profile,
                                   char **out, eg_err *err);

typedef struct eg_reproduce_opts {
    eg_profile profile;
    const char *const *words; /* what to run; none: everything */
    int n_words;
    bool reuse;      /* take finished runs of the same configuration */
    eg_lab_opts lab; /* root, kern, pool, callbacks */
    /* A run begins: number i of n, reused or trained. May be NULL. */
    void (*begins)(void *ctx, const char *label, int i, int n, bool reused);
} eg_reproduce_opts;

/* Runs what the chosen claims need, each configuration once, and judges. A run
 * that fails makes its claims fail; it is not an error here. */
EG_API eg_status eg_reproduce(eg_judgement *out, const eg_experiments *x,
                              const eg_reproduce_opts *opts, eg_err *err);

/* The measure language alone, for tests and tools: text -> value. */
typedef struct eg_measure eg_measure;
/* Errors say "column N: ...". */
EG_API eg_status eg_measure_parse(eg_measure **out, const char *text,
                                  eg_err *err);
EG_API void eg_measure_free(eg_measure *m);
/* The i-th run it names; NULL past the end. */
EG_API const char *eg_measure_run(const eg_measure *m, int i);
/* Where values come from. curve: a recorded curve, NULL: none. */
typedef struct eg_measure_source {
    const eg_series *(*series)(void *ctx, const char *run, const char *metric);
    const eg_series *(*curve)(void *ctx, const char *name);
    void *ctx;
} eg_measure_source;
EG_API eg_status eg_measure_eval(const eg_measure *m, double *out,
                                 const eg_measure_source *from, eg_err *err);
/* Functions of the language, for help and docs; NULL past the end. */
EG_API const char *eg_measure_help(int i);

#ifdef __cplusplus
}
#endif
#endif
