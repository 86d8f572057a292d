/* See model.h. */
#include "watch/model.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include "base/sum.h"
#include "engram/mem.h"
#include "engram/pool.h"

static const double FORGET = 120, /* seconds that nobody asked for a run */
    SWEEPS_EVERY = 3;

eg_status egi_model_open(egi_model *m, const eg_watch_opts *opts, eg_err *err)
{
    pthread_condattr_t how;

    *m = (egi_model){.awake = true};
    if (strlen(opts->root) >= sizeof m->root ||
        (opts->open && strlen(opts->open) >= sizeof m->open))
        return EG_FAIL(err, EG_EINVAL, "%s: the path is too long", opts->root);
    (void)snprintf(m->root, sizeof m->root, "%s", opts->root);
    (void)snprintf(m->open, sizeof m->open, "%s", opts->open ? opts->open : "");
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_condattr_init(&how);
    (void)pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&m->wake, &how);
    (void)pthread_condattr_destroy(&how);
    return eg_board_new(&m->board, m->root, err);
}

static void free_places(egi_model *m)
{
    for (int i = 0; i < m->n_places; i++) {
        eg_free(m->place[i].id);
        eg_free(m->place[i].dir);
    }
    eg_free(m->place);
    m->place = NULL;
    m->n_places = 0;
}

void egi_model_close(egi_model *m)
{
    for (int i = 0; i < EGI_SHOWN; i++) egi_shown_free(m->shown[i]);
    for (int i = 0; i < EGI_SWEPT; i++) egi_swept_free(m->swept[i]);
    eg_free(m->sweep);
    eg_free(m->sweeps.text);
    free_places(m);
    eg_free(m->list.text);
    eg_free(m->live.text);
    eg_board_free(m->board);
    (void)pthread_cond_destroy(&m->wake);
    (void)pthread_mutex_destroy(&m->lock);
}

void egi_model_wake(egi_model *m)
{
    (void)pthread_mutex_lock(&m->lock);
    m->awake = true;
    (void)pthread_cond_signal(&m->wake);
    (void)pthread_mutex_unlock(&m->lock);
}

void egi_model_wait(egi_model *m, double seconds)
{
    struct timespec end;
    int why = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)seconds;
    end.tv_nsec += (long)((seconds - floor(seconds)) * 1e9);
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    (void)pthread_mutex_lock(&m->lock);
    while (!m->awake && why != ETIMEDOUT)
        why = pthread_cond_timedwait(&m->wake, &m->lock, &end);
    m->awake = false;
    (void)pthread_mutex_unlock(&m->lock);
}

void egi_part_set(egi_part *p, egi_model *m, char *text)
{
    char *old;

    (void)pthread_mutex_lock(&m->lock);
    old = p->text;
    p->text = text;
    p->size = strlen(text);
    p->version++;
    (void)pthread_mutex_unlock(&m->lock);
    eg_free(old);
}

/* ---- the list --------------------------------------------------------------
 */

static void put_key(egi_buf *out, const char *key, const char *text)
{
    egi_buf_add(out, ",\"%s\":", key);
    egi_put_text(out, text);
}

static void put_number(egi_buf *out, const char *key, double v, int digits)
{
    egi_buf_add(out, ",\"%s\":", key);
    egi_put_real(out, v, digits);
}

void egi_put_run(egi_buf *out, const eg_board_run *r)
{
    const eg_run_info *i = &r->info;

    egi_buf_add(out, "{\"id\":");
    egi_put_text(out, r->id);
    put_key(out, "name", i->name);
    put_key(out, "kind", i->kind);
    put_key(out, "status", i->status);
    put_key(out, "reason", i->reason);
    put_key(out, "start", i->start);
    put_key(out, "end", i->end);
    egi_buf_add(out, ",\"seed\":%lld,\"steps\":%lld,\"step\":%lld",
                (long long)i->seed, (long long)i->steps, (long long)r->step);
    put_number(out, "seconds", i->seconds, 6);
    put_number(out, "tokens_per_s", i->tokens_per_s, 6);
    put_number(out, "per_s", r->per_s, 6);
    put_number(out, "eta", r->eta, 6);
    put_key(out, "metric", r->metric);
    put_number(out, "value", r->value, 6);
    egi_buf_add(out, ",\"spark\":[");
    for (int k = 0; k < r->n_spark; k++) {
        if (k > 0) egi_buf_put(out, ",", 1);
        egi_put_real(out, r->spark[k], 4);
    }
    egi_buf_add(out, "]}");
}

