/* The points of a sweep: every combination of the axes with every seed. */
#include "lab/sweep_priv.h"

#include <limits.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/config_priv.h"

const char *eg_scale_name(eg_scale s)
{
    static const char *const name[] = {"list", "linear", "log"};

    return name[s];
}

void egi_axis_release(eg_axis *a)
{
    eg_free(a->value);
    *a = (eg_axis){.n = 0};
}

void eg_grid_release(eg_grid *g)
{
    for (int k = 0; k < g->n_axes; k++) egi_axis_release(&g->axis[k]);
    *g = (eg_grid){.n_axes = 0};
}

eg_status egi_axis_put(eg_axis *a, const char *value, size_t size, eg_err *err)
{
    if (size >= EG_STRS_LEN)
        return EG_FAIL(err, EG_EINVAL, "'%.*s...' is too long",
                       eg_text_fit(value, 40), value);
    if (a->n == EG_AXIS_VALUES)
        return EG_FAIL(err, EG_EINVAL, "more than %d values", EG_AXIS_VALUES);
    if ((a->n & (a->n - 1)) == 0) { /* full: room for twice as many */
        size_t cap = a->n ? 2 * (size_t)a->n : 1;
        char(*more)[EG_STRS_LEN] = eg_realloc(a->value, cap * sizeof *more);

        if (!more) return EG_FAIL(err, EG_ENOMEM, "grid: out of memory");
        a->value = more;
    }
    memcpy(a->value[a->n], value, size);
    a->value[a->n++][size] = '\0';
    return EG_OK;
}

eg_status egi_grid_take(eg_grid *g, eg_axis *a, eg_err *err)
{
    int k = 0;

    while (k < g->n_axes && strcmp(g->axis[k].key, a->key) != 0) k++;
    if (k == EG_AXES)
        return EG_FAIL(err, EG_EINVAL, "at most %d keys", EG_AXES);
    if (k == g->n_axes)
        g->n_axes++;
    else
        egi_axis_release(&g->axis[k]);
    g->axis[k] = *a;
    *a = (eg_axis){.n = 0};
    return EG_OK;
}

eg_status egi_grid_copy(eg_grid *out, const eg_grid *g, eg_err *err)
{
    eg_status st = EG_OK;

    *out = (eg_grid){.seeds = g->seeds};
    for (int k = 0; k < g->n_axes && st == EG_OK; k++) {
        const eg_axis *a = &g->axis[k];
        eg_axis *b = &out->axis[out->n_axes++];

        memcpy(b->key, a->key, sizeof b->key);
        b->scale = a->scale;
        for (int i = 0; i < a->n && st == EG_OK; i++)
            st = egi_axis_put(b, a->value[i], strlen(a->value[i]), err);
    }
    if (st != EG_OK) eg_grid_release(out);
    return st;
}

/* "a,b,[c,d]": a list value is written in brackets. */
static eg_status fill_list(eg_axis *a, const char *text, eg_err *err)
{
    eg_status st = EG_OK;

    for (const char *s = text; *s && st == EG_OK;) {
        const char *end = s;
        int depth = 0;

        for (; *end && (depth > 0 || *end != ','); end++)
            depth += (*end == '[') - (*end == ']');
        st = egi_axis_put(a, s, (size_t)(end - s), err);
        s = *end ? end + 1 : end;
    }
    return st;
}

/* Text and lists have colons of their own, as in times of a flow. */
static const eg_field *number_field(const eg_config *base, const char *key)
{
    eg_section s;
    const eg_field *f = egi_config_find(base, key, &s);

    if (!f) f = egi_config_find(NULL, key, &s);
    return f && (f->kind == EG_FIELD_INT || f->kind == EG_FIELD_REAL) ? f
                                                                      : NULL;
}

eg_status eg_grid_add(eg_grid *g, const eg_config *base, const char *text,
                      eg_err *err)
{
    const char *equals = strchr(text, '=');
    eg_axis a = {.scale = EG_SCALE_LIST};
    const eg_field *number;
    eg_err why = {0};
    eg_status st;

    if (!equals || equals == text || equals - text >= EG_AXIS_KEY || !equals[1])
        return EG_FAIL(err, EG_EINVAL,
                       "expected section.key=a,b,c or section.key=lo:hi:n, "
                       "found '%.*s'",
                       eg_text_fit(text, 100), text);
    (void)snprintf(a.key, sizeof a.key, "%.*s", (int)(equals - text), text);
    number = number_field(base, a.key);
    if (number && egi_range_is(equals + 1))
        st = egi_range_fill(&a, equals + 1, number->kind == EG_FIELD_INT, &why);
    else
        st = fill_list(&a, equals + 1, &why);
    if (st == EG_OK) st = egi_grid_take(g, &a, &why);
    if (st != EG_OK)
        st = EG_FAIL(err, st, "%.*s: %s", (int)(equals - text), text, why.msg);
    egi_axis_release(&a);
    return st;
}

static int n_seeds(const eg_grid *g)
{
    return g->seeds.n > 0 ? g->seeds.n : 1;
}

int eg_grid_points(const eg_grid *g)
{
    int n = n_seeds(g);

    for (int k = 0; k < g->n_axes; k++) {
        if (n > INT_MAX / g->axis[k].n) return INT_MAX;
        n *= g->axis[k].n;
    }
    return n;
}

eg_status egi_grid_check(const eg_grid *g, eg_err *err)
{
    int n = eg_grid_points(g);

    if (n > EG_POINTS_MAX)
        return EG_FAIL(err, EG_EINVAL, "expected at most %d points, found %s%d",
                       EG_POINTS_MAX, n == INT_MAX ? "more than " : "", n);
    for (int k = 0; k < g->n_axes && g->seeds.n > 0; k++)
        if (strcmp(g->axis[k].key, "run.seed") == 0)
            return EG_FAIL(err, EG_EINVAL,
                           "expected seeds or an axis run.seed, found both");
    return EG_OK;
}

int eg_grid_seed_index(const eg_grid *g, int i)
{
    return i % n_seeds(g);
}

int eg_grid_index(const eg_grid *g, int i, int axis)
{
    i /= n_seeds(g);
    for (int k = g->n_axes - 1; k > axis; k--) i /= g->axis[k].n;
    return i % g->axis[axis].n;
}

static size_t put_label(const eg_grid *g, int i, char *label, size_t size)
{
    size_t used = 0;

    for (int k = 0; k < g->n_axes; k++) {
        char text[EG_AXIS_KEY + EG_STRS_LEN + 2];

        (void)snprintf(text, sizeof text, "%s=%s ", g->axis[k].key,
                       g->axis[k].value[eg_grid_index(g, i, k)]);
        used += eg_text_copy(label + used, size - used, text);
    }
    return used;
}

eg_status eg_grid_set(const eg_grid *g, int i, eg_config *cfg, char *label,
                      size_t size, eg_err *err)
{
    size_t used = put_label(g, i, label, size);
    eg_status st = EG_OK;

    if (g->seeds.n > 0) cfg->run.seed = g->seeds.seed[eg_grid_seed_index(g, i)];
    for (int k = 0; k < g->n_axes && st == EG_OK; k++) {
        char text[EG_AXIS_KEY + EG_STRS_LEN + 2];

        (void)snprintf(text, sizeof text, "%s=%s", g->axis[k].key,
                       g->axis[k].value[eg_grid_index(g, i, k)]);
        st = eg_config_set(cfg, text, err);
    }
    (void)snprintf(label + used, size - used, "seed=%lld",
                   (long long)cfg->run.seed);
    return st;
}
