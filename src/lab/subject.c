/* See engram/subject.h: what is opened, and what it hands over. */
#include "lab/subject.h"

#include <string.h>
#include <sys/stat.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "nn/nn.h"

/* ---- life -----------------------------------------------------------------
 */

static eg_status begin(eg_subject **out, int threads, const char *kern,
                       eg_err *err)
{
    eg_subject *s = eg_calloc(1, sizeof *s);
    eg_status st;

    *out = NULL;
    if (!s) return EG_FAIL(err, EG_ENOMEM, "a model on the table");
    s->c.step = -1;
    eg_text_copy(s->kern, sizeof s->kern, kern ? kern : "auto");
    st = eg_pool_new(&s->pool, threads, err);
    if (st == EG_OK)
        *out = s;
    else
        eg_free(s);
    return st;
}

void eg_subject_free(eg_subject *s)
{
    if (!s) return;
    eg_trainer_free(s->trainer);
    for (int i = 0; i < 2; i++) eg_eval_free(s->eval[i]);
    eg_task_free(s->task);
    eg_checkpoint_release(&s->c);
    eg_pool_free(s->pool);
    eg_free(s);
}

eg_status eg_subject_open(eg_subject **out, const char *path,
                          const eg_checkpoint_how *how, int threads,
                          const char *kern, eg_err *err)
{
    eg_subject *s = NULL;
    eg_status st;

    *out = NULL;
    EG_TRY(begin(&s, threads, kern, err));
    EG_TRY(eg_checkpoint_open(&s->c, path, how, err));
    EG_TRY(eg_config_task(&s->task, s->c.config, err));
    *out = s;
    s = NULL;
done:
    eg_subject_free(s);
    return st;
}

static eg_status load(eg_config *cfg, const char *path, eg_err *err)
{
    struct stat info;
    eg_folder run;
    eg_status st;

    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return eg_config_load(cfg, path, err);
    st = eg_folder_open(&run, path, err);
    if (st != EG_OK) return st;
    st = eg_config_load_run(cfg, &run, err);
    eg_folder_close(&run);
    return st;
}

/* The model of a trainer that never makes a step: its initial values are
 * whatever the configuration says they are. */
static eg_status draw(eg_subject *s, eg_err *err)
{
    eg_train_spec spec = eg_config_train(s->c.config);
    eg_trainer *tr = NULL;
    eg_model *from;
    eg_status st;

    spec.pool = s->pool;
    spec.task = s->task;
    spec.kern = s->kern;
    spec.train.batch = 1;
    spec.train.slots = 1;
    spec.train.clamp.n = 0;
    spec.train.algebra = EG_ALGEBRA_PLAIN;
    EG_TRY(eg_trainer_new(&tr, &spec, err));
    from = eg_trainer_model(tr);
    EG_TRY(eg_model_new(&s->c.model, &spec.model, eg_task_io(s->task),
                        eg_model_precision(from), spec.seed, err));
    egi_model_copy(s->c.model, from);
    if (eg_trainer_note(tr, 0))
        eg_text_copy(s->c.note, sizeof s->c.note, eg_trainer_note(tr, 0));
done:
    eg_trainer_free(tr);
    return st;
}

eg_status eg_subject_fresh(eg_subject **out, const char *config,
                           const eg_checkpoint_how *how, int threads,
                           const char *kern, eg_err *err)
{
    eg_subject *s = NULL;
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_status st;

    *out = NULL;
    if (!cfg) return EG_FAIL(err, EG_ENOMEM, "%s", config);
    EG_TRY(begin(&s, threads, kern, err));
    s->c.config = cfg;
    EG_TRY(load(cfg, config, err));
    for (int i = 0; how && i < how->n_assign; i++)
        EG_TRY(eg_config_set(cfg, how->assign[i], err));
    if (how && how->seed > 0) cfg->run.seed = how->seed;
    if (cfg->run.kind != EG_RUN_TRAIN) {
        st = EG_FAIL(err, EG_EINVAL, "%s: a theory or flow has no model",
                     config);
        goto done;
    }
    EG_TRY(eg_config_task(&s->task, cfg, err));
    EG_TRY(draw(s, err));
    eg_text_copy(s->c.what, sizeof s->c.what, "untrained");
    eg_text_copy(s->c.path, sizeof s->c.path, config);
    *out = s;
    s = NULL;
    cfg = NULL;
done:
    if (s) cfg = NULL; /* its own */
    eg_subject_free(s);
    eg_free(cfg);
    return st;
}

/* ---- what it is -----------------------------------------------------------
 */

eg_model *eg_subject_model(eg_subject *s)
{
    return s->c.model;
}

const eg_task *eg_subject_task(const eg_subject *s)
{
    return s->task;
}

const eg_config *eg_subject_config(const eg_subject *s)
{
    return s->c.config;
}

const eg_tokenizer *eg_subject_tokenizer(const eg_subject *s)
{
    return s->c.tokenizer ? s->c.tokenizer : eg_task_tokenizer(s->task);
}

const char *eg_subject_what(const eg_subject *s)
{
    return s->c.what;
}

const char *eg_subject_path(const eg_subject *s)
{
    return s->c.path;
}

int64_t eg_subject_step(const eg_subject *s)
{
    return s->c.step;
}

/* ---- arrays ---------------------------------------------------------------
 */

eg_status egi_arrays_new(eg_arrays **out, int n, eg_err *err)
{
    eg_arrays *a = eg_calloc(1, sizeof *a);

    *out = NULL;
    if (a) a->row = eg_calloc((size_t)n + 1, sizeof *a->row);
    if (!a || !a->row) {
        eg_free(a);
        return EG_FAIL(err, EG_ENOMEM, "%d arrays", n);
    }
    a->n = n;
    *out = a;
    return EG_OK;
}

eg_status egi_arrays_make(eg_arrays *a, int i, const char *name,
                          const eg_view *shape, eg_err *err)
{
    eg_view *v = &a->row[i].view;

    eg_text_copy(a->row[i].name, sizeof a->row[i].name, name);
    *v = *shape;
    a->row[i].data =
        eg_calloc((size_t)eg_view_size(v) + 1, eg_dtype_size(v->dtype));
    v->data = a->row[i].data;
    return v->data ? EG_OK
                   : EG_FAIL(err, EG_ENOMEM, "%s: %td entries", name,
                             eg_view_size(v));
}

int eg_arrays_count(const eg_arrays *a)
{
    return a->n;
}

const char *eg_arrays_name(const eg_arrays *a, int i)
{
    return a->row[i].name;
}

eg_view eg_arrays_view(const eg_arrays *a, int i)
{
    return a->row[i].view;
}

void eg_arrays_free(eg_arrays *a)
{
    if (!a) return;
    for (int i = 0; i < a->n; i++) eg_free(a->row[i].data);
    eg_free(a->row);
    eg_free(a);
}