/* Rows of the list, the newest first; live: of those that run alone. */
static eg_status make_list(egi_model *m, bool live, eg_err *err)
{
    egi_buf b = {0};
    int n = eg_board_count(m->board), running = 0, told = 0;
    char *text;
    eg_status st;

    egi_buf_add(&b, "{\"root\":");
    egi_put_text(&b, m->root);
    egi_buf_add(&b, ",\"open\":");
    egi_put_text(&b, m->open);
    egi_buf_add(&b, ",\"problem\":");
    egi_put_text(&b, m->problem);
    egi_buf_add(&b, ",\"runs\":[");
    for (int i = 0; i < n; i++) {
        const eg_board_run *r = eg_board_at(m->board, i);
        bool runs = strcmp(r->info.status, "running") == 0;

        running += runs;
        if (!runs && (live || i >= EGI_LISTED)) continue;
        if (told++ > 0) egi_buf_put(&b, ",", 1);
        egi_put_run(&b, r);
    }
    egi_buf_add(&b, "],\"count\":%d,\"running\":%d}", n, running);
    st = egi_buf_take(&b, &text, err);
    if (st == EG_OK) egi_part_set(live ? &m->live : &m->list, m, text);
    return st;
}

/* Where each run is, for whoever asks by its id. */
static eg_status make_places(egi_model *m, eg_err *err)
{
    int n = eg_board_count(m->board);
    struct egi_place *p = eg_calloc((size_t)n + 1, sizeof *p), *old;
    int n_old = m->n_places;
    bool whole = p != NULL;

    for (int i = 0; i < n && whole; i++) {
        const eg_board_run *r = eg_board_at(m->board, i);

        p[i].id = eg_strdup(r->id);
        p[i].dir = eg_strdup(r->info.dir);
        whole = p[i].id && p[i].dir;
    }
    (void)pthread_mutex_lock(&m->lock);
    old = m->place;
    m->place = p;
    m->n_places = p ? n : 0;
    (void)pthread_mutex_unlock(&m->lock);
    for (int i = 0; i < n_old; i++) {
        eg_free(old[i].id);
        eg_free(old[i].dir);
    }
    eg_free(old);
    return whole ? EG_OK : EG_FAIL(err, EG_ENOMEM, "list: out of memory");
}

/* ---- a turn ----------------------------------------------------------------
 */

/* Runs and sweeps that nobody has asked for in a while are closed. */
static void forget(egi_model *m)
{
    double now = eg_clock();

    for (int i = 0; i < EGI_SHOWN; i++) {
        egi_shown *old = NULL;

        (void)pthread_mutex_lock(&m->lock);
        if (m->shown[i] && now - m->shown[i]->used > FORGET) {
            old = m->shown[i];
            m->shown[i] = NULL;
        }
        (void)pthread_mutex_unlock(&m->lock);
        egi_shown_free(old);
    }
    for (int i = 0; i < EGI_SWEPT; i++) {
        egi_swept *old = NULL;

        (void)pthread_mutex_lock(&m->lock);
        if (m->swept[i] && now - m->swept[i]->used > FORGET) {
            old = m->swept[i];
            m->swept[i] = NULL;
        }
        (void)pthread_mutex_unlock(&m->lock);
        egi_swept_free(old);
    }
}

