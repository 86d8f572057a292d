/* What a sweep is going to do: read, checked, shared among cores, printed. */
#include "sweep_cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { MOST_SHOWN = 20 };

/* ---- read -----------------------------------------------------------------
 */

static int take_options(sweep_cli *s)
{
    const cli_args *a = s->args;
    bool seeds = false;

    for (int i = 0; i < a->n_values; i++) {
        const char *name = a->value[i].option->name;
        eg_err err = {0};
        eg_status st = EG_OK;

        if (strcmp(name, "grid") == 0) {
            st = eg_grid_add(&s->grid, s->base, a->value[i].value, &err);
        } else if (strcmp(name, "seeds") == 0) {
            if (!seeds) s->grid.seeds.n = 0; /* those of the file */
            seeds = true;
            st = eg_seeds_add(&s->grid.seeds, a->value[i].value, &err);
        }
        if (st != EG_OK)
            return cli_fail(st == EG_ENOMEM ? CLI_FAILED : CLI_MISUSE,
                            "--%s: %s", name, err.msg);
    }
    if (cli_value(a, "name"))
        (void)eg_text_copy(s->name, sizeof s->name, cli_value(a, "name"));
    return CLI_DONE;
}

static int load(sweep_cli *s)
{
    const char *file = s->args->word[0];
    eg_err err = {0};
    eg_status st;

    if (cli_is_folder(file)) return cli_config(s->args, file, s->base);
    st = eg_sweep_load(s->base, &s->grid, s->name, file, &err);
    return st == EG_OK ? cli_config(s->args, NULL, s->base)
                       : cli_error(st, &err);
}

typedef struct faults {
    int n;
} faults;

static void tell_fault(void *ctx, const char *label, const char *why)
{
    faults *f = ctx;

    if (f->n++ < MOST_SHOWN) (void)cli_fail(CLI_MISUSE, "%s: %s", label, why);
}

int sweep_prepare(sweep_cli *s, bool measure)
{
    faults f = {0};
    eg_err err = {0};
    eg_status st;
    int code = load(s);

    if (code == CLI_DONE) code = take_options(s);
    if (code != CLI_DONE) return code;
    st = eg_sweep_check(&s->plan, s->base, &s->grid, cli_value(s->args, "kern"),
                        measure, tell_fault, &f, &err);
    if (st != EG_OK) return cli_error(st, &err);
    if (f.n > MOST_SHOWN)
        (void)cli_fail(CLI_MISUSE, "... and %d more", f.n - MOST_SHOWN);
    if (f.n > 0)
        return cli_fail(CLI_MISUSE,
                        "%d of %d points cannot run; nothing was run", f.n,
                        s->plan.n_points);
    return CLI_DONE;
}

int sweep_share(sweep_cli *s, int n_points)
{
    int cores = eg_cpu_count() / s->launch.here;

    if (!cli_int(s->args, "jobs", 1, 256, &s->jobs) ||
        !cli_int(s->args, "threads", 1, 1024, &s->threads))
        return CLI_MISUSE;
    eg_sweep_share(&s->jobs, &s->threads, &s->plan, n_points,
                   cores > 1 ? cores : 1);
    return CLI_DONE;
}

/* ---- printed ----------------------------------------------------------------
 */

static json_t *axes_json(const eg_grid *g)
{
    json_t *axes = json_array();

    for (int k = 0; k < g->n_axes; k++) {
        const eg_axis *a = &g->axis[k];
        json_t *values = json_array();

        for (int i = 0; i < a->n; i++)
            cli_json_add(values, cli_json_string(a->value[i]));
        cli_json_add(axes,
                     json_pack("{s:o, s:s, s:o}", "key",
                               cli_json_string(a->key), "scale",
                               eg_scale_name(a->scale), "values", values));
    }
    return axes;
}

static json_t *real_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static int print_json(const sweep_cli *s, double seconds)
{
    json_t *o =
        json_pack("{s:o, s:i, s:I, s:I}", "axes", axes_json(&s->grid),
                  "n_points", s->plan.n_points, "jobs", (json_int_t)s->jobs,
                  "threads", (json_int_t)s->threads);
    json_t *seeds = json_array();

    for (int i = 0; i < s->grid.seeds.n; i++)
        cli_json_add(seeds, json_integer(s->grid.seeds.seed[i]));
    if (s->grid.seeds.n == 0)
        cli_json_add(seeds, json_integer(s->base->run.seed));
    cli_json_set(o, "seeds", seeds);
    cli_json_set(o, "memory_bytes",
                 s->plan.bytes > 0 ? json_integer(s->plan.bytes) : json_null());
    cli_json_set(o, "seconds_estimated", real_or_null(seconds));
    return cli_print_json(o);
}

static void put_axis(cli_table *t, const eg_axis *a)
{
    char text[160];
    size_t n = 0;

    for (int i = 0; i < a->n && n < 100; i++) {
        if (i > 0) n += eg_text_copy(text + n, sizeof text - n, ", ");
        n += eg_text_copy(text + n, sizeof text - n, a->value[i]);
        if (n >= 100 && i + 1 < a->n)
            (void)eg_text_copy(text + n, sizeof text - n, ", ...");
    }
    cli_table_cell(t, "%s", a->key);
    cli_table_cell(t, "%d: %s", a->n, text);
}

static void put_time(cli_table *t, double s)
{
    cli_table_cell(t, "time");
    if (!isfinite(s))
        cli_table_cell(t, "not known: its operations cannot be counted");
    else if (s < 120)
        cli_table_cell(t, "about %.2g s", s);
    else if (s < 7200)
        cli_table_cell(t, "about %.0f min", s / 60);
    else
        cli_table_cell(t, "about %.3g h", s / 3600);
}

int sweep_print_plan(const sweep_cli *s)
{
    double seconds = eg_sweep_seconds(&s->plan, s->jobs, s->threads);
    int seeds = s->grid.seeds.n > 0 ? s->grid.seeds.n : 1;
    double mib = (double)s->plan.bytes / 1048576.0;
    cli_table *t;

    if (cli_flag(s->args, "json")) return print_json(s, seconds);
    t = cli_table_new(2);
    for (int k = 0; k < s->grid.n_axes; k++) put_axis(t, &s->grid.axis[k]);
    cli_table_cell(t, "seeds");
    cli_table_cell(t, "%d", seeds);
    cli_table_cell(t, "points");
    cli_table_cell(t, "%d, all of which can run", s->plan.n_points);
    cli_table_cell(t, "processes");
    cli_table_cell(t, "%lld at a time, %lld threads each", (long long)s->jobs,
                   (long long)s->threads);
    cli_table_cell(t, "memory");
    if (s->plan.bytes > 0)
        cli_table_cell(t, "up to %.0f MiB a process, %.0f together", mib,
                       mib * (double)s->jobs);
    else
        cli_table_cell(t, "not known");
    put_time(t, seconds);
    if (isfinite(seconds))
        cli_say("the time is an estimate: operations of all steps at %.3g "
                "GFLOP/s, measured on the first point; without probes",
                s->plan.rate / 1e9);
    return cli_table_print(t);
}
