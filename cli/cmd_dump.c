/* engram dump: one step laid open, for comparison with other frameworks. */
#include "cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "engram/eval.h"
#include "engram/mem.h"

const cli_option cli_dump_options[] = {
    CLI_OPT_SET,
    {"seed", 0, "N", "short for --set run.seed=N"},
    {"step", 0, "N", "steps to train before (default: 0)"},
    {"out", 'o', "DIR", "folder to write to, new or empty (required)"},
    CLI_OPT_THREADS,
    CLI_OPT_KERN,
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};

const char cli_dump_help[] =
    "Trains N steps, then writes what step N sees and makes, as .npy:\n"
    "\n"
    "  tokens targets labels [batch, pos]    logits [batch, pos, d_vocab]\n"
    "  loss [1]                              <hook> [batch, ...]\n"
    "  weight.<tensor>                       grad.<tensor>\n"
    "\n"
    "(of vectors inputs, target_vectors, outputs [batch, pos, n] in the place "
    "of\n"
    "tokens, targets, logits) and config.yaml, index.json. Weights and\n"
    "gradients are those before the update of step N, gradients by the plain\n"
    "algebra. CONFIG is a file or a run directory, DIR is made or empty.\n"
    "\n"
    "  engram dump experiments/birth/basic.yaml --set train.batch=8 --step 20 "
    "--out dump\n";

typedef struct dump {
    eg_config *cfg;
    eg_folder to;
    eg_task *task;
    eg_trainer *trainer; /* plain algebra, the weights of the step */
    eg_eval *eval;
    int batch, n_ctx;
    int64_t step;
    json_t *index;
    bool diverged; /* on the way to the step */
} dump;

static eg_status write_view(dump *d, const char *name, const eg_view *v,
                            eg_err *err)
{
    char file[256];
    json_t *shape = json_array();
    int bad = 0;

    snprintf(file, sizeof file, "%.200s.npy", name);
    for (int i = 0; i < v->ndim; i++)
        bad |= json_array_append_new(shape, json_integer(v->shape[i]));
    bad |=
        json_object_set_new(d->index, name,
                            json_pack("{s:s, s:o}", "dtype",
                                      eg_dtype_name(v->dtype), "shape", shape));
    if (bad) return EG_FAIL(err, EG_ENOMEM, "index of %s", name);
    return eg_npy_write_in(&d->to, file, v, err);
}

/* ---- activations: one array over the batch for each hook ----------------- */

typedef struct gather {
    const char *hook; /* or part of the sequence itself */
    eg_view one;      /* of one sequence */
    char *all;
    size_t bytes; /* of one sequence */
    bool missing;
} gather;

/* "tokens", "labels", ...: what the task wrote. */
static bool part_of(const gather *g, const eg_acts *acts, eg_view *out)
{
    const struct {
        const char *name;
        const void *data;
    } part[] = {{"tokens", acts->tokens},
                {"targets", acts->targets},
                {"labels", acts->labels},
                {"inputs", acts->inputs},
                {"target_vectors", acts->outputs}};

    if (g->hook[0] != '=') return eg_acts_hook(acts, g->hook, out);
    *out = g->one;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (strcmp(g->hook + 1, part[i].name) == 0)
            memcpy(&out->data, &part[i].data, sizeof out->data);
    return true;
}

static void find_shape(void *ctx, int index, int worker, const eg_acts *acts)
{
    gather *g = ctx;

    (void)worker;
    if (index == 0) g->missing = !part_of(g, acts, &g->one);
}

static void copy_hook(void *ctx, int index, int worker, const eg_acts *acts)
{
    gather *g = ctx;
    eg_view v;

    (void)worker;
    if (part_of(g, acts, &v))
        memcpy(g->all + (size_t)index * g->bytes, v.data, g->bytes);
}

