/* What is known of the settings of one name together, for the page: intervals
 * over seeds and power laws (aggregate.h). */

#include <math.h>
#include <string.h>
#include "engram/aggregate.h"
#include "nn/nn.h" /* egi_match */
#include "report/report_impl.h"

enum {
    RESAMPLES = 2000,
    METRICS = 40,
    WHENS = 3,
    LAW_VALUES = 3, /* a key of fewer is no size */
    /* Fits of all laws of a page, in a second or two; fewer draws each where
     * there are many. */
    LAW_FITS = 60000,
    LAW_LEAST = 200,
    LAWS = 600 /* the first metrics have them, where there are more */
};

static const eg_at_kind when[WHENS] = {EG_AT_LAST, EG_AT_MIN, EG_AT_MAX};
static const char *const when_name[WHENS] = {"last", "low", "high"};
static const eg_bootstrap how = {.resamples = RESAMPLES};

typedef struct family {
    const egi_collection *c;
    json_t *groups; /* of the page */
    char (*dirs)[EG_PATH];
    int n, from; /* runs, the number of the first */
    eg_ensemble x;
    char (*metric)[96];
    int n_metrics;
    eg_question *ask; /* [n_metrics, WHENS] */
    eg_aggregate a;
} family;

static void family_release(family *f)
{
    eg_aggregate_release(&f->a);
    eg_ensemble_release(&f->x);
    eg_free(f->metric);
    eg_free(f->dirs);
    eg_free(f->ask);
}

static json_t *real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* The group of the page that holds a run; NULL: none does. */
static json_t *group_of(const family *f, const char *dir)
{
    const char *name = NULL;
    json_t *g;
    size_t i;

    for (int k = 0; k < f->c->n && !name; k++)
        if (strcmp(f->c->run[k].dir, dir) == 0) name = f->c->run[k].group;
    json_array_foreach(f->groups, i, g)
    {
        const char *own = json_string_value(json_object_get(g, "name"));

        if (name && own && strcmp(own, name) == 0) return g;
    }
    return NULL;
}

/* Metrics of folded panels have no intervals. */
static void drop_folded(family *f)
{
    bool flow = f->c->run[f->from].flow;
    int kept = 0;

    for (int m = 0; m < f->n_metrics && kept < METRICS; m++)
        if (!egi_panel_of(f->metric[m], flow)->fold)
            memmove(f->metric[kept++], f->metric[m], sizeof *f->metric);
    f->n_metrics = kept;
}

/* Questions for all metrics that are drawn at once. */
static eg_status ask_all(family *f, eg_err *err)
{
    eg_status st = eg_ensemble_metrics(&f->metric, &f->n_metrics, &f->x, err);

    if (st == EG_OK) drop_folded(f);
    if (st != EG_OK || f->n_metrics == 0) return st;
    f->ask = eg_calloc((size_t)f->n_metrics * WHENS, sizeof *f->ask);
    if (!f->ask) return egi_report_no_memory(err);
    for (int m = 0; m < f->n_metrics; m++)
        for (int w = 0; w < WHENS; w++) {
            eg_question *q = &f->ask[m * WHENS + w];

            memcpy(q->metric, f->metric[m], sizeof q->metric);
            q->at.kind = when[w];
        }
    return eg_aggregate_make(&f->a, &f->x, f->ask, f->n_metrics * WHENS, &how,
                             err);
}

/* "estimates" of a group: {metric: {when: [low, high] of the mean}}. */
static int put_estimates(const family *f, int setting)
{
    const eg_ensemble_setting *s = &f->x.setting[setting];
    json_t *g = s->n_runs ? group_of(f, s->run[0].dir) : NULL;
    json_t *all = json_object();
    int bad = !all;

    for (int m = 0; m < f->n_metrics && g && !bad; m++) {
        json_t *own = json_object();

        for (int w = 0; w < WHENS; w++) {
            const eg_estimate *e =
                &eg_aggregate_at(&f->a, m * WHENS + w, setting)->estimate;

            if (isfinite(e->mean_low) && isfinite(e->mean_high))
                bad |= json_object_set_new(
                    own, when_name[w],
                    json_pack("[o, o]", real(e->mean_low), real(e->mean_high)));
        }
        if (json_object_size(own))
            bad |= json_object_set(all, f->metric[m], own);
        json_decref(own);
    }
    if (g) bad |= json_object_set(g, "estimates", all);
    json_decref(all);
    return bad;
}

/* How many metrics have laws. */
static int law_metrics(const family *f)
{
    int each = WHENS * (1 + f->x.n_settings / LAW_VALUES);

    return each * f->n_metrics <= LAWS ? f->n_metrics : 1 + LAWS / each;
}

/* How often runs are drawn anew for each law. */
static int law_draws(const family *f)
{
    int laws = law_metrics(f) * WHENS * (1 + f->x.n_settings / LAW_VALUES);
    int each = LAW_FITS / (laws > 0 ? laws : 1);

    if (each > RESAMPLES) return RESAMPLES;
    return each < LAW_LEAST ? LAW_LEAST : each;
}

static json_t *law_json(const eg_law *l)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:i, s:o}", "label",
                     egi_json_text(l->label), "factor", real(l->factor),
                     "slope", real(l->line.slope), "low", real(l->slope_low),
                     "high", real(l->slope_high), "n", l->n, "why",
                     egi_json_text(l->why));
}

