/* A sweep that the user named: its runs, and where each of its points stands.
 */

#include <string.h>
#include "engram/sweep.h"
#include "report/collect.h"

/* [[key, value], ...] of a point. */
static json_t *place_of(const eg_grid *g, int i)
{
    json_t *list = json_array();
    int bad = 0;

    for (int k = 0; k < g->n_axes; k++) {
        const eg_axis *a = &g->axis[k];

        bad |= json_array_append_new(
            list, json_pack("[o, o]", egi_json_text(a->key),
                            egi_json_text(a->value[eg_grid_index(g, i, k)])));
    }
    return egi_json_whole(list, bad);
}

static json_t *point_json(const eg_grid *g, const eg_point *p)
{
    return json_pack("{s:o, s:I, s:s, s:o, s:o, s:i}", "at", place_of(g, p->i),
                     "seed", (json_int_t)p->seed, "state",
                     eg_point_state_name(p->state), "run",
                     egi_json_text(p->dir), "reason", egi_json_text(p->reason),
                     "tries", p->tries);
}

static json_t *axes_json(const eg_grid *g)
{
    json_t *axes = json_array();
    int bad = 0;

    for (int k = 0; k < g->n_axes; k++) {
        json_t *values = json_array();

        for (int v = 0; v < g->axis[k].n; v++)
            bad |= json_array_append_new(values,
                                         egi_json_text(g->axis[k].value[v]));
        bad |= json_array_append_new(
            axes, json_pack("{s:o, s:s, s:o}", "key",
                            egi_json_text(g->axis[k].key), "scale",
                            eg_scale_name(g->axis[k].scale), "values", values));
    }
    return egi_json_whole(axes, bad);
}

static eg_status keep(egi_collection *c, const eg_sweep *s,
                      const eg_point *point, eg_err *err)
{
    const eg_grid *g = eg_sweep_grid(s);
    json_t *points = json_array();
    int bad = 0;

    for (int i = 0; i < eg_sweep_points(s); i++)
        bad |= json_array_append_new(points, point_json(g, &point[i]));
    bad |= json_array_append_new(
        c->sweeps, json_pack("{s:o, s:o, s:o, s:o}", "name",
                             egi_json_text(eg_sweep_name(s)), "created",
                             egi_json_text(eg_sweep_created(s)), "axes",
                             axes_json(g), "points", points));
    return bad ? egi_report_no_memory(err) : EG_OK;
}

eg_status egi_collect_sweep(egi_collection *c, const char *dir, eg_err *err)
{
    eg_sweep *s = NULL;
    eg_point *point = NULL;
    eg_status st = eg_sweep_open(&s, NULL, dir, err);

    if (st == EG_OK) st = eg_sweep_read(&point, s, err);
    if (st == EG_OK) st = keep(c, s, point, err);
    for (int i = 0; st == EG_OK && i < eg_sweep_points(s); i++) {
        eg_err why = {0};

        if (!point[i].dir[0]) continue;
        st = egi_collect_run(c, point[i].dir, &why);
        st = egi_note_why(c->problems, st, &why, err);
    }
    eg_free(point);
    eg_sweep_free(s);
    return st;
}
