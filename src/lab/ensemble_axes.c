/* The keys in which configurations differ, and the values they take. */
#include "lab/ensemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "engram/mem.h"
#include "engram/text.h"

static int index_of(const eg_ensemble_axis *x, const char *value)
{
    for (int i = 0; i < x->n; i++)
        if (strcmp(x->value[i], value) == 0) return i;
    return -1;
}

typedef struct mark {
    double number;
    char *text;
} mark;

static int by_number(const void *a, const void *b)
{
    const mark *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static eg_status sort_values(eg_ensemble_axis *x, eg_err *err)
{
    mark *m = eg_calloc((size_t)x->n, sizeof *m);

    if (!m) return EG_FAIL(err, EG_ENOMEM, "values of %s", x->key);
    for (int i = 0; i < x->n; i++) m[i] = (mark){x->number[i], x->value[i]};
    qsort(m, (size_t)x->n, sizeof *m, by_number);
    for (int i = 0; i < x->n; i++) {
        x->number[i] = m[i].number;
        x->value[i] = m[i].text;
    }
    eg_free(m);
    return EG_OK;
}

static bool add_value(eg_ensemble_axis *x, const char *value)
{
    if (index_of(x, value) >= 0) return true;
    x->value[x->n] = eg_strdup(value);
    if (!x->value[x->n]) return false;
    if (!egi_real_parse(value, &x->number[x->n])) {
        x->number[x->n] = (double)NAN;
        x->numeric = false;
    }
    x->n++;
    return true;
}

static eg_status make_axis(eg_ensemble_axis *x, const egi_reader *r, int key,
                           eg_err *err)
{
    bool whole;

    memcpy(x->key, r->differ.key[key].name, sizeof x->key);
    x->numeric = true;
    x->value = eg_calloc((size_t)r->differ.n, sizeof *x->value);
    x->number = eg_calloc((size_t)r->differ.n, sizeof *x->number);
    whole = x->value && x->number;
    for (int g = 0; whole && g < r->differ.n; g++)
        whole = add_value(x, egi_differ_value(&r->differ, g, key));
    if (!whole) return EG_FAIL(err, EG_ENOMEM, "values of %s", x->key);
    return x->numeric ? sort_values(x, err) : EG_OK;
}

/* All keys into list [n_keys], as the schema has them. */
static int list_keys(int *list, const egi_reader *r)
{
    eg_section s;
    char name[128];
    int n = 0;

    for (int i = 0; r->differ.n_keys > 0 && eg_config_section(r->first, i, &s);
         i++)
        for (const eg_field *f = s.fields; f->name; f++) {
            int k;

            snprintf(name, sizeof name, "%s.%s", s.name, f->name);
            k = egi_differ_find(&r->differ, name);
            if (k >= 0) list[n++] = k;
        }
    return n;
}

/* The keys asked for, each of which must be there. */
static eg_status choose_keys(int *list, int *n, const egi_reader *r,
                             const eg_strs *by, eg_err *err)
{
    char there[300] = "";
    size_t used = 0;

    *n = 0;
    for (int i = 0; i < by->n; i++) {
        int k = egi_differ_find(&r->differ, by->item[i]);

        for (int j = 0; j < *n; j++)
            if (list[j] == k) k = -2;
        if (k >= 0) list[(*n)++] = k;
        if (k != -1) continue;
        for (int j = 0; j < r->differ.n_keys && used < sizeof there - 1; j++)
            used +=
                eg_text_copy(there + used, sizeof there - used, j ? ", " : ""),
                used += eg_text_copy(there + used, sizeof there - used,
                                     r->differ.key[j].name);
        return EG_FAIL(
            err, EG_EINVAL, "the runs do not differ in '%s'; they differ in %s",
            by->item[i], r->differ.n_keys ? there : "nothing but the seed");
    }
    return EG_OK;
}

eg_status egi_reader_axes(egi_reader *r, const eg_strs *by, eg_err *err)
{
    egi_found *f = &r->found;
    int *list = eg_calloc((size_t)r->differ.n_keys, sizeof *list), n = 0;
    eg_status st = EG_OK;

    if (!list) return EG_FAIL(err, EG_ENOMEM, "keys");
    if (by)
        st = choose_keys(list, &n, r, by, err);
    else
        n = list_keys(list, r);
    if (st != EG_OK) goto done;
    f->n_groups = r->differ.n;
    f->axis = eg_calloc((size_t)n, sizeof *f->axis);
    f->at = eg_calloc((size_t)n * (size_t)r->differ.n, sizeof *f->at);
    if (!f->axis || !f->at) {
        st = EG_FAIL(err, EG_ENOMEM, "keys");
        goto done;
    }
    f->n_axes = n;
    for (int i = 0; i < n && st == EG_OK; i++)
        st = make_axis(&f->axis[i], r, list[i], err);
    for (int g = 0; g < r->differ.n && st == EG_OK; g++)
        for (int i = 0; i < n; i++)
            f->at[(size_t)g * (size_t)n + (size_t)i] =
                index_of(&f->axis[i], egi_differ_value(&r->differ, g, list[i]));
done:
    eg_free(list);
    return st;
}
