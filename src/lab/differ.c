/* See differ.h. */
#include "lab/differ.h"

#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"

/* Room for one more of the n things of size bytes at *p. */
static bool grow(void **p, int *cap, int n, size_t size)
{
    int more = *cap ? 2 * *cap : 16;
    void *q;

    if (n < *cap) return true;
    q = eg_realloc(*p, (size_t)more * size);
    if (!q) return false;
    *p = q;
    *cap = more;
    return true;
}

int egi_differ_find(const egi_differ *d, const char *name)
{
    for (int i = 0; i < d->n_keys; i++)
        if (strcmp(d->key[i].name, name) == 0) return i;
    return -1;
}

/* The number of the key, which is made where it is new; -1: no memory. */
static int key_of(egi_differ *d, const char *name, const char *base)
{
    void *p = d->key;
    egi_differing new = {.base = NULL};
    int k = egi_differ_find(d, name);

    if (k >= 0) return k;
    if (!grow(&p, &d->cap, d->n_keys, sizeof *d->key)) return -1;
    d->key = p;
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
    void *p = d->member[m].other;
    char *text;

    if (strcmp(name, "run.seed") == 0) return;
    k = key_of(d, name, base);
    text = eg_strdup(value);
    if (k < 0 || !text ||
        !grow(&p, &d->member[m].cap, d->member[m].n,
              sizeof *d->member[m].other)) {
        eg_free(text);
        d->no_memory = true;
        return;
    }
    d->member[m].other = p;
    d->member[m].other[d->member[m].n++] = (egi_other){k, text};
}

eg_status egi_differ_add(egi_differ *d, const eg_config *first,
                         const eg_config *cfg, eg_err *err)
{
    void *p = d->member;

    if (!grow(&p, &d->cap_members, d->n, sizeof *d->member))
        return EG_FAIL(err, EG_ENOMEM, "settings of %d runs", d->n + 1);
    d->member = p;
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
