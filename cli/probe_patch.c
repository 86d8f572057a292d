/* --patch: which hooks are held, and at what. */
#include "cmd_probe.h"

#include <fnmatch.h>
#include <string.h>
#include "engram/mem.h"

enum { MOST = 1024 }; /* hooks held at once */

/* "blocks.1.attn.hook_z.h3=zero" in its parts. */
typedef struct wish {
    char hook[64];
    int head; /* -1: all */
    const char *what;
} wish;

static eg_status read_wish(wish *w, const char *text, eg_err *err)
{
    const char *eq = strchr(text, '=');
    size_t n = eq ? (size_t)(eq - text) : 0;

    if (!eq || n == 0 || n >= sizeof w->hook || !eq[1])
        return EG_FAIL(err, EG_EINVAL,
                       "--patch: expected HOOK=zero, HOOK=mean or HOOK=FILE, "
                       "found '%.100s'",
                       text);
    memcpy(w->hook, text, n);
    w->hook[n] = '\0';
    w->what = eq + 1;
    w->head = eg_hook_head(w->hook);
    return EG_OK;
}

/* The evaluator of the model whose weights are in that file, made once. */
static eg_status other_of(probing *p, const char *file, eg_eval **out,
                          eg_err *err)
{
    other_model *o;
    eg_status st;

    for (int i = 0; i < p->n_others; i++) {
        *out = p->other[i].eval;
        if (strcmp(p->other[i].file, file) == 0) return EG_OK;
    }
    if (p->n_others == PROBE_OTHERS)
        return EG_FAIL(err, EG_EINVAL, "--patch: at most %d files",
                       PROBE_OTHERS);
    o = &p->other[p->n_others++];
    o->file = file;
    EG_TRY(probe_load(p, &o->model, file, err));
    EG_TRY(eg_eval_new(&o->eval, o->model, p->task, p->pool, p->kern,
                       EG_EVAL_BASIC, err));
    *out = o->eval;
done:
    return st;
}

/* One hook that is to be held; its mean is taken before anything is. */
static eg_status add_hold(probing *p, const wish *w, const char *hook,
                          eg_err *err)
{
    eg_eval *e = eg_probes_eval(p->probes);
    eg_index cols = eg_eval_columns(e, hook, w->head);
    held_hook *more, *h;
    eg_status st = EG_OK;

    if (p->n_held == MOST)
        return EG_FAIL(err, EG_EINVAL, "--patch: more than %d hooks", MOST);
    more = eg_realloc(p->held, (size_t)(p->n_held + 1) * sizeof *more);
    if (!more) return EG_FAIL(err, EG_ENOMEM, "--patch: out of memory");
    p->held = more;
    h = &more[p->n_held++];
    *h = (held_hook){.hold = {.head = w->head}};
    snprintf(h->hook, sizeof h->hook, "%s", hook);
    if (strcmp(w->what, "zero") == 0 || cols == 0) return EG_OK;
    if (strcmp(w->what, "mean") != 0)
        return other_of(p, w->what, &h->hold.other, err);
    h->row = eg_calloc((size_t)cols, sizeof *h->row);
    if (!h->row) return EG_FAIL(err, EG_ENOMEM, "--patch: out of memory");
    st = eg_hook_mean(h->row, e, hook, w->head, EG_PROBE, 0, (int)p->sequences,
                      eg_model_ctx(p->model), err);
    h->hold.row = h->row;
    return st;
}

static eg_status add_wish(probing *p, const char *text, eg_err *err)
{
    eg_eval *e = eg_probes_eval(p->probes);
    const char *hook;
    wish w;
    int n = 0;
    eg_status st;

    EG_TRY(read_wish(&w, text, err));
    if (!strchr(w.hook, '*')) return add_hold(p, &w, w.hook, err);
    for (int i = 0; (hook = eg_eval_hook_name(e, i)) != NULL; i++) {
        if (fnmatch(w.hook, hook, 0) != 0) continue;
        if (eg_eval_columns(e, hook, w.head) == 0) continue;
        EG_TRY(add_hold(p, &w, hook, err));
        n++;
    }
    if (n == 0)
        st = EG_FAIL(err, EG_EINVAL,
                     "--patch: no hook that can be held matches '%s'; --hooks "
                     "lists them",
                     w.hook);
done:
    return st;
}

eg_status probe_patch(probing *p, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < p->args->n_values; i++)
        if (strcmp(p->args->value[i].option->name, "patch") == 0)
            EG_TRY(add_wish(p, p->args->value[i].value, err));
    for (int i = 0; i < p->n_held; i++) {
        p->held[i].hold.hook = p->held[i].hook;
        EG_TRY(eg_eval_hold(eg_probes_eval(p->probes), &p->held[i].hold, err));
    }
done:
    return st;
}

void probe_patch_free(probing *p)
{
    for (int i = 0; i < p->n_held; i++) eg_free(p->held[i].row);
    eg_free(p->held);
    for (int i = 0; i < p->n_others; i++) {
        eg_eval_free(p->other[i].eval);
        eg_model_free(p->other[i].model);
    }
}

int probe_hooks(const probing *p)
{
    eg_eval *e = eg_probes_eval(p->probes);
    cli_table *t = cli_table_new(3);
    const char *hook;

    cli_table_cell(t, "hook");
    cli_table_cell(t, "columns");
    cli_table_cell(t, "heads");
    for (int i = 0; (hook = eg_eval_hook_name(e, i)) != NULL; i++) {
        eg_index cols = eg_eval_columns(e, hook, -1);
        eg_index head = eg_eval_columns(e, hook, 0);

        if (cols == 0) continue;
        cli_table_cell(t, "%s", hook);
        cli_table_cell(t, "%td", cols);
        if (head > 0)
            cli_table_cell(t, "%td", cols / head);
        else
            cli_table_cell(t, "-");
    }
    return cli_table_print(t);
}
