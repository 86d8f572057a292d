/* The figure of a profile, of the first run of a setting that has one. */

#include <string.h>
#include "engram/text.h"
#include "report/figures.h"

static void put_rows(FILE *f, const egi_figures *j, const json_t *profile)
{
    static const char *const key[] = {"op",    "what",    "value", "direction",
                                      "calls", "seconds", "share"};
    const json_t *row;
    size_t i;

    egi_csv_head(f, "op,what,value,direction,calls,seconds,share");
    json_array_foreach(json_object_get(profile, "rows"), i, row)
    {
        egi_csv_row(f, j, "profile");
        for (size_t k = 0; k < sizeof key / sizeof *key; k++) {
            const json_t *v = json_object_get(row, key[k]);

            if (k) fputc(',', f);
            if (json_is_string(v))
                eg_csv_write(f, json_string_value(v));
            else if (json_is_number(v))
                egi_csv_number(f, json_number_value(v));
        }
        fputc('\n', f);
    }
}

eg_status egi_figure_profile(egi_figures *j, eg_err *err)
{
    const json_t *profile = NULL;
    eg_outfile o = {0};
    char title[700];
    json_int_t ranks;
    int n;
    eg_status st;
    bool drawn = true;

    for (int i = 0; i < j->n && !profile; i++) profile = j->runs[i].profile;
    if (json_array_size(json_object_get(profile, "rows")) == 0) return EG_OK;
    st = egi_figure_open(&o, j, "profile", err);
    if (st != EG_OK) return st;
    ranks = json_integer_value(json_object_get(profile, "ranks"));
    n = snprintf(title, sizeof title, "%s: where the time goes", j->setting);
    if (ranks > 1 && (size_t)n < sizeof title)
        (void)snprintf(title + n, sizeof title - (size_t)n,
                       " in one of %lld ranks", (long long)ranks);
    if (j->csv)
        put_rows(o.f, j, profile);
    else
        drawn = egi_svg_bars(o.f, profile, title);
    if (!drawn) {
        eg_outfile_abort(&o);
        return EG_OK;
    }
    st = eg_outfile_commit(&o, err);
    j->n_files += st == EG_OK;
    return st;
}