/* one: the shape of a part "=tokens" of the sequence; NULL: of a hook. */
static eg_status dump_hook(dump *d, const char *hook, const eg_view *one,
                           eg_err *err)
{
    gather g = {.hook = hook, .one = one ? *one : (eg_view){.data = NULL}};
    eg_view v;
    eg_status st;

    eg_eval_run(d->eval, EG_TRAIN, (uint64_t)d->step, 0, 1, find_shape, &g);
    if (g.missing || g.one.ndim >= EG_MAX_DIMS) return EG_OK;
    g.bytes = (size_t)eg_view_size(&g.one) * eg_dtype_size(g.one.dtype);
    g.all = eg_calloc((size_t)d->batch, g.bytes);
    if (!g.all) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", hook);
    eg_eval_run(d->eval, EG_TRAIN, (uint64_t)d->step, 0, d->batch, copy_hook,
                &g);
    v = (eg_view){.data = g.all, .dtype = g.one.dtype, .ndim = g.one.ndim + 1};
    v.shape[0] = d->batch;
    for (int i = 0; i < g.one.ndim; i++) v.shape[i + 1] = g.one.shape[i];
    st = write_view(d, hook + (one != NULL), &v, err);
    eg_free(g.all);
    return st;
}

static eg_status dump_batch(dump *d, eg_err *err)
{
    eg_io io = eg_task_io(d->task);
    const struct {
        const char *name;
        eg_view one;
    } part[] = {{"=tokens", {NULL, EG_I32, 1, {io.d_vocab ? io.n_ctx : 0}}},
                {"=targets", {NULL, EG_I32, 1, {io.n_ctx}}},
                {"=labels", {NULL, EG_I32, 1, {io.n_ctx}}},
                {"=inputs", {NULL, EG_F64, 2, {io.n_ctx, io.n_in}}},
                {"=target_vectors", {NULL, EG_F64, 2, {io.n_ctx, io.n_out}}}};
    eg_status st = EG_OK;

    for (size_t i = 0; i < sizeof part / sizeof *part && st == EG_OK; i++)
        if (eg_view_size(&part[i].one) > 0)
            st = dump_hook(d, part[i].name, &part[i].one, err);
    return st;
}

/* ---- weights and gradients ----------------------------------------------- */

static eg_status dump_tensors(dump *d, eg_err *err)
{
    eg_model *m = eg_trainer_model(d->trainer);
    eg_status st = EG_OK;
    double loss;
    eg_view v = {.data = &loss, .dtype = EG_F64, .ndim = 1, .shape = {1}};

    eg_trainer_gradient(d->trainer, d->step, &loss);
    EG_TRY(write_view(d, "loss", &v, err));
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        const eg_tensor *t = eg_model_tensor(m, i);
        char name[128];
        double *grad;

        v = eg_model_view(m, i);
        snprintf(name, sizeof name, "weight.%s", t->name);
        EG_TRY(write_view(d, name, &v, err));
        if (!eg_trainer_trains(d->trainer, i, d->step)) continue;
        grad = eg_calloc((size_t)t->size, sizeof *grad);
        if (!grad) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", t->name);
        eg_trainer_get_grad(d->trainer, i, grad);
        v.data = grad;
        v.dtype = EG_F64;
        snprintf(name, sizeof name, "grad.%s", t->name);
        st = write_view(d, name, &v, err);
        eg_free(grad);
        if (st != EG_OK) break;
    }
done:
    return st;
}

static eg_status dump_records(dump *d, eg_err *err)
{
    char *text = NULL;
    eg_status st = eg_config_format(d->cfg, &text, err);

    if (st != EG_OK) return st;
    st = eg_file_write_in(&d->to, "config.yaml", text, strlen(text), err);
    eg_free(text);
    if (st != EG_OK) return st;
    cli_json_set(d->index, "step", json_integer(d->step));
    text = cli_json_text(json_incref(d->index));
    if (!text) return EG_FAIL(err, EG_ENOMEM, "dump: out of memory");
    st = eg_file_write_in(&d->to, "index.json", text, strlen(text), err);
    eg_free(text);
    return st;
}

/* Trains to the step with the configuration's own algebra, then hands the
 * weights to a trainer of plain algebra. */
