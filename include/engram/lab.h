/* The laboratory: carries out a configuration in a run directory. */
#ifndef ENGRAM_LAB_H
#define ENGRAM_LAB_H

#include "engram/program.h"
#include "engram/run.h"
#include "engram/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

EG_API const char *eg_version(void); /* "0.1.0" */
EG_API const char *eg_commit(void);  /* short hash, or "unknown" */
/* "CPU model, N cores, M GiB, kernel": this machine in words. */
EG_API void eg_machine_describe(char *buf, size_t size);
/* Peak resident memory of this process in bytes (0: unknown). */
EG_API int64_t eg_memory_peak(void);
/* Bytes of it resident now; 0 where the system does not say. */
EG_API int64_t eg_memory_now(void);

/* Measures the peak, of float64 if wide, on all threads at once for a
 * twentieth of a second. */
EG_API void eg_op_times_peak(eg_op_times *t, bool wide, eg_pool *pool);
/* As in arrays/profile.json (docs/formats.md); released with eg_free. */
EG_API eg_status eg_op_times_json(char **out, const eg_op_times *t,
                                  eg_err *err);

/* The i-th statement of every theory, NULL past the end; and by name. */
EG_API const eg_theory *eg_theory_at(int i);
EG_API const eg_theory *eg_theory_find(const char *name);

/* A metric that tells in a word how a run goes. */
typedef struct eg_headline {
    char name[64];
    const char *brief; /* on the progress line; "": not there */
    bool swept;        /* compared by a sweep */
} eg_headline;
/* The i-th of a run of that configuration: by its kind, its task and the group
 * that is trained on; false past the end. */
EG_API bool eg_headline_at(eg_headline *out, const eg_config *cfg, int i);

enum { EG_NEWS = 6 };
typedef struct eg_news {
    const char *brief;
    double value;
} eg_news;

/* A step's news, for whoever watches. Numbers not known are NaN. */
typedef struct eg_progress {
    const char *label; /* what runs */
    int64_t step, n_steps;
    const char *unit; /* of these; NULL: steps, or times of a flow */
    double loss;
    double t; /* of a flow */
    int n_news;
    eg_news news[EG_NEWS];    /* what was measured last, in the order of
                                 eg_headline_at */
    double tokens_per_s, eta; /* of steps without measuring; seconds left */
    bool measured;            /* the probes ran at this step */
} eg_progress;

/* What is about to run. */
typedef struct eg_lab_plan {
    const char *dir, *kern, *precision;
    const char *about; /* of a flow, in words; NULL: see the numbers */
    int threads;
    int64_t n_params, n_trained, bytes, steps, start_step;
    int64_t tokens_per_step;
    double flops_per_token;
} eg_lab_plan;

typedef struct eg_lab_opts {
    const char *root;  /* folder of runs; NULL: "runs" */
    const char *dir;   /* this directory exactly; NULL: root/<name>/<id> */
    const char *kern;  /* NULL: "auto" */
    const char *label; /* for the progress; NULL: run.name */
    const char *sweep; /* the run belongs to its point `point`; NULL: to none */
    int64_t point;
    eg_pool *pool;
    /* The processes that make this run together, all of which call eg_lab_run
     * with the same configuration; NULL: this one alone. Rank 0 alone writes,
     * measures and tells; any of them may be asked to stop. A kind of run that
     * cannot be shared is EG_EUNSUPPORTED. */
    const eg_ranks *ranks;
    bool resume; /* go on with the newest unfinished run of this config */
    bool
        go_back; /* with resume: go on from `from`, not from where it stopped */
    int64_t from; /* a checkpoint's step, a flow's times; 0: begin anew in it */
    /* "train.steps=5000" or, of a flow, "flow.times=...": the run of cfg,
     * finished or not, goes on to there. The second time it is gone on with as
     * by resume. NULL: nothing of this. */
    const char *extend;
    /* All optional; called from the calling thread between steps. */
    bool (*stop)(void *ctx); /* true: save and return */
    void (*plan)(void *ctx, const eg_lab_plan *plan);
    void (*note)(void *ctx, const char *text); /* what was left aside; in the
                                                  log of the run as well */
    void (*progress)(void *ctx, const eg_progress *p);
    void *ctx;
} eg_lab_opts;

typedef enum eg_outcome { EG_FINISHED, EG_INTERRUPTED, EG_DIVERGED } eg_outcome;
EG_API const char *eg_outcome_name(eg_outcome o); /* as in run.json */

typedef struct eg_lab_result {
    eg_outcome outcome;
    bool untouched;     /* nothing was done: the run was finished before, */
    bool unmatched;     /* or, with an error, there is none to go on with */
    bool stopped_early; /* finished, by train.stop: reason says why */
    bool served; /* by a rank other than 0: outcome and status are those of rank
                    0, which has told why, and there is no dir. Where it is
                    false, rank 0 waits for this one in vain */
    char reason[256]; /* "step 12: gradient of blocks.0.attn.W_QK ..." */
    char dir[EG_PATH];
    int64_t steps_done;
    double seconds, tokens_per_s;
    int64_t evaluations, solver_steps; /* of a flow, by this process */
    int64_t announced_bytes, peak_bytes;
} eg_lab_result;

/* Runs cfg to its end, an interruption or a divergence. On an error the run
 * directory says "failed", its last checkpoint stays as it was; an error found
 * before the first step of a new run leaves no directory, and out->dir is
 * "". */
EG_API eg_status eg_lab_run(eg_lab_result *out, const eg_config *cfg,
                            const eg_lab_opts *opts, eg_err *err);

/* The newest unfinished (finished: with the flag) run under root whose
 * configuration is cfg, if one is *found among those that can be read. */
EG_API eg_status eg_lab_find(bool *found, char dir[EG_PATH], const char *root,
                             const eg_config *cfg, bool finished, eg_err *err);

/* The run under root whose configuration differs from cfg in the fewest keys,
 * whatever became of it; false: there is none. */
typedef struct eg_lab_near {
    char dir[EG_PATH];
    char status[32]; /* as in eg_run_info; "" when its run.json is lost */
    int n_keys;      /* that differ */
    int n_fixed;     /* of these, that a run which goes on must keep */
    char *keys;      /* a line each, "optim.lr: 0.01 there, 0.02 here", and
                        "; it may change" where it may; NULL: none. Released
                        with eg_free */
} eg_lab_near;
EG_API bool eg_lab_nearest(eg_lab_near *near, const char *root,
                           const eg_config *cfg);
/* The same of the run at dir; false: it has no configuration that reads. */
EG_API bool eg_lab_compare(eg_lab_near *near, const char *dir,
                           const eg_config *cfg);

#ifdef __cplusplus
}
#endif
#endif
