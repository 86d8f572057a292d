/* engram runs: what is on disk, as a list. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "engram/catalogue.h"
#include "engram/mem.h"

const cli_option cli_runs_options[] = {
    {"where", 'w', "CONDITION",
     "only these: 'optim.lr > 0.1 and status = finished'"},
    {"sort", 's', "KEY[:desc]",
     "in this order; several keys with commas between"},
    {"columns", 'c', "KEY,KEY...", "show these"},
    {"limit", 'n', "N", "at most so many"},
    {"rebuild", 0, NULL, "read everything again, also what has not changed"},
    CLI_OPT_RUNS,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_runs_help[] =
    "The runs under runs/, newest first, also those that still run or were\n"
    "killed; with NAME only those of that name. runs/catalogue.sqlite is an\n"
    "index of them: what it lacks is read from the run directories.\n"
    "\n"
    "A KEY is a field of the record (status, start, seconds, seed, sweep,\n"
    "tags, ...; `engram runs --json` shows them), a key of the configuration\n"
    "(optim.lr), or a metric, for its last value (loss, or last.loss). What a\n"
    "run does not have meets no condition.\n"
    "\n"
    "CONDITION is made of comparisons (= != < <= > >=, and ~ !~ for a text\n"
    "that holds the value, in which * stands for anything), and, or, not and\n"
    "parentheses. A list, as tags, is compared item by item. KEY alone: it is\n"
    "there, and neither 0, false nor empty. What has blanks or signs in it\n"
    "stands in quotation marks.\n"
    "\n"
    "  engram runs\n"
    "  engram runs birth-basic --json\n"
    "  engram runs --where 'status = killed or status = failed'\n"
    "  engram runs -w 'model.d_model >= 64 and not tags = old' -s loss -n 5 "
    "\\\n"
    "      -c id,optim.lr,loss,seconds\n";

/* "a, b" as an array. */
static json_t *list_json(const char *text)
{
    json_t *list = json_array();

    while (list && text[0]) {
        const char *end = strstr(text, ", ");
        size_t n = end ? (size_t)(end - text) : strlen(text);

        cli_json_add(list, json_stringn(text, n));
        text += n;
        text += *text ? 2 : 0;
    }
    return list;
}

json_t *cli_info_json(const eg_run_info *r)
{
    json_t *o = json_pack(
        "{s:o, s:o, s:o, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, "
        "s:I, s:I, s:I, s:f, s:f}",
        "dir", cli_json_string(r->dir), "name", cli_json_string(r->name), "id",
        cli_json_string(r->id), "status", r->status, "reason",
        cli_json_string(r->reason), "start", r->start, "end", r->end, "version",
        r->version, "kernels", r->kern, "precision", r->precision, "threads",
        r->threads, "seed", (json_int_t)r->seed, "steps", (json_int_t)r->steps,
        "steps_done", (json_int_t)r->steps_done, "memory_announced_bytes",
        (json_int_t)r->announced_bytes, "memory_peak_bytes",
        (json_int_t)r->peak_bytes, "seconds", r->seconds, "tokens_per_s",
        r->tokens_per_s);

    cli_json_set(o, "resumed", json_integer(r->resumed));
    cli_json_set(o, "n_params", json_integer(r->n_params));
    cli_json_set(o, "config_hash", cli_json_string(r->config_hash));
    cli_json_set(o, "tags", list_json(r->tags));
    cli_json_set(o, "note", cli_json_string(r->note));
    cli_json_set(o, "n_notes", json_integer(r->n_notes));
    if (r->sweep[0]) {
        cli_json_set(o, "sweep", cli_json_string(r->sweep));
        cli_json_set(o, "point", json_integer(r->point));
    }
    if (r->kind[0]) cli_json_set(o, "kind", json_string(r->kind));
    if (r->evaluations > 0) {
        cli_json_set(o, "evaluations", json_integer(r->evaluations));
        cli_json_set(o, "solver_steps", json_integer(r->solver_steps));
        cli_json_set(o, "rejected", json_integer(r->rejected));
    }
    return o;
}

json_t *cli_value_json(const eg_value *v)
{
    if (v->kind == EG_VALUE_NOTHING) return json_null();
    if (v->kind == EG_VALUE_LIST) return list_json(v->text);
    if (v->kind == EG_VALUE_TEXT) return cli_json_string(v->text);
    if (!isfinite(v->number)) return json_null();
    if (v->number == floor(v->number) && fabs(v->number) < 9e15)
        return json_integer((json_int_t)v->number);
    return json_real(v->number);
}

static void value_cell(cli_table *t, const eg_value *v)
{
    bool whole = v->number == floor(v->number) && fabs(v->number) < 1e15;

    if (v->kind == EG_VALUE_NOTHING)
        cli_table_cell(t, "-");
    else if (v->kind != EG_VALUE_NUMBER)
        cli_table_cell(t, "%s", v->text);
    else
        cli_table_cell(t, whole ? "%.0f" : "%.5g", v->number);
}

