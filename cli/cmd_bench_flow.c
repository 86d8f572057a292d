/* engram bench flow: sums over tokens, verified, then timed. */
#include "cli.h"

#include <jansson.h>
#include <string.h>
#include "bench_out.h"
#include "engram/bench.h"

typedef struct listing {
    cli_listing rows;
    eg_figures figures;
    const char *kern; /* of the last row, and so of all */
    int n_wrong;
} listing;

static void add_row(void *ctx, const eg_bench_flow_row *r)
{
    listing *l = ctx;
    double rate = r->pairs * r->threads / r->core;

    char name[sizeof((eg_figure *)0)->name];

    l->kern = r->kern;
    snprintf(name, sizeof name, "%s, %s", r->what, r->shape);
    (void)eg_figures_put(&l->figures, name, "core s", true, r->n, r->core_low,
                         r->core, r->core_high, r->core_low);
    if (!r->verified) l->n_wrong++;
    if (l->rows.json) {
        cli_json_add(l->rows.json,
                     json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:b}",
                               "sum", r->what, "shape", r->shape, "threads",
                               r->threads, "core_seconds", r->core,
                               "wall_seconds", r->wall, "pairs_per_s", rate,
                               "error", r->error, "bound", r->bound, "verified",
                               r->verified));
        return;
    }
    cli_table_cell(l->rows.table, "%s", r->what);
    cli_table_cell(l->rows.table, "%s", r->shape);
    cli_table_cell(l->rows.table, "%.3f ms", 1e3 * r->core);
    cli_table_cell(l->rows.table, "%.3f ms", 1e3 * r->wall);
    if (r->pairs > 0)
        cli_table_cell(l->rows.table, "%.2f", 1e-9 * rate);
    else
        cli_table_cell(l->rows.table, "-");
    cli_table_cell(l->rows.table, "%.1e", r->error);
    cli_table_cell(l->rows.table, "%s", r->verified ? "yes" : "WRONG");
}

static int show(listing *l, int threads)
{
    if (l->rows.json)
        return cli_print_json(json_pack(
            "{s:s, s:s, s:i, s:s, s:s, s:o}", "bench", "flow", "kernels",
            l->kern, "threads", threads, "version", eg_version(), "commit",
            eg_commit(), "sums", l->rows.json));
    printf("kernels %s, %d threads; core: processor time of all threads; "
           "Gpairs/s: ordered pairs,\nall threads at work; error: largest, "
           "relative to the total mass, against plain sums\n\n",
           l->kern, threads);
    return cli_table_print(l->rows.table);
}

int cmd_bench_flow(const cli_args *a)
{
    static const char *const head[] = {"sum",      "shape", "core",    "wall",
                                       "Gpairs/s", "error", "verified"};
    listing l = {0};
    eg_pool *pool = NULL;
    eg_err err = {0};
    eg_status st;
    int code = cli_pool(a, &pool);

    if (code != CLI_DONE) return code;
    eg_figures_begin(&l.figures, "flow", "", eg_pool_size(pool));
    cli_listing_begin(&l.rows, a, head, 7);
    st = eg_bench_flow(pool, cli_value(a, "kern"), 2, false, add_row, &l, &err);
    if (st == EG_OK) {
        code = show(&l, eg_pool_size(pool));
    } else {
        cli_listing_drop(&l.rows);
        code = cli_error(st, &err);
    }
    eg_pool_free(pool);
    if (code == CLI_DONE && l.n_wrong > 0)
        code = cli_fail(CLI_FAILED, "%d sums differ from the plain ones",
                        l.n_wrong);
    if (l.kern)
        snprintf(l.figures.kernels, sizeof l.figures.kernels, "%s", l.kern);
    return cli_figures_end(&l.figures, a, code);
}
