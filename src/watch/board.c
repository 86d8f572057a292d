/* The list of runs, kept up to date: the catalogue tells which there are, and
 * of those that run, their files how they get on. */
#include <math.h>
#include <string.h>
#include "base/sum.h"
#include "engram/mem.h"
#include "engram/pool.h"
#include "engram/watch.h"
#include "watch/progress.h"
#include "watch/swept.h"

enum { MOST_LIVE = 64 };
static const double LIST_EVERY = 2, LIST_SHARE = 20;

/* What is open of a run that was seen running, also after its end. */
typedef struct live {
    char dir[EG_PATH];
    egi_progress progress;
    int run; /* its place in the list; -1: it is gone */
} live;

struct eg_board {
    char root[EG_PATH];
    eg_board_run *run;
    int n, cap;
    live *live[MOST_LIVE];
    int n_live;
    double listed, cost; /* eg_clock of the last list, and what it took */
    uint64_t sum;        /* of the list */
};

eg_status eg_board_new(eg_board **out, const char *root, eg_err *err)
{
    eg_board *b;

    *out = NULL;
    if (strlen(root) >= sizeof b->root)
        return EG_FAIL(err, EG_EINVAL, "%s: the path is too long", root);
    b = eg_calloc(1, sizeof *b);
    if (!b) return EG_FAIL(err, EG_ENOMEM, "list of runs: out of memory");
    (void)snprintf(b->root, sizeof b->root, "%s", root);
    b->listed = -INFINITY;
    *out = b;
    return EG_OK;
}

static void end_live(eg_board *b, int i)
{
    egi_progress_close(&b->live[i]->progress);
    eg_free(b->live[i]);
    b->live[i] = b->live[--b->n_live];
}

void eg_board_free(eg_board *b)
{
    if (!b) return;
    while (b->n_live > 0) end_live(b, b->n_live - 1);
    eg_free(b->run);
    eg_free(b);
}

int eg_board_count(const eg_board *b)
{
    return b->n;
}

const eg_board_run *eg_board_at(const eg_board *b, int i)
{
    return i >= 0 && i < b->n ? &b->run[i] : NULL;
}

const eg_board_run *eg_board_find(const eg_board *b, const char *id)
{
    for (int i = 0; i < b->n; i++)
        if (strcmp(b->run[i].id, id) == 0) return &b->run[i];
    return NULL;
}

/* ---- which runs there are --------------------------------------------------
 */

static bool is_running(const eg_board_run *r)
{
    return strcmp(r->info.status, "running") == 0;
}

/* What its record alone tells. */
static void take_record(eg_board_run *r)
{
    double done = (double)r->info.steps_done, s = r->info.seconds;

    r->step = r->info.steps_done;
    r->per_s = s > 0 && done > 0 ? done / s : (double)NAN;
    r->eta = r->value = (double)NAN;
}

/* A list that is being made. */
typedef struct listing {
    eg_board *b;
    int n;
    eg_status st;
    egi_summer sum;
} listing;

static void list_run(void *ctx, const eg_run_info *info)
{
    listing *l = ctx;
    eg_board *b = l->b;
    eg_board_run *r;

    if (l->st != EG_OK) return;
    if (l->n == b->cap) {
        int cap = b->cap ? 2 * b->cap : 64;

        r = eg_realloc(b->run, (size_t)cap * sizeof *r);
        if (!r) {
            l->st = EG_ENOMEM;
            return;
        }
        b->run = r;
        b->cap = cap;
    }
    r = &b->run[l->n++];
    *r = (eg_board_run){.info = *info};
    take_record(r);
    egi_summer_add(&l->sum, info->dir, strlen(info->dir) + 1);
    egi_summer_add(&l->sum, info->status, strlen(info->status) + 1);
    egi_summer_add(&l->sum, &info->steps_done, sizeof info->steps_done);
}

/* The place of each open run in the new list. */
static void place_live(eg_board *b)
{
    for (int k = 0; k < b->n_live; k++) {
        live *l = b->live[k];

        l->run = -1;
        for (int i = 0; i < b->n && l->run < 0; i++)
            if (strcmp(b->run[i].info.dir, l->dir) == 0) l->run = i;
    }
    for (int k = b->n_live - 1; k >= 0; k--)
        if (b->live[k]->run < 0) end_live(b, k);
}

