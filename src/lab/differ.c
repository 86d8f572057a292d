/* See differ.h. */
#include "lab/differ.h"

#include <string.h>

#include "base/grow.h"
#include "engram/mem.h"
#include "engram/text.h"

enum { FIRST = 16 /* places of a list */ };

int egi_differ_find(const egi_differ *d, const char *name)
{
    for (int i = 0; i < d->n_keys; i++)
        if (strcmp(d->key[i].name, name) == 0) return i;
    return -1;
}

/* The number of the key, which is made where it is new; -1: no memory. */
static int key_of(egi_differ *d, const char *name, const char *base)
{
    egi_differing new = {.base = NULL};
    int k = egi_differ_find(d, name);

    if (k >= 0) return k;
    if (!egi_grow(&d->key, &d->cap, d->n_keys + 1, FIRST, sizeof *d->key))
        return -1;
    eg_text_copy(new.name, sizeof new.name, name);
    new.base = eg_strdup(base);
    if (!new.base) return -1;
    d->key[d->n_keys] = new;
    return d->n_keys++;
}

/* Of the member that was added last. */
static void tell(void *ctx, const char *name, const char *base,
                 const char *value)
{
    egi_differ *d = ctx;
    int m = d->n - 1, k;
    char *text;

    if (strcmp(name, "run.seed") == 0) return;
    k = key_of(d, name, base);
    text = eg_strdup(value);
    if (k < 0 || !text ||
        !egi_grow(&d->member[m].other, &d->member[m].cap, d->member[m].n + 1,
                  FIRST, sizeof *d->member[m].other)) {
        eg_free(text);
        d->no_memory = true;
        return;
    }
    d->member[m].other[d->member[m].n++] = (egi_other){k, text};
}

eg_status egi_differ_add(egi_differ *d, const eg_config *first,
                         const eg_config *cfg, eg_err *err)
{
    if (!egi_grow(&d->member, &d->cap_members, d->n + 1, FIRST,
                  sizeof *d->member))
        return EG_FAIL(err, EG_ENOMEM, "settings of %d runs", d->n + 1);
    memset(&d->member[d->n++], 0, sizeof *d->member);
    if (cfg != first) (void)eg_config_diff(first, cfg, tell, d);
    return d->no_memory ? EG_FAIL(err, EG_ENOMEM, "settings of %d runs", d->n)
                        : EG_OK;
}

void egi_differ_release(egi_differ *d)
{
    for (int i = 0; i < d->n_keys; i++) eg_free(d->key[i].base);
    for (int m = 0; m < d->n; m++) {
        for (int i = 0; i < d->member[m].n; i++)
            eg_free(d->member[m].other[i].value);
        eg_free(d->member[m].other);
    }
    eg_free(d->key);
    eg_free(d->member);
    *d = (egi_differ){0};
}

const char *egi_differ_value(const egi_differ *d, int member, int key)
{
    for (int i = 0; i < d->member[member].n; i++)
        if (d->member[member].other[i].key == key)
            return d->member[member].other[i].value;
    return d->key[key].base;
}
