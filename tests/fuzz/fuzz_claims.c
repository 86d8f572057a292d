/* Experiment files: runs, curves and claims; every claim is judged before its
 * runs are there and on made-up metrics, and written as JSON. */
#include <jansson.h>
#include <math.h>

#include "fuzz.h"
#include "lab/claim_file.h"
#include "lab/judge.h"

/* As eg_experiments_load has it, for one file of no folder. */
static eg_status read_file(eg_experiments *x, const char *text, size_t size,
                           eg_err *err)
{
    egi_experiment *e = &x->file[0];
    const eg_node *claims = NULL;
    eg_status st = eg_yaml_parse(&e->yaml, text, size, "fuzz", err);

    if (st != EG_OK) return st;
    (void)snprintf(e->folder, sizeof e->folder, "no such folder");
    (void)snprintf(e->id, sizeof e->id, "fuzz/file");
    claims = eg_node_get(eg_yaml_root(e->yaml), "claims");
    st = egi_experiment_parse(e, err);
    if (st != EG_OK || !claims || claims->kind != EG_NODE_SEQ) return st;
    x->claim = eg_calloc((size_t)claims->n, sizeof *x->claim);
    EG_ASSERT(x->claim || claims->n == 0);
    for (int i = 0; i < claims->n && st == EG_OK; i++) {
        x->n_claims++;
        st = egi_claim_parse(e, &claims->item[i], &x->claim[i], err);
    }
    return st;
}

/* What was taken is of the kind it is read as. */
static void check_kinds(const eg_experiments *x)
{
    static const char *const texts[] = {"id",        "expected", "measure",
                                        "tolerance", "reason",   "over"};
    const egi_experiment *e = &x->file[0];

    for (int i = 0; i < e->n_curves; i++)
        EG_ASSERT(e->curves->item[i].key && e->curve[i].n > 0);
    for (int i = 0; i < x->n_claims; i++)
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            const eg_node *n = eg_node_get(x->claim[i].node, texts[k]);
            bool own = eg_node_get(x->claim[i].node, "quick") ||
                       eg_node_get(x->claim[i].node, "full");

            /* the profiles may bring their own in its place */
            EG_ASSERT(!n || own || n->kind == EG_NODE_SCALAR);
        }
}

/* All runs of the jobs are there, with the same metrics. */
static void finish_jobs(egi_jobs *jobs)
{
    static const char text[] = "{\"step\": 0, \"loss\": 4, \"acc\": null}\n"
                               "{\"step\": 10, \"loss\": 1, \"acc\": 0.5}\n";
    eg_err err = {0};

    for (int i = 0; i < jobs->n; i++) {
        egi_job *job = &jobs->job[i];

        if (job->done) continue;
        EG_ASSERT(eg_metrics_parse(&job->metrics, text, sizeof text - 1, "text",
                                   &err) == EG_OK);
        job->done = job->ok = true;
    }
}

/* Every text of the judgement arrives in its JSON. */
static void check_json(eg_claim_result *r, eg_profile profile)
{
    static const char *const keys[] = {"id",      "source",   "statement",
                                       "verdict", "expected", "tolerance",
                                       "run",     "measure",  "note"};
    eg_judgement j = {.n = 1, .claim = r};
    eg_err err = {0};
    char *text = NULL;
    json_t *top = NULL, *claim = NULL;

    EG_ASSERT(eg_judgement_json(&j, profile, &text, &err) == EG_OK);
    top = json_loads(text, 0, NULL);
    claim = json_array_get(json_object_get(top, "claims"), 0);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        EG_ASSERT(json_is_string(json_object_get(claim, keys[i])));
    json_decref(top);
    eg_free(text);
}

static void judge(const eg_experiments *x, const egi_claim *c)
{
    static eg_claim_result r;
    egi_jobs jobs = {0};

    for (int p = 0; p < 2; p++) {
        if (!c->info.in[p]) continue;
        egi_judge(&r, c, &x->file[0], (eg_profile)p, &jobs);
        EG_ASSERT(r.verdict != EG_NOT_RUN || r.note[0]);
        check_json(&r, (eg_profile)p);
        /* seeds and the control's runs are asked for one after the other */
        for (int i = 0; i <= EG_SEEDS_MAX && r.verdict == EG_NOT_RUN; i++) {
            finish_jobs(&jobs);
            egi_judge(&r, c, &x->file[0], (eg_profile)p, &jobs);
        }
        EG_ASSERT(r.verdict == EG_FAILS || r.verdict == EG_NOT_RUN ||
                  isfinite(r.measured));
        EG_ASSERT(!r.has_control || isfinite(r.control));
        check_json(&r, (eg_profile)p);
    }
    egi_jobs_release(&jobs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    eg_status st = EG_OK;
    eg_experiments *x = eg_calloc(1, sizeof *x);

    EG_ASSERT(x);
    x->file = eg_calloc(1, sizeof *x->file);
    EG_ASSERT(x->file);
    x->n_files = 1;
    st = read_file(x, (const char *)data, size, &err);
    if (st != EG_OK)
        fuzz_check_failure(st, &err);
    else
        check_kinds(x);
    for (int i = 0; st == EG_OK && i < x->n_claims && i < 8; i++)
        judge(x, &x->claim[i]);
    eg_experiments_free(x);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
