/* What is as it was written may still not be what a run leaves: weights that
 * were trained and did not move, rows that are missing, times that cannot be.
 */
#include "lab/verify_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "engram/mem.h"

/* ---- two checkpoints ------------------------------------------------------
 */

eg_status egi_weights_see(egi_weights_seen *w, const eg_safetensors *s,
                          int64_t step, eg_err *err)
{
    const eg_st_entry *c = eg_st_find(s, "optim.updates");
    eg_index n = c && c->view.dtype == EG_I64 ? eg_view_size(&c->view) : 0;

    *w = (egi_weights_seen){.step = step};
    if (n <= 0 || n >= s->n_entries) return EG_OK;
    w->tensor = eg_calloc((size_t)n, sizeof *w->tensor);
    if (!w->tensor) return EG_FAIL(err, EG_ENOMEM, "verify: out of memory");
    w->n = (int)n;
    /* beside the counters, weights come first, in the order of theirs */
    for (int i = 0; i < w->n; i++) {
        const eg_st_entry *e = &s->entry[i + (c <= &s->entry[i])];
        size_t bytes =
            (size_t)eg_view_size(&e->view) * eg_dtype_size(e->view.dtype);

        memcpy(w->tensor[i].name, e->name, sizeof w->tensor[i].name);
        w->tensor[i].sum = egi_sum_of(e->view.data, bytes);
        memcpy(&w->tensor[i].updates,
               (const char *)c->view.data + (size_t)i * sizeof(int64_t),
               sizeof(int64_t));
    }
    return EG_OK;
}

void egi_weights_forget(egi_weights_seen *w)
{
    eg_free(w->tensor);
    *w = (egi_weights_seen){.step = -1};
}

void egi_verify_moves(const egi_verifier *v, const egi_weights_seen *older,
                      const egi_weights_seen *newer)
{
    char file[64], names[256];
    egi_text text = egi_text_on(names, sizeof names);
    egi_listing list = {.t = &text};

    if (older->step < 0 || older->n != newer->n) return;
    for (int i = 0; i < newer->n; i++)
        if (strcmp(older->tensor[i].name, newer->tensor[i].name) == 0 &&
            newer->tensor[i].updates > older->tensor[i].updates &&
            egi_sum_same(older->tensor[i].sum, newer->tensor[i].sum))
            egi_listing_add(&list, newer->tensor[i].name);
    if (list.n == 0) return;
    egi_listing_end(&list);
    egi_checkpoint_name(file, newer->step);
    egi_verify_tell(v, file, EG_ODD, 0,
                    "trained since step %" PRId64 " and bit for bit as it was "
                    "then: %s",
                    older->step, names);
}

/* ---- rows -----------------------------------------------------------------
 */

typedef struct history {
    int64_t every, steps; /* of a training run; every 0: unknown */
    int64_t last, due;    /* step of the row before; of the next one due */
    char why[200];        /* the first thing that is odd; "" */
} history;

/* The first step from `from` on that a training run measures. */
static int64_t due_at(const history *h, int64_t from)
{
    int64_t next = (from + h->every - 1) / h->every * h->every;

    return from <= h->steps - 1 && next > h->steps - 1 ? h->steps - 1 : next;
}

static void look(void *ctx, eg_index i, const char *row, size_t size)
{
    static const char head[] = "{\"step\": ";
    history *h = ctx;
    char number[32] = "";
    int64_t step;

    if (h->why[0] || size < sizeof head + 1 ||
        memcmp(row, head, sizeof head - 1) != 0)
        return; /* what is no row is found elsewhere */
    memcpy(number, row + sizeof head - 1,
           size - sizeof head + 1 < sizeof number - 1 ? size - sizeof head + 1
                                                      : sizeof number - 1);
    step = strtoll(number, NULL, 10);
    if (step <= h->last)
        (void)snprintf(h->why, sizeof h->why,
                       "row %td is of step %" PRId64 ", behind one of step "
                       "%" PRId64,
                       i + 1, step, h->last);
    else if (h->every > 0 && step > h->due)
        (void)snprintf(h->why, sizeof h->why,
                       "row %td is of step %" PRId64 ", expected one of step "
                       "%" PRId64 " before it",
                       i + 1, step, h->due);
    h->last = step;
    if (h->every > 0) h->due = due_at(h, step + 1);
}

