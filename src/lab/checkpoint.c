/* A trained model, whoever trained it: which file a path stands for, its
 * configuration, its weights. */
#include "engram/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "engram/mem.h"
#include "engram/run.h"
#include "lab/checkpoint_task.h"
#include "models/models.h"
#include "models/vocab.h"

/* Positions of a foreign model, and sequences to look at it by, where nobody
 * asks for others. */
enum { CTX = 64, SEQUENCES = 8 };

typedef struct opener {
    eg_checkpoint *c;
    const eg_checkpoint_how *how;
    char config[EG_PATH]; /* where the configuration is; "": nowhere */
    egi_source source;    /* a foreign file's */
    egi_found found;
    eg_err *err;
} opener;

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- which file -----------------------------------------------------------
 */

static eg_status path_of(char to[EG_PATH], const char *folder, const char *name,
                         eg_err *err)
{
    if (snprintf(to, EG_PATH, "%s/%s", folder, name) < EG_PATH) return EG_OK;
    return EG_FAIL(err, EG_EINVAL, "path too long: %s/%s", folder, name);
}

/* The newest checkpoint of a run; nothing in its folder is opened through a
 * link. */
static eg_status newest(opener *o, const char *dir)
{
    char name[96];
    struct stat info;
    eg_status st;

    EG_TRY(eg_run_last_checkpoint(&o->c->step, dir, o->err));
    if (o->c->step < 0)
        return EG_FAIL(o->err, EG_EIO, "%s: the run has no checkpoint", dir);
    (void)snprintf(name, sizeof name, "checkpoints/step-%lld.safetensors",
                   (long long)o->c->step);
    EG_TRY(path_of(o->c->path, dir, name, o->err));
    if (lstat(o->c->path, &info) == 0 && S_ISLNK(info.st_mode))
        return EG_FAIL(o->err, EG_EIO, "%s: is a link, which is not followed",
                       o->c->path);
    (void)snprintf(o->config, sizeof o->config, "%s", dir);
    (void)snprintf(o->c->what, sizeof o->c->what, "run of engram");
done:
    return st;
}

/* The only file that ends so; *n of them are there. */
static void only_file(char name[256], int *n, const char *dir, const char *end)
{
    eg_folder f;
    DIR *d = NULL;

    *n = 0;
    if (eg_folder_open(&f, dir, NULL) == EG_OK) d = egi_folder_list(&f);
    eg_folder_close(&f);
    for (const struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        size_t len = strlen(e->d_name), tail = strlen(end);

        if (len <= tail || strcmp(e->d_name + len - tail, end) != 0) continue;
        if ((*n)++ == 0) (void)snprintf(name, 256, "%s", e->d_name);
    }
    if (d) closedir(d);
}

static eg_status in_folder(opener *o, const char *dir)
{
    char path[EG_PATH], name[256] = "";
    int n = 0;
    eg_status st;

    EG_TRY(path_of(path, dir, "config.yaml", o->err));
    if (eg_file_exists(path)) return newest(o, dir);
    EG_TRY(path_of(o->c->path, dir, "model.safetensors", o->err));
    if (eg_file_exists(o->c->path)) return EG_OK;
    EG_TRY(path_of(path, dir, "model.safetensors.index.json", o->err));
    if (eg_file_exists(path))
        return EG_FAIL(o->err, EG_EUNSUPPORTED,
                       "%s: weights in several files: expected one "
                       "model.safetensors",
                       dir);
    only_file(name, &n, dir, ".gguf");
    if (n == 1) return path_of(o->c->path, dir, name, o->err);
    return EG_FAIL(o->err, EG_EIO,
                   "%s: expected a run, model.safetensors, or one .gguf file, "
                   "found %s",
                   dir, n ? "several .gguf files" : "none of them");
done:
    return st;
}

/* RUN/checkpoints/step-N.safetensors: the run's configuration is two folders
 * up. */
