/* engram bench kernels: every kernel against the limits of this machine. */
#include "cli.h"

#include <jansson.h>
#include <string.h>
#include "bench_out.h"
#include "engram/bench.h"

typedef struct listing {
    cli_listing rows;
    eg_figures figures;
    int n_wrong;
} listing;

static void add_figure(eg_figures *f, const eg_bench_row *r)
{
    char name[sizeof((eg_figure *)0)->name];
    eg_figure *fig;

    snprintf(name, sizeof name, "%s %s%s%s", r->kernel, r->form,
             r->form[0] ? " " : "", r->shape);
    fig = eg_figures_put(f, name, r->unit, false, r->n, r->rate_low, r->rate,
                         r->rate_high, r->best);
    eg_figure_share_put(fig, r->limit, r->share_low, r->share, r->share_high);
    for (int i = 0; i < EG_BENCH_YARDSTICKS; i++)
        eg_figure_peer_add(fig, eg_bench_yardstick(i), r->yardstick[i]);
}

static void add_row(void *ctx, const eg_bench_row *r)
{
    listing *l = ctx;

    if (!r->verified) l->n_wrong++;
    add_figure(&l->figures, r);
    if (l->rows.json) {
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
        cli_json_add(l->rows.json, o);
        return;
    }
    cli_table_cell(l->rows.table, "%s", r->kernel);
    cli_table_cell(l->rows.table, "%s", r->form);
    cli_table_cell(l->rows.table, "%s", r->shape);
    cli_table_cell(l->rows.table, "%.1f %s", r->rate, r->unit);
    cli_table_cell(l->rows.table, "%.0f %%", 100 * r->share);
    for (int i = 0; i < EG_BENCH_YARDSTICKS; i++)
        if (r->yardstick[i] > 0)
            cli_table_cell(l->rows.table, "%.1f", r->yardstick[i]);
        else
            cli_table_cell(l->rows.table, "-");
    cli_table_cell(l->rows.table, "%s", r->verified ? "yes" : "WRONG");
}

int cmd_bench_kernels(const cli_args *a)
{
    enum { FIXED = 5 };
    const char *head[FIXED + EG_BENCH_YARDSTICKS + 1] = {
        "kernel", "form",     "shape",
        "rate",   "of limit", [FIXED + EG_BENCH_YARDSTICKS] = "verified"};
    const char *set = cli_value(a, "kern");
    const char *precision = cli_value(a, "precision");
    bool wide = precision && strcmp(precision, "float64") == 0;
    const char *name = wide ? "float64" : "float32";
    double fma, l2, dram;
    listing l = {0};
    eg_err err = {0};
    eg_status st;
    int code;

    if (!set) set = "auto";
    if (precision && !wide && strcmp(precision, "float32") != 0)
        return cli_fail(CLI_MISUSE,
                        "bench: --precision: expected float32 or float64, "
                        "found '%s'",
                        precision);
    fma = eg_bench_peak_fma(set, wide, 0.2);
    l2 = eg_bench_read_l2(0.2);
    dram = eg_bench_read_dram(0.2);
    if (!cli_flag(a, "json"))
        printf("one core: %.1f GFLOP/s of multiply-adds in %s, %.1f GB/s from "
               "L2, %.1f GB/s from memory\n\n",
               fma, name, l2, dram);
    for (int i = 0; i < EG_BENCH_YARDSTICKS; i++) {
        const char *y = eg_bench_yardstick(i);

        head[FIXED + i] = y ? y : "-";
    }
    eg_figures_begin(&l.figures, wide ? "kernels float64" : "kernels",
                     strcmp(set, "auto") == 0 ? eg_kern_name(0) : set, 1);
    cli_listing_begin(&l.rows, a, head, FIXED + EG_BENCH_YARDSTICKS + 1);
    st = eg_bench_kernels(set, wide, cli_value(a, "only"), 0.1, add_row, &l,
                          &err);
    if (st != EG_OK) {
        cli_listing_drop(&l.rows);
        return cli_figures_end(&l.figures, a, cli_error(st, &err));
    }
    if (l.rows.json)
        code = cli_print_json(json_pack("{s:s, s:s, s:f, s:f, s:f, s:o}", "set",
                                        set, "precision", name, "fma_gflops",
                                        fma, "l2_gb_s", l2, "dram_gb_s", dram,
                                        "kernels", l.rows.json));
    else
        code = cli_table_print(l.rows.table);
    if (code == CLI_DONE && l.n_wrong > 0)
        code = cli_fail(CLI_FAILED, "%d kernels differ from the reference",
                        l.n_wrong);
    return cli_figures_end(&l.figures, a, code);
}
