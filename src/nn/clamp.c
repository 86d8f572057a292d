/* train.clamp: hooks that are held from a step to a step, at zero, at their
 * mean or at what they are in other weights. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "nn/hold.h"
#include "nn/rewrite.h"

/* "HOOK[=zero|=mean|=FILE][@TO|@FROM-TO]". */
typedef struct item {
    char hook[EG_STRS_LEN], file[EG_STRS_LEN]; /* file "": zeros, or mean */
    bool mean;
    int head;
    int64_t from, to;
} item;

static bool read_step(const char **s, int64_t *out)
{
    char *end;
    long long n;

    if (!egi_is_digit(**s)) return false;
    errno = 0;
    n = strtoll(*s, &end, 10);
    if (errno != 0) return false;
    *s = end;
    *out = n;
    return true;
}

/* "TO" or "FROM-TO". */
static bool read_steps(item *i, const char *s)
{
    if (strchr(s, '-')) {
        if (!read_step(&s, &i->from) || *s != '-') return false;
        s++;
    }
    return read_step(&s, &i->to) && !*s && i->from < i->to;
}

/* The @ before the steps: the last one, which belongs to the path of a file
 * where no steps stand behind it. */
static const char *steps_at(const char *text)
{
    const char *at = strrchr(text, '@'), *eq = strchr(text, '=');
    bool path = at && eq && eq < at && at[1 + strspn(at + 1, "0123456789-")];

    return path ? NULL : at;
}

const char *egi_clamp_file(const char *text, size_t *n)
{
    const char *at = steps_at(text), *eq = strchr(text, '=');
    const char *end = at ? at : text + strlen(text);

    if (!eq || eq >= end) return NULL;
    *n = (size_t)(end - eq) - 1;
    if (*n == 4 && (memcmp(eq + 1, "zero", 4) == 0 || /* no file */
                    memcmp(eq + 1, "mean", 4) == 0))
        return NULL;
    return eq + 1;
}

static eg_status read_item(item *i, const char *text, eg_err *err)
{
    char *eq;
    size_t n = 0;
    const char *at = steps_at(text), *file = egi_clamp_file(text, &n);
    bool fine = true;

    *i = (item){.to = INT64_MAX};
    eg_text_copy(i->hook, sizeof i->hook, text);
    if (at) {
        i->hook[at - text] = '\0';
        fine = read_steps(i, at + 1);
    }
    eq = strchr(i->hook, '=');
    if (eq) {
        *eq = '\0';
        fine &= eq[1] != '\0';
        i->mean = strcmp(eq + 1, "mean") == 0;
    }
    if (file) memcpy(i->file, file, n); /* shorter than the item */
    i->head = eg_hook_head(i->hook);
    if (fine && i->hook[0]) return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "train.clamp: expected HOOK, HOOK@TO or HOOK@FROM-TO with "
                   "FROM below TO, HOOK perhaps followed by =zero, =mean or "
                   "=FILE, found '%s'",
                   text);
}

/* One more; the lists have room. */
static eg_status add(egi_clamps *c, const egi_program *p, const item *i,
                     const char *hook, eg_err *err)
{
    egi_hold *h = &c->hold[c->n];
    eg_err why = {0};
    eg_status st = egi_hold_find(h, p, hook, i->head, &why);

    if (st != EG_OK) return EG_FAIL(err, st, "train.clamp: %s", why.msg);
    h->from = i->from;
    h->to = i->to;
    eg_text_copy(c->of[c->n].hook, sizeof c->of[0].hook, hook);
    eg_text_copy(c->of[c->n].file, sizeof c->of[0].file, i->file);
    c->of[c->n].mean = i->mean;
    c->of[c->n].at = c->mean.cols;
    if (i->mean) c->mean.cols += h->cols;
    c->n++;
    return EG_OK;
}

static eg_status add_item(egi_clamps *c, const egi_program *p, const item *i,
                          eg_err *err)
{
    int before = c->n;
    eg_status st = EG_OK;

    if (!strchr(i->hook, '*')) return add(c, p, i, i->hook, err);
    for (int k = 0; k < p->n_hooks; k++)
        if (egi_match(i->hook, p->hook[k].name) &&
            egi_hold_columns(p, p->hook[k].name, i->head) > 0)
            EG_TRY(add(c, p, i, p->hook[k].name, err));
    if (c->n == before)
        st = EG_FAIL(err, EG_EINVAL,
                     "train.clamp: no hook that can be held matches '%s'",
                     i->hook);
done:
    return st;
}

