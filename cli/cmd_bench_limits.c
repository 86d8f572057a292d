/* engram bench limits: what all threads reach in registers, so that it is known
 * when a shared machine gives less of itself. */
#include "cli.h"

#include <jansson.h>
#include "bench_out.h"
#include "engram/bench.h"
#include "engram/mem.h"

enum { LIMITS = 3 };

static const char *const limits[LIMITS] = {"multiply-adds, float32",
                                           "multiply-adds, float64",
                                           "matrix unit, bfloat16"};

static double measure(int limit, eg_pool *pool)
{
    const double seconds = 0.05;

    if (limit == 2) return eg_bench_peak_tiles(pool, seconds);
    return eg_bench_peak_threads("auto", limit == 1, pool, seconds);
}

/* A round into rate[limit * rounds]; told: also in a line, for turns. */
static void take(double *rate, int64_t rounds, eg_pool *pool, bool told)
{
    for (int l = 0; l < LIMITS; l++) {
        rate[l * rounds] = measure(l, pool);
        if (told)
            printf("%.1f%c", rate[l * rounds], l < LIMITS - 1 ? ' ' : '\n');
    }
    if (told) (void)fflush(stdout);
}

static int report(const cli_args *a, double *rate, int n, eg_pool *pool)
{
    static const char *const head[] = {"limit", "GFLOP/s", "least", "best"};
    eg_figures figures;
    cli_listing rows = {0};
    int code;

    eg_figures_begin(&figures, "limits", eg_kern_name(0), eg_pool_size(pool));
    cli_listing_begin(&rows, a, head, 4);
    for (int l = 0; l < LIMITS; l++) {
        double *r = rate + (ptrdiff_t)l * n, median = cli_median(r, n);

        if (median <= 0) continue; /* no matrix unit */
        (void)eg_figures_add(&figures, limits[l], "GFLOP/s", false, r, n);
        if (rows.json) {
            cli_json_add(rows.json, json_pack("{s:s, s:f, s:f, s:f}", "limit",
                                              limits[l], "gflops", median,
                                              "least", r[0], "best", r[n - 1]));
            continue;
        }
        cli_table_cell(rows.table, "%s", limits[l]);
        cli_table_cell(rows.table, "%.1f", median);
        cli_table_cell(rows.table, "%.1f", r[0]);
        cli_table_cell(rows.table, "%.1f", r[n - 1]);
    }
    code = rows.json ? cli_print_json(rows.json) : cli_table_print(rows.table);
    return cli_figures_end(&figures, a, code);
}

int cmd_bench_limits(const cli_args *a)
{
    bool turns = cli_flag(a, "turns");
    int64_t rounds = 7;
    eg_pool *pool = NULL;
    double *rate = NULL, warm[LIMITS];
    eg_err err = {0};
    int code;

    if (!cli_int(a, "rounds", 1, 1000000, &rounds)) return CLI_MISUSE;
    code = cli_pool(a, &pool);
    if (code != CLI_DONE) return code;
    rate = eg_calloc((size_t)rounds * LIMITS, sizeof *rate);
    if (!rate) {
        code = cli_fail(CLI_FAILED, "out of memory");
        goto done;
    }
    take(warm, 1, pool, turns);
    for (int64_t i = 0; i < rounds; i++) {
        eg_status st = turns ? cli_await_round(i, rounds, &err) : EG_OK;

        if (st != EG_OK) {
            code = cli_error(st, &err);
            goto done;
        }
        take(rate + i, rounds, pool, turns);
    }
    code = report(a, rate, (int)rounds, pool);
done:
    eg_free(rate);
    eg_pool_free(pool);
    return code;
}
