/* Keys of settings as axes: see axes.h. */
#include "report/axes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "engram/text.h"

static int place_of(const egi_axis *a, const char *value)
{
    int i = 0;

    while (i < a->n && strcmp(a->value[i], value) != 0) i++;
    return i;
}

typedef struct mark {
    double x;
    const char *value;
} mark;

static int by_x(const void *a, const void *b)
{
    const mark *p = a, *q = b;

    return (p->x > q->x) - (p->x < q->x);
}

/* Values in order, where all are numbers; on a logarithmic axis where they span
 * much. */
static void order_values(egi_axis *a)
{
    mark m[EGI_AXIS_VALUES] = {{0}};

    a->numeric = true;
    for (int i = 0; i < a->n; i++) {
        m[i].value = a->value[i];
        a->numeric = egi_real_parse(a->value[i], &m[i].x) && isfinite(m[i].x) &&
                     a->numeric;
    }
    if (a->numeric) qsort(m, (size_t)a->n, sizeof *m, by_x);
    for (int i = 0; i < a->n; i++) {
        a->value[i] = m[i].value;
        a->x[i] = a->numeric ? m[i].x : i;
    }
    a->log =
        a->numeric && a->n > 2 && a->x[0] > 0 && a->x[a->n - 1] >= 8 * a->x[0];
}

/* False: more values than a figure has place for. */
static bool read_axis(egi_axis *a, const egi_family *f, int key)
{
    const char *name = egi_differs_part(f->of[0].runs, (size_t)key, 0);
    const char *dot = strrchr(name, '.');

    a->name = name;
    a->word = dot ? dot + 1 : a->name;
    for (int s = 0; s < f->n; s++) {
        const char *v = egi_differs_part(f->of[s].runs, (size_t)key, 1);

        if (place_of(a, v) < a->n) continue;
        if (a->n == EGI_AXIS_VALUES) return false;
        a->value[a->n++] = v;
    }
    order_values(a);
    for (int s = 0; s < f->n; s++)
        a->at[s] = place_of(a, egi_differs_part(f->of[s].runs, (size_t)key, 1));
    return true;
}

/* Keys of one word are called by their whole names. */
static void tell_apart(egi_axes *x)
{
    for (int i = 0; i < x->n; i++)
        for (int k = 0; k < x->n; k++)
            if (k != i && strcmp(strrchr(x->axis[k].name, '.'),
                                 strrchr(x->axis[i].name, '.')) == 0)
                x->axis[i].word = x->axis[i].name;
}

eg_status egi_axes_read(egi_axes *x, const egi_family *f, bool *fits,
                        eg_err *err)
{
    int n = (int)json_array_size(f->of[0].runs->differs);

    *fits = true;
    *x = (egi_axes){.n_settings = f->n};
    x->axis = eg_calloc((size_t)n + 1, sizeof *x->axis);
    if (!x->axis) return egi_report_no_memory(err);
    for (int k = 0; k < n && *fits; k++) {
        egi_axis *a = &x->axis[x->n++];

        a->at = eg_calloc((size_t)f->n, sizeof *a->at);
        if (!a->at) return egi_report_no_memory(err);
        *fits = read_axis(a, f, k) && strchr(a->name, '.');
    }
    if (*fits) tell_apart(x);
    return EG_OK;
}

void egi_axes_release(egi_axes *x)
{
    for (int k = 0; k < x->n; k++) eg_free(x->axis[k].at);
    eg_free(x->axis);
    *x = (egi_axes){0};
}

bool egi_axes_agree(const egi_axes *x, int a, int b, int key, int other)
{
    for (int k = 0; k < x->n; k++)
        if (k != key && k != other && x->axis[k].at[a] != x->axis[k].at[b])
            return false;
    return true;
}

bool egi_axes_first(const egi_axes *x, int s, int key, int other)
{
    for (int t = 0; t < s; t++)
        if (egi_axes_agree(x, t, s, key, other)) return false;
    return true;
}

int egi_axes_rest(const egi_axes *x, int key, int other, int most)
{
    int n = 0;

    for (int s = 0; s < x->n_settings && n <= most; s++)
        n += egi_axes_first(x, s, key, other);
    return n;
}

void egi_axes_others(char *text, size_t size, const egi_axes *x, int s, int key,
                     int other)
{
    size_t used = 0;

    text[0] = '\0';
    for (int k = 0; k < x->n && used < size; k++) {
        const egi_axis *a = &x->axis[k];
        const char *value = a->value[a->at[s]];
        char pair[160];

        if (k == key || k == other) continue;
        (void)snprintf(pair, sizeof pair, "%s%.90s %.*s", used ? ", " : "",
                       a->word, eg_text_fit(value, 60), value);
        used += eg_text_copy(text + used, size - used, pair);
    }
}
