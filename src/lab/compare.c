/* See engram/compare.h. */
#include "engram/compare.h"

#include <math.h>
#include <string.h>
#include "base/json.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/catalogue_values.h"

static eg_status no_memory(eg_err *err)
{
    return EG_FAIL(err, EG_ENOMEM, "compare: out of memory");
}

/* ---- configurations -------------------------------------------------------
 */

typedef struct side {
    egi_entry entry; /* its texts */
    json_t *config;
    eg_metrics metrics;
} side;

/* Does any run differ from the first in section.key? */
static bool differs(const side *s, int n, const char *section, const char *key)
{
    const json_t *a =
        json_object_get(json_object_get(s[0].config, section), key);

    for (int i = 1; i < n; i++) {
        const json_t *b =
            json_object_get(json_object_get(s[i].config, section), key);

        if (a != b && !(a && b && json_equal(a, b))) return true;
    }
    return false;
}

static bool has_key(const eg_compare *c, const char *key)
{
    for (int i = 0; i < c->n_keys; i++)
        if (strcmp(c->key[i].key, key) == 0) return true;
    return false;
}

static eg_status add_key(eg_compare *c, const side *s, const char *section,
                         const char *name, eg_err *err)
{
    char key[EG_TEXT];
    eg_compare_key *more;

    if ((size_t)snprintf(key, sizeof key, "%s.%s", section, name) >=
            sizeof key ||
        has_key(c, key))
        return EG_OK;
    more = eg_realloc(c->key, (size_t)(c->n_keys + 1) * sizeof *more);
    if (!more) return no_memory(err);
    c->key = more;
    more += c->n_keys;
    more->value = eg_calloc((size_t)c->n_runs, sizeof *more->value);
    if (!more->value) return no_memory(err);
    memcpy(more->key, key, sizeof key);
    for (int i = 0; i < c->n_runs; i++)
        egi_value_of(&more->value[i], &s[i].entry, key);
    c->n_keys++;
    return EG_OK;
}

static eg_status compare_configs(eg_compare *c, const side *s, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < c->n_runs; i++) {
        const char *section, *key;
        json_t *keys, *value;

        json_object_foreach(s[i].config, section, keys)
        {
            json_object_foreach(keys, key, value)
            {
                if (!differs(s, c->n_runs, section, key)) continue;
                st = add_key(c, s, section, key, err);
                if (st != EG_OK) return st;
            }
        }
    }
    return st;
}

/* ---- metrics --------------------------------------------------------------
 */

int eg_metric_better(const char *name)
{
    static const char *const less[] = {"loss", "kl",         "err", "mse",
                                       "nll",  "perplexity", "ppl"};
    static const char *const more[] = {"acc", "recall", "r2"};

    for (size_t i = 0; i < sizeof less / sizeof *less; i++)
        if (strncmp(name, less[i], strlen(less[i])) == 0) return -1;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (strncmp(name, more[i], strlen(more[i])) == 0) return 1;
    return 0;
}

static eg_compare_end end_of(const eg_series *s, int better)
{
    eg_compare_end e = {(double)NAN, (double)NAN, (double)NAN, (double)NAN};

    if (!s || s->n == 0) return e;
    e.last = s->value[s->n - 1];
    e.last_step = s->step[s->n - 1];
    for (int i = 0; i < s->n && better; i++) {
        double v = s->value[i];

        if (isnan(v) || (!isnan(e.best) && better * (v - e.best) <= 0))
            continue;
        e.best = v;
        e.best_step = s->step[i];
    }
    return e;
}

