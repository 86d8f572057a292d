/* One page: the data of all runs as JSON between the fixed parts, which are
 * real files in src/report/page. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "engram/lab.h"
#include "report/flow_view.h"

enum {
    FLOW_VALUES = 1200000,  /* coordinates of one flow in the page */
    CURVE_VALUES = 1500000, /* of all curves together */
    LEAST_POINTS = 60       /* of the longest curve, whatever there is */
};

bool eg_report_has_plotly(void)
{
    return egi_plotly_js[0] != '\0'; /* an empty file leaves the 0 */
}

/* Heat maps of the first run of each group, within the budget. */
static eg_status add_heats(json_t *groups, const egi_collection *c,
                           int64_t budget, eg_err *err)
{
    eg_status st = EG_OK;
    int n = (int)json_array_size(groups), bad = 0;
    egi_heats *all = eg_calloc((size_t)n + 1, sizeof *all);
    int *from = eg_calloc((size_t)n + 1, sizeof *from); /* whose maps */
    int64_t bytes = 0, full_bytes = 0;
    double keep = 1;

    if (!all || !from) {
        st = EG_FAIL(err, EG_ENOMEM, "report: out of memory");
        goto done;
    }
    for (int g = 0; g < n; g++) {
        const char *name = json_string_value(
            json_object_get(json_array_get(groups, (size_t)g), "name"));
        for (int i = 0; i < c->n && all[g].n == 0; i++) {
            if (strcmp(c->run[i].group, name) != 0) continue;
            egi_heats_release(&all[g]);
            from[g] = i;
            EG_TRY(egi_heats_find(&all[g], c->run[i].dir, c->run[i].problems,
                                  err));
        }
        bytes += all[g].bytes;
        full_bytes += all[g].full_bytes;
    }
    if (bytes + full_bytes > budget)
        keep = fmin((double)budget / (double)bytes, 0.999);
    for (int g = 0; g < n; g++) {
        json_t *group = json_array_get(groups, (size_t)g);
        if (all[g].n == 0) continue;
        bad |= json_object_set_new(
            group, "maps",
            egi_heats_json(&all[g], keep, c->run[from[g]].problems));
        bad |= json_object_set_new(group, "labels",
                                   egi_labels_json(&c->run[from[g]]));
        bad |= json_object_set_new(group, "maps_seed",
                                   json_integer(c->run[from[g]].seed));
    }
    if (bad) st = egi_report_no_memory(err);
done:
    for (int g = 0; all && g < n; g++) egi_heats_release(&all[g]);
    eg_free(all);
    eg_free(from);
    return st;
}

/* The tokens of the first run of each group of flows that kept any. */
static eg_status add_flows(json_t *groups, const egi_collection *c,
                           int64_t budget, eg_err *err)
{
    int64_t flows = 0, each;
    int bad = 0;
    json_t *group;
    size_t g;

    json_array_foreach(groups, g, group) flows +=
        json_is_true(json_object_get(group, "flow"));
    if (flows == 0) return EG_OK;
    each = budget / 2 / flows; /* two bytes a value */
    if (each > FLOW_VALUES) each = FLOW_VALUES;
    json_array_foreach(groups, g, group)
    {
        const char *name = json_string_value(json_object_get(group, "name"));
        bool found = !json_is_true(json_object_get(group, "flow"));

        for (int i = 0; i < c->n && !found; i++) {
            egi_flow f;
            const egi_run *r = &c->run[i];
            eg_status st;

            if (strcmp(r->group, name) != 0) continue;
            st = egi_flow_read(&f, r, each, r->problems, err);
            if (st != EG_OK) return st;
            found = f.n_frames > 0;
            if (found) {
                bad |= json_object_set_new(group, "tokens", egi_flow_json(&f));
                bad |= json_object_set_new(group, "tokens_seed",
                                           json_integer(r->seed));
            }
            egi_flow_release(&f);
        }
    }
    return bad ? egi_report_no_memory(err) : EG_OK;
}

static json_t *times_json(const egi_run *r)
{
    json_t *list = json_array();
    int bad = 0;

    for (int i = 0; i < r->n_times; i++)
        bad |= json_array_append_new(list, json_real(r->times[i]));
    return egi_json_whole(list, bad);
}

/* How many points of a curve fit into the page, at most EGI_MAX_POINTS. */
static int points_each(const egi_collection *c)
{
    int64_t curves = 1, each;

    for (int i = 0; i < c->n; i++) curves += c->run[i].table.n;
    each = CURVE_VALUES / curves;
    if (each > EGI_MAX_POINTS) return EGI_MAX_POINTS;
    return each < LEAST_POINTS ? LEAST_POINTS : (int)each;
}

