/* The catalogue asked: which runs, in which order, and what of them.
 *
 * A key is the name of
 *  - a field of the record: name id kind status reason start end version
 *    kernels precision sweep point config_hash tags note n_notes threads
 * resumed stopped_early seed steps steps_done n_params evaluations solver_steps
 * rejected announced peak seconds tokens_per_s dir;
 *  - a key of the resolved configuration: optim.lr;
 *  - a metric, which stands for its last value: loss, or, where a field has the
 *    same name, last.loss.
 * What a run does not have (a statement of the theory has no optim.lr) is
 * nothing: no comparison with it holds, not even !=. */
#ifndef ENGRAM_CATALOGUE_H
#define ENGRAM_CATALOGUE_H

#include "engram/run.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum eg_value_kind {
    EG_VALUE_NOTHING,
    EG_VALUE_NUMBER, /* text is the number as it was written */
    EG_VALUE_TEXT,   /* number is NaN unless the text is one */
    EG_VALUE_LIST    /* text is "a, b" */
} eg_value_kind;
typedef struct eg_value {
    eg_value_kind kind;
    double number;
    char text[512]; /* longer ones are cut */
} eg_value;

/* Which runs.
 *
 * where    a condition; NULL: all
 *
 *     condition   both { "or" both }
 *     both        one { "and" one }
 *     one         [ "not" ] ( "(" condition ")" | comparison )
 *     comparison  KEY [ ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~" )
 *                 VALUE ]
 *
 *     Numbers compare as numbers, a number above or below what is none is
 *     EG_EINVAL, and texts compare in the order of their bytes (start >
 *     2026-11-01). `~`: the text holds VALUE, in
 *     which * stands for anything, whatever the case of its letters. Of a list
 *     = and ~ ask for one item, != and !~ for none. KEY alone: it is there and
 *     neither 0, false nor empty. A KEY or VALUE with blanks or signs stands in
 *     ' or ".
 * sort     keys with commas between, each perhaps with :desc or :asc behind it;
 *          NULL: newest first, which also decides between equals
 * limit    at most so many of them; 0: all */
typedef struct eg_select {
    const char *name; /* runs of that name; NULL: all */
    const char *where, *sort;
    const char *const *column; /* [n_columns] keys */
    int n_columns;
    int64_t limit;
} eg_select;
/* column [n_columns]: those that were asked for. */
typedef void (*eg_select_fn)(void *ctx, const eg_run_info *info,
                             const eg_value *column);
/* fn for each run below root, as eg_catalogue_each finds them. EG_EINVAL names
 * the place in a condition and what was expected there, and a key that no run
 * has, with the nearest one. Configurations and metrics are read at the first
 * question for them, and from the catalogue after that: of 10,000 runs in 0.5
 * s, and 5 s without a catalogue. */
EG_API eg_status eg_catalogue_select(const char *root, const eg_select *s,
                                     eg_select_fn fn, void *ctx, eg_err *err);

/* ---- SQL ------------------------------------------------------------------
 */

typedef enum eg_cell_kind {
    EG_CELL_NULL,
    EG_CELL_INTEGER,
    EG_CELL_REAL,
    EG_CELL_TEXT /* also of bytes, which are shown as hexadecimal digits */
} eg_cell_kind;
typedef struct eg_cell {
    eg_cell_kind kind;
    int64_t integer;
    double real;
    const char *text; /* until the next row */
} eg_cell;
#define EG_SQL_COLUMNS 64
/* The names of the columns [n], with cell NULL, also where no row follows; then
 * a row [n] at a time. False: enough. */
typedef bool (*eg_sql_fn)(void *ctx, int n, const char *const *name,
                          const eg_cell *cell);
/* One SELECT over the runs below root, as they are now, on tables in memory
 * (eg_catalogue_sql_schema): nothing that it says can change or open a file.
 * EG_EINVAL: it is no SELECT, with the place where that can be told. It is
 * given up after so many seconds, beyond 1 GiB, or when stop (may be NULL) says
 * so: EG_EBUSY. */
EG_API eg_status eg_catalogue_sql(const char *root, const char *select,
                                  double seconds, bool (*stop)(void *ctx),
                                  eg_sql_fn fn, void *ctx, eg_err *err);
/* What the i-th of its tables is called, holds and says, as lines of text; NULL
 * past the end. */
EG_API const char *eg_catalogue_sql_schema(int i);

#ifdef __cplusplus
}
#endif
#endif
