/* See export_walk.h. */
#include "lab/export_walk.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

#define MOST ((size_t)1 << 32)

eg_status egi_walk_begin(egi_walk *w, const eg_metrics *m, eg_err *err)
{
    *w = (egi_walk){.m = m, .step = (double)NAN};
    w->at = eg_calloc((size_t)m->n + 1, sizeof *w->at);
    return w->at ? EG_OK : EG_FAIL(err, EG_ENOMEM, "%d series", m->n);
}

void egi_walk_end(egi_walk *w)
{
    eg_free(w->at);
    *w = (egi_walk){.m = NULL};
}

const double *egi_walk_value(const egi_walk *w, int i)
{
    const eg_series *s = &w->m->series[i];
    bool here = w->at[i] < s->n && s->step[w->at[i]] == w->step;

    return here ? &s->value[w->at[i]] : NULL;
}

bool egi_walk_next(egi_walk *w)
{
    const eg_metrics *m = w->m;
    bool found = false;
    double step = 0;

    for (int i = 0; i < m->n; i++)
        if (egi_walk_value(w, i)) w->at[i]++;
    for (int i = 0; i < m->n; i++) {
        const eg_series *s = &m->series[i];

        if (w->at[i] == s->n || (found && s->step[w->at[i]] >= step)) continue;
        step = s->step[w->at[i]];
        found = true;
    }
    w->step = step;
    return found;
}

eg_index egi_walk_steps(egi_walk *w)
{
    eg_index n = 0;

    while (egi_walk_next(w)) n++;
    memset(w->at, 0, (size_t)w->m->n * sizeof *w->at);
    w->step = (double)NAN;
    return n;
}

eg_status egi_timing_read(eg_metrics *m, const eg_folder *run, eg_err *err)
{
    static const char name[] = "timing.jsonl";
    char path[EG_PATH + sizeof name];
    char *text = NULL;
    size_t size = 0;
    eg_status st;

    *m = (eg_metrics){0};
    if (!eg_folder_has(run, name)) return EG_OK;
    (void)snprintf(path, sizeof path, "%s/%s", run->path, name);
    st = eg_file_read_in(&text, &size, run, name, MOST, err);
    if (st == EG_OK) st = eg_metrics_parse(m, text, size, path, err);
    eg_free(text);
    return st;
}
