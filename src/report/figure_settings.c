/* The settings of a name beside one another, as numbers: what differs, and the
 * last values of all metrics over seeds. */

#include <math.h>
#include <string.h>
#include "engram/text.h"
#include "report/figures.h"

const char *egi_differs_part(const egi_run *r, size_t k, size_t part)
{
    const char *s =
        json_string_value(json_array_get(json_array_get(r->differs, k), part));

    return s ? s : "";
}

static void put_names(FILE *f, const egi_run *r)
{
    fputs(EGI_CSV_MARK, f);
    for (size_t k = 0; k < json_array_size(r->differs); k++) {
        eg_csv_write(f, egi_differs_part(r, k, 0));
        fputc(',', f);
    }
    fputs("quantity,mean,min,max,seeds\n", f);
}

double egi_run_last(const egi_run *r, const char *metric)
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
        double v = egi_run_last(&j->runs[i], metric);

        if (!isfinite(v)) continue;
        sum += v;
        lo = fmin(lo, v);
        hi = fmax(hi, v);
        n++;
    }
    if (n == 0) return;
    egi_csv_row(f, j, "settings");
    for (size_t k = 0; k < json_array_size(j->runs->differs); k++) {
        eg_csv_write(f, egi_differs_part(j->runs, k, 1));
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

void egi_csv_settings(FILE *f, const egi_family *m)
{
    put_names(f, m->of[0].runs);
    for (int s = 0; s < m->n; s++)
        for (int i = 0; i < m->of[s].runs->table.n; i++)
            put_row(f, &m->of[s], m->of[s].runs->table.series[i].name);
}