static void run_around(opener *o, const char *path)
{
    static const char part[] = "checkpoints/step-";
    const char *at = NULL;
    char *end = NULL;
    long long step;

    for (const char *p = strstr(path, part); p; p = strstr(p + 1, part)) at = p;
    if (!at || (at > path && at[-1] != '/')) return;
    step = strtoll(at + sizeof part - 1, &end, 10);
    if (step < 0 || strcmp(end, ".safetensors") != 0) return;
    if (at == path)
        (void)snprintf(o->config, sizeof o->config, ".");
    else
        (void)snprintf(o->config, sizeof o->config, "%.*s",
                       (int)(at - path) - 1, path);
    o->c->step = step;
    (void)snprintf(o->c->what, sizeof o->c->what, "run of engram");
}

static eg_status choose_file(opener *o, const char *path)
{
    if (strlen(path) >= EG_PATH)
        return EG_FAIL(o->err, EG_EINVAL, "path too long: %.64s...", path);
    if (is_folder(path)) return in_folder(o, path);
    (void)snprintf(o->c->path, EG_PATH, "%s", path);
    run_around(o, path);
    return EG_OK;
}

/* ---- configuration --------------------------------------------------------
 */

static eg_status load_config(const opener *o, eg_config *cfg)
{
    eg_folder run;
    eg_status st;

    if (!is_folder(o->config)) return eg_config_load(cfg, o->config, o->err);
    st = eg_folder_open(&run, o->config, o->err);
    if (st != EG_OK) return st;
    st = eg_config_load_run(cfg, &run, o->err);
    eg_folder_close(&run);
    return st;
}

static eg_status change(const opener *o)
{
    eg_config *cfg = o->c->config;
    eg_status st = EG_OK;

    if (o->how->n_ctx > 0) cfg->task.n_ctx = o->how->n_ctx;
    for (int i = 0; st == EG_OK && i < o->how->n_assign; i++) {
        eg_err why = {0};

        st = eg_config_set(cfg, o->how->assign[i], &why);
        if (st != EG_OK) st = EG_FAIL(o->err, st, "--set %s", why.msg);
    }
    if (o->how->seed > 0) cfg->run.seed = o->how->seed;
    return st;
}

static eg_precision precision_of(const eg_config *cfg)
{
    return eg_train_precision(&cfg->train);
}

/* Behind what is noted already: why something was done, and what. */
static void add_note(eg_checkpoint *c, const char *why, const char *what)
{
    size_t at = strlen(c->note);

    if (why[0])
        (void)snprintf(c->note + at, sizeof c->note - at, "%s%s: %s",
                       at ? "; " : "", why, what);
}

/* ---- our own --------------------------------------------------------------
 */

static eg_status open_ours(opener *o)
{
    eg_checkpoint *c = o->c;
    eg_task *task = NULL;
    eg_err why = {0};
    eg_status st;

    if (o->how->config)
        (void)snprintf(o->config, sizeof o->config, "%s", o->how->config);
    if (!o->config[0])
        return EG_FAIL(o->err, EG_EINVAL,
                       "%s: is a file of weights; expected a CONFIG that says "
                       "of which model",
                       c->path);
    if (!c->what[0])
        (void)snprintf(c->what, sizeof c->what, "weights of engram's names");
    EG_TRY(load_config(o, c->config));
    EG_TRY(change(o));
    if (c->config->run.kind != EG_RUN_TRAIN)
        return EG_FAIL(o->err, EG_EINVAL, "%s: a theory or flow has no model",
                       o->config);
    EG_TRY(egi_checkpoint_task(&task, c, o->how, o->config, &why, o->err));
    c->max_ctx = eg_task_ctx(task);
    EG_TRY(egi_model_blank(&c->model, &c->config->model, eg_task_io(task),
                           precision_of(c->config), o->err));
    EG_TRY(eg_model_load_from(c->model, c->path, o->how->allow_extra, c->note,
                              sizeof c->note, o->err));
    add_note(c, why.msg, "in its place the run's tokenizer is read");
done:
    eg_task_free(task);
    return st;
}

/* ---- another program's ----------------------------------------------------
 */

/* The file's own, or the one beside it. why: what there is to say where that is
 * one that we cannot read, or another model's. */