/* The laws of one metric against one axis: {when: [law, ...]}. */
static eg_status laws_of(json_t **out, const family *f, int m, int axis,
                         eg_err *err)
{
    json_t *all = json_object();
    int bad = !all;
    eg_status st = EG_OK;

    for (int w = 0; w < WHENS && st == EG_OK; w++) {
        json_t *list = json_array();
        eg_law *law;
        int n;

        st = eg_laws_make(&law, &n, &f->x, &f->a, m * WHENS + w, axis,
                          &(eg_bootstrap){.resamples = law_draws(f)}, err);
        for (int i = 0; st == EG_OK && i < n; i++)
            bad |= json_array_append_new(list, law_json(&law[i]));
        if (st == EG_OK) eg_laws_free(law, n);
        bad |= json_object_set_new(all, when_name[w], list);
    }
    *out = all;
    return st == EG_OK && bad ? egi_report_no_memory(err) : st;
}

/* Is the key a size: of the model, the data or the training? */
static bool is_size(const eg_ensemble_axis *a)
{
    static const char *const word[] = {"d_*",   "n_*",   "dim",    "lags",
                                       "batch", "size*", "width*", "steps"};
    const char *dot = strrchr(a->key, '.'), *name = dot ? dot + 1 : a->key;
    bool all = false;

    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        all = all || egi_match(word[i], name);
    all = all && a->numeric && a->n >= LAW_VALUES;

    for (int i = 0; i < a->n && all; i++)
        all = a->number[i] > 0 && isfinite(a->number[i]);
    return all;
}

/* "laws" of a name: {key: {metric: {when: [...]}}}. */
static eg_status put_laws(json_t *sweep, const family *f, eg_err *err)
{
    json_t *laws = json_object();
    eg_status st = laws ? EG_OK : egi_report_no_memory(err);

    for (int k = 0; k < f->x.n_axes && st == EG_OK; k++) {
        json_t *own = json_object();

        for (int m = 0; m < law_metrics(f) && is_size(&f->x.axis[k]); m++) {
            json_t *one = NULL;

            st = laws_of(&one, f, m, k, err);
            if (json_object_set_new(own, f->metric[m], one) && st == EG_OK)
                st = egi_report_no_memory(err);
            if (st != EG_OK) break;
        }
        if (json_object_size(own) &&
            json_object_set(laws, f->x.axis[k].key, own) && st == EG_OK)
            st = egi_report_no_memory(err);
        json_decref(own);
    }
    if (st == EG_OK &&
        (json_object_set(sweep, "laws", laws) ||
         json_object_set_new(sweep, "draws", json_integer(law_draws(f)))))
        st = egi_report_no_memory(err);
    json_decref(laws);
    return st;
}

/* The runs of a name; what cannot be put together is told, and left out. */
static eg_status one_family(json_t *families, family *f, const char *name,
                            json_t *problems, eg_err *err)
{
    json_t *sweep = json_object();
    eg_err why = {0};
    eg_status st = eg_ensemble_of_runs(&f->x, (const char(*)[EG_PATH])f->dirs,
                                       f->n, NULL, &why);

    if (st == EG_OK) st = ask_all(f, &why);
    if (st == EG_OK && f->n_metrics > 0) {
        int bad = 0;

        for (int s = 0; s < f->x.n_settings && !bad; s++)
            bad |= put_estimates(f, s);
        st = bad ? egi_report_no_memory(&why) : put_laws(sweep, f, &why);
    }
    if (st != EG_OK && st != EG_ENOMEM) {
        char text[EG_PATH];

        (void)snprintf(text, sizeof text, "%s", why.msg);
        st =
            egi_note(problems, err, "%.200s: no intervals: %.600s", name, text);
    } else if (st != EG_OK) {
        st = egi_report_no_memory(err);
    }
    if (st == EG_OK &&
        (json_object_set_new(sweep, "name", egi_json_text(name)) ||
         json_array_append(families, sweep)))
        st = egi_report_no_memory(err);
    json_decref(sweep);
    return st;
}

/* Has a run of that name, before this one, been seen? */
static bool seen(const egi_collection *c, int i)
{
    for (int k = 0; k < i; k++)
        if (strcmp(c->run[k].name, c->run[i].name) == 0) return true;
    return false;
}

eg_status egi_families_json(json_t **out, json_t *groups,
                            const egi_collection *c, eg_err *err)
{
    eg_status st = EG_OK;

    *out = json_array();
    if (!*out) return egi_report_no_memory(err);
    for (int i = 0; i < c->n && st == EG_OK; i++) {
        family f = {.c = c, .groups = groups, .from = i};

        if (!c->run[i].differs || c->run[i].theory || seen(c, i)) continue;
        f.dirs = eg_calloc((size_t)c->n, sizeof *f.dirs);
        if (!f.dirs) st = egi_report_no_memory(err);
        for (int k = i; k < c->n && f.dirs; k++)
            if (strcmp(c->run[k].name, c->run[i].name) == 0 &&
                strlen(c->run[k].dir) < EG_PATH)
                (void)snprintf(f.dirs[f.n++], EG_PATH, "%s", c->run[k].dir);
        if (st == EG_OK)
            st = one_family(*out, &f, c->run[i].name, c->problems, err);
        family_release(&f);
    }
    return st;
}
