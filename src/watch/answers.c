/* Answers of the model: see model.h. */
#include <math.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/pool.h"
#include "watch/model.h"

egi_found egi_model_list(egi_model *m, egi_lists which, egi_buf *out)
{
    const egi_part *p = which == EGI_LIVE     ? &m->live
                        : which == EGI_SWEEPS ? &m->sweeps
                                              : &m->list;
    egi_found found = EGI_LATER;

    (void)pthread_mutex_lock(&m->lock);
    if (p->text) {
        egi_buf_put(out, p->text, p->size);
        found = EGI_HERE;
    }
    (void)pthread_mutex_unlock(&m->lock);
    return found;
}

static const double AT_REST = 8; /* seconds that nobody asked: more than a page
                                    that is open lets pass */

static void wake_reader(egi_model *m)
{
    m->awake = true;
    (void)pthread_cond_signal(&m->wake);
}

/* No place is free: what was used at that time, before all others, is closed
 * by the reading thread, if nobody looks at it. */
static void give_way(egi_model *m, double *used)
{
    if (eg_clock() - *used < AT_REST) return;
    *used = (double)-INFINITY;
    wake_reader(m);
}

/* The run of that id, which is opened where it is not; NULL: see *found. Under
 * the lock. An id is looked for in the list and leads nowhere else. */
static egi_shown *find(egi_model *m, const char *id, egi_found *found)
{
    int free_place = -1, place = -1, oldest = 0;

    for (int i = 0; i < EGI_SHOWN; i++) {
        if (!m->shown[i])
            free_place = i;
        else if (strcmp(m->shown[i]->id, id) == 0) {
            m->shown[i]->used = eg_clock();
            *found = EGI_HERE;
            return m->shown[i];
        } else if (m->shown[oldest] &&
                   m->shown[i]->used < m->shown[oldest]->used)
            oldest = i;
    }
    for (int i = 0; i < m->n_places && place < 0; i++)
        if (strcmp(m->place[i].id, id) == 0) place = i;
    *found = place >= 0            ? EGI_FULL
             : m->list.version > 0 ? EGI_UNKNOWN
                                   : EGI_LATER;
    if (place >= 0 && free_place < 0) give_way(m, &m->shown[oldest]->used);
    if (place < 0 || free_place < 0) return NULL;
    if (egi_shown_new(&m->shown[free_place], m->place[place].id,
                      m->place[place].dir, NULL) != EG_OK)
        return NULL;
    wake_reader(m);
    *found = EGI_HERE;
    return m->shown[free_place];
}

egi_found egi_model_part(egi_model *m, const char *id, egi_what what,
                         egi_buf *out)
{
    egi_found found;
    egi_shown *s;
    egi_part *p;

    (void)pthread_mutex_lock(&m->lock);
    s = find(m, id, &found);
    if (s) {
        p = what == EGI_HEAD   ? &s->head
            : what == EGI_MAPS ? &s->maps
                               : &s->tokens;
        p->wanted = true;
        if (p->text && what == EGI_HEAD && s->row)
            egi_buf_add(out, "{\"run\":%s,\"head\":", s->row);
        if (p->text && (what != EGI_HEAD || s->row)) {
            egi_buf_put(out, p->text, p->size);
            if (what == EGI_HEAD) egi_buf_put(out, "}", 1);
        } else {
            found = EGI_LATER;
        }
    }
    (void)pthread_mutex_unlock(&m->lock);
    return found;
}

/* ---- curves ----------------------------------------------------------------
 */

static const char *name_of(const void *ctx, int id)
{
    return eg_follow_name(ctx, id);
}

static int n_names(const egi_shown *s)
{
    int n = 0;

    for (int f = 0; f < 2; f++)
        for (int i = 0; eg_follow_name(s->follow[f], i); i++) n++;
    return n;
}

/* {"runs": [{"series": {name: null}}]}: what the table of quantities reads. */
static json_t *names_json(const egi_shown *s)
{
    json_t *series = json_object();
    const char *name;
    int bad = 0;

    for (int f = 0; f < 2; f++)
        for (int i = 0; (name = eg_follow_name(s->follow[f], i)); i++)
            bad |= json_object_set_new(series, name, json_null());
    series = egi_json_whole(series, bad);
    return json_pack("[{s:[{s:o}]}]", "runs", "series", series);
}

