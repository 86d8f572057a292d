/* A sweep as pages read it: see swept.h. */
#include <string.h>
#include "watch/curves.h"
#include "watch/swept.h"

static void put_axes(egi_buf *out, const eg_grid *g)
{
    for (int a = 0; a < g->n_axes; a++) {
        const eg_axis *x = &g->axis[a];

        egi_buf_add(out, "%s{\"key\":", a ? "," : "");
        egi_put_text(out, x->key);
        egi_buf_add(out, ",\"scale\":\"%s\",\"values\":[",
                    eg_scale_name(x->scale));
        for (int i = 0; i < x->n; i++) {
            if (i) egi_buf_put(out, ",", 1);
            egi_put_text(out, x->value[i]);
        }
        egi_buf_put(out, "]}", 2);
    }
}

/* The metric that is asked for; else the loss, or the first one; -1: none. */
static int choose(const egi_swept *s, const char *metric)
{
    int loss = s->n_metrics > 0 ? 0 : -1;

    for (int i = 0; i < s->n_metrics; i++) {
        if (metric && strcmp(s->metric[i], metric) == 0) return i;
        if (strcmp(s->metric[i], "loss") == 0) loss = i;
    }
    return loss;
}

static void put_point(egi_buf *out, const egi_swept *s, const char *root, int i,
                      int metric)
{
    const eg_point *p = &s->point[i];
    const eg_grid *g = eg_sweep_grid(s->sweep);
    bool has = metric >= 0 && s->value[i] && metric < s->n_values[i];

    egi_buf_add(out, "[%d,%lld,", (int)p->state, (long long)p->seed);
    egi_put_text(out, p->dir[0] ? egi_below(root, p->dir) : "");
    egi_buf_put(out, ",", 1);
    if (has)
        egi_put_real(out, s->value[i][metric], 7);
    else
        egi_buf_put(out, "null", 4);
    for (int a = 0; a < g->n_axes; a++)
        egi_buf_add(out, ",%d", eg_grid_index(g, i, a));
    egi_buf_put(out, "]", 1);
}

void egi_swept_json(egi_buf *out, const egi_swept *s, const char *root,
                    const char *metric)
{
    int m = choose(s, metric);

    egi_buf_add(out, "{\"name\":");
    egi_put_text(out, s->name);
    egi_buf_add(out, ",\"problem\":");
    egi_put_text(out, s->problem);
    egi_buf_add(out, ",\"axes\":[");
    if (s->sweep) put_axes(out, eg_sweep_grid(s->sweep));
    egi_buf_add(out, "],\"states\":[");
    for (int i = 0; i <= EG_POINT_FAILED; i++)
        egi_buf_add(out, "%s\"%s\"", i ? "," : "",
                    eg_point_state_name((eg_point_state)i));
    egi_buf_add(out, "],\"metrics\":[");
    for (int i = 0; i < s->n_metrics; i++) {
        if (i) egi_buf_put(out, ",", 1);
        egi_put_text(out, s->metric[i]);
    }
    egi_buf_add(out, "],\"metric\":");
    egi_put_text(out, m >= 0 ? s->metric[m] : "");
    egi_buf_add(out, ",\"points\":[");
    for (int i = 0; i < s->n && s->point; i++) {
        if (i) egi_buf_put(out, ",", 1);
        put_point(out, s, root, i, m);
    }
    egi_buf_put(out, "]}", 2);
}
