/* Where the time of a step went, as JSON and in a run. */
#include <string.h>

#include "base/json.h"
#include "engram/bench.h"
#include "engram/lab.h"
#include "engram/mem.h"
#include "lab/lab_priv.h"
#include "lab/run_priv.h"

static double gflops(const eg_op_time *t)
{
    return t->seconds > 0 ? 2e-9 * t->madds / t->seconds : 0;
}

static json_t *row_json(const eg_op_times *t, const eg_op_time *row)
{
    json_t *o = json_pack(
        "{s:s, s:s, s:i, s:s, s:I, s:f, s:f, s:f}", "what", row->what, "value",
        row->name, "op", row->op, "direction",
        row->op < 0     ? ""
        : row->backward ? "backward"
                        : "forward",
        "calls", (json_int_t)row->calls, "seconds", row->seconds, "share",
        t->seconds > 0 ? row->seconds / t->seconds : 0, "madds", row->madds);
    int bad = 0;

    if (row->madds <= 0) return o;
    bad |= json_object_set_new(o, "gflops", json_real(gflops(row)));
    if (t->peak > 0)
        bad |= json_object_set_new(o, "of_peak",
                                   json_real(gflops(row) * 1e9 / t->peak));
    return egi_json_whole(o, bad);
}

eg_status eg_op_times_json(char **out, const eg_op_times *t, eg_err *err)
{
    json_t *rows = json_array(), *o;
    int bad = 0;

    *out = NULL;
    for (int i = 0; i < t->n; i++)
        bad |= json_array_append_new(rows, row_json(t, &t->row[i]));
    o = json_pack("{s:I, s:i, s:i, s:f, s:s, s:o, s:o}", "steps",
                  (json_int_t)t->steps, "threads", t->threads, "ranks",
                  t->ranks > 0 ? t->ranks : 1, "seconds", t->seconds, "kernels",
                  t->kern, "peak_flops_per_thread",
                  t->peak > 0 ? json_real(t->peak) : json_null(), "rows", rows);
    o = egi_json_whole(o, bad);
    *out = egi_json_print(o, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    json_decref(o);
    return *out ? EG_OK : EG_FAIL(err, EG_ENOMEM, "a profile as JSON");
}

void eg_op_times_peak(eg_op_times *t, bool wide, eg_pool *pool)
{
    const double seconds = 0.05;

    t->peak =
        1e9 * eg_bench_peak_threads(t->kern, wide, pool, seconds) / t->threads;
}

eg_status egi_run_profile(eg_run *run, eg_trainer *tr, eg_pool *pool,
                          eg_err *err)
{
    const eg_folder *arrays = &run->sub[EGI_ARRAYS];
    eg_op_times t;
    char *text = NULL;
    eg_status st = eg_trainer_times(&t, tr, err);

    if (st != EG_OK) return st;
    eg_op_times_peak(&t, eg_model_precision(eg_trainer_model(tr)) == EG_FLOAT64,
                     pool);
    EG_TRY(eg_op_times_json(&text, &t, err));
    EG_TRY(eg_file_write_in(arrays, EGI_PROFILE, text, strlen(text), err));
    EG_TRY(egi_run_sum_array(run, EGI_PROFILE, err));
    EG_TRY(egi_run_write_sums(run, err));
done:
    eg_free(text);
    eg_op_times_release(&t);
    return st;
}
