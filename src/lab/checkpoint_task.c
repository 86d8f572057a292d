/* See checkpoint_task.h: what a model was trained on may be elsewhere, or
 * another text, by the time that it is looked at. */
#include "lab/checkpoint_task.h"

#include <stdio.h>
#include <string.h>

static bool is_assigned(const eg_checkpoint_how *how, const char *key)
{
    size_t n = strlen(key);

    for (int i = 0; i < how->n_assign; i++)
        if (strncmp(how->assign[i], key, n) == 0 && how->assign[i][n] == '=')
            return true;
    return false;
}

/* Where a run of a text, or of statistics of one, keeps its tokenizer; false:
 * it keeps none. */
static bool keeps(char path[EG_PATH], const eg_config *cfg, const char *config)
{
    return (cfg->task.kind == EG_TASK_TEXT ||
            cfg->task.kind == EG_TASK_BIGRAM) &&
           snprintf(path, EG_PATH, "%s/" EG_TOKENIZER_FILE, config) < EG_PATH &&
           eg_file_exists(path);
}

static eg_status open_kept(eg_tokenizer **t, const char *config, eg_err *err)
{
    eg_folder run;
    eg_status st = eg_folder_open(&run, config, err);

    if (st != EG_OK) return st;
    st = eg_tokenizer_open_in(t, &run, EG_TOKENIZER_FILE, err);
    eg_folder_close(&run);
    return st;
}

/* Another text, in the tokens that the model was trained on. */
static eg_status same_tokens(eg_config *cfg, const eg_checkpoint_how *how,
                             const char *config, eg_err *err)
{
    char path[EG_PATH];

    if (cfg->task.kind != EG_TASK_TEXT || !is_assigned(how, "task.text") ||
        cfg->task.tokenizer[0] || !keeps(path, cfg, config))
        return EG_OK;
    if (strlen(path) >= sizeof cfg->task.tokenizer)
        return EG_FAIL(err, EG_EINVAL, "path too long: %.128s...", path);
    memcpy(cfg->task.tokenizer, path, strlen(path) + 1);
    return EG_OK;
}

/* What is left of a task without its files: the vocabulary. */
static void leave_text(eg_config *cfg, const eg_tokenizer *t)
{
    int64_t pad = cfg->task.pad_vocab, n_ctx = cfg->task.n_ctx;

    eg_fields_default(eg_task_fields, &cfg->task);
    cfg->task.kind = EG_TASK_UNIFORM;
    cfg->task.n_ctx = n_ctx;
    cfg->task.vocabulary = (eg_tokenizer_vocab(t) + pad - 1) / pad * pad;
    cfg->run.inputs.n = 0;
}

static eg_status open_task(eg_task **out, const eg_config *cfg, eg_err *err)
{
    eg_status st = eg_config_unchanged(cfg, err);

    return st == EG_OK ? eg_config_task(out, cfg, err) : st;
}

eg_status egi_checkpoint_task(eg_task **out, eg_checkpoint *c,
                              const eg_checkpoint_how *how, const char *config,
                              eg_err *why, eg_err *err)
{
    eg_config *cfg = c->config;
    char path[EG_PATH];
    eg_status st;

    *why = (eg_err){0};
    EG_TRY(same_tokens(cfg, how, config, err));
    st = open_task(out, cfg, why);
    if (st == EG_OK) goto done;
    if (st == EG_ENOMEM || !how->without_text || !keeps(path, cfg, config)) {
        if (err) *err = *why;
        goto done;
    }
    EG_TRY(open_kept(&c->tokenizer, config, err));
    leave_text(cfg, c->tokenizer);
    EG_TRY(eg_config_task(out, cfg, err));
done:
    return st;
}