/* Which runs there are, and the state of each. */
static uint64_t sum_of_list(const egi_model *m)
{
    egi_summer sum;

    egi_summer_init(&sum);
    for (int i = 0; i < eg_board_count(m->board); i++) {
        const eg_board_run *r = eg_board_at(m->board, i);

        egi_summer_add(&sum, r->id, strlen(r->id) + 1);
        egi_summer_add(&sum, r->info.status, strlen(r->info.status) + 1);
    }
    return egi_summer_end(&sum).lo;
}

static eg_status look_at_list(egi_model *m, bool *changed, eg_err *err)
{
    eg_err why = {0};
    bool any = false;
    uint64_t sum;
    eg_status st = eg_board_look(m->board, &any, &why);

    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why.msg);
    if (strcmp(m->problem, st == EG_OK ? "" : why.msg) != 0) any = true;
    (void)snprintf(m->problem, sizeof m->problem, "%s",
                   st == EG_OK ? "" : why.msg);
    if (!any && m->list.version > 0) return EG_OK;
    *changed = true;
    EG_TRY(make_list(m, true, err));
    sum = sum_of_list(m);
    if (sum == m->sum && m->list.version > 0) return EG_OK;
    m->sum = sum;
    EG_TRY(make_places(m, err));
    st = make_list(m, false, err);
done:
    return st;
}

/* ---- sweeps ----------------------------------------------------------------
 */

/* Their names, when there are others. */
static eg_status look_at_sweeps(egi_model *m, bool *changed, eg_err *err)
{
    char(*now)[EG_TEXT] = NULL, (*old)[EG_TEXT];
    egi_buf b = {0};
    char *text;
    int n = 0;
    double clock = eg_clock();
    eg_status st = EG_OK;

    if (clock < m->sweeps.next) return EG_OK;
    m->sweeps.next = clock + SWEEPS_EVERY;
    if (eg_file_exists(m->root)) st = eg_sweeps_find(&now, &n, m->root, err);
    if (st != EG_OK) return st == EG_ENOMEM ? st : EG_OK;
    if (m->sweeps.version > 0 && n == m->n_sweeps &&
        (n == 0 || memcmp(now, m->sweep, (size_t)n * sizeof *now) == 0)) {
        eg_free(now);
        return EG_OK;
    }
    egi_buf_add(&b, "{\"sweeps\":[");
    for (int i = 0; i < n; i++) {
        if (i) egi_buf_put(&b, ",", 1);
        egi_put_text(&b, now[i]);
    }
    egi_buf_add(&b, "]}");
    (void)pthread_mutex_lock(&m->lock);
    old = m->sweep;
    m->sweep = now;
    m->n_sweeps = n;
    (void)pthread_mutex_unlock(&m->lock);
    eg_free(old);
    st = egi_buf_take(&b, &text, err);
    if (st == EG_OK) egi_part_set(&m->sweeps, m, text);
    *changed = true;
    return st;
}

static eg_status look_at_swept(egi_model *m, bool *changed, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < EGI_SWEPT && st == EG_OK; i++) {
        egi_swept *s;

        (void)pthread_mutex_lock(&m->lock);
        s = m->swept[i]; /* only this thread takes one away */
        (void)pthread_mutex_unlock(&m->lock);
        if (s) st = egi_swept_look(s, m->root, &m->lock, changed, err);
    }
    return st;
}

eg_status egi_model_turn(egi_model *m, bool *changed, eg_err *err)
{
    eg_status st = EG_OK;

    *changed = false;
    EG_TRY(look_at_list(m, changed, err));
    EG_TRY(look_at_sweeps(m, changed, err));
    forget(m);
    EG_TRY(look_at_swept(m, changed, err));
    for (int i = 0; i < EGI_SHOWN; i++) {
        egi_shown *s;

        (void)pthread_mutex_lock(&m->lock);
        s = m->shown[i]; /* only this thread takes one away */
        (void)pthread_mutex_unlock(&m->lock);
        if (s) EG_TRY(egi_shown_look(s, m, changed, err));
    }
done:
    return st;
}
