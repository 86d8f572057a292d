/* The schema: which sections a configuration has, their defaults, and --set.
 * YAML is in config_yaml.c, the documentation in config_doc.c. */
#include "lab/config_priv.h"

#include <string.h>
#include "engram/lab.h"
#include "engram/text.h"
#include "lab/theory_priv.h"

#define EG_FIELDS_OWNER eg_run_opts
EG_FIELDS_TABLE(eg_run_fields, EG_RUN_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_checkpoint_opts
EG_FIELDS_TABLE(eg_checkpoint_fields, EG_CHECKPOINT_FIELDS)

static const eg_section run_section = {"run", "what runs, and its seed",
                                       eg_run_fields, offsetof(eg_config, run)};
static const eg_section train_section[] = {
    {"task", "where sequences come from", eg_task_fields,
     offsetof(eg_config, task)},
    {"model", "the transformer", eg_model_fields, offsetof(eg_config, model)},
    {"optim", "the update rule", eg_optim_fields, offsetof(eg_config, optim)},
    {"init", "initial weights", eg_init_fields, offsetof(eg_config, init)},
    {"train", "the training run", eg_train_fields, offsetof(eg_config, train)},
    {"probe", "what is measured, and when", eg_probe_fields,
     offsetof(eg_config, probe)},
    {"checkpoint", "what is kept to resume from", eg_checkpoint_fields,
     offsetof(eg_config, checkpoint)},
};
enum { N_TRAIN = sizeof train_section / sizeof *train_section };
static const eg_section flow_section = {
    "flow", "tokens as particles", eg_flow_fields, offsetof(eg_config, flow)};

/* Sections that need no other option to be known, i counting from 0. */
static bool any_section(int i, eg_section *out)
{
    if (i > N_TRAIN + 1) return false;
    if (i == 0)
        *out = run_section;
    else
        *out = i > N_TRAIN ? flow_section : train_section[i - 1];
    return true;
}

bool eg_config_section(const eg_config *cfg, int i, eg_section *out)
{
    if (!cfg || i == 0) return any_section(i, out);
    if (cfg->run.kind == EG_RUN_TRAIN)
        return i <= N_TRAIN && any_section(i, out);
    if (cfg->run.kind == EG_RUN_FLOW)
        return i == 1 && any_section(N_TRAIN + 1, out);
    *out = (eg_section){"theory", "options of the statement",
                        egi_theory_fields(cfg->run.theory),
                        offsetof(eg_config, theory)};
    return i == 1 && out->fields;
}

void *egi_section_opts(eg_config *cfg, const eg_section *s)
{
    return (char *)cfg + s->offset;
}

const void *egi_section_read(const eg_config *cfg, const eg_section *s)
{
    return (const char *)cfg + s->offset;
}

static void theory_default(eg_config *cfg)
{
    const eg_field *f = egi_theory_fields(cfg->run.theory);

    memset(&cfg->theory, 0, sizeof cfg->theory);
    if (f) eg_fields_default(f, cfg->theory.bytes);
}

void eg_config_default(eg_config *cfg)
{
    eg_section s;

    memset(cfg, 0, sizeof *cfg);
    for (int i = 0; eg_config_section(NULL, i, &s); i++)
        eg_fields_default(s.fields, egi_section_opts(cfg, &s));
}

void egi_config_restore(eg_config *cfg, const eg_config *plain, unsigned kinds)
{
    cfg->run = plain->run;
    if (kinds & 1u << EG_RUN_TRAIN) {
        cfg->task = plain->task;
        cfg->model = plain->model;
        cfg->optim = plain->optim;
        cfg->init = plain->init;
        cfg->train = plain->train;
        cfg->probe = plain->probe;
        cfg->checkpoint = plain->checkpoint;
    }
    if (kinds & 1u << EG_RUN_FLOW) cfg->flow = plain->flow;
    if (kinds & 1u << EG_RUN_THEORY) cfg->theory = plain->theory;
    memcpy(cfg->folder, plain->folder, sizeof cfg->folder);
    cfg->typed_freeze = plain->typed_freeze;
}

/* After the section run changed: is there such a statement, and its options
 * start from their defaults. */
eg_status egi_config_retarget(eg_config *cfg, const char *before, eg_err *err)
{
    const char *now = cfg->run.theory;
    eg_nearest near = {.asked = now};

    if (strcmp(before, now) == 0) return EG_OK;
    theory_default(cfg);
    if (!now[0] || egi_theory_fields(now)) return EG_OK;
    for (int i = 0; eg_theory_at(i); i++)
        eg_nearest_try(&near, eg_theory_at(i)->name);
    return EG_FAIL(err, EG_EINVAL, "theory: no statement '%.*s'%s%s%s",
                   eg_text_fit(now, 64), now,
                   near.best ? "; did you mean '" : "",
                   near.best ? near.best : "",
                   near.best ? "'?" : "; `engram list theories` shows them");
}

const char *egi_kind_name(const eg_config *cfg)
{
    static const char *const name[] = {"train", "theory", "flow"};

    return name[cfg->run.kind];
}

/* "model.lr" meant as "optim.lr": the section that has such a key. */
bool egi_config_owner(const eg_config *cfg, const char *key, char *buf,
                      size_t size)
{
    eg_section s;

    for (int i = 0; eg_config_section(cfg, i, &s); i++) {
        if (!eg_field_find(s.fields, key)) continue;
        snprintf(buf, size, "%s.%s", s.name, key);
        return true;
    }
    return false;
}

/* The nearest "section.key" to what was asked. */
static void nearest(const eg_config *cfg, const char *asked, char *best,
                    size_t size)
{
    eg_nearest near = {.asked = asked};
    eg_section s;
    const char *dot = strchr(asked, '.');

    best[0] = '\0';
    if (egi_config_owner(cfg, dot ? dot + 1 : asked, best, size)) return;
    for (int i = 0; eg_config_section(cfg, i, &s); i++) {
        for (const eg_field *f = s.fields; f->name; f++) {
            char name[128];

            snprintf(name, sizeof name, "%s.%s", s.name, f->name);
            eg_nearest_try(&near, name);
            if (near.best == name) snprintf(best, size, "%s", name);
            if (near.best) near.best = best; /* name is gone soon */
        }
    }
}

const eg_field *egi_config_find(const eg_config *cfg, const char *path,
                                eg_section *s)
{
    const char *dot = strchr(path, '.');

    if (!dot) return NULL;
    for (int i = 0; eg_config_section(cfg, i, s); i++)
        if (strlen(s->name) == (size_t)(dot - path) &&
            strncmp(s->name, path, (size_t)(dot - path)) == 0)
            return eg_field_find(s->fields, dot + 1);
    return NULL;
}

/* Another file was named: what was said of the one before no longer counts. */
static void forget_sum(eg_config *cfg, const char *option)
{
    eg_strs *list = &cfg->run.inputs, kept = {0};
    const char *said = egi_input_item(list, option, strlen(option));

    if (!said) return;
    for (int i = 0; i < list->n; i++)
        if (list->item[i] != said)
            memcpy(kept.item[kept.n++], list->item[i], sizeof list->item[i]);
    *list = kept;
}

eg_status eg_config_set(eg_config *cfg, const char *assignment, eg_err *err)
{
    const char *equals = strchr(assignment, '=');
    char path[128], best[128], before[EG_TEXT];
    const eg_field *f;
    eg_section s;
    eg_err why = {0};
    eg_status st;

    EG_ASSERT(cfg);
    if (!equals || equals == assignment ||
        (size_t)(equals - assignment) >= sizeof path)
        return EG_FAIL(err, EG_EINVAL,
                       "expected section.key=value, found '%.*s'",
                       eg_text_fit(assignment, 100), assignment);
    snprintf(path, sizeof path, "%.*s", (int)(equals - assignment), assignment);
    f = egi_config_find(cfg, path, &s);
    if (!f) {
        if (egi_config_find(NULL, path, &s))
            return EG_FAIL(err, EG_EINVAL,
                           "'%s' is no option of a run of kind %s: set "
                           "run.kind before it",
                           path, egi_kind_name(cfg));
        nearest(cfg, path, best, sizeof best);
        return EG_FAIL(err, EG_EINVAL, "unknown key '%s'%s%s%s", path,
                       best[0] ? "; did you mean '" : "", best,
                       best[0] ? "'?" : "");
    }
    memcpy(before, cfg->run.theory, sizeof before);
    st = eg_field_parse(f, egi_section_opts(cfg, &s), equals + 1, &why);
    if (st == EG_OK) st = egi_config_retarget(cfg, before, &why);
    if (st == EG_OK && s.fields == eg_flow_fields)
        st = egi_flow_from_here(cfg, f, &why);
    if (st != EG_OK) return EG_FAIL(err, st, "%s: %s", s.name, why.msg);
    if (s.fields == eg_train_fields && strcmp(f->name, "freeze") == 0)
        cfg->typed_freeze = true;
    forget_sum(cfg, path);
    return EG_OK;
}

eg_status eg_config_task(eg_task **out, const eg_config *cfg, eg_err *err)
{
    eg_status st = eg_task_new(out, &cfg->task, (uint64_t)cfg->run.seed, err);

    if (st == EG_OK) eg_task_set_batch(*out, cfg->train.batch);
    return st;
}

eg_train_spec eg_config_train(const eg_config *cfg)
{
    return (eg_train_spec){.model = cfg->model,
                           .optim = cfg->optim,
                           .train = cfg->train,
                           .init = cfg->init,
                           .seed = (uint64_t)cfg->run.seed,
                           .strict_freeze = cfg->typed_freeze};
}
