/* engram bench --compare A B: what got slower or faster, beyond the noise. */
#include "bench_out.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static const char *const name[] = {"same", "faster", "slower",
                                   "gone", "new",    "unknown"};

static void show_value(cli_table *t, const eg_figure *r, bool by_share)
{
    if (!r)
        cli_table_cell(t, "-");
    else if (by_share && isnan(r->share))
        cli_table_cell(t, "?");
    else if (by_share)
        cli_table_cell(t, "%.1f %%", 100 * r->share);
    else
        cli_table_cell(t, "%.4g", r->median);
}

static void show_row(cli_table *t, const eg_figure_change *c, bool by_share)
{
    const eg_figure *any = c->a ? c->a : c->b;
    bool both = c->a && c->b && c->what != EG_CHANGE_UNKNOWN;

    cli_table_cell(t, "%s", any->name);
    cli_table_cell(t, "%s", by_share ? "of limit" : any->unit);
    show_value(t, c->a, by_share);
    show_value(t, c->b, by_share);
    if (both) {
        cli_table_cell(t, "%.3f", c->ratio);
        cli_table_cell(t, "%.0f %%", 100 * c->noise);
    } else {
        cli_table_cell(t, "-");
        cli_table_cell(t, "-");
    }
    cli_table_cell(t, "%s", c->what == EG_CHANGE_NONE ? "" : name[c->what]);
}

static int show(const eg_figures *a, const eg_figures *b,
                const eg_figures_change *c)
{
    static const char *const head[] = {"figure", "unit",  "A", "B",
                                       "speed",  "noise", ""};
    cli_table *t = cli_table_new(7);
    int code;

    cli_print("A: %s, %s", a->date, a->commit);
    cli_print("B: %s, %s", b->date, b->commit);
    if (c->by_share)
        puts("other machines: shares of what each allows are compared");
    if (c->why[0]) cli_print("they differ beside their figures: %s", c->why);
    puts("");
    for (int i = 0; i < 7; i++) cli_table_cell(t, "%s", head[i]);
    for (int i = 0; i < c->n; i++) show_row(t, &c->row[i], c->by_share);
    code = cli_table_print(t);
    printf("\n%d slower, %d faster, %d the same within the noise\n",
           c->n_slower, c->n_faster, c->n_same);
    return code;
}

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static int show_json(const eg_figures_change *c)
{
    json_t *rows = json_array();

    for (int i = 0; i < c->n; i++) {
        const eg_figure_change *r = &c->row[i];
        const eg_figure *any = r->a ? r->a : r->b;

        cli_json_add(
            rows,
            json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "name",
                      cli_json_string(any->name), "unit",
                      cli_json_string(any->unit), "change", name[r->what], "a",
                      number(r->a ? r->a->median : (double)NAN), "b",
                      number(r->b ? r->b->median : (double)NAN), "speed",
                      number(r->a && r->b ? r->ratio : (double)NAN), "noise",
                      number(r->a && r->b ? r->noise : (double)NAN)));
    }
    return cli_print_json(
        json_pack("{s:b, s:o, s:i, s:i, s:i, s:o}", "by_share", c->by_share,
                  "differ", cli_json_string(c->why), "slower", c->n_slower,
                  "faster", c->n_faster, "same", c->n_same, "figures", rows));
}

int cmd_bench_compare(const cli_args *a)
{
    const char *first = cli_value(a, "compare");
    eg_figures x = {0}, y = {0};
    eg_figures_change c = {0};
    eg_err err = {0};
    eg_status st;
    int code;

    if (a->n_words != 1)
        return cli_fail(CLI_MISUSE, "bench: --compare A is followed by B, the "
                                    "file of figures that A is compared with");
    st = eg_figures_read(&x, first, &err);
    if (st == EG_OK) st = eg_figures_read(&y, a->word[0], &err);
    if (st == EG_OK) st = eg_figures_compare(&c, &x, &y, &err);
    if (st != EG_OK)
        code = cli_error(st, &err);
    else
        code = cli_flag(a, "json") ? show_json(&c) : show(&x, &y, &c);
    if (code == CLI_DONE && c.n_slower > 0) code = CLI_FAILED;
    eg_figures_change_release(&c);
    eg_figures_release(&x);
    eg_figures_release(&y);
    return code;
}
