/* The columns of the catalogue, once: the table, its rows, their checksums and
 * the keys that a filter knows are all made of them. */
#include "lab/catalogue_db.h"

#include <string.h>
#include "base/sum.h"
#include "engram/mem.h"

#define COLUMN_(name, kind, member, own)                      \
    {                                                         \
        name, offsetof(egi_entry, member),                    \
            sizeof(((const egi_entry *)0)->member), kind, own \
    }
#define COLUMN(name, kind, member) COLUMN_(name, kind, member, false)
#define OWN(name, kind, member) COLUMN_(name, kind, member, true)

const egi_column egi_columns[] = {
    COLUMN("dir", EGI_TEXT, info.dir),
    COLUMN("name", EGI_TEXT, info.name),
    COLUMN("id", EGI_TEXT, info.id),
    COLUMN("kind", EGI_TEXT, info.kind),
    COLUMN("status", EGI_TEXT, info.status),
    COLUMN("reason", EGI_TEXT, info.reason),
    COLUMN("start", EGI_TEXT, info.start),
    COLUMN("end", EGI_TEXT, info.end),
    COLUMN("version", EGI_TEXT, info.version),
    COLUMN("kernels", EGI_TEXT, info.kern),
    COLUMN("precision", EGI_TEXT, info.precision),
    COLUMN("sweep", EGI_TEXT, info.sweep),
    COLUMN("config_hash", EGI_TEXT, info.config_hash),
    COLUMN("tags", EGI_LIST, info.tags),
    COLUMN("note", EGI_TEXT, info.note),
    COLUMN("point", EGI_INT64, info.point),
    COLUMN("threads", EGI_INT, info.threads),
    COLUMN("resumed", EGI_INT, info.resumed),
    COLUMN("stopped_early", EGI_BOOL, info.stopped_early),
    COLUMN("seed", EGI_INT64, info.seed),
    COLUMN("steps", EGI_INT64, info.steps),
    COLUMN("steps_done", EGI_INT64, info.steps_done),
    COLUMN("n_params", EGI_INT64, info.n_params),
    COLUMN("evaluations", EGI_INT64, info.evaluations),
    COLUMN("solver_steps", EGI_INT64, info.solver_steps),
    COLUMN("rejected", EGI_INT64, info.rejected),
    COLUMN("announced", EGI_INT64, info.announced_bytes),
    COLUMN("peak", EGI_INT64, info.peak_bytes),
    COLUMN("seconds", EGI_REAL, info.seconds),
    COLUMN("tokens_per_s", EGI_REAL, info.tokens_per_s),
    COLUMN("n_notes", EGI_INT, info.n_notes),
    OWN("record_changed_ns", EGI_INT64, record.changed),
    OWN("record_bytes", EGI_INT64, record.bytes),
    OWN("notes_changed_ns", EGI_INT64, notes.changed),
    OWN("notes_bytes", EGI_INT64, notes.bytes),
    OWN("config", EGI_LONG, config),
    OWN("last", EGI_LONG, last),
    OWN("config_changed_ns", EGI_INT64, config_file.changed),
    OWN("config_bytes", EGI_INT64, config_file.bytes),
    OWN("metrics_changed_ns", EGI_INT64, metrics_file.changed),
    OWN("metrics_bytes", EGI_INT64, metrics_file.bytes),
    OWN("details_sum", EGI_INT64, details),
};
_Static_assert(sizeof egi_columns / sizeof *egi_columns == EGI_COLUMNS,
               "columns are counted in catalogue_db.h");

const egi_column *egi_column_find(const char *name)
{
    for (int i = 0; i < EGI_COLUMNS; i++)
        if (!egi_columns[i].own && strcmp(egi_columns[i].name, name) == 0)
            return &egi_columns[i];
    return NULL;
}

void egi_catalogue_schema(char sql[EGI_SQL])
{
    static const char *const type[] = {
        [EGI_TEXT] = "TEXT",   [EGI_LIST] = "TEXT",    [EGI_LONG] = "TEXT",
        [EGI_INT] = "INTEGER", [EGI_BOOL] = "INTEGER", [EGI_INT64] = "INTEGER",
        [EGI_REAL] = "REAL"};
    size_t n = 0;

    for (int i = 0; i < EGI_COLUMNS; i++)
        n += (size_t)snprintf(sql + n, EGI_SQL - n, "%s\"%s\" %s%s",
                              i ? ", " : "CREATE TABLE runs (",
                              egi_columns[i].name, type[egi_columns[i].kind],
                              i ? "" : " PRIMARY KEY");
    (void)snprintf(sql + n, EGI_SQL - n, ", \"sum\" INTEGER)");
}

static int64_t end(const egi_summer *s)
{
    egi_sum sum = egi_summer_end(s);
    int64_t both;

    memcpy(&both, &sum.lo, sizeof both);
    return both;
}

/* Text with its 0, numbers in 8 bytes. */
static void add(egi_summer *s, const egi_entry *row, const egi_column *c)
{
    const char *at = (const char *)row + c->offset;
    int64_t small = 0;

    switch (c->kind) {
    case EGI_TEXT:
    case EGI_LIST:
        egi_summer_add(s, at, strlen(at) + 1);
        break;
    case EGI_LONG:
        memcpy(&at, (const char *)row + c->offset, sizeof at);
        egi_summer_add(s, at, strlen(at) + 1);
        break;
    case EGI_INT:
        small = *(const int *)(const void *)at;
        egi_summer_add(s, &small, sizeof small);
        break;
    case EGI_BOOL:
        small = *(const bool *)(const void *)at;
        egi_summer_add(s, &small, sizeof small);
        break;
    case EGI_INT64:
    case EGI_REAL:
        egi_summer_add(s, at, 8);
    }
}

int64_t egi_row_sum(const egi_entry *row)
{
    egi_summer s;

    egi_summer_init(&s);
    for (int i = 0; i < EGI_OF_RECORD; i++) add(&s, row, &egi_columns[i]);
    add(&s, row, &egi_columns[EGI_COLUMNS - 1]);
    return end(&s);
}

int64_t egi_details_sum(const egi_entry *row)
{
    egi_summer s;
    int64_t sum;

    egi_summer_init(&s);
    for (int i = EGI_OF_RECORD; i < EGI_COLUMNS - 1; i++)
        add(&s, row, &egi_columns[i]);
    sum = end(&s);
    return sum ? sum : 1; /* 0 says that there are none */
}

void egi_entries_free(egi_entry *row, int n)
{
    for (int i = 0; row && i < n; i++) {
        eg_free(row[i].config);
        eg_free(row[i].last);
    }
    eg_free(row);
}