typedef struct listing {
    cli_listing rows;
    const char *column[CLI_MOST_COLUMNS];
    char *text; /* of these */
    int n_columns, n;
} listing;

static void add_columns(listing *l, const eg_value *value)
{
    json_t *o = l->rows.json ? json_object() : NULL;

    for (int i = 0; i < l->n_columns; i++) {
        if (o)
            cli_json_set(o, l->column[i], cli_value_json(&value[i]));
        else
            value_cell(l->rows.table, &value[i]);
    }
    if (l->rows.json) cli_json_add(l->rows.json, o);
}

static void add_run(void *ctx, const eg_run_info *r, const eg_value *value)
{
    listing *l = ctx;

    l->n++;
    if (l->n_columns > 0) {
        add_columns(l, value);
        return;
    }
    if (l->rows.json) {
        cli_json_add(l->rows.json, cli_info_json(r));
        return;
    }
    cli_table_cell(l->rows.table, "%s", r->name);
    cli_table_cell(l->rows.table, "%s", r->id);
    cli_table_cell(l->rows.table, "%s", r->status);
    cli_table_cell(l->rows.table, "%lld", (long long)r->seed);
    cli_table_cell(l->rows.table, "%lld/%lld", (long long)r->steps_done,
                   (long long)r->steps);
    cli_table_cell(l->rows.table, "%.1f s", r->seconds);
    if (r->tokens_per_s > 0)
        cli_table_cell(l->rows.table, "%.0f", r->tokens_per_s);
    else
        cli_table_cell(l->rows.table, "-");
    cli_table_cell(l->rows.table, "%s", r->tags);
}

/* "a,b,c" into l->column. */
static int split_columns(listing *l, const char *text)
{
    char *at;

    if (!text) return CLI_DONE;
    l->text = at = eg_strdup(text);
    if (!at) return cli_fail(CLI_FAILED, "out of memory");
    while (at) {
        char *comma = strchr(at, ',');

        if (comma) *comma = '\0';
        if (!at[0])
            return cli_fail(CLI_MISUSE,
                            "--columns: expected keys with commas between, "
                            "found '%s'",
                            text);
        if (l->n_columns == CLI_MOST_COLUMNS)
            return cli_fail(CLI_MISUSE, "--columns: more than %d",
                            CLI_MOST_COLUMNS);
        l->column[l->n_columns++] = at;
        at = comma ? comma + 1 : NULL;
    }
    return CLI_DONE;
}

static int list_runs(const cli_args *a, const char *root, listing *l)
{
    static const char *const head[] = {"name",  "id",      "status",   "seed",
                                       "steps", "seconds", "tokens/s", "tags"};
    eg_select s = {.name = a->n_words ? a->word[0] : NULL,
                   .where = cli_value(a, "where"),
                   .sort = cli_value(a, "sort"),
                   .column = l->column,
                   .n_columns = l->n_columns};
    eg_err err = {0};
    eg_status st;

    if (!cli_int(a, "limit", 1, INT32_MAX, &s.limit)) return CLI_MISUSE;
    if (l->n_columns > 0)
        cli_listing_begin(&l->rows, a, l->column, l->n_columns);
    else
        cli_listing_begin(&l->rows, a, head, 8);
    st = eg_catalogue_select(root, &s, add_run, l, &err);
    if (st != EG_OK) {
        cli_listing_drop(&l->rows);
        return cli_error(st, &err);
    }
    if (l->n == 0)
        cli_say("no runs%s%s under %s%s", s.name ? " of " : "",
                s.name ? s.name : "", root, s.where ? " meet that" : "");
    if (l->rows.json)
        return cli_print_json(json_pack("{s:o}", "runs", l->rows.json));
    return cli_table_print(l->rows.table);
}

int cmd_runs(const cli_args *a)
{
    const char *root = cli_runs_root(a);
    listing l = {0};
    eg_err err = {0};
    eg_status st;
    int n = 0, code;

    if (cli_flag(a, "rebuild")) {
        st = eg_catalogue_rebuild(root, &n, &err);
        if (st != EG_OK) return cli_error(st, &err);
        cli_say("%d runs found under %s", n, root);
    } else if (!eg_file_exists(root)) {
        cli_say("no folder %s: nothing has run here yet", root);
        return cli_flag(a, "json") ? cli_print_json(json_pack("{s:[]}", "runs"))
                                   : CLI_DONE;
    }
    code = split_columns(&l, cli_value(a, "columns"));
    if (code == CLI_DONE) code = list_runs(a, root, &l);
    eg_free(l.text);
    return code;
}
