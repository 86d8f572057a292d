/* A run that a page shows: its rows, as they come. */
#include <math.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/pool.h"
#include "watch/model.h"

enum { BUCKETS = 1 << 15, AT_ONCE = 4 << 20 };

eg_status egi_shown_new(egi_shown **out, const char *id, const char *dir,
                        eg_err *err)
{
    egi_shown *s = eg_calloc(1, sizeof *s);
    eg_status st = EG_OK;

    *out = NULL;
    if (!s) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", id);
    (void)snprintf(s->id, sizeof s->id, "%s", id);
    (void)snprintf(s->dir, sizeof s->dir, "%s", dir);
    s->reading = true;
    s->used = eg_clock();
    for (int i = 0; i < 2; i++) {
        EG_TRY(eg_follow_open(&s->follow[i], dir,
                              i ? EG_FOLLOW_TIMING : EG_FOLLOW_METRICS, err));
        EG_TRY(egi_curves_init(&s->curves[i], BUCKETS, err));
    }
    *out = s;
done:
    if (st != EG_OK) egi_shown_free(s);
    return st;
}

void egi_shown_free(egi_shown *s)
{
    if (!s) return;
    for (int i = 0; i < 2; i++) {
        eg_follow_close(s->follow[i]);
        egi_curves_release(&s->curves[i]);
    }
    eg_free(s->head.text);
    eg_free(s->maps.text);
    eg_free(s->tokens.text);
    eg_free(s->row);
    eg_free(s);
}

/* Rows of one of the two files. */
typedef struct rows {
    egi_shown *s;
    int file;
} rows;

/* Of a flow, rows are drawn against its time. */
static eg_status take_row(void *ctx, const eg_follow_row *row, eg_err *err)
{
    const rows *r = ctx;
    egi_curves *c = &r->s->curves[r->file];
    double x = row->step;

    if (r->s->flow && r->file == 0) {
        if (c->clock < 0) c->clock = eg_follow_id(r->s->follow[0], "t");
        for (int i = 0; i < row->n; i++)
            if (row->id[i] == c->clock && isfinite(row->value[i]))
                x = row->value[i];
    }
    return egi_curves_add(c, x, row, err);
}

static eg_status read_rows(egi_shown *s, egi_model *m, int file, bool *changed,
                           eg_err *err)
{
    rows r = {.s = s, .file = file};
    eg_follow_seen seen;
    eg_status st;

    do {
        (void)pthread_mutex_lock(&m->lock);
        st = eg_follow_look(s->follow[file], AT_ONCE, take_row, &r, &seen, err);
        if (st == EG_OK && seen.anew) egi_curves_clear(&s->curves[file]);
        if (st == EG_OK && (seen.anew || seen.n_rows > 0)) {
            s->rows++;
            *changed = true;
        }
        (void)pthread_mutex_unlock(&m->lock);
    } while (st == EG_OK && (seen.more || seen.anew));
    return st;
}

/* The run's row of the list, when something has changed there. */
static eg_status take_list_row(egi_shown *s, egi_model *m, bool *changed,
                               eg_err *err)
{
    const eg_board_run *r = eg_board_find(m->board, s->id);
    egi_buf b = {0};
    char *text, *old;
    eg_status st;

    if (!r || (s->row && !*changed)) return EG_OK;
    egi_put_run(&b, r);
    st = egi_buf_take(&b, &text, err);
    if (st != EG_OK) return st;
    if (s->row && strcmp(s->row, text) == 0) {
        eg_free(text);
        return EG_OK;
    }
    (void)pthread_mutex_lock(&m->lock);
    old = s->row;
    s->row = text;
    s->row_version++;
    (void)pthread_mutex_unlock(&m->lock);
    eg_free(old);
    *changed = true;
    return EG_OK;
}

static bool same_problem(const egi_shown *s, const eg_err *why, eg_status st)
{
    return strcmp(s->problem, st == EG_OK ? "" : why->msg) == 0;
}

eg_status egi_shown_look(egi_shown *s, egi_model *m, bool *changed, eg_err *err)
{
    eg_err why = {0};
    eg_status st = EG_OK;

    EG_TRY(take_list_row(s, m, changed, err));
    EG_TRY(egi_head_look(s, m, changed, err));
    for (int i = 0; i < 2 && st == EG_OK; i++)
        st = read_rows(s, m, i, changed, &why);
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why.msg);
    if (s->reading || !same_problem(s, &why, st)) {
        (void)pthread_mutex_lock(&m->lock);
        s->reading = false;
        s->rows++;
        (void)snprintf(s->problem, sizeof s->problem, "%s",
                       st == EG_OK ? "" : why.msg);
        (void)pthread_mutex_unlock(&m->lock);
        *changed = true;
    }
    st = egi_arrays_look(s, m, changed, err);
done:
    return st;
}
