/* Configurations as YAML: read over what is there, written back whole. */
#include "lab/config_priv.h"

#include <string.h>
#include "engram/mem.h"
#include "engram/text.h"
#include "base/buf.h"

static bool listed(const char *const *names, const char *name)
{
    for (; names && *names; names++)
        if (strcmp(*names, name) == 0) return true;
    return false;
}

/* A top-level key that is no section: what was meant? */
static eg_status unknown(const eg_config *cfg, const eg_node *n,
                         const char *const *skip, eg_err *err)
{
    eg_nearest near = {.asked = n->key};
    char owner[128] = "", all[256] = "";
    eg_section s;

    if (n->kind == EG_NODE_SCALAR &&
        (egi_config_owner(cfg, n->key, owner, sizeof owner) ||
         egi_config_owner(NULL, n->key, owner, sizeof owner)))
        near.best = owner;
    for (int i = 0; eg_config_section(cfg, i, &s); i++) {
        size_t used = strlen(all);

        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", s.name);
        if (!owner[0]) eg_nearest_try(&near, s.name);
    }
    for (; skip && *skip && !owner[0]; skip++) eg_nearest_try(&near, *skip);
    if (near.best)
        return EG_KEY_FAIL(n, err, EG_EINVAL,
                           "unknown key '%.*s'; did you mean '%s'?",
                           eg_text_fit(n->key, 64), n->key, near.best);
    return EG_KEY_FAIL(n, err, EG_EINVAL, "unknown key '%.*s'; a %s run has %s",
                       eg_text_fit(n->key, 64), n->key, egi_kind_name(cfg),
                       all);
}

static eg_status apply_run(eg_config *cfg, const eg_node *run, eg_err *err)
{
    char before[EG_TEXT];
    eg_err why = {0};
    const eg_node *theory;
    eg_status st;

    memcpy(before, cfg->run.theory, sizeof before);
    st = eg_node_fill(run, eg_run_fields, &cfg->run, NULL, err);
    if (st != EG_OK) return st;
    st = egi_config_retarget(cfg, before, &why);
    theory = eg_node_get(run, "theory");
    if (st != EG_OK)
        return EG_NODE_FAIL(theory ? theory : run, err, st, "%s", why.msg);
    return EG_OK;
}

/* Keys that another kind of task has are a mistake, whatever their value. */
static eg_status only_its_own(const eg_config *cfg, const eg_node *task,
                              eg_err *err)
{
    const char *mine = eg_task_kind_name(cfg->task.kind, NULL);

    for (int k = 0; k < task->n; k++) {
        const eg_node *n = &task->item[k];
        char owners[EG_TEXT];

        if (eg_task_option_kinds(owners, sizeof owners, n->key) &&
            !eg_task_option_of((int)cfg->task.kind, n->key))
            return EG_KEY_FAIL(n, err, EG_EINVAL,
                               "%s: an option of kind %s, and task.kind is %s",
                               n->key, owners, mine);
    }
    return EG_OK;
}

eg_status eg_config_apply(eg_config *cfg, const eg_node *node,
                          const char *const *skip, eg_err *err)
{
    const eg_node *run = eg_node_get(node, "run");
    eg_status st = EG_OK;

    if (node->kind != EG_NODE_MAP)
        return EG_NODE_FAIL(node, err, EG_EINVAL,
                            "expected sections of options, found %s",
                            eg_node_what(node));
    if (run) EG_TRY(apply_run(cfg, run, err)); /* it decides what else may be */
    for (int k = 0; k < node->n; k++) {
        const eg_node *n = &node->item[k];
        eg_section s;
        bool known = false;

        if (n == run || listed(skip, n->key)) continue;
        for (int i = 1; !known && eg_config_section(cfg, i, &s); i++)
            known = strcmp(s.name, n->key) == 0;
        if (!known) return unknown(cfg, n, skip, err);
        if (eg_node_is_null(n)) continue;
        EG_TRY(eg_node_fill(n, s.fields, egi_section_opts(cfg, &s), NULL, err));
        if (s.fields == eg_train_fields && eg_node_get(n, "freeze"))
            cfg->typed_freeze = false;
        if (s.fields == eg_task_fields) EG_TRY(only_its_own(cfg, n, err));
    }
done:
    return st;
}

