/* The settings of a name beside one another, as numbers: what differs, and the
 * last values of all metrics over seeds. */

#include <math.h>
#include <string.h>
#include "engram/text.h"
#include "report/figures.h"

/* The key (0) or the value (1) of pair k of what differs. */
static const char *part_of(const egi_run *r, size_t k, size_t part)
{
    const char *s =
        json_string_value(json_array_get(json_array_get(r->differs, k), part));

    return s ? s : "";
}

static void put_names(FILE *f, const egi_run *r)
{
    fputs(EGI_CSV_MARK, f);
    for (size_t k = 0; k < json_array_size(r->differs); k++) {
        eg_csv_write(f, part_of(r, k, 0));
        fputc(',', f);
    }
    fputs("quantity,mean,min,max,seeds\n", f);
}

/* The last number of a metric; NaN: there is none. */
static double last_of(const egi_run *r, const char *metric)
{
    const egi_series *s = egi_table_find(&r->table, metric);

    for (int i = s ? s->n - 1 : -1; i >= 0; i--)
        if (isfinite(s->value[i])) return s->value[i];
    return (double)NAN;
}

static void put_row(FILE *f, const egi_figures *j, const char *metric)
{
    double sum = 0, lo = HUGE_VAL, hi = -HUGE_VAL;
    int n = 0;

    for (int i = 0; i < j->n; i++) {
        double v = last_of(&j->runs[i], metric);

        if (!isfinite(v)) continue;
        sum += v;
        lo = fmin(lo, v);
        hi = fmax(hi, v);
        n++;
    }
    if (n == 0) return;
    egi_csv_row(f, j, "settings");
    for (size_t k = 0; k < json_array_size(j->runs->differs); k++) {
        eg_csv_write(f, part_of(j->runs, k, 1));
        fputc(',', f);
    }
    eg_csv_write(f, metric);
    fputc(',', f);
    egi_csv_number(f, sum / n);
    fputc(',', f);
    egi_csv_number(f, lo);
    fputc(',', f);
    egi_csv_number(f, hi);
    fprintf(f, ",%d\n", n);
}

void egi_csv_settings(FILE *f, const egi_figures *j, int n)
{
    put_names(f, j->runs);
    for (int s = 0; s < n; s++)
        for (int i = 0; i < j[s].runs->table.n; i++)
            put_row(f, &j[s], j[s].runs->table.series[i].name);
}
