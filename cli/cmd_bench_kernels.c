/* engram bench kernels: every kernel against the limits of this machine. */
#include "cli.h"

#include <jansson.h>
#include <string.h>
#include "engram/bench.h"

typedef struct listing {
    cli_table *table;
    json_t *json;
    int n_wrong;
} listing;

static void add_row(void *ctx, const eg_bench_row *r)
{
    listing *l = ctx;

    if (!r->verified) l->n_wrong++;
    if (l->json) {
        json_t *o =
            json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:b}",
                      "kernel", r->kernel, "shape", r->shape, "form", r->form,
                      "unit", r->unit, "rate", r->rate, "best", r->best,
                      "limit", r->limit, "share", r->share, "seconds",
                      r->seconds, "error", r->error, "verified", r->verified);

        for (int i = 0; i < EG_BENCH_YARDSTICKS; i++)
            if (r->yardstick[i] > 0)
                cli_json_set(o, eg_bench_yardstick(i),
                             json_real(r->yardstick[i]));
        cli_json_add(l->json, o);
        return;
    }
    cli_table_cell(l->table, "%s", r->kernel);
    cli_table_cell(l->table, "%s", r->form);
    cli_table_cell(l->table, "%s", r->shape);
    cli_table_cell(l->table, "%.1f %s", r->rate, r->unit);
    cli_table_cell(l->table, "%.0f %%", 100 * r->share);
    for (int i = 0; i < EG_BENCH_YARDSTICKS; i++)
        if (r->yardstick[i] > 0)
            cli_table_cell(l->table, "%.1f", r->yardstick[i]);
        else
            cli_table_cell(l->table, "-");
    cli_table_cell(l->table, "%s", r->verified ? "yes" : "WRONG");
}

int cmd_bench_kernels(const cli_args *a)
{
    const char *set = cli_value(a, "kern");
    double fma, l2, dram;
    listing l = {0};
    eg_err err = {0};
    eg_status st;
    int code;

    if (!set) set = "auto";
    fma = eg_bench_peak_fma(set, 0.2);
    l2 = eg_bench_read_l2(0.2);
    dram = eg_bench_read_dram(0.2);
    if (cli_flag(a, "json")) {
        l.json = json_array();
    } else {
        static const char *const head[] = {"kernel", "form", "shape", "rate",
                                           "of limit"};

        printf("one core: %.1f GFLOP/s of multiply-adds, %.1f GB/s from L2, "
               "%.1f GB/s from memory\n\n",
               fma, l2, dram);
        l.table = cli_table_new(6 + EG_BENCH_YARDSTICKS);
        for (int i = 0; i < 5; i++) cli_table_cell(l.table, "%s", head[i]);
        for (int i = 0; i < EG_BENCH_YARDSTICKS; i++) {
            const char *y = eg_bench_yardstick(i);

            cli_table_cell(l.table, "%s", y ? y : "-");
        }
        cli_table_cell(l.table, "verified");
    }
    st = eg_bench_kernels(set, cli_value(a, "only"), 0.1, add_row, &l, &err);
    if (st != EG_OK) {
        json_decref(l.json);
        cli_table_free(l.table);
        return cli_error(st, &err);
    }
    if (l.json)
        code = cli_print_json(json_pack("{s:s, s:f, s:f, s:f, s:o}", "set", set,
                                        "fma_gflops", fma, "l2_gb_s", l2,
                                        "dram_gb_s", dram, "kernels", l.json));
    else
        code = cli_table_print(l.table);
    if (code == CLI_DONE && l.n_wrong > 0)
        return cli_fail(CLI_FAILED, "%d kernels differ from the reference",
                        l.n_wrong);
    return code;
}