static eg_status schedule(history *h, const egi_verifier *v, eg_err *err)
{
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_status st;

    if (!cfg) return EG_FAIL(err, EG_ENOMEM, "verify: out of memory");
    st = eg_config_load_run(cfg, &v->run, NULL);
    if (st == EG_OK && cfg->run.kind == EG_RUN_TRAIN && cfg->probe.every > 0) {
        h->every = cfg->probe.every;
        h->steps = cfg->train.steps > 0 ? cfg->train.steps : 1;
    }
    eg_free(cfg);
    return st == EG_ENOMEM ? EG_FAIL(err, st, "verify: out of memory") : EG_OK;
}

static eg_status check_rows(const egi_verifier *v, eg_err *err)
{
    const char *name = egi_record_file[EGI_OF_METRICS];
    const egi_record *r = &v->record;
    bool stopped = strcmp(r->status, "finished") == 0 ||
                   strcmp(r->status, "interrupted") == 0;
    history h = {.last = -1};
    int64_t bytes = 0;
    eg_err why;
    eg_status st;

    EG_TRY(schedule(&h, v, err));
    st = egi_jsonl_each(&v->run, name, PTRDIFF_MAX, look, &h, &bytes, &why);
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why.msg);
    if (st != EG_OK) return EG_OK; /* said already */
    /* a run that was stopped as it measured its last step has that row yet to
     * come, and what is known of it in its checkpoint */
    if (v->row_waits && h.due == r->steps_done - 1) h.due = r->steps_done;
    if (!h.why[0] && h.every > 0 && stopped && r->steps_done > h.due)
        (void)snprintf(h.why, sizeof h.why,
                       "%" PRId64 " steps were done, expected a row of step "
                       "%" PRId64 ", the last one is of %" PRId64,
                       r->steps_done, h.due, h.last);
    if (h.why[0]) egi_verify_tell(v, name, EG_ODD, bytes, "%s", h.why);
done:
    return st == EG_OK || st == EG_ENOMEM ? st : EG_OK;
}

/* ---- the record -----------------------------------------------------------
 */

enum { DAY = 86400 };

static void check_times(const egi_verifier *v, const eg_run_info *r)
{
    char soon[32];
    time_t at = time(NULL) + DAY;
    struct tm tm;

    gmtime_r(&at, &tm);
    (void)strftime(soon, sizeof soon, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (r->end[0] && strcmp(r->end, r->start) < 0)
        egi_verify_tell(v, EGI_RECORD, EG_ODD, 0,
                        "it ended at %s, before it began at %s", r->end,
                        r->start);
    else if (strcmp(r->start, soon) > 0 || strcmp(r->end, soon) > 0)
        egi_verify_tell(v, EGI_RECORD, EG_ODD, 0,
                        "it began at %s and ended at %s, which is yet to come",
                        r->start, r->end[0] ? r->end : "an unknown time");
    else if (r->seconds < 0)
        egi_verify_tell(v, EGI_RECORD, EG_ODD, 0, "it took less than no time");
}

static void check_steps(const egi_verifier *v, const eg_run_info *r)
{
    bool finished = strcmp(r->status, "finished") == 0;

    if (r->steps_done > r->steps || r->steps_done < 0 ||
        (finished && r->steps_done < r->steps && !r->stopped_early &&
         strcmp(r->kind, "train") == 0))
        egi_verify_tell(v, EGI_RECORD, EG_ODD, 0,
                        "%s, with %" PRId64 " of %" PRId64 " steps done",
                        r->status, r->steps_done, r->steps);
}

eg_status egi_verify_history(const egi_verifier *v, eg_err *err)
{
    eg_run_info info;
    eg_err why;
    eg_status st = egi_run_info_read(&info, &v->run, &why);

    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why.msg);
    if (st == EG_OK) {
        check_times(v, &info);
        check_steps(v, &info);
    }
    return check_rows(v, err);
}