static eg_status list(eg_board *b, bool *changed, eg_err *err)
{
    listing l = {.b = b};
    double begun = eg_clock();
    uint64_t sum;
    eg_status st = EG_OK;

    egi_summer_init(&l.sum);
    if (eg_file_exists(b->root))
        st = eg_catalogue_each(b->root, NULL, list_run, &l, err);
    if (st == EG_OK && l.st != EG_OK)
        st = EG_FAIL(err, l.st, "list of runs: out of memory");
    b->n = l.n;
    /* entries have moved, and with them the texts that ids point into */
    for (int i = 0; i < b->n; i++)
        b->run[i].id = egi_below(b->root, b->run[i].info.dir);
    place_live(b);
    sum = egi_summer_end(&l.sum).lo;
    if (sum != b->sum) *changed = true;
    b->sum = sum;
    b->listed = eg_clock();
    b->cost = b->listed - begun;
    return st;
}

/* ---- how they get on -------------------------------------------------------
 */

static bool is_open(const eg_board *b, int run)
{
    for (int k = 0; k < b->n_live; k++)
        if (b->live[k]->run == run) return true;
    return false;
}

/* Room for one more: one that has ended gives way. */
static bool has_room(eg_board *b)
{
    for (int k = 0; k < b->n_live && b->n_live == MOST_LIVE; k++)
        if (!is_running(&b->run[b->live[k]->run])) end_live(b, k);
    return b->n_live < MOST_LIVE;
}

static eg_status open_running(eg_board *b, eg_err *err)
{
    for (int i = 0; i < b->n; i++) {
        live *l;
        eg_status st;

        if (!is_running(&b->run[i]) || is_open(b, i) || !has_room(b)) continue;
        l = eg_calloc(1, sizeof *l);
        if (!l) return EG_FAIL(err, EG_ENOMEM, "list of runs: out of memory");
        (void)snprintf(l->dir, sizeof l->dir, "%s", b->run[i].info.dir);
        l->run = i;
        st = egi_progress_open(&l->progress, l->dir, err);
        if (st != EG_OK) {
            eg_free(l);
            return st;
        }
        b->live[b->n_live++] = l;
    }
    return EG_OK;
}

static void take_progress(eg_board_run *r, const egi_progress *p)
{
    double pace = egi_progress_pace(p);
    const egi_curve *u = p->past.n > 0 ? &p->past.curve[0] : NULL;

    (void)snprintf(r->metric, sizeof r->metric, "%s", egi_progress_metric(p));
    r->value = u ? u->value : (double)NAN;
    r->n_spark = egi_progress_spark(p, r->spark, EG_SPARK);
    if (!is_running(r)) return;
    r->step = p->step >= 0 && p->step < 0x1p53 ? (int64_t)p->step + 1
                                               : r->info.steps_done;
    r->per_s = pace;
    r->eta = (double)NAN;
    if (!(pace > 0) || r->info.steps <= 0) return;
    r->eta = (double)(r->info.steps - r->step) / pace;
    r->eta = fmax(0, r->eta - (eg_clock() - p->since));
}

/* Whether a run still runs is in its record, and in its lock. */
static void look_again(eg_board_run *r, bool *changed)
{
    eg_run_info now;

    if (!is_running(r) || eg_run_info_read(&now, r->info.dir, NULL) != EG_OK)
        return;
    if (strcmp(now.status, r->info.status) != 0) *changed = true;
    memcpy(r->info.status, now.status, sizeof now.status);
    memcpy(r->info.reason, now.reason, sizeof now.reason);
    memcpy(r->info.end, now.end, sizeof now.end);
    r->info.steps = now.steps;
    r->info.steps_done = now.steps_done;
    r->info.seconds = now.seconds;
    r->info.tokens_per_s = now.tokens_per_s;
    if (!is_running(r)) take_record(r);
}

eg_status eg_board_look(eg_board *b, bool *changed, eg_err *err)
{
    bool any = false;
    double wait = fmax(LIST_EVERY, LIST_SHARE * b->cost);
    eg_status st = EG_OK;

    if (eg_clock() - b->listed >= wait) EG_TRY(list(b, &any, err));
    EG_TRY(open_running(b, err));
    for (int k = 0; k < b->n_live; k++) {
        live *l = b->live[k];
        eg_board_run *r = &b->run[l->run];
        eg_status look;

        look_again(r, &any);
        look = egi_progress_look(&l->progress, &any, err);
        if (look == EG_ENOMEM) EG_TRY(look);
        take_progress(r, &l->progress); /* what cannot be read stays behind */
    }
done:
    if (changed) *changed = any;
    return st;
}