static eg_status take_tokenizer(opener *o, eg_err *why)
{
    eg_tokenizer **t = &o->c->tokenizer;
    bool own = o->source.meta != NULL;
    eg_status st = own ? egi_gguf_tokenizer(t, &o->source, why)
                       : eg_tokenizer_beside(t, o->c->path, why);

    if (st != EG_OK && st != EG_EUNSUPPORTED && (own || st == EG_ENOMEM))
        return EG_FAIL(o->err, st, "%s", why->msg);
    if (*t && !own && eg_tokenizer_vocab(*t) > o->found.vocab) {
        (void)EG_FAIL(why, EG_EFORMAT,
                      "the tokenizer beside it has %d ids, the model %d",
                      eg_tokenizer_vocab(*t), o->found.vocab);
        eg_tokenizer_free(*t);
        *t = NULL;
    }
    return EG_OK;
}

static int positions_of(const opener *o)
{
    int most = o->how->n_ctx < 0 ? -o->how->n_ctx : CTX;

    if (o->how->positions)
        most = o->how->positions(o->how->positions_ctx, o->c->tokenizer);
    return most < o->c->max_ctx ? most : o->c->max_ctx;
}

static eg_status open_foreign(opener *o)
{
    eg_checkpoint *c = o->c;
    eg_config *cfg = c->config;
    eg_err why = {0};
    eg_status st;

    if (o->how->config)
        return EG_FAIL(o->err, EG_EINVAL,
                       "%s: says itself of which model it is; expected no "
                       "CONFIG, found %s",
                       c->path, o->how->config);
    c->foreign = true;
    EG_TRY(egi_found_of(&o->found, &o->source, o->err));
    c->max_ctx = o->found.max_ctx;
    EG_TRY(take_tokenizer(o, &why));
    (void)snprintf(c->what, sizeof c->what, "%s", o->found.what);
    cfg->model = o->found.opts;
    cfg->task.kind = EG_TASK_UNIFORM;
    cfg->task.vocabulary = o->found.vocab;
    cfg->task.n_ctx = positions_of(o);
    cfg->probe.batch = SEQUENCES;
    cfg->probe.test = 0; /* one random batch is like another */
    EG_TRY(change(o));
    if (cfg->task.kind == EG_TASK_UNIFORM &&
        cfg->task.vocabulary != o->found.vocab)
        return EG_FAIL(o->err, EG_EINVAL,
                       "%s: expected task.vocabulary: %d, found %lld", c->path,
                       o->found.vocab, (long long)cfg->task.vocabulary);
    if (cfg->model.pos == EG_POS_LEARNED && cfg->task.n_ctx > c->max_ctx)
        return EG_FAIL(o->err, EG_EINVAL,
                       "%s: expected task.n_ctx of at most its %d positions, "
                       "found %lld",
                       c->path, c->max_ctx, (long long)cfg->task.n_ctx);
    o->found.opts = cfg->model;
    EG_TRY(egi_found_model(&c->model, &o->found, &o->source,
                           (int)cfg->task.n_ctx, precision_of(cfg),
                           o->how->allow_extra, c->note, sizeof c->note,
                           o->err));
    add_note(c, why.msg, "without its tokenizer");
done:
    return st;
}

/* ---- either ---------------------------------------------------------------
 */

eg_status eg_checkpoint_open(eg_checkpoint *out, const char *path,
                             const eg_checkpoint_how *how, eg_err *err)
{
    static const eg_checkpoint_how plain = {0};
    opener o = {.c = out, .how = how ? how : &plain, .err = err};
    eg_status st = EG_OK;
    bool ours;

    *out = (eg_checkpoint){.step = -1};
    out->config = eg_calloc(1, sizeof *out->config);
    if (!out->config) return EG_FAIL(err, EG_ENOMEM, "%s", path);
    eg_config_default(out->config);
    EG_TRY(choose_file(&o, path));
    ours = o.config[0] != 0; /* of a run: read once, by its own reader */
    if (!ours) {
        EG_TRY(egi_source_open(&o.source, out->path, err));
        ours = egi_source_ours(&o.source);
        if (ours) egi_source_release(&o.source);
    }
    EG_TRY(ours ? open_ours(&o) : open_foreign(&o));
done:
    egi_source_release(&o.source);
    if (st != EG_OK) eg_checkpoint_release(out);
    return st;
}

void eg_checkpoint_release(eg_checkpoint *c)
{
    eg_model_free(c->model);
    eg_tokenizer_free(c->tokenizer);
    eg_free(c->config);
    c->model = NULL;
    c->tokenizer = NULL;
    c->config = NULL;
}
