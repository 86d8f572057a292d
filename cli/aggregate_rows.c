/* The answers of engram aggregate, row by row. */
#include "aggregate.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { MAX_AXES = 5 }; /* more do not fit beside each other */

static json_t *value_json(const eg_ensemble_axis *a, int i)
{
    if (a->numeric && isfinite(a->number[i])) return json_real(a->number[i]);
    return cli_json_string(a->value[i]);
}

/* The setting: a column an axis, or where they are many, all in one. */
static void put_setting(aggregate *j, int setting)
{
    const eg_ensemble *x = &j->x;
    const eg_ensemble_setting *s = &x->setting[setting];
    json_t *o;

    if (j->out.kind == SHEET_JSON) {
        o = json_object();
        for (int i = 0; i < x->n_axes; i++)
            cli_json_set(o, x->axis[i].key, value_json(&x->axis[i], s->at[i]));
        sheet_json(&j->out, "setting", o);
    } else if (x->n_axes > MAX_AXES) {
        sheet_text(&j->out, "setting", s->label);
    } else {
        for (int i = 0; i < x->n_axes; i++)
            sheet_text(&j->out, x->axis[i].key, x->axis[i].value[s->at[i]]);
    }
}

/* Every run's own value, which a plot wants to show. */
static json_t *values_json(const eg_ensemble_setting *s, const eg_answer *a)
{
    json_t *list = json_array();

    for (int i = 0; i < s->n_runs; i++) {
        double v = a->value[i];
        json_t *o = json_pack("{s:I, s:o, s:b, s:o}", "seed",
                              (json_int_t)s->run[i].seed, "value",
                              isfinite(v) ? json_real(v) : json_null(), "never",
                              isinf(v), "run", cli_json_string(s->run[i].dir));

        cli_json_add(list, o);
    }
    return list;
}

static void put_estimate(aggregate *j, int question, int setting,
                         const eg_answer *a, bool any_never, bool missing)
{
    const eg_estimate *e = &a->estimate;
    sheet *s = &j->out;
    char head[40];

    snprintf(head, sizeof head, "%g %%", 100 * j->how.confidence);
    put_setting(j, setting);
    sheet_text(s, "metric", j->ask[question].metric);
    if (s->kind != SHEET_TABLE) sheet_text(s, "at", j->at_text);
    sheet_count(s, "n", e->n);
    if (any_never || s->kind != SHEET_TABLE)
        sheet_count(s, "never", e->n_never);
    if (missing || s->kind != SHEET_TABLE)
        sheet_count(s, "missing", e->n_missing);
    sheet_number(s, "mean", e->mean);
    sheet_interval(s, "mean", head, e->mean_low, e->mean_high);
    sheet_number(s, "median", e->median);
    sheet_interval(s, "median", head, e->median_low, e->median_high);
    sheet_number(s, "sd", e->sd);
    sheet_detail(s, "min", e->min);
    sheet_detail(s, "max", e->max);
    if (s->kind == SHEET_JSON)
        sheet_json(s, "values", values_json(&j->x.setting[setting], a));
    sheet_row(s);
}

void aggregate_estimates(aggregate *j, const eg_aggregate *all)
{
    bool never = false;
    int missing = 0;

    for (int s = 0; s < all->n_settings; s++)
        for (int i = 0; i < j->n; i++) {
            const eg_estimate *e = &eg_aggregate_at(all, i, s)->estimate;

            never |= e->n_never > 0;
            missing += e->n_missing;
        }
    for (int s = 0; s < all->n_settings; s++)
        for (int i = 0; i < j->n; i++)
            put_estimate(j, i, s, eg_aggregate_at(all, i, s), never,
                         missing > 0);
    if (missing)
        cli_say("%d value%s missing: not measured there, or not finite",
                missing, missing == 1 ? " is" : "s are");
}

/* ---- curves ---------------------------------------------------------------
 */

static void put_band(aggregate *j, int question, int setting, const eg_band *b)
{
    char head[40];

    snprintf(head, sizeof head, "%g %%", 100 * j->how.confidence);
    for (int i = 0; i < b->n; i++) {
        put_setting(j, setting);
        sheet_text(&j->out, "metric", j->ask[question].metric);
        sheet_number(&j->out, "step", b->step[i]);
        sheet_count(&j->out, "n", b->runs[i]);
        sheet_number(&j->out, "mean", b->mean[i]);
        sheet_interval(&j->out, "mean", head, b->low[i], b->high[i]);
        sheet_number(&j->out, "median", b->median[i]);
        sheet_row(&j->out);
    }
}

