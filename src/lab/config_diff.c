/* Where two configurations differ. */
#include "lab/config_priv.h"

#include <string.h>

#include "base/num.h"

bool egi_field_same(const eg_field *f, const void *a, const void *b)
{
    static const size_t bytes[] = {
        [EG_FIELD_INT] = sizeof(int64_t), [EG_FIELD_REAL] = sizeof(double),
        [EG_FIELD_BOOL] = sizeof(bool),   [EG_FIELD_TEXT] = EG_TEXT,
        [EG_FIELD_ENUM] = sizeof(int),    [EG_FIELD_LIST] = sizeof(eg_strs)};

    return memcmp((const char *)a + f->offset, (const char *)b + f->offset,
                  bytes[f->kind]) == 0;
}

typedef struct diff {
    eg_config_diff_fn fn;
    void *ctx;
    int n;
} diff;

static void tell(diff *d, const eg_section *s, const eg_field *f, const void *a,
                 const void *b)
{
    char key[128], here[512], there[512]; /* lists may be cut */

    d->n++;
    if (!d->fn) return;
    snprintf(key, sizeof key, "%s.%s", s->name, f->name);
    eg_field_format(f, a, here, sizeof here);
    eg_field_format(f, b, there, sizeof there);
    d->fn(d->ctx, key, here, there);
}

bool egi_config_idle(const eg_section *s, const eg_field *f)
{
    return (s->fields == eg_run_fields && strcmp(f->name, "name") == 0) ||
           (s->fields == eg_train_fields && strcmp(f->name, "profile") == 0);
}

const char *egi_input_item(const eg_strs *list, const char *option, size_t n)
{
    for (int i = 0; i < list->n; i++)
        if (strncmp(list->item[i], option, n) == 0 && list->item[i][n] == '=')
            return list->item[i];
    return NULL;
}

const char *egi_config_summed(const eg_config *cfg, const eg_section *s,
                              const eg_field *f)
{
    char option[128];
    int n = egi_snprintf(option, sizeof option, "%s.%s", s->name, f->name);

    return egi_input_item(&cfg->run.inputs, option, (size_t)n);
}

static bool same_name(const eg_config *a, const eg_config *b,
                      const char *option)
{
    eg_section s;
    const eg_field *f = egi_config_find(a, option, &s);

    return f &&
           egi_field_same(f, egi_section_read(a, &s), egi_section_read(b, &s));
}

/* Is no file of one name said to have another checksum by one than by the
 * other? Of two names these tell. Records of old have none. */
static bool same_inputs(const eg_config *a, const eg_config *b)
{
    char option[EG_STRS_LEN];

    for (int i = 0; i < a->run.inputs.n; i++) {
        const char *x = a->run.inputs.item[i];
        size_t n = strcspn(x, "=");
        const char *y = egi_input_item(&b->run.inputs, x, n);

        (void)egi_snprintf(option, sizeof option, "%.*s", (int)n, x);
        if (y && strcmp(x, y) != 0 && same_name(a, b, option)) return false;
    }
    return true;
}

/* Files are what they hold: their checksums count where both have them, and
 * then their names do not. */
static bool idle_inputs(const eg_section *s, const eg_field *f,
                        const eg_config *a, const eg_config *b)
{
    const char *x, *y;

    if (s->fields == eg_run_fields && strcmp(f->name, "inputs") == 0)
        return same_inputs(a, b);
    x = egi_config_summed(a, s, f);
    y = x ? egi_config_summed(b, s, f) : NULL;
    return y && strcmp(x, y) == 0;
}

static void compare(diff *d, const eg_section *s, const eg_config *a,
                    const eg_config *b)
{
    const void *x = egi_section_read(a, s), *y = egi_section_read(b, s);

    for (const eg_field *f = s->fields; f->name; f++) {
        if (egi_config_idle(s, f) || idle_inputs(s, f, a, b)) continue;
        if (!egi_field_same(f, x, y)) tell(d, s, f, x, y);
    }
}

int eg_config_diff(const eg_config *a, const eg_config *b, eg_config_diff_fn fn,
                   void *ctx)
{
    diff d = {.fn = fn, .ctx = ctx};
    eg_section s, t;

    /* runs of two kinds, or of two statements, share the section run alone,
     * where that is told */
    for (int i = 0; eg_config_section(a, i, &s) &&
                    eg_config_section(b, i, &t) && s.fields == t.fields;
         i++)
        compare(&d, &s, a, b);
    return d.n;
}

bool eg_config_may_change(const char *key)
{
    return strcmp(key, "run.name") == 0 || strcmp(key, "train.profile") == 0 ||
           strncmp(key, "checkpoint.", 11) == 0;
}

bool eg_config_same(const eg_config *a, const eg_config *b)
{
    return eg_config_diff(a, b, NULL, NULL) == 0;
}
