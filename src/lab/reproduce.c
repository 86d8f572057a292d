/* A reproduction: choose claims, collect the runs they need, run, judge. */
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/pool.h"
#include "lab/judge.h"

static bool chosen(const egi_claim *c, const eg_reproduce_opts *opts)
{
    if (opts->n_words == 0) return true;
    for (int i = 0; i < opts->n_words; i++)
        if (eg_claim_matches(c->id, opts->words[i])) return true;
    return false;
}

/* Every seed of every run that a measure names, as it stands or as the
 * claim's control has it. */
static eg_status need_runs(egi_jobs *jobs, const egi_claim *c,
                           const egi_experiment *e, eg_profile profile,
                           bool control, eg_err *err)
{
    const egi_terms *t = &c->terms[profile];
    const eg_measure *m =
        control && t->control.measure ? t->control.measure : t->measure;
    eg_status st = EG_OK;

    for (int i = 0; eg_measure_run(m, i); i++) {
        egi_variant v = {.run = eg_measure_run(m, i)};
        int n = 1;

        if (control) v = egi_control_run(c, profile, v.run);
        for (int k = 0; k < n; k++) {
            int job;
            int64_t seed;

            EG_TRY(
                egi_jobs_need(jobs, e, &v, profile, k, &job, &n, &seed, err));
        }
    }
done:
    return st;
}

static eg_status keep_dirs(eg_judgement *out, const egi_jobs *jobs, eg_err *err)
{
    out->dirs = eg_calloc((size_t)jobs->n, sizeof *out->dirs);
    if (!out->dirs && jobs->n)
        return EG_FAIL(err, EG_ENOMEM, "reproduce: out of memory");
    for (int i = 0; i < jobs->n; i++) {
        const egi_job *job = &jobs->job[i];

        if (job->peak > out->peak_bytes) out->peak_bytes = job->peak;
        if (job->announced > out->announced_bytes)
            out->announced_bytes = job->announced;
        out->seconds += job->seconds;
        if (job->dir[0])
            snprintf(out->dirs[out->n_dirs++], EG_PATH, "%s", job->dir);
    }
    return EG_OK;
}

eg_status eg_reproduce(eg_judgement *out, const eg_experiments *x,
                       const eg_reproduce_opts *opts, eg_err *err)
{
    egi_jobs jobs = {0};
    eg_status st = EG_OK;

    *out = (eg_judgement){0};
    out->claim = eg_calloc((size_t)x->n_claims, sizeof *out->claim);
    if (!out->claim && x->n_claims)
        return EG_FAIL(err, EG_ENOMEM, "reproduce: out of memory");
    for (int i = 0; i < x->n_claims; i++) {
        const egi_claim *c = &x->claim[i];

        if (!chosen(c, opts) || !c->info.in[opts->profile]) continue;
        EG_TRY(
            need_runs(&jobs, c, &x->file[c->file], opts->profile, false, err));
        if (!egi_control_given(&c->terms[opts->profile].control)) continue;
        EG_TRY(
            need_runs(&jobs, c, &x->file[c->file], opts->profile, true, err));
    }
    EG_TRY(egi_jobs_run(&jobs, opts, &out->interrupted, err));
    for (int i = 0; i < x->n_claims; i++) {
        const egi_claim *c = &x->claim[i];

        if (!chosen(c, opts) || !c->info.in[opts->profile]) continue;
        egi_judge(&out->claim[out->n++], c, &x->file[c->file], opts->profile,
                  &jobs);
    }
    EG_TRY(keep_dirs(out, &jobs, err));
done:
    egi_jobs_release(&jobs);
    if (st != EG_OK) eg_judgement_release(out);
    return st;
}

void eg_judgement_release(eg_judgement *j)
{
    eg_free(j->claim);
    eg_free(j->dirs);
    *j = (eg_judgement){0};
}

bool eg_judgement_good(const eg_judgement *j)
{
    for (int i = 0; i < j->n; i++)
        if (j->claim[i].verdict != EG_HOLDS &&
            j->claim[i].verdict != EG_REFUTED)
            return false;
    return j->n > 0;
}
