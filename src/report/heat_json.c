/* Heat maps packed into bytes small enough for a page. */

#include <math.h>
#include "report/report_impl.h"

enum { CODES = 254, NOT_FINITE = 255 };

/* A value as a byte. Weights from 0 up: the root, so that small ones keep
 * their digits; signed: linear about 127. */
static unsigned char code(const egi_heat *h, double x)
{
    double max = h->max > 0 ? h->max : 1;

    if (!isfinite(x)) return NOT_FINITE;
    if (h->is_signed) return (unsigned char)lrint(127 + 127 * (x / max));
    return (unsigned char)lrint(CODES * sqrt(x / max));
}

static unsigned char *pack(unsigned char *o, const egi_heat *h, const double *x)
{
    for (int a = 0; a < h->heads; a++)
        for (int r = 0; r < h->rows; r++) {
            int n = h->causal ? r + 1 : h->cols;
            for (int c = 0; c < n; c++) *o++ = code(h, x[c]);
            x += h->cols;
        }
    return o;
}

/* The snapshots that are shown, packed, and their steps; NULL: no memory. */
static json_t *packed(json_t *steps, const egi_heats *m, const egi_heat *h,
                      int shown, json_t *problems)
{
    unsigned char *bytes =
        eg_calloc((size_t)shown * (size_t)egi_heat_size(h), 1);
    unsigned char *o = bytes;
    json_t *data = NULL;
    int n = h->n_steps, bad = !bytes;

    for (int i = 0; i < shown && !bad; i++) {
        int at = shown > 1 ? (int)((int64_t)i * (n - 1) / (shown - 1)) : n - 1;
        double *x = NULL;
        eg_err why = {0};
        eg_status st = egi_heat_read(&x, m, h, h->steps[at], &why);

        if (st != EG_OK) {
            bad |= egi_note_why(problems, st, &why, NULL) != EG_OK;
            continue;
        }
        o = pack(o, h, x);
        eg_free(x);
        bad |= json_array_append_new(steps, json_integer(h->steps[at]));
    }
    if (!bad) data = egi_json_base64(bytes, (size_t)(o - bytes));
    eg_free(bytes);
    return data;
}

static json_t *heat_json(const egi_heats *m, const egi_heat *h, double keep,
                         json_t *problems)
{
    int n = h->n_steps, shown = (int)(keep * n), bad = 0;
    json_t *steps = json_array(), *j;
    char label[192];

    if (shown < 2) shown = n < 2 ? n : 2;
    if (shown > n) shown = n;
    egi_heat_label(h, label, sizeof label);
    j = json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:s}", "name",
                  egi_json_text(h->name), "label", egi_json_text(label), "rows",
                  h->kind->rows, "cols", h->kind->cols, "row_axis",
                  h->kind->row_axis, "col_axis", h->kind->col_axis, "value",
                  h->kind->value, "help", h->kind->help);
    bad |= json_object_set_new(
        j, "shape", json_pack("[i, i, i]", h->heads, h->rows, h->cols));
    bad |= json_object_set_new(j, "full", json_boolean(h->full));
    bad |= json_object_set_new(j, "peaks", json_boolean(h->kind->peaks));
    bad |= json_object_set(j, "steps", steps);
    bad |= json_object_set_new(j, "of", json_integer(n));
    bad |= json_object_set_new(j, "signed", json_boolean(h->is_signed));
    bad |= json_object_set_new(j, "causal", json_boolean(h->causal));
    bad |= json_object_set_new(j, "max", json_real(h->max));
    bad |= json_object_set_new(j, "data", packed(steps, m, h, shown, problems));
    json_decref(steps);
    return egi_json_whole(j, bad);
}

json_t *egi_heats_json(const egi_heats *m, double keep, json_t *problems)
{
    json_t *list = json_array();
    int bad = 0;

    for (int i = 0; i < m->n && !bad; i++) {
        json_t *j;

        if (keep < 1 && m->heat[i].full) continue;
        j = heat_json(m, &m->heat[i], keep, problems);
        if (!j || json_array_size(json_object_get(j, "steps")))
            bad |= json_array_append(list, j);
        json_decref(j);
    }
    return egi_json_whole(list, bad);
}
