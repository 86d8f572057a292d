/* What a run is and what it keeps beside its rows: read anew when it changed,
 * as often as that is cheap. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include "engram/lab.h"
#include "engram/mem.h"
#include "engram/pool.h"
#include "report/flow_view.h"
#include "watch/model.h"

enum { MAP_BYTES = 3 << 20, FLOW_VALUES = 300000 };
/* Arrays are read again after this many times what reading them took. */
static const double SHARE = 15, LEAST = 1;

/* When the file or folder of that name was last changed, and how large it is;
 * 0: it is not there. */
static int64_t stamp_of(const char *dir, const char *name)
{
    char path[EG_PATH + 64];
    struct stat info;
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);

    if (n < 0 || (size_t)n >= sizeof path || lstat(path, &info) != 0) return 0;
    return (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec +
           (int64_t)info.st_size * 31;
}

/* Is it time to make the part of files with that stamp? */
static bool is_due(const egi_part *p, int64_t stamp)
{
    return p->version == 0 || (stamp != p->stamp && eg_clock() >= p->next);
}

static eg_status set_json(egi_part *p, egi_model *m, json_t *j, eg_err *err)
{
    char *text = j ? egi_json_print(j, JSON_COMPACT | JSON_ENSURE_ASCII |
                                           JSON_REAL_PRECISION(7))
                   : NULL;

    json_decref(j);
    if (!text) return egi_report_no_memory(err);
    egi_part_set(p, m, text);
    return EG_OK;
}

static void made(egi_part *p, int64_t stamp, double begun)
{
    double now = eg_clock();

    p->stamp = stamp;
    p->next = now + fmax(LEAST, SHARE * (now - begun));
}

/* ---- what it is ------------------------------------------------------------
 */

static json_t *head_json(const egi_run *r)
{
    json_t *j = json_pack(
        "{s:o, s:o, s:b, s:b, s:s, s:s, s:o, s:o, s:o, s:O}", "name",
        egi_json_text(r->name), "dir", egi_json_text(r->dir), "theory",
        (int)r->theory, "flow", (int)r->flow, "axis", r->axis, "help", r->help,
        "seed", r->seed < 0 ? json_null() : json_integer(r->seed), "config",
        r->config ? egi_json_text(r->config) : json_null(), "record",
        r->record ? json_incref(r->record) : json_null(), "problems",
        r->problems);
    int bad = json_object_set_new(j, "panels", egi_panels_json());

    return egi_json_whole(j, bad);
}

/* A run that cannot be read is still one with a name. */
static eg_status unread_json(json_t **out, const egi_shown *s,
                             const eg_err *why, eg_err *err)
{
    json_t *panels = egi_panels_json(), *text = egi_json_text(why->msg);
    json_t *id = egi_json_text(s->id), *dir = egi_json_text(s->dir);

    *out = json_pack("{s:o, s:o, s:b, s:b, s:s, s:s, s:n, s:n, s:n, s:[o], "
                     "s:o}",
                     "name", id, "dir", dir, "theory", 0, "flow", 0, "axis",
                     "step", "help", "", "seed", "config", "record", "problems",
                     text, "panels", panels);
    return *out ? EG_OK : egi_report_no_memory(err);
}

eg_status egi_head_look(egi_shown *s, egi_model *m, bool *changed, eg_err *err)
{
    int64_t stamp = stamp_of(s->dir, "run.json");
    double begun = eg_clock();
    egi_run r;
    eg_err why = {0};
    json_t *j = NULL;
    bool flow = false;
    eg_status st;

    if (!is_due(&s->head, stamp)) return EG_OK;
    st = egi_run_head(&r, s->dir, &why);
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why.msg);
    if (st == EG_OK) {
        flow = r.flow;
        j = head_json(&r);
        egi_run_release(&r);
    } else {
        st = unread_json(&j, s, &why, err);
        if (st != EG_OK) return st;
    }
    (void)pthread_mutex_lock(&m->lock);
    if (!s->kind_known) s->flow = flow; /* rows before were drawn so */
    s->kind_known = true;
    (void)pthread_mutex_unlock(&m->lock);
    made(&s->head, stamp, begun);
    *changed = true;
    return set_json(&s->head, m, j, err);
}

/* ---- maps and tokens -------------------------------------------------------
 */

/* {"maps": [...], "labels": {...}, "problems": [...]}. */
static eg_status make_maps(egi_shown *s, egi_model *m, const egi_run *r,
                           eg_err *err)
{
    egi_heats heats = {0};
    json_t *problems = json_array(), *j = NULL;
    double keep = 1;
    eg_status st = EG_OK;

    if (!problems) return egi_report_no_memory(err);
    EG_TRY(egi_heats_find(&heats, s->dir, problems, err));
    if (heats.bytes + heats.full_bytes > MAP_BYTES)
        keep = fmin((double)MAP_BYTES / (double)heats.bytes, 0.999);
    j = json_pack("{s:o, s:o, s:O}", "maps",
                  egi_heats_json(&heats, keep, problems), "labels",
                  egi_labels_json(r), "problems", problems);
    st = set_json(&s->maps, m, j, err);
done:
    egi_heats_release(&heats);
    json_decref(problems);
    return st;
}

/* {"tokens": as in a report or null, "problems": [...]}. */
static eg_status make_tokens(egi_shown *s, egi_model *m, const egi_run *r,
                             eg_err *err)
{
    egi_flow f = {0};
    json_t *problems = json_array();
    eg_status st;

    if (!problems) return egi_report_no_memory(err);
    EG_TRY(egi_flow_read(&f, r, FLOW_VALUES, problems, err));
    st = set_json(&s->tokens, m,
                  json_pack("{s:o, s:O}", "tokens",
                            f.n_frames > 0 ? egi_flow_json(&f) : json_null(),
                            "problems", problems),
                  err);
done:
    egi_flow_release(&f);
    json_decref(problems);
    return st;
}

typedef eg_status (*make_fn)(egi_shown *s, egi_model *m, const egi_run *r,
                             eg_err *err);

static eg_status look_at(egi_shown *s, egi_model *m, egi_part *p, int64_t stamp,
                         make_fn make, bool *changed, eg_err *err)
{
    double begun = eg_clock();
    egi_run r;
    eg_err why = {0};
    eg_status st;

    if (!p->wanted || !is_due(p, stamp)) return EG_OK;
    st = egi_run_head(&r, s->dir, &why);
    if (st == EG_OK) {
        st = make(s, m, &r, &why);
        egi_run_release(&r);
        *changed = true;
    }
    made(p, stamp, begun);
    return st == EG_ENOMEM ? EG_FAIL(err, st, "%s", why.msg) : EG_OK;
}

eg_status egi_arrays_look(egi_shown *s, egi_model *m, bool *changed,
                          eg_err *err)
{
    int64_t arrays = stamp_of(s->dir, "arrays");
    int64_t x = stamp_of(s->dir, "arrays/x.npy") +
                stamp_of(s->dir, "arrays/x.npy.part");
    eg_status st = EG_OK;

    if (arrays != 0)
        st = look_at(s, m, &s->maps, arrays, make_maps, changed, err);
    if (st == EG_OK && s->flow && x != 0)
        st = look_at(s, m, &s->tokens, x, make_tokens, changed, err);
    return st;
}