eg_status egi_clamps_parse(egi_clamps *c, const egi_program *p,
                           const eg_train_opts *o, eg_err *err)
{
    size_t most = (size_t)o->clamp.n * ((size_t)p->n_hooks + 1);
    eg_status st = EG_OK;
    item i;

    *c = (egi_clamps){0};
    if (o->clamp.n == 0) return EG_OK;
    c->hold = eg_calloc(most, sizeof *c->hold);
    c->of = eg_calloc(most, sizeof *c->of);
    if (!c->hold || !c->of) return EG_FAIL(err, EG_ENOMEM, "train.clamp");
    for (int k = 0; k < o->clamp.n; k++) {
        EG_TRY(read_item(&i, o->clamp.item[k], err));
        EG_TRY(add_item(c, p, &i, err));
    }
done:
    return st;
}

/* ---- models of files ------------------------------------------------------
 */

/* Is hold i the first of its file? */
static bool is_first(const egi_clamps *c, int i)
{
    if (!c->of[i].file[0]) return false;
    for (int k = 0; k < i; k++)
        if (strcmp(c->of[k].file, c->of[i].file) == 0) return false;
    return true;
}

int egi_clamps_files(const egi_clamps *c)
{
    int n = 0;

    for (int i = 0; i < c->n; i++) n += is_first(c, i);
    return n;
}

/* Values of the file's model for the holds that ask for it. */
static eg_status point_at(egi_clamps *c, const egi_clamp_other *o, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < c->n; i++) {
        egi_hold there;

        if (strcmp(c->of[i].file, o->file) != 0) continue;
        EG_TRY(egi_hold_find(&there, &o->p, c->of[i].hook, -1, err));
        c->hold[i].other_value = there.value;
    }
done:
    return st;
}

static eg_status load_one(egi_clamps *c, egi_clamp_other *o, const eg_model *m,
                          const egi_engine_spec *like, const egi_load *load,
                          bool allow_extra, eg_err *err)
{
    egi_engine_spec spec = {.program = &o->p,
                            .task = like->task,
                            .pool = like->pool,
                            .kern = like->kern};
    eg_status st = EG_OK;

    EG_TRY(eg_model_new(&o->m, &m->opts, m->io, m->precision, 0, err));
    EG_TRY(eg_model_load_from(o->m, o->file, allow_extra, NULL, 0, err));
    EG_TRY(egi_program_build(&o->p, o->m, eg_task_group(0, 0), EGI_HOOKS_BASIC,
                             err));
    EG_TRY(point_at(c, o, err));
    o->p.n_hooks = 0; /* their values stay; nobody looks */
    EG_TRY(egi_program_rewrite(&o->p, NULL, load, 0, err));
    EG_TRY(egi_engine_of(m)->make(&o->engine, &spec, err));
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->of[i].file, o->file) == 0) c->hold[i].other = o->engine;
done:
    return st;
}

eg_status egi_clamps_load(egi_clamps *c, const eg_model *m,
                          const egi_engine_spec *like, const egi_load *load,
                          bool allow_extra, eg_err *err)
{
    int files = egi_clamps_files(c);
    eg_status st = EG_OK;

    if (files == 0) return EG_OK;
    c->other = eg_calloc((size_t)files, sizeof *c->other);
    if (!c->other) return EG_FAIL(err, EG_ENOMEM, "train.clamp");
    for (int i = 0; i < c->n; i++) {
        egi_clamp_other *o = &c->other[c->n_others];

        if (!is_first(c, i)) continue;
        c->n_others++;
        o->file = c->of[i].file;
        EG_TRY(load_one(c, o, m, like, load, allow_extra, err));
    }
done:
    return st;
}

void egi_clamps_release(egi_clamps *c)
{
    for (int i = 0; i < c->n_others; i++) {
        egi_clamp_other *o = &c->other[i];

        if (o->engine) egi_engine_of(o->m)->free(o->engine);
        egi_program_release(&o->p);
        eg_model_free(o->m);
    }
    egi_clamps_mean_release(c);
    eg_free(c->other);
    eg_free(c->hold);
    eg_free(c->of);
    *c = (egi_clamps){0};
}
