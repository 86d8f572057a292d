/* A theory run: one statement's numbers, one row a value of its sweep
 * variable, in ascending order. What is there is written once a minute and when
 * the run is stopped; a resumed run offers it to the statement, which need not
 * compute it again. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/file.h"
#include "engram/kern.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/lab_priv.h"
#include "lab/run_priv.h"
#include "lab/theory_priv.h"

const eg_field *egi_theory_fields(const char *name)
{
    const eg_theory *t = eg_theory_find(name);

    if (t) EG_ASSERT(t->options_size <= EG_THEORY_BYTES);
    return t ? t->fields : NULL;
}

#define SAVE_EVERY 60 /* seconds */

/* Statements may emit their numbers in any order; they are kept until the
 * end. */
typedef struct number {
    int64_t step;
    int order;
    char name[96];
    double value;
} number;

typedef struct loop {
    const eg_lab_opts *opts;
    eg_run *run;
    char *text;        /* metrics.jsonl of an earlier process */
    eg_metrics before; /* the same, read */
    double saved;      /* when rows were last written */
    int recalled;
    number *number;
    int n, cap;
    bool failed, stopped;
    eg_status st; /* of entering the run */
    eg_err *err;
    double clock0;
    eg_progress news;
} loop;

/* The statement has looked at its options and begins to work. */
static bool begin(loop *l)
{
    if (l->st == EG_OK) l->st = egi_run_enter(l->run, l->err);
    if (l->st == EG_OK) egi_run_begin(l->run);
    return l->st == EG_OK;
}

static void emit(void *ctx, int64_t step, const char *name, double value)
{
    loop *l = ctx;

    if (!begin(l)) return;
    if (l->n == l->cap) {
        int cap = l->cap ? 2 * l->cap : 256;
        number *more = eg_realloc(l->number, (size_t)cap * sizeof *more);

        if (!more) {
            l->failed = true;
            return;
        }
        l->number = more;
        l->cap = cap;
    }
    l->number[l->n] = (number){.step = step, .order = l->n, .value = value};
    snprintf(l->number[l->n++].name, sizeof l->number->name, "%s", name);
}

/* Emits the row of a step as it stands in the file. */
static bool recall_row(loop *l, int64_t step)
{
    char head[48];
    const char *line = l->text;
    int n = snprintf(head, sizeof head, "{\"step\": %lld,", (long long)step);
    bool some = false;

    while (line) {
        const char *end = strchr(line, '\n');
        eg_metrics m = {0};
        eg_status st = EG_EFORMAT;

        if (!end) break;
        if (strncmp(line, head, (size_t)n) == 0)
            st = eg_metrics_parse(&m, line, (size_t)(end + 1 - line), "row",
                                  NULL);
        if (st == EG_ENOMEM) l->failed = true;
        if (st == EG_OK) {
            for (int i = 0; i < m.n; i++)
                emit(l, step, m.series[i].name, m.series[i].value[0]);
            some = m.n > 0;
            l->recalled += m.n;
        }
        eg_metrics_release(&m);
        if (some) break;
        line = end + 1;
    }
    return some;
}

static bool recall(void *ctx, int64_t step, const char *name, double *value)
{
    loop *l = ctx;
    const eg_series *s;

    if (!name) return recall_row(l, step);
    s = eg_metrics_find(&l->before, name);
    for (int i = 0; s && i < s->n; i++) {
        if (s->step[i] != (double)step) continue;
        *value = s->value[i];
        l->recalled++;
        return true;
    }
    return false;
}

/* In the order of steps, with the numbers of a step in the order they came. */
static int by_step(const void *a, const void *b)
{
    const number *x = a, *y = b;

    if (x->step != y->step) return x->step < y->step ? -1 : 1;
    return x->order - y->order;
}

/* Two numbers of one name in a row: only one could be found again. */
static eg_status put(eg_row *row, const number *x, eg_err *err)
{
    for (int i = 0; i < row->n; i++)
        if (strcmp(row->cell[i].name, x->name) == 0)
            return EG_FAIL(err, EG_EINVAL,
                           "'%s' is measured twice at %" PRId64
                           ": expected lists of section theory without values "
                           "that are the same",
                           x->name, x->step);
    if (eg_row_put(row, x->name, x->value)) return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "%d numbers at %" PRId64 " are the most: take shorter lists",
                   row->cap, x->step);
}