/* The folder of path, "" when that is the current one, as it is of what comes
 * through a pipe (/dev/stdin, /dev/fd/63). */
static eg_status take_folder(eg_config *cfg, const char *path, eg_err *err)
{
    const bool piped =
        strcmp(path, "/dev/stdin") == 0 || strncmp(path, "/dev/fd/", 8) == 0;
    const char *slash = piped ? NULL : strrchr(path, '/');
    int n = slash ? (int)(slash - path) : 0;

    if ((size_t)n + 2 > sizeof cfg->folder)
        return EG_FAIL(err, EG_EINVAL, "path too long: %.200s...", path);
    if (slash)
        snprintf(cfg->folder, sizeof cfg->folder, "%.*s", n ? n : 1, path);
    return EG_OK;
}

/* Of a document that was read, or not; released here. */
static eg_status take_yaml(eg_config *cfg, eg_yaml *y, eg_status st,
                           const char *path, eg_err *err)
{
    const eg_node *sweep =
        st == EG_OK ? eg_node_get(eg_yaml_root(y), "sweep") : NULL;

    eg_config_default(cfg);
    if (sweep)
        st = EG_KEY_FAIL(sweep, err, EG_EINVAL,
                         "this file is a sweep: `engram sweep` runs it");
    if (st == EG_OK) st = take_folder(cfg, path, err);
    if (st == EG_OK) st = eg_config_apply(cfg, eg_yaml_root(y), NULL, err);
    eg_yaml_free(y);
    return st;
}

eg_status eg_config_load(eg_config *cfg, const char *path, eg_err *err)
{
    eg_yaml *y = NULL;
    eg_status st = eg_yaml_load(&y, path, err);

    return take_yaml(cfg, y, st, path, err);
}

eg_status eg_config_load_run(eg_config *cfg, const eg_folder *run, eg_err *err)
{
    return egi_config_load_named(cfg, run, "config.yaml", err);
}

eg_status egi_config_load_named(eg_config *cfg, const eg_folder *run,
                                const char *name, eg_err *err)
{
    char path[EG_PATH + 64];
    eg_yaml *y = NULL;
    eg_status st = eg_yaml_load_in(&y, run, name, err);

    snprintf(path, sizeof path, "%s/%s", run->path, name);
    return take_yaml(cfg, y, st, path, err);
}

/* Keys and words in quotes where YAML 1.1 would read another type: `n` is one
 * of its ways to say no. */
static void put_value(egi_buf *b, const eg_field *f, const void *opts)
{
    /* room for every byte escaped */
    const size_t size = (size_t)EG_STRS_MAX * 8 * EG_STRS_LEN;
    char *text = eg_calloc(size, 1), quoted[8 * EG_TEXT];

    if (!text) {
        b->failed = true;
        return;
    }
    eg_yaml_quote(quoted, sizeof quoted, f->name);
    egi_buf_add(b, "  %s: ", quoted);
    eg_field_format(f, opts, text, size);
    if (f->kind == EG_FIELD_TEXT || f->kind == EG_FIELD_ENUM) {
        eg_yaml_quote(quoted, sizeof quoted, text);
        egi_buf_add(b, "%s\n", quoted);
    } else {
        egi_buf_add(b, "%s\n", text);
    }
    eg_free(text);
}

bool egi_config_foreign(const eg_config *cfg, const eg_section *s,
                        const eg_field *f)
{
    return s->fields == eg_task_fields &&
           !eg_task_option_of((int)cfg->task.kind, f->name);
}

eg_status eg_config_format(const eg_config *cfg, char **out, eg_err *err)
{
    egi_buf b = {0};
    eg_section s;

    for (int i = 0; eg_config_section(cfg, i, &s); i++) {
        egi_buf_add(&b, "%s:\n", s.name);
        for (const eg_field *f = s.fields; f->name; f++)
            if (!egi_config_foreign(cfg, &s, f))
                put_value(&b, f, egi_section_read(cfg, &s));
    }
    return egi_buf_take(&b, out, err);
}