static void put_quantities(egi_buf *out, const egi_shown *s)
{
    json_t *names = names_json(s);
    json_t *table = names ? egi_quantities_json(names) : NULL;
    char *text = table ? egi_json_print(table, JSON_COMPACT) : NULL;

    egi_buf_add(out, ",\"quantities\":");
    if (text)
        egi_buf_put(out, text, strlen(text));
    else
        out->failed = true;
    eg_free(text);
    json_decref(table);
    json_decref(names);
}

egi_found egi_model_curves(egi_model *m, const char *id,
                           const egi_ask_curves ask[2], int64_t names,
                           egi_buf *out)
{
    egi_found found;
    egi_shown *s;

    (void)pthread_mutex_lock(&m->lock);
    s = find(m, id, &found);
    if (s && !s->kind_known) found = EGI_LATER;
    if (s && s->kind_known) {
        int n = n_names(s);
        int64_t bad = eg_follow_bad(s->follow[0]) + eg_follow_bad(s->follow[1]);

        egi_buf_add(out, "{\"reading\":%s,\"bad_lines\":%lld,\"problem\":",
                    s->reading ? "true" : "false", (long long)bad);
        egi_put_text(out, s->problem);
        egi_buf_add(out, ",\"names\":%d,\"files\":[", n);
        for (int i = 0; i < 2; i++) {
            if (i) egi_buf_put(out, ",", 1);
            egi_curves_json(out, &s->curves[i], name_of, s->follow[i], &ask[i]);
        }
        egi_buf_put(out, "]", 1);
        if (n != names) put_quantities(out, s);
        egi_buf_put(out, "}", 1);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return found;
}

/* ---- sweeps ----------------------------------------------------------------
 */

/* The sweep of that name, as find() does with runs. */
static egi_swept *find_sweep(egi_model *m, const char *name, egi_found *found)
{
    int free_place = -1, place = -1, oldest = 0;

    for (int i = 0; i < EGI_SWEPT; i++) {
        if (!m->swept[i])
            free_place = i;
        else if (strcmp(m->swept[i]->name, name) == 0) {
            m->swept[i]->used = eg_clock();
            *found = EGI_HERE;
            return m->swept[i];
        } else if (m->swept[oldest] &&
                   m->swept[i]->used < m->swept[oldest]->used)
            oldest = i;
    }
    for (int i = 0; i < m->n_sweeps && place < 0; i++)
        if (strcmp(m->sweep[i], name) == 0) place = i;
    *found = place >= 0              ? EGI_FULL
             : m->sweeps.version > 0 ? EGI_UNKNOWN
                                     : EGI_LATER;
    if (place >= 0 && free_place < 0) give_way(m, &m->swept[oldest]->used);
    if (place < 0 || free_place < 0 ||
        egi_swept_new(&m->swept[free_place], m->sweep[place], NULL) != EG_OK)
        return NULL;
    wake_reader(m);
    *found = EGI_HERE;
    return m->swept[free_place];
}

egi_found egi_model_sweep(egi_model *m, const char *name, const char *metric,
                          egi_buf *out)
{
    egi_found found;
    const egi_swept *s;

    (void)pthread_mutex_lock(&m->lock);
    s = find_sweep(m, name, &found);
    if (s && s->version == 0)
        found = EGI_LATER;
    else if (s)
        egi_swept_json(out, s, m->root, metric);
    (void)pthread_mutex_unlock(&m->lock);
    return found;
}

void egi_model_news(egi_model *m, const char *id, const char *sweep, char *buf,
                    size_t size)
{
    egi_found found = EGI_HERE;
    const egi_shown *s = NULL;
    const egi_swept *w = NULL;
    int n;

    (void)pthread_mutex_lock(&m->lock);
    n = snprintf(buf, size, "{\"list\":%lld,\"live\":%lld,\"sweeps\":%lld",
                 (long long)m->list.version, (long long)m->live.version,
                 (long long)m->sweeps.version);
    if (id) s = find(m, id, &found);
    if (sweep) w = find_sweep(m, sweep, &found);
    if (w)
        n += snprintf(buf + n, size - (size_t)n, ",\"sweep\":%lld",
                      (long long)w->version);
    if (s)
        n += snprintf(buf + n, size - (size_t)n,
                      ",\"head\":%lld,\"row\":%lld,\"rows\":%lld,\"maps\":%lld,"
                      "\"tokens\":%lld",
                      (long long)s->head.version, (long long)s->row_version,
                      (long long)s->rows, (long long)s->maps.version,
                      (long long)s->tokens.version);
    (void)snprintf(buf + n, size - (size_t)n, "%s}",
                   found == EGI_FULL ? ",\"full\":true" : "");
    (void)pthread_mutex_unlock(&m->lock);
}
