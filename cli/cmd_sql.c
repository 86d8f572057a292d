/* engram sql: a question to the catalogue in SQL. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "engram/catalogue.h"
#include "engram/mem.h"

const cli_option cli_sql_options[] = {
    {"schema", 0, NULL, "the tables and what stands in them"},
    {"csv", 0, NULL, "print CSV in place of a table"},
    {"seconds", 0, "S", "give up after so long (default: 30)"},
    CLI_OPT_RUNS,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_sql_help[] =
    "One SELECT, as SQLite understands it, over the runs as they are now:\n"
    "tables runs, config and last (`engram sql --schema` teaches them). It is\n"
    "answered in memory: nothing on disk can be changed or opened by it.\n"
    "\n"
    "  engram sql \"SELECT status, count(*) FROM runs GROUP BY status\"\n"
    "  engram sql \"SELECT config ->> '$.optim.lr' AS lr, min(last ->> "
    "'loss')\n"
    "      FROM runs WHERE name = 'birth-basic' GROUP BY lr\" --csv\n"
    "  engram sql \"SELECT key, count(DISTINCT value) AS values_ FROM config\n"
    "      GROUP BY key HAVING values_ > 1\"\n";

enum { MOST_ROWS = 1000000 };

typedef struct answer {
    bool csv, json;
    cli_table *table;
    json_t *rows;
    int n;
} answer;

/* A cell as text; buf [32] for numbers. */
static const char *text_of(const eg_cell *c, char *buf, int digits)
{
    switch (c->kind) {
    case EG_CELL_NULL:
        return "";
    case EG_CELL_INTEGER:
        (void)snprintf(buf, 32, "%lld", (long long)c->integer);
        return buf;
    case EG_CELL_REAL:
        (void)snprintf(buf, 32, "%.*g", digits, c->real);
        return buf;
    default:
        return c->text;
    }
}

static json_t *json_of(const eg_cell *c)
{
    switch (c->kind) {
    case EG_CELL_NULL:
        return json_null();
    case EG_CELL_INTEGER:
        return json_integer(c->integer);
    case EG_CELL_REAL:
        return isfinite(c->real) ? json_real(c->real) : json_null();
    default:
        return cli_json_string(c->text);
    }
}

static void put_csv(int n, const char *const *name, const eg_cell *cell)
{
    char buf[32];

    EG_ASSERT(name || cell);
    for (int i = 0; i < n; i++) {
        if (i > 0) putchar(',');
        eg_csv_write(stdout, name ? name[i] : text_of(&cell[i], buf, 17));
    }
    putchar('\n');
}

static void put_json(json_t *rows, int n, const char *const *name,
                     const eg_cell *cell)
{
    json_t *o = json_object();

    for (int i = 0; i < n; i++) cli_json_set(o, name[i], json_of(&cell[i]));
    cli_json_add(rows, o);
}

static void put_row(cli_table *t, int n, const char *const *name,
                    const eg_cell *cell)
{
    char buf[32];

    EG_ASSERT(name || cell);
    for (int i = 0; i < n; i++)
        cli_table_cell(t, "%s", name ? name[i] : text_of(&cell[i], buf, 6));
}

static bool add_row(void *ctx, int n, const char *const *name,
                    const eg_cell *cell)
{
    answer *r = ctx;

    if (r->csv) {
        put_csv(n, cell ? NULL : name, cell);
    } else if (r->json) {
        if (cell) put_json(r->rows, n, name, cell);
    } else {
        if (!cell) r->table = cli_table_new(n);
        put_row(r->table, n, cell ? NULL : name, cell);
    }
    r->n += cell != NULL;
    return r->csv ? !ferror(stdout) : r->n < MOST_ROWS;
}

static int finish(answer *r, eg_status st, const eg_err *err)
{
    if (st != EG_OK) {
        cli_table_free(r->table);
        json_decref(r->rows);
        return cli_stop(NULL) ? CLI_INTERRUPTED : cli_error(st, err);
    }
    if (r->n == MOST_ROWS && !r->csv)
        cli_say("the first %d rows; --csv prints any number", MOST_ROWS);
    if (r->json) return cli_print_json(json_pack("{s:o}", "rows", r->rows));
    if (r->csv || r->n > 0)
        return r->csv ? CLI_DONE : cli_table_print(r->table);
    cli_table_free(r->table);
    cli_say("no rows");
    return CLI_DONE;
}

int cmd_sql(const cli_args *a)
{
    answer r = {.csv = cli_flag(a, "csv"), .json = cli_flag(a, "json")};
    const char *root = cli_runs_root(a);
    double seconds = 30;
    eg_err err = {0};

    if (cli_flag(a, "schema")) {
        for (int i = 0; eg_catalogue_sql_schema(i); i++)
            puts(eg_catalogue_sql_schema(i));
        return CLI_DONE;
    }
    if (a->n_words == 0)
        return cli_fail(CLI_MISUSE, "sql: expected a SELECT, or --schema");
    if (r.csv && r.json)
        return cli_fail(CLI_MISUSE, "sql: --csv or --json, not both");
    if (!cli_real("seconds", cli_value(a, "seconds"), 0.001, 86400, &seconds))
        return CLI_MISUSE;
    if (!eg_file_exists(root))
        return cli_fail(CLI_FAILED, "no folder %s: nothing has run here yet",
                        root);
    if (r.json) r.rows = json_array();
    cli_catch_signals();
    return finish(&r,
                  eg_catalogue_sql(root, a->word[0], seconds, cli_stop, add_row,
                                   &r, &err),
                  &err);
}
