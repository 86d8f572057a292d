/* A flow run: tokens from the configuration, integrated from time to time;
 * at each time a row of metrics and a row of the arrays.
 *
 * The integrator starts afresh at some of the times (flow_pieces.h). A run that
 * was stopped or killed, between two times as a rule, goes on from the last of
 * them that it has reached, and so ends with the same bytes. */
#include "lab/flow_loop.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "kern/particles.h"

enum { ROW_CELLS = 32 };

/* ---- callbacks of the integrator ----------------------------------------- */

static void merged(void *ctx, double t, eg_index components)
{
    egi_flow_loop *l = ctx;
    double row[2] = {t, (double)components};

    if (l->st == EG_OK) l->st = egi_rows_put(&l->merges, row, l->err);
}

static bool all_finite(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static eg_status write_timing(egi_flow_loop *l, int64_t step)
{
    eg_row_start(&l->timing, step);
    eg_row_put(&l->timing, "seconds", eg_clock() - l->clock0);
    eg_row_put(&l->timing, "evaluations", (double)eg_flow_evaluations(l->flow));
    eg_row_put(&l->timing, "memory_bytes", (double)eg_memory_peak());
    return eg_run_timing(l->run, &l->timing, l->err);
}

/* Everything that belongs to time i; x last, because a run goes on from the
 * rows that x has. */
static eg_status keep(egi_flow_loop *l, eg_index i, double t, const double *x)
{
    eg_status st;

    egi_run_begin(l->run);
    eg_row_start(&l->row, i);
    EG_TRY(egi_watch_look(l->watch, t, x, &l->row, l->err));
    EG_TRY(eg_run_metrics(l->run, &l->row, l->err));
    EG_TRY(write_timing(l, i));
    if (l->hist.in)
        EG_TRY(egi_rows_put(&l->hist, egi_watch_counts(l->watch), l->err));
    EG_TRY(egi_rows_put(&l->t, &t, l->err));
    EG_TRY(egi_rows_put(&l->x, x, l->err));
    egi_flow_tell_progress(l, i, t);
done:
    return st;
}

static bool asked_to_stop(void *ctx)
{
    egi_flow_loop *l = ctx;

    l->stop = l->opts->stop && l->opts->stop(l->opts->ctx);
    return l->stop;
}

static bool output(void *ctx, eg_index k, double t, const double *x)
{
    egi_flow_loop *l = ctx;
    eg_index i = l->from + k;
    size_t size = (size_t)l->setup->spec.n * (size_t)l->setup->spec.d;

    if (l->st != EG_OK) return false;
    l->not_finite = !all_finite(x, size);
    if (l->not_finite) return false;
    memcpy(l->reached, x, size * sizeof *x);
    l->moved = true;
    if (i >= l->x.n) l->st = keep(l, i, t, x); /* else the piece before did */
    return l->st == EG_OK && !asked_to_stop(l);
}

/* ---- set-up ----------------------------------------------------------------
 */

static eg_status open_arrays(egi_flow_loop *l, eg_err *err)
{
    const eg_flow_spec *s = &l->setup->spec;
    eg_index token[] = {s->n, s->d}, event[] = {2};
    eg_index bins[] = {(eg_index)l->cfg->flow.bins};
    const eg_folder *in = &l->run->sub[EGI_ARRAYS];
    uint64_t of = l->run->origin;
    eg_status st;

    EG_TRY(egi_rows_open(&l->x, in, "x.npy", EG_F64, 2, token, of, err));
    EG_TRY(egi_rows_open(&l->t, in, "t.npy", EG_F64, 0, NULL, of, err));
    if (l->cfg->flow.bins > 0 && egi_watch_pairs(l->watch))
        EG_TRY(
            egi_rows_open(&l->hist, in, "hist.npy", EG_I64, 1, bins, of, err));
    if (egi_watch_merges(l->watch))
        EG_TRY(egi_rows_open(&l->merges, in, "merges.npy", EG_F64, 1, event, of,
                             err));
done:
    return st;
}

/* Goes back to the beginning of the piece in which an earlier process ended;
 * l->from is its first time, kept when l->first > 0. */
static eg_status restore(egi_flow_loop *l, eg_err *err)
{
    egi_flow_rows rows = {.run = l->run,
                          .x = &l->x,
                          .t = &l->t,
                          .hist = l->hist.in ? &l->hist : NULL,
                          .merges = l->merges.in ? &l->merges : NULL,
                          .told = l->opts->go_back,
                          .from = l->opts->from};
    eg_index have = 0;
    eg_status st;

    EG_TRY(egi_flow_rows_reached(&rows, &have, err));
    if (have > l->setup->n_times) have = l->setup->n_times;
    if (have > 0 && have < l->setup->n_times)
        have = egi_piece_begin(&l->pieces, have - 1) + 1;
    EG_TRY(egi_flow_rows_check(&rows, have, err));
    if (have > 0) l->from = have - 1;
    if (l->from > 0) /* at 0 it is the start as given that is integrated */
        EG_TRY(egi_rows_read(&l->x, l->from, l->reached, err));
    l->first = have;
    if (have > 0)
        egi_run_kernels(l->run, egi_particles_pick(l->opts->kern)->name);
    EG_TRY(egi_run_enter(l->run, err)); /* from here on files change */
    EG_TRY(egi_flow_rows_cut(&rows, have, err));
done:
    return st;
}

static bool steps_are_fixed(const egi_flow_loop *l)
{
    int m = l->setup->solve.method;

    return l->setup->spec.noise > 0 ||
           (m != EG_FLOW_AUTO && m < EG_FLOW_DOPRI5);
}

static eg_status build(egi_flow_loop *l, eg_err *err)
{
    const eg_config *c = l->cfg;
    eg_flow_setup *s;
    size_t size;
    eg_status st;

    EG_TRY(eg_flow_setup_new(&l->setup, &c->flow, (uint64_t)c->run.seed,
                             &l->run->folder, err));
    s = l->setup;
    s->spec.kern = l->opts->kern;
    size = (size_t)s->spec.n * (size_t)s->spec.d;
    l->pieces =
        (egi_pieces){.t = s->times, .h = steps_are_fixed(l) ? s->solve.h : 0};
    EG_TRY(egi_parts_parse(&l->pieces.parts, &c->flow.parts, 1, s->n_times,
                           "flow.parts", err));
    l->now = eg_calloc(size, sizeof *l->now);
    l->reached = eg_calloc(size, sizeof *l->reached);
    if (!l->now || !l->reached)
        return EG_FAIL(err, EG_ENOMEM, "flow: out of memory for %td tokens",
                       s->spec.n);
    memcpy(l->reached, s->x0, size * sizeof *l->reached);
    EG_TRY(eg_flow_new(&l->flow, &s->spec, l->opts->pool, err));
    EG_TRY(egi_watch_new(&l->watch, c, &s->spec, l->opts->pool, err));
    EG_TRY(eg_row_init(&l->row, ROW_CELLS, err));
    EG_TRY(eg_row_init(&l->timing, 8, err));
    EG_TRY(open_arrays(l, err));
    EG_TRY(restore(l, err));
done:
    return st;
}

/* ---- the run
 * ----------------------------------------------------------------- */

static void add_stats(egi_flow_loop *l, const eg_flow_stats *s)
{
    l->total.steps += s->steps;
    l->total.rejected += s->rejected;
    l->total.evaluations += s->evaluations;
    l->total.t = s->t;
    l->total.tokens_left = s->tokens_left;
}

/* From one time at which the integrator starts afresh to the next. */
static eg_status run_piece(egi_flow_loop *l, eg_lab_result *out, eg_err *err)
{
    const eg_flow_setup *s = l->setup;
    eg_index last = egi_piece_end(&l->pieces, l->from);
    size_t bytes = (size_t)s->spec.n * (size_t)s->spec.d * sizeof *l->now;
    eg_flow_solve how = s->solve;
    eg_flow_stats stats = {0};
    eg_status st;

    how.output = output;
    how.stop = asked_to_stop;
    how.ctx = l;
    how.merged = l->merges.in ? merged : NULL;
    how.delta = l->merges.in ? how.delta : 0;
    memcpy(l->now, l->reached, bytes);
    st = eg_flow_run(l->flow, l->now, s->times + l->from, last - l->from + 1,
                     &how, &stats, err);
    add_stats(l, &stats);
    if (l->st != EG_OK) return l->st;
    if (st == EG_EINVAL && l->moved) { /* a flow that overflows on its way */
        out->outcome = EG_DIVERGED;
        eg_text_copy(out->reason, sizeof out->reason, err->msg);
        return EG_OK;
    }
    EG_TRY(st);
    egi_flow_judge(l, &stats, out);
    EG_TRY(eg_run_sync(l->run, err));
    l->from = last;
done:
    return st;
}

/* Ctrl-C before the first step still keeps the start. */
static eg_status run_pieces(egi_flow_loop *l, eg_lab_result *out, eg_err *err)
{
    eg_index last = l->setup->n_times - 1;
    eg_status st = EG_OK;

    if (l->first > last) return EG_OK; /* an earlier process was done */
    do EG_TRY(run_piece(l, out, err));
    while (out->outcome == EG_FINISHED && !l->stop && l->from < last);
done:
    return st;
}

static eg_status finish_array(const egi_flow_loop *l, egi_rows *r, eg_err *err)
{
    egi_sum sum;
    eg_status st;

    if (!r->in) return EG_OK;
    st = egi_rows_finish(r, &sum, err);
    return st == EG_OK ? egi_sums_put(&l->run->sums, r->name, sum, err) : st;
}

static eg_status finish_arrays(egi_flow_loop *l, eg_err *err)
{
    eg_status st;

    EG_TRY(finish_array(l, &l->t, err));
    EG_TRY(finish_array(l, &l->hist, err));
    EG_TRY(finish_array(l, &l->merges, err));
    EG_TRY(finish_array(l, &l->x, err));
    EG_TRY(egi_run_write_sums(l->run, err));
done:
    return st;
}

/* Speed: tokens times evaluations of the field, a second. */
static void fill_facts(const egi_flow_loop *l, eg_run_facts *f,
                       eg_lab_result *out)
{
    int64_t tokens = l->total.evaluations * (int64_t)l->setup->spec.n;

    out->steps_done = l->x.n;
    out->seconds = eg_clock() - l->clock0;
    if (tokens > 0) out->tokens_per_s = (double)tokens / out->seconds;
    out->peak_bytes = eg_memory_peak();
    out->evaluations = l->total.evaluations;
    out->solver_steps = l->total.steps;
    *f = (eg_run_facts){.kern = egi_particles_pick(l->opts->kern)->name,
                        .precision = egi_flow_precision(l),
                        .threads = eg_pool_size(l->opts->pool),
                        .peak_bytes = out->peak_bytes,
                        .steps = l->setup->n_times,
                        .steps_done = l->x.n,
                        .tokens = tokens,
                        .tokens_per_s = out->tokens_per_s,
                        .evaluations = l->total.evaluations,
                        .solver_steps = l->total.steps,
                        .rejected = l->total.rejected};
}

eg_status egi_flow_run(eg_lab_result *out, eg_run_facts *facts, eg_run *run,
                       const eg_config *cfg, const eg_lab_opts *opts,
                       eg_err *err)
{
    eg_status st = EG_OK;
    egi_flow_loop *l = eg_calloc(1, sizeof *l);

    if (!l) return EG_FAIL(err, EG_ENOMEM, "flow: out of memory");
    l->cfg = cfg;
    l->opts = opts;
    l->run = run;
    l->err = err;
    l->news = egi_no_news(opts->label ? opts->label : cfg->run.name);
    EG_TRY(build(l, err));
    l->news.n_steps = l->setup->n_times;
    l->clock0 = eg_clock();
    fill_facts(l, facts, out);
    EG_TRY(eg_run_record(run, "running", "", facts, err));
    egi_flow_tell_plan(l);
    EG_TRY(run_pieces(l, out, err));
    st = finish_arrays(l, err);
    fill_facts(l, facts, out);
done:
    egi_rows_release(&l->x);
    egi_rows_release(&l->t);
    egi_rows_release(&l->hist);
    egi_rows_release(&l->merges);
    eg_row_release(&l->row);
    eg_row_release(&l->timing);
    egi_watch_free(l->watch);
    eg_flow_free(l->flow);
    eg_flow_setup_free(l->setup);
    eg_free(l->now);
    eg_free(l->reached);
    eg_free(l);
    return st;
}