/* In place of the rows that are there. */
static eg_status write_rows(loop *l, eg_err *err)
{
    eg_row row = {0};
    eg_status st = eg_row_init(&row, EG_ROW_CELLS, err);

    if (st != EG_OK) return st;
    if (l->n > 0) qsort(l->number, (size_t)l->n, sizeof *l->number, by_step);
    st = eg_run_keep(l->run, 0, err);
    for (int i = 0; i < l->n && st == EG_OK;) {
        eg_row_start(&row, l->number[i].step);
        for (; st == EG_OK && i < l->n && l->number[i].step == row.step; i++)
            st = put(&row, &l->number[i], err);
        if (st == EG_OK) st = eg_run_metrics(l->run, &row, err);
    }
    eg_row_release(&row);
    l->saved = eg_clock();
    return st;
}

static bool progress(void *ctx, double done)
{
    loop *l = ctx;
    double seconds = eg_clock() - l->clock0;

    if (!begin(l)) return false;
    if (eg_clock() - l->saved > SAVE_EVERY)
        (void)write_rows(l, NULL); /* best effort: the end says what is wrong */
    l->stopped = l->opts->stop && l->opts->stop(l->opts->ctx);
    if (l->opts->progress) {
        l->news.step = (int64_t)(done * 100) - 1;
        l->news.eta = done > 0 ? seconds / done * (1 - done) : (double)NAN;
        l->opts->progress(l->opts->ctx, &l->news);
    }
    return !l->stopped;
}

static eg_status check_before(const loop *l, eg_err *err)
{
    const egi_jsonl *rows = &l->run->metrics;
    eg_status st = EG_OK;
    size_t n;

    if (l->run->created || l->opts->go_back) return EG_OK;
    st = egi_run_check_file(l->run, rows, rows->written, false, err);
    if (st != EG_EFORMAT) return st;
    n = strlen(err->msg);
    (void)snprintf(err->msg + n, sizeof err->msg - n,
                   "; --resume --from 0 begins anew");
    return st;
}

/* What an earlier process left, as far as its checksums reach. */
static eg_status read_before(loop *l, eg_err *err)
{
    const eg_run *run = l->run;
    const char *name = run->metrics.name, *end;
    size_t size = 0;
    eg_status st;

    if (l->opts->go_back && l->opts->from != 0)
        return EG_FAIL(err, EG_EINVAL,
                       "a theory run begins anew by --from 0 only, found %lld",
                       (long long)l->opts->from);
    EG_TRY(check_before(l, err));
    if (l->opts->go_back || run->metrics.good == 0) return EG_OK;
    EG_TRY(eg_file_read_in(&l->text, &size, &run->folder, name, (size_t)1 << 30,
                           err));
    end = l->text;
    for (eg_index i = 0; end && i < run->metrics.good; i++) {
        end = strchr(end, '\n');
        if (end) end++;
    }
    EG_ASSERT(end);
    l->text[end - l->text] = '\0';
    st = eg_metrics_parse(&l->before, l->text, (size_t)(end - l->text), name,
                          err);
done:
    return st;
}

eg_status egi_theory_run(eg_lab_result *out, eg_run_facts *facts, eg_run *run,
                         const eg_config *cfg, const eg_lab_opts *opts,
                         eg_err *err)
{
    const eg_theory *t = eg_theory_find(cfg->run.theory);
    loop l = {.opts = opts,
              .run = run,
              .err = err,
              .clock0 = eg_clock(),
              .saved = eg_clock()};
    eg_theory_out sink = {emit, progress, &l, recall};
    eg_status st;

    if (!t)
        return EG_FAIL(err, EG_EINVAL,
                       "run.theory: no statement '%.*s'; `engram list "
                       "theories` shows them",
                       eg_text_fit(cfg->run.theory, 64), cfg->run.theory);
    l.news = egi_no_news(opts->label ? opts->label : cfg->run.name);
    l.news.n_steps = 100;
    *facts = (eg_run_facts){.kern = eg_kern_pick_f64("auto")->name,
                            .precision = "float64",
                            .threads = eg_pool_size(opts->pool),
                            .steps = 1};
    EG_TRY(read_before(&l, err));
    EG_TRY(t->run(cfg->theory.bytes, (uint64_t)cfg->run.seed, opts->pool, &sink,
                  err));
    if (!begin(&l)) {
        st = l.st;
        goto done;
    }
    if (l.failed) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", t->name);
        goto done;
    }
    EG_TRY(write_rows(&l, err));
    if (l.recalled > 0)
        eg_run_log(run, "%d numbers were there already", l.recalled);
    if (l.stopped) {
        out->outcome = EG_INTERRUPTED;
        snprintf(out->reason, sizeof out->reason, "stopped by the user");
    }
    out->steps_done = facts->steps_done = l.stopped ? 0 : 1;
    out->seconds = eg_clock() - l.clock0;
    out->peak_bytes = facts->peak_bytes = eg_memory_peak();
done:
    eg_metrics_release(&l.before);
    eg_free(l.text);
    eg_free(l.number);
    return st;
}