static json_t *groups_json(const egi_collection *c)
{
    json_t *groups = json_array(), *group = NULL;
    const char *last = NULL;
    int bad = 0, points = points_each(c);

    for (int i = 0; i < c->n; i++) {
        const egi_run *r = &c->run[i];
        if (!last || strcmp(last, r->group) != 0) {
            group = json_pack("{s:o, s:o, s:b, s:b, s:s, s:s, s:[]}", "name",
                              egi_json_text(r->group), "run_name",
                              egi_json_text(r->name), "theory", (int)r->theory,
                              "flow", (int)r->flow, "axis", r->axis, "help",
                              r->help, "runs");
            bad |= json_object_set_new(group, "times", times_json(r));
            if (r->theory)
                bad |= json_object_set_new(group, "phases", egi_phases_json(r));
            if (r->differs)
                bad |= json_object_set(group, "differs", r->differs);
            bad |= json_array_append_new(groups, group);
            if (bad) break; /* then group may be gone */
            last = r->group;
        }
        bad |= json_array_append_new(json_object_get(group, "runs"),
                                     egi_run_json(r, points));
    }
    return egi_json_whole(groups, bad);
}

/* What the page is called when nobody says: the paper of the claims ("birth" of
 * "birth/fig3/order"), or the one name of all runs. */
static json_t *title_json(const egi_collection *c, const eg_report_opts *opts)
{
    const json_t *first = json_array_get(c->claims, 0);
    const char *id = json_string_value(json_object_get(first, "id"));
    char text[160];

    if (opts->title) return egi_json_text(opts->title);
    if (id) {
        (void)snprintf(text, sizeof text, "%.*s, reproduced",
                       (int)strcspn(id, "/"), id);
        if (text[0] >= 'a' && text[0] <= 'z') text[0] -= 'a' - 'A';
        return egi_json_text(text);
    }
    for (int i = 1; i < c->n; i++)
        if (strcmp(c->run[i].name, c->run[0].name) != 0)
            return json_string("engram report");
    if (c->n > 0) return egi_json_text(c->run[0].name);
    return json_string("engram report");
}

static eg_status data_json(json_t **out, const egi_collection *c,
                           const eg_report_opts *opts, eg_err *err)
{
    eg_status st = EG_OK;
    int64_t budget = opts->map_bytes > 0 ? opts->map_bytes : 6 << 20;
    int bad = 0;
    json_t *root = json_object(), *groups = groups_json(c), *families = NULL;

    *out = NULL;
    if (!root || !groups) {
        st = egi_report_no_memory(err);
        goto done;
    }
    EG_TRY(add_heats(groups, c, budget, err));
    EG_TRY(add_flows(groups, c, budget, err));
    EG_TRY(egi_families_json(&families, groups, c, err));
    bad |= json_object_set(root, "families", families);
    bad |= json_object_set(root, "sweeps", c->sweeps);
    bad |= json_object_set_new(root, "title", title_json(c, opts));
    bad |= json_object_set_new(root, "command",
                               opts->command ? egi_json_text(opts->command)
                                             : json_null());
    bad |= egi_page_facts(root);
    bad |= json_object_set(root, "claims", c->claims);
    bad |= json_object_set(root, "problems", c->problems);
    bad |= json_object_set_new(root, "panels", egi_panels_json());
    bad |= json_object_set_new(root, "quantities", egi_quantities_json(groups));
    bad |= json_object_set(root, "groups", groups);
    if (bad)
        st = egi_report_no_memory(err);
    else
        *out = json_incref(root);
done:
    json_decref(families);
    json_decref(groups);
    json_decref(root);
    return st;
}

eg_status eg_report_write(const char *const *paths, int n_paths,
                          const eg_report_opts *opts, eg_err *err)
{
    eg_status st = EG_OK;
    egi_collection c = {0};
    json_t *data = NULL;

    if (n_paths < 1 || !opts || !opts->out)
        return EG_FAIL(err, EG_EINVAL,
                       "a report needs at least one run and a file to write");
    EG_TRY(eg_output_apart(opts->out, paths, n_paths, err));
    EG_TRY(eg_output_own(opts->out, egi_page_mark, err));
    EG_TRY(egi_collect(&c, paths, n_paths, err));
    EG_TRY(data_json(&data, &c, opts, err));
    EG_TRY(egi_page_write(opts->out, egi_page_text("page.html"), data, err));
    egi_collection_tell(&c, opts);
done:
    json_decref(data);
    egi_collection_release(&c);
    return st;
}
