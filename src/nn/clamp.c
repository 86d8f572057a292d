/* train.clamp: hooks that are held at zero from a step to a step. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "nn/hold.h"

/* "HOOK", "HOOK@TO", "HOOK@FROM-TO". */
typedef struct item {
    char hook[EG_STRS_LEN];
    int head;
    int64_t from, to;
} item;

static bool read_step(const char **s, int64_t *out)
{
    char *end;
    long long n;

    errno = 0;
    n = strtoll(*s, &end, 10);
    if (end == *s || n < 0 || errno != 0) return false;
    *s = end;
    *out = n;
    return true;
}

static eg_status read_item(item *i, const char *text, eg_err *err)
{
    const char *at = strchr(text, '@'), *s = at ? at + 1 : NULL;
    size_t n = at ? (size_t)(at - text) : strlen(text);
    bool fine = true;

    *i = (item){.to = INT64_MAX};
    memcpy(i->hook, text, n);
    i->hook[n] = '\0';
    i->head = eg_hook_head(i->hook);
    if (!at) return EG_OK;
    if (strchr(s, '-')) {
        fine = read_step(&s, &i->from) && *s == '-';
        s += fine;
    }
    if (fine && read_step(&s, &i->to) && !*s && i->from < i->to) return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "train.clamp: expected HOOK, HOOK@TO or HOOK@FROM-TO with "
                   "FROM below TO, found '%s'",
                   text);
}

/* One more; the list has room. */
static eg_status add(egi_hold *hold, int *n, const egi_program *p,
                     const item *i, const char *hook, eg_err *err)
{
    eg_err why = {0};
    eg_status st = egi_hold_find(&hold[*n], p, hook, i->head, &why);

    if (st != EG_OK) return EG_FAIL(err, st, "train.clamp: %s", why.msg);
    hold[*n].from = i->from;
    hold[*n].to = i->to;
    (*n)++;
    return EG_OK;
}

static eg_status add_item(egi_hold *hold, int *n, const egi_program *p,
                          const item *i, eg_err *err)
{
    int before = *n;
    eg_status st = EG_OK;

    if (!strchr(i->hook, '*')) return add(hold, n, p, i, i->hook, err);
    for (int k = 0; k < p->n_hooks; k++)
        if (egi_match(i->hook, p->hook[k].name) &&
            egi_hold_columns(p, p->hook[k].name, i->head) > 0)
            EG_TRY(add(hold, n, p, i, p->hook[k].name, err));
    if (*n == before)
        st = EG_FAIL(err, EG_EINVAL,
                     "train.clamp: no hook that can be held matches '%s'",
                     i->hook);
done:
    return st;
}

eg_status egi_clamp_parse(egi_hold **hold, int *n, const egi_program *p,
                          const eg_train_opts *o, eg_err *err)
{
    size_t most = (size_t)o->clamp.n * (size_t)p->n_hooks;
    eg_status st = EG_OK;
    item i;

    *n = 0;
    *hold = NULL;
    if (o->clamp.n == 0) return EG_OK;
    *hold = eg_calloc(most, sizeof **hold);
    if (!*hold) return EG_FAIL(err, EG_ENOMEM, "train.clamp");
    for (int k = 0; k < o->clamp.n; k++) {
        EG_TRY(read_item(&i, o->clamp.item[k], err));
        EG_TRY(add_item(*hold, n, p, &i, err));
    }
done:
    return st;
}
