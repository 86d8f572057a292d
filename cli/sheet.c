#include "sheet.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

int sheet_begin(sheet *s, const cli_args *a)
{
    bool csv = cli_flag(a, "csv"), json = cli_flag(a, "json");

    memset(s, 0, sizeof *s);
    if (csv && json)
        return cli_fail(CLI_MISUSE, "--csv and --json: expected one of them");
    s->kind = csv ? SHEET_CSV : json ? SHEET_JSON : SHEET_TABLE;
    if (json) s->json = json_array();
    if (json) s->row = json_object();
    return CLI_DONE;
}

/* ---- one row ---------------------------------------------------------------
 */

static json_t *number_json(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static sheet_cell *add(sheet *s, const char *name)
{
    sheet_cell *c;

    EG_ASSERT(s->n < SHEET_CELLS);
    c = &s->cell[s->n++];
    *c = (sheet_cell){.kind = CELL_TEXT};
    eg_text_copy(c->name, sizeof c->name, name);
    return c;
}

void sheet_text(sheet *s, const char *name, const char *text)
{
    sheet_cell *c;

    if (s->kind == SHEET_JSON) {
        cli_json_set(s->row, name, cli_json_string(text));
        return;
    }
    c = add(s, name);
    eg_text_copy(c->text, sizeof c->text, text);
}

void sheet_count(sheet *s, const char *name, int n)
{
    sheet_cell *c;

    if (s->kind == SHEET_JSON) {
        cli_json_set(s->row, name, json_integer(n));
        return;
    }
    c = add(s, name);
    c->kind = CELL_COUNT;
    c->low = n;
}

static void put_number(sheet *s, const char *name, double v, bool detail)
{
    sheet_cell *c;

    if (s->kind == SHEET_JSON) {
        cli_json_set(s->row, name, number_json(v));
        return;
    }
    c = add(s, name);
    c->kind = CELL_NUMBER;
    c->low = v;
    c->detail = detail;
}

void sheet_number(sheet *s, const char *name, double v)
{
    put_number(s, name, v, false);
}

void sheet_detail(sheet *s, const char *name, double v)
{
    put_number(s, name, v, true);
}

void sheet_interval(sheet *s, const char *name, const char *head, double low,
                    double high)
{
    char key[128];
    sheet_cell *c;

    if (s->kind == SHEET_TABLE) {
        c = add(s, head);
        c->kind = CELL_INTERVAL;
        c->low = low;
        c->high = high;
        return;
    }
    snprintf(key, sizeof key, "%s_low", name);
    sheet_number(s, key, low);
    snprintf(key, sizeof key, "%s_high", name);
    sheet_number(s, key, high);
}

void sheet_json(sheet *s, const char *name, json_t *v)
{
    if (s->kind == SHEET_JSON)
        cli_json_set(s->row, name, v);
    else
        json_decref(v);
}

/* ---- a table --------------------------------------------------------------
 */

static const char *short_number(char buf[32], double v)
{
    if (isfinite(v))
        snprintf(buf, 32, "%.5g", v);
    else
        snprintf(buf, 32, "%s", isnan(v) ? "-" : "never");
    return buf;
}

static void table_cell(cli_table *t, const sheet_cell *c)
{
    char a[32], b[32];

    if (c->kind == CELL_TEXT)
        cli_table_cell(t, "%s", c->text);
    else if (c->kind == CELL_COUNT)
        cli_table_cell(t, "%.0f", c->low);
    else if (c->kind == CELL_NUMBER)
        cli_table_cell(t, "%s", short_number(a, c->low));
    else if (isnan(c->low))
        cli_table_cell(t, "-");
    else
        cli_table_cell(t, "[%s, %s]", short_number(a, c->low),
                       short_number(b, c->high));
}

static void table_row(sheet *s)
{
    int columns = 0;

    for (int i = 0; i < s->n; i++) columns += !s->cell[i].detail;
    EG_ASSERT(columns <= SHEET_COLUMNS);
    if (!s->table) {
        s->table = cli_table_new(columns);
        for (int i = 0; i < s->n; i++)
            if (!s->cell[i].detail)
                cli_table_cell(s->table, "%s", s->cell[i].name);
    }
    for (int i = 0; i < s->n; i++)
        if (!s->cell[i].detail) table_cell(s->table, &s->cell[i]);
}

/* ---- CSV ------------------------------------------------------------------
 */

static void csv_number(double v)
{
    if (isfinite(v)) printf("%.9g", v);
    if (isinf(v)) fputs(v > 0 ? "inf" : "-inf", stdout);
}

static void csv_row(sheet *s)
{
    for (int i = 0; s->rows == 0 && i < s->n; i++) {
        if (i > 0) putchar(',');
        eg_csv_write(stdout, s->cell[i].name);
    }
    if (s->rows == 0) putchar('\n');
    for (int i = 0; i < s->n; i++) {
        if (i > 0) putchar(',');
        if (s->cell[i].kind == CELL_TEXT)
            eg_csv_write(stdout, s->cell[i].text);
        else
            csv_number(s->cell[i].low);
    }
    putchar('\n');
}

/* ---- all of them ----------------------------------------------------------
 */

void sheet_row(sheet *s)
{
    if (s->kind == SHEET_TABLE) table_row(s);
    if (s->kind == SHEET_CSV) csv_row(s);
    if (s->kind == SHEET_JSON) {
        cli_json_add(s->json, s->row);
        s->row = json_object();
    }
    s->n = 0;
    s->rows++;
}

void sheet_drop(sheet *s, json_t *about)
{
    cli_table_free(s->table);
    json_decref(s->json);
    json_decref(s->row);
    json_decref(about);
    memset(s, 0, sizeof *s);
}

int sheet_end(sheet *s, json_t *about)
{
    int code = CLI_DONE;

    if (s->kind == SHEET_JSON) {
        cli_json_set(about, "rows", s->json);
        s->json = NULL;
        code = cli_print_json(about);
        about = NULL;
    } else if (s->table) {
        code = cli_table_print(s->table);
        s->table = NULL;
    }
    sheet_drop(s, about);
    return code;
}
