/* Where two configurations differ. */
#include "lab/config_priv.h"

#include <string.h>

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

/* Files of weights are what they hold: their checksums count where both have
 * them, and then their names do not. Records of old have none. */
static bool idle_inputs(const eg_section *s, const eg_field *f,
                        const eg_config *a, const eg_config *b)
{
    const eg_strs *x = &a->run.inputs, *y = &b->run.inputs;
    bool summed = x->n > 0 && y->n > 0;

    if (s->fields == eg_run_fields && strcmp(f->name, "inputs") == 0)
        return !summed;
    return summed && memcmp(x, y, sizeof *x) == 0 &&
           ((s->fields == eg_init_fields && strcmp(f->name, "from") == 0) ||
            (s->fields == eg_probe_fields &&
             strcmp(f->name, "compressed_with") == 0));
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