static eg_status build(dump *d, const char *kern, eg_pool *pool, eg_err *err)
{
    eg_train_spec spec = eg_config_train(d->cfg);
    eg_trainer *first = NULL;
    eg_model *to;
    eg_status st;

    spec.pool = pool;
    spec.kern = kern ? kern : "auto";
    EG_TRY(eg_config_unchanged(d->cfg, err));
    EG_TRY(eg_config_task(&d->task, d->cfg, err));
    spec.task = d->task;
    if (d->step > 0) EG_TRY(eg_trainer_new(&first, &spec, err));
    spec.train.algebra = EG_ALGEBRA_PLAIN;
    EG_TRY(eg_trainer_new(&d->trainer, &spec, err));
    for (int i = 0; eg_trainer_note(d->trainer, i); i++)
        cli_note(NULL, eg_trainer_note(d->trainer, i));
    to = eg_trainer_model(d->trainer);
    for (int64_t i = 0; i < d->step; i++) {
        eg_step_info info;

        eg_trainer_step(first, &info);
        if (info.finite) continue;
        d->diverged = true;
        st = EG_FAIL(err, EG_EINVAL, "training diverged at step %lld",
                     (long long)i);
        goto done;
    }
    for (int i = 0; first && i < eg_model_n_tensors(to); i++) {
        size_t n = (size_t)eg_model_tensor(to, i)->size;
        double *w = eg_calloc(n, sizeof *w);

        if (!w) {
            st = EG_FAIL(err, EG_ENOMEM, "dump: out of memory");
            goto done;
        }
        eg_model_get(eg_trainer_model(first), i, w);
        eg_model_set(to, i, w);
        eg_free(w);
    }
    EG_TRY(
        eg_eval_new(&d->eval, to, d->task, pool, spec.kern, EG_EVAL_FULL, err));
    d->batch = (int)d->cfg->train.batch;
    d->n_ctx = eg_task_ctx(d->task);
done:
    eg_trainer_free(first);
    return st;
}

/* What was written of a dump that failed: the folder was empty. */
static void undo(dump *d)
{
    void *it = json_object_iter(d->index);

    for (; it; it = json_object_iter_next(d->index, it)) {
        char file[256];

        snprintf(file, sizeof file, "%.200s.npy", json_object_iter_key(it));
        (void)eg_folder_remove(&d->to, file);
    }
    (void)eg_folder_remove(&d->to, "config.yaml");
    (void)eg_folder_remove(&d->to, "index.json");
    eg_folder_unmake(&d->to);
}

/* Made, or empty. */
static eg_status find_place(dump *d, const char *dir, eg_err *err)
{
    eg_status st = eg_folder_make(&d->to, dir, err);

    if (st == EG_OK) st = eg_folder_empty(&d->to, NULL, err);
    if (st != EG_OK) eg_folder_close(&d->to);
    return st;
}

static int dump_all(const cli_args *a, eg_config *cfg, eg_pool *pool)
{
    dump d = {.cfg = cfg, .to = {.fd = -1}, .index = json_object()};
    eg_err err = {0};
    eg_status st;

    if (!cli_int(a, "step", 0, (int64_t)1 << 30, &d.step)) return CLI_MISUSE;
    EG_TRY(find_place(&d, cli_value(a, "out"), &err));
    EG_TRY(build(&d, cli_value(a, "kern"), pool, &err));
    EG_TRY(dump_batch(&d, &err));
    for (int i = 0; eg_eval_hook_name(d.eval, i); i++)
        EG_TRY(dump_hook(&d, eg_eval_hook_name(d.eval, i), NULL, &err));
    EG_TRY(dump_tensors(&d, &err));
    EG_TRY(dump_records(&d, &err));
    cli_print("%s", d.to.path);
done:
    if (st != EG_OK && d.to.fd >= 0) undo(&d);
    eg_folder_close(&d.to);
    json_decref(d.index);
    eg_eval_free(d.eval);
    eg_trainer_free(d.trainer);
    eg_task_free(d.task);
    if (d.diverged) return cli_fail(CLI_FAILED, "%s", err.msg);
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

int cmd_dump(const cli_args *a)
{
    eg_config *cfg;
    eg_pool *pool = NULL;
    int code;

    if (!cli_value(a, "out"))
        return cli_fail(CLI_MISUSE, "dump: --out DIR says where to write");
    cfg = eg_calloc(1, sizeof *cfg);
    if (!cfg) return cli_fail(CLI_FAILED, "out of memory");
    code = cli_config(a, a->word[0], cfg);
    if (code == CLI_DONE && cfg->run.kind != EG_RUN_TRAIN)
        code = cli_fail(CLI_MISUSE, "dump: a theory run has no model");
    if (code == CLI_DONE) code = cli_pool(a, &pool);
    if (code == CLI_DONE) code = dump_all(a, cfg, pool);
    eg_pool_free(pool);
    eg_free(cfg);
    return code;
}
