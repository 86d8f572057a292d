/* The runs a reproduction needs, each configuration once. */
#ifndef EG_LAB_JOBS_H
#define EG_LAB_JOBS_H

#include "lab/links.h"

typedef struct egi_job {
    eg_config *cfg; /* with the names of the runs that it reads */
    eg_config *own; /* with their checkpoints, when it reads any */
    int n_links;
    egi_link link[EGI_LINKS];
    int from[EGI_LINKS]; /* the jobs of these, which stand before it */
    char label[224];
    bool done, ok;
    char dir[EG_PATH], why[256];
    double seconds;
    int64_t announced, peak;
    eg_metrics metrics;
} egi_job;

typedef struct egi_jobs {
    int n, cap;
    egi_job *job;
} egi_jobs;

/* Index of the job of a run with its k-th seed in *job; added when no job has
 * this configuration. *n_seeds: how many seeds the run has. */
eg_status egi_jobs_need(egi_jobs *j, const egi_experiment *e,
                        const egi_variant *v, eg_profile profile, int k,
                        int *job, int *n_seeds, int64_t *seed, eg_err *err);
/* Runs what is not done; stops early when interrupted. */
eg_status egi_jobs_run(egi_jobs *j, const eg_reproduce_opts *opts,
                       bool *interrupted, eg_err *err);
void egi_jobs_release(egi_jobs *j);

#endif
