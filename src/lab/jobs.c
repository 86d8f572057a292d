/* Jobs: found by their configuration, run once, their metrics kept. */
#include "lab/jobs.h"

#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/pool.h"
#include "lab/run_priv.h"
#include "engram/text.h"

/* need->cfg is the list's from then on. */
static eg_status add(egi_jobs *j, egi_job *need, eg_err *err)
{
    if (j->n == j->cap) {
        int cap = j->cap ? 2 * j->cap : 16;
        egi_job *job = eg_realloc(j->job, (size_t)cap * sizeof *job);

        if (!job) return EG_FAIL(err, EG_ENOMEM, "jobs: out of memory");
        j->job = job;
        j->cap = cap;
    }
    j->job[j->n++] = *need;
    need->cfg = NULL;
    return EG_OK;
}

/* The links of need->cfg, the k-th seed of a run, and the jobs of the runs that
 * it reads. */
static eg_status need_links(egi_jobs *j, const egi_experiment *e,
                            eg_profile profile, int k, egi_job *need,
                            eg_err *err)
{
    eg_status st = EG_OK;

    need->n_links = egi_links(need->link, e, need->cfg);
    for (int i = 0; i < need->n_links && st == EG_OK; i++) {
        egi_variant v = {.run = need->link[i].run};
        int n_seeds;
        int64_t seed;

        st = egi_jobs_need(j, e, &v, profile, k, &need->from[i], &n_seeds,
                           &seed, err);
    }
    return st;
}

/* Links of two files may have the same names. */
static bool is_job(const egi_job *job, const egi_job *need)
{
    return need->n_links == job->n_links &&
           memcmp(need->from, job->from,
                  (size_t)need->n_links * sizeof *need->from) == 0 &&
           eg_config_same(job->cfg, need->cfg);
}

eg_status egi_jobs_need(egi_jobs *j, const egi_experiment *e,
                        const egi_variant *v, eg_profile profile, int k,
                        int *job, int *n_seeds, int64_t *seed, eg_err *err)
{
    egi_job need = {.cfg = eg_calloc(1, sizeof *need.cfg)};
    eg_seeds seeds;
    eg_status st = EG_OK;

    if (!need.cfg) return EG_FAIL(err, EG_ENOMEM, "jobs: out of memory");
    EG_TRY(egi_run_resolve(e, v, profile, need.cfg, &seeds, err));
    *n_seeds = seeds.n;
    if (seeds.n == 1) k = 0;
    if (k >= seeds.n) goto done; /* the caller compares the numbers of seeds */
    *seed = need.cfg->run.seed = seeds.seed[k];
    EG_TRY(need_links(j, e, profile, k, &need, err));
    for (*job = 0; *job < j->n; ++*job)
        if (is_job(&j->job[*job], &need)) goto done;
    snprintf(need.label, sizeof need.label, "%.*s/%.*s seed %lld%s%.*s",
             eg_text_fit(e->id, 60), e->id, eg_text_fit(v->run, 40), v->run,
             (long long)seeds.seed[k], v->change ? ", control of " : "",
             v->change ? eg_text_fit(v->claim, 60) : 0,
             v->change ? v->claim : "");
    st = add(j, &need, err);
done:
    eg_free(need.cfg);
    return st;
}

/* job->own: what the runs that it reads have left behind is there. A run that
 * failed is noted. */
static eg_status link_up(egi_jobs *j, egi_job *job, eg_err *err)
{
    eg_status st = EG_OK;

    if (job->n_links == 0 || job->own) return EG_OK;
    job->own = eg_calloc(1, sizeof *job->own);
    if (!job->own) return EG_FAIL(err, EG_ENOMEM, "jobs: out of memory");
    *job->own = *job->cfg;
    for (int i = 0; i < job->n_links && st == EG_OK; i++) {
        const egi_job *of = &j->job[job->from[i]];

        if (!of->ok) {
            snprintf(job->why, sizeof job->why,
                     "%s: %.*s, which it reads: %.*s", job->link[i].option,
                     eg_text_fit(of->label, 80), of->label,
                     eg_text_fit(of->why, 120), of->why);
            job->done = true;
            return EG_OK;
        }
        st = egi_link_set(&job->link[i], job->own, of->dir, of->cfg, err);
    }
    return st;
}

