/* Rows of named cells, printed as a table, as CSV or as JSON: which one, the
 * rows need not know. */
#ifndef EG_CLI_SHEET_H
#define EG_CLI_SHEET_H

#include "cli.h"

enum { SHEET_CELLS = 48, SHEET_COLUMNS = 14 };

typedef enum sheet_kind { SHEET_TABLE, SHEET_CSV, SHEET_JSON } sheet_kind;

typedef struct sheet_cell {
    char name[128], text[200];
    double low, high; /* a number is low */
    enum { CELL_TEXT, CELL_COUNT, CELL_NUMBER, CELL_INTERVAL } kind;
    bool detail; /* not in a table */
} sheet_cell;

typedef struct sheet {
    sheet_kind kind;
    int n, rows;
    cli_table *table;
    struct json_t *json, *row; /* the rows, and the one that is being filled */
    sheet_cell cell[SHEET_CELLS];
} sheet;

/* As --csv and --json say; CLI_MISUSE where they are both given. */
int sheet_begin(sheet *s, const cli_args *a);
/* One cell of the row; every row has the same names. */
void sheet_text(sheet *s, const char *name, const char *text);
void sheet_count(sheet *s, const char *name, int n);
void sheet_number(sheet *s, const char *name, double v);
void sheet_detail(sheet *s, const char *name, double v);
/* NAME_low and NAME_high; of a table "[low, high]" below `head`. */
void sheet_interval(sheet *s, const char *name, const char *head, double low,
                    double high);
/* In JSON alone; takes over v. */
void sheet_json(sheet *s, const char *name, struct json_t *v);
void sheet_row(sheet *s); /* the row is complete */
/* Prints what is not printed yet. about: the object that gets the rows under
 * the key `rows`, taken over. */
int sheet_end(sheet *s, struct json_t *about);
/* Prints no more; releases both. */
void sheet_drop(sheet *s, struct json_t *about);

#endif