static bool same_value(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool same_series(const eg_series *a, const eg_series *b)
{
    if (!a || !b || a->n != b->n) return false;
    for (int i = 0; i < a->n; i++)
        if (a->step[i] != b->step[i] || !same_value(a->value[i], b->value[i]))
            return false;
    return true;
}

/* Two curves with ascending steps. */
static void widen_gap(eg_compare_metric *m, const eg_series *a,
                      const eg_series *b, int far)
{
    for (int i = 0, k = 0; i < a->n && k < b->n;) {
        double gap;

        if (a->step[i] < b->step[k]) {
            i++;
        } else if (a->step[i] > b->step[k]) {
            k++;
        } else {
            gap = same_value(a->value[i], b->value[k])
                      ? 0
                      : fabs(a->value[i] - b->value[k]);
            if (isnan(gap)) gap = (double)INFINITY;
            if (isnan(m->gap) || gap > m->gap) {
                m->gap = gap;
                m->gap_step = a->step[i];
                m->far = far;
            }
            i++;
            k++;
        }
    }
}

static bool has_metric(const eg_compare *c, const char *name)
{
    for (int i = 0; i < c->n_metrics; i++)
        if (strcmp(c->metric[i].name, name) == 0) return true;
    return false;
}

static eg_status add_metric(eg_compare *c, const side *s, const char *name,
                            eg_err *err)
{
    eg_compare_metric *m;
    const eg_series *first = eg_metrics_find(&s[0].metrics, name);

    m = eg_realloc(c->metric, (size_t)(c->n_metrics + 1) * sizeof *m);
    if (!m) return no_memory(err);
    c->metric = m;
    m += c->n_metrics;
    *m = (eg_compare_metric){.better = eg_metric_better(name),
                             .equal = true,
                             .gap = (double)NAN,
                             .gap_step = (double)NAN};
    (void)snprintf(m->name, sizeof m->name, "%s", name);
    m->end = eg_calloc((size_t)c->n_runs, sizeof *m->end);
    if (!m->end) return no_memory(err);
    c->n_metrics++;
    for (int i = 0; i < c->n_runs; i++) {
        const eg_series *here = eg_metrics_find(&s[i].metrics, name);

        m->end[i] = end_of(here, m->better);
        if (i == 0) continue;
        m->equal = m->equal && same_series(first, here);
        if (first && here) widen_gap(m, first, here, i);
    }
    return EG_OK;
}

static eg_status compare_metrics(eg_compare *c, const side *s, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < c->n_runs; i++)
        for (int k = 0; k < s[i].metrics.n && st == EG_OK; k++)
            if (!has_metric(c, s[i].metrics.series[k].name))
                st = add_metric(c, s, s[i].metrics.series[k].name, err);
    c->equal = c->n_metrics > 0;
    for (int i = 0; i < c->n_metrics; i++)
        c->equal = c->equal && c->metric[i].equal;
    return st;
}

/* ---- all of it ------------------------------------------------------------
 */

static eg_status read_side(side *s, eg_run_info *info, const char *dir,
                           eg_err *err)
{
    bool changed;
    eg_status st;

    EG_TRY(eg_run_info_read(info, dir, err));
    s->entry.info = *info;
    EG_TRY(egi_details_read(&s->entry, &changed, dir, err));
    EG_TRY(eg_metrics_read(&s->metrics, dir, err));
    s->config =
        egi_json_parse(s->entry.config, strlen(s->entry.config), 0, NULL);
    if (!s->config) st = no_memory(err);
done:
    return st;
}

eg_status eg_runs_compare(eg_compare *out, const char *const *dir, int n,
                          eg_err *err)
{
    side *s = eg_calloc((size_t)n + 1, sizeof *s);
    eg_status st = EG_OK;

    *out = (eg_compare){.n_runs = n};
    out->info = eg_calloc((size_t)n + 1, sizeof *out->info);
    if (!s || !out->info) {
        st = no_memory(err);
        goto done;
    }
    for (int i = 0; i < n; i++)
        EG_TRY(read_side(&s[i], &out->info[i], dir[i], err));
    EG_TRY(compare_configs(out, s, err));
    st = compare_metrics(out, s, err);
done:
    for (int i = 0; s && i < n; i++) {
        json_decref(s[i].config);
        eg_free(s[i].entry.config);
        eg_free(s[i].entry.last);
        eg_metrics_release(&s[i].metrics);
    }
    eg_free(s);
    if (st != EG_OK) eg_compare_release(out);
    return st;
}

void eg_compare_release(eg_compare *c)
{
    for (int i = 0; i < c->n_keys; i++) eg_free(c->key[i].value);
    for (int i = 0; i < c->n_metrics; i++) eg_free(c->metric[i].end);
    eg_free(c->key);
    eg_free(c->metric);
    eg_free(c->info);
    *c = (eg_compare){0};
}