static const eg_config *runs_as(const egi_job *job)
{
    return job->own ? job->own : job->cfg;
}

static void load_metrics(egi_job *job)
{
    eg_err why = {0};
    eg_status st = egi_run_sound(job->dir, &why);

    if (st == EG_OK) st = eg_metrics_read(&job->metrics, job->dir, &why);
    job->ok = st == EG_OK;
    if (!job->ok) eg_text_copy(job->why, sizeof job->why, why.msg);
}

/* The newest run of the job's configuration, finished or not, if one is
 * *found. */
static eg_status find(bool *found, char dir[EG_PATH], eg_run_info *info,
                      const egi_job *job, const char *root, bool finished,
                      eg_err *err)
{
    eg_status st = eg_lab_find(found, dir, root, runs_as(job), finished, err);

    if (st != EG_OK || !*found) return st;
    st = eg_run_info_read(info, dir, err);
    *found = st == EG_OK;
    return st == EG_ENOMEM ? st : EG_OK;
}

static eg_status reuse(bool *reused, egi_job *job, const char *root,
                       eg_err *err)
{
    eg_run_info info;
    eg_status st = find(reused, job->dir, &info, job, root, true, err);

    if (st != EG_OK || !*reused) return st;
    job->seconds = info.seconds;
    job->announced = info.announced_bytes;
    job->peak = info.peak_bytes;
    return EG_OK;
}

/* Was a run of this configuration stopped half way? Not one that failed, nor
 * one that another process is busy with. */
static eg_status was_stopped(bool *was, const egi_job *job, const char *root,
                             eg_err *err)
{
    char dir[EG_PATH];
    eg_run_info info;
    eg_status st = find(was, dir, &info, job, root, false, err);

    *was = st == EG_OK && *was &&
           (strcmp(info.status, "interrupted") == 0 ||
            strcmp(info.status, "killed") == 0);
    return st;
}

/* A run's own failure is the run's: it is noted, not returned. */
static void run_one(egi_job *job, const eg_reproduce_opts *opts,
                    bool *interrupted)
{
    eg_lab_opts lab = opts->lab;
    eg_lab_result r = {0};
    eg_err why = {0};
    eg_status st = EG_OK;

    lab.label = job->label;
    lab.dir = NULL;
    lab.resume = false;
    if (opts->reuse)
        st = was_stopped(&lab.resume, job, lab.root ? lab.root : "runs", &why);
    if (st == EG_OK) st = eg_lab_run(&r, runs_as(job), &lab, &why);
    snprintf(job->dir, sizeof job->dir, "%s", r.dir);
    job->seconds = r.seconds;
    job->announced = r.announced_bytes;
    job->peak = r.peak_bytes;
    if (st != EG_OK) {
        eg_text_copy(job->why, sizeof job->why, why.msg);
    } else if (r.outcome == EG_FINISHED) {
        load_metrics(job);
    } else {
        *interrupted = r.outcome == EG_INTERRUPTED;
        snprintf(job->why, sizeof job->why, "%s: %.*s",
                 eg_outcome_name(r.outcome), eg_text_fit(r.reason, 200),
                 r.reason);
    }
    job->done = !*interrupted;
}

eg_status egi_jobs_run(egi_jobs *j, const eg_reproduce_opts *opts,
                       bool *interrupted, eg_err *err)
{
    const char *root = opts->lab.root ? opts->lab.root : "runs";

    for (int i = 0; i < j->n && !*interrupted; i++) {
        egi_job *job = &j->job[i];
        bool reused = false;
        eg_status st = link_up(j, job, err);

        if (st == EG_OK && job->done) continue;
        if (st == EG_OK && opts->reuse) st = reuse(&reused, job, root, err);
        if (st != EG_OK) return st;
        if (opts->begins)
            opts->begins(opts->lab.ctx, job->label, i, j->n, reused);
        if (reused) {
            load_metrics(job);
            job->done = true;
            continue;
        }
        run_one(job, opts, interrupted);
    }
    return EG_OK;
}

void egi_jobs_release(egi_jobs *j)
{
    for (int i = 0; i < j->n; i++) {
        eg_free(j->job[i].cfg);
        eg_free(j->job[i].own);
        eg_metrics_release(&j->job[i].metrics);
    }
    eg_free(j->job);
    *j = (egi_jobs){0};
}