int aggregate_bands(aggregate *j)
{
    int64_t points = 50;
    eg_err err = {0};
    eg_status st = EG_OK;

    if (!cli_int(j->args, "points", 2, 1000000, &points)) return CLI_MISUSE;
    for (int s = 0; s < j->x.n_settings; s++)
        for (int i = 0; i < j->n && st == EG_OK; i++) {
            eg_band b;

            st = eg_band_make(&b, &j->x, s, j->ask[i].metric, (int)points,
                              &j->how, &err);
            if (st == EG_OK) put_band(j, i, s, &b);
            eg_band_release(&b);
        }
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

/* ---- power laws -----------------------------------------------------------
 */

static int find_axis(const aggregate *j, const char *key)
{
    eg_nearest near = {.asked = key};

    for (int i = 0; i < j->x.n_axes; i++) {
        if (strcmp(j->x.axis[i].key, key) == 0) return i;
        eg_nearest_try(&near, j->x.axis[i].key);
    }
    cli_fail(CLI_MISUSE, "--fit: the runs do not differ in '%s'%s%s%s", key,
             near.best ? "; did you mean '" : "", near.best ? near.best : "",
             near.best ? "'?" : "");
    return -1;
}

static void put_law(aggregate *j, int question, const eg_law *law, bool any_why)
{
    sheet *s = &j->out;
    char head[40];

    snprintf(head, sizeof head, "%g %%", 100 * j->how.confidence);
    sheet_text(s, "setting", law->label[0] ? law->label : "all");
    sheet_text(s, "metric", j->ask[question].metric);
    sheet_count(s, "n", law->n);
    sheet_count(s, "missing", law->n_missing);
    sheet_number(s, "slope", law->line.slope);
    sheet_interval(s, "slope", head, law->slope_low, law->slope_high);
    sheet_detail(s, "slope_se", law->line.se);
    sheet_number(s, "factor", law->factor);
    sheet_interval(s, "factor", head, law->factor_low, law->factor_high);
    sheet_number(s, "residual", law->line.residual);
    if (any_why || s->kind != SHEET_TABLE) sheet_text(s, "why not", law->why);
    sheet_row(s);
}

static int ask_laws(aggregate *j, const eg_aggregate *all, int axis)
{
    eg_law *law[MAX_METRICS] = {NULL};
    int n[MAX_METRICS] = {0};
    bool why = false;
    eg_err err = {0};
    eg_status st = EG_OK;

    for (int i = 0; i < j->n && st == EG_OK; i++)
        st = eg_laws_make(&law[i], &n[i], &j->x, all, i, axis, &j->how, &err);
    for (int i = 0; i < j->n; i++)
        for (int k = 0; k < n[i]; k++) why |= law[i][k].why[0] != '\0';
    for (int i = 0; i < j->n; i++) {
        for (int k = 0; k < n[i] && st == EG_OK; k++)
            put_law(j, i, &law[i][k], why);
        eg_laws_free(law[i], n[i]);
    }
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

int aggregate_laws(aggregate *j, const eg_aggregate *all, const char *key)
{
    int axis = find_axis(j, key);
    int code = axis < 0 ? CLI_MISUSE : ask_laws(j, all, axis);

    if (code == CLI_DONE)
        cli_say("metric = factor * %s^slope, least squares in logarithms; the "
                "interval is of runs drawn within each setting",
                key);
    return code;
}

json_t *aggregate_about(const aggregate *j)
{
    json_t *axes = json_array();

    if (j->out.kind != SHEET_JSON) {
        json_decref(axes);
        return NULL;
    }
    for (int i = 0; i < j->x.n_axes; i++) {
        json_t *values = json_array();

        for (int k = 0; k < j->x.axis[i].n; k++)
            cli_json_add(values, value_json(&j->x.axis[i], k));
        cli_json_add(axes, json_pack("{s:s, s:o}", "key", j->x.axis[i].key,
                                     "values", values));
    }
    return json_pack("{s:i, s:s, s:f, s:i, s:I, s:o}", "runs", j->x.n_runs,
                     "interval", "percentile bootstrap over runs", "confidence",
                     j->how.confidence, "resamples", j->how.resamples, "draws",
                     (json_int_t)j->how.seed, "axes", axes);
}
