/* Probes, set up once; probes_run.c asks them. */
#include "probe/probes.h"

#include <stdio.h>
#include <string.h>

#include "engram/kern.h"
#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_probe_opts
EG_FIELDS_TABLE(eg_probe_fields, EG_PROBE_FIELDS)

/* "norm.<tensor>" with the tensor's name in place. */
static void fill_in(char *out, const char *pattern, const char *tensor)
{
    int head = (int)strcspn(pattern, "<");

    (void)snprintf(out, EGI_NAME, "%.*s%s", head, pattern, tensor);
}

static eg_status name_tensors(eg_probes *p, eg_err *err)
{
    int n_tensors = eg_model_n_tensors(p->model);
    size_t n_rows = 0;

    for (int r = 0; r < egi_n_probes; r++) {
        n_rows += egi_probe_table[r].kind == EGI_ON_TENSORS;
    }
    p->name = eg_calloc(n_rows * (size_t)n_tensors, sizeof *p->name);
    if (!p->name) return EG_FAIL(err, EG_ENOMEM, "names of probes");
    for (int r = 0; r < egi_n_probes; r++) {
        if (egi_probe_table[r].kind != EGI_ON_TENSORS) continue;
        for (int i = 0; i < n_tensors; i++) {
            fill_in(p->name[p->n_names++], egi_probe_table[r].info.name,
                    eg_model_tensor(p->model, i)->name);
        }
    }
    return EG_OK;
}

static eg_status heads_init(eg_probes *p, eg_pool *pool, eg_err *err)
{
    int64_t most = EGI_HEAD_MOST;
    int count = (int)(p->opts.batch < most ? p->opts.batch : most);
    eg_status st =
        egi_heads_init(&p->heads, p->eval, p->model, pool, count, 0, err);
    size_t n = (size_t)p->heads.table.n * EG_HEAD_SCORES;

    if (st != EG_OK) return st;
    p->head_name = eg_calloc(n, sizeof *p->head_name);
    if (!p->head_name) return EG_FAIL(err, EG_ENOMEM, "names of heads");
    for (size_t i = 0; i < n; i++) {
        const eg_head *h = &p->heads.table.row[i / EG_HEAD_SCORES];
        const char *score = eg_head_score((int)(i % EG_HEAD_SCORES))->name;

        (void)snprintf(p->head_name[i], EGI_NAME, "head.%d.%d.%s", h->layer,
                       h->head, score);
    }
    return EG_OK;
}

static eg_status measures_init(eg_probes *p, int threads, eg_err *err)
{
    int heads = eg_model_heads(p->model, 0);
    unsigned told = egi_measure_told(p->task);
    unsigned shown = p->opts.attention ? egi_measure_offers(p->eval) : 0;
    eg_status st = EG_OK;

    /* pairs of heads are of two blocks with as many each */
    if (eg_model_options(p->model)->n_layers > 1 &&
        eg_model_heads(p->model, 1) != heads)
        shown &= ~(unsigned)EGI_NEEDS_LOOKS;
    p->batch = (egi_measure){.n_heads = heads,
                             .n_ctx = eg_model_ctx(p->model),
                             .has = shown | told,
                             .task = eg_task_options(p->task)->kind,
                             .from = p->task,
                             .count = (int)p->opts.batch};
    EG_TRY(egi_measure_init(&p->batch, EGI_ON_BATCH, threads, err));
    p->test = (egi_measure){.n_heads = heads,
                            .n_ctx = eg_model_ctx(p->model),
                            .has = told,
                            .task = eg_task_options(p->task)->kind,
                            .from = p->task,
                            .count = (int)p->opts.test};
    p->train = p->test;
    p->train.count = (int)p->opts.train;
    EG_TRY(egi_measure_at(&p->test, &p->opts.positions, err));
    EG_TRY(egi_measure_init(&p->test, EGI_ON_TEST, threads, err));
    EG_TRY(egi_measure_init(&p->train, EGI_ON_TRAIN, threads, err));
done:
    return st;
}

eg_status eg_probes_of(eg_probes **out, const eg_probe_opts *opts,
                       const eg_model *m, const eg_task *task, eg_pool *pool,
                       const char *kern, eg_err *err)
{
    /* what is no forward pass of the model is of float32 in any case */
    const char *beside = kern ? eg_kern_beside(kern) : NULL;
    const char *plain = beside ? beside : kern;
    eg_status st = EG_OK;
    eg_probes *p = eg_calloc(1, sizeof *p);

    *out = NULL;
    if (!p) return EG_FAIL(err, EG_ENOMEM, "probes");
    p->opts = *opts;
    p->model = m;
    p->task = task;
    EG_TRY(
        eg_eval_new(&p->eval, p->model, task, pool, kern, EG_EVAL_BASIC, err));
    if (opts->test > 0 || opts->train > 0) /* which need predictions only */
        EG_TRY(eg_eval_new(&p->predict, p->model, task, pool, kern,
                           EG_EVAL_PRED, err));
    if (beside && opts->deviation)
        EG_TRY(egi_deviation_init(&p->deviation, m, task, pool, beside,
                                  p->predict != NULL, err));
    EG_TRY(measures_init(p, eg_pool_size(pool), err));
    EG_TRY(egi_weights_init(&p->weights, p->model, task, pool, plain, err));
    p->linear.n_at = p->test.n_at;
    memcpy(p->linear.at, p->test.at, sizeof p->linear.at);
    EG_TRY(egi_linear_init(&p->linear, opts, m, task, eg_pool_size(pool), err));
    EG_TRY(egi_sensitivity_init(&p->sensitivity, (int)opts->sensitivity, m,
                                task, err));
    EG_TRY(egi_radii_init(&p->radii, opts, p->eval, m, pool, plain, err));
    EG_TRY(name_tensors(p, err));
    if (opts->heads) EG_TRY(heads_init(p, pool, err));
    if (opts->compressed)
        EG_TRY(
            egi_compress_init(&p->compress, opts, m, task, pool, plain, err));
    if (opts->snapshots > 0) EG_TRY(egi_snapshot_init(p, err));
    *out = p;
    p = NULL;
done:
    eg_probes_free(p);
    return st;
}

eg_status eg_probes_new(eg_probes **out, const eg_probe_opts *opts,
                        eg_trainer *tr, const eg_task *task, eg_pool *pool,
                        const char *kern, eg_err *err)
{
    eg_status st =
        eg_probes_of(out, opts, eg_trainer_model(tr), task, pool, kern, err);

    if (st != EG_OK) return st;
    (*out)->trainer = tr;
    if (opts->llc > 0) st = egi_llc_init(&(*out)->llc, opts, tr, err);
    if (st != EG_OK) {
        eg_probes_free(*out);
        *out = NULL;
    }
    return st;
}

void eg_probes_free(eg_probes *p)
{
    if (!p) return;
    eg_eval_free(p->eval);
    eg_eval_free(p->predict);
    egi_deviation_release(&p->deviation);
    egi_measure_release(&p->batch);
    egi_measure_release(&p->test);
    egi_measure_release(&p->train);
    egi_weights_release(&p->weights);
    egi_heads_release(&p->heads);
    egi_compress_release(&p->compress);
    egi_llc_release(&p->llc);
    egi_linear_release(&p->linear);
    egi_sensitivity_release(&p->sensitivity);
    egi_radii_release(&p->radii);
    egi_snapshot_release(p);
    eg_free(p->head_name);
    eg_free(p->name);
    eg_free(p);
}

eg_eval *eg_probes_eval(eg_probes *p)
{
    return p->eval;
}
