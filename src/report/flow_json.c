/* A flow as the page carries it: numbers packed to 16 bits, frame by frame. */

#include <math.h>
#include "report/flow_view.h"

enum { TOP = 32767, LOST = -32768 };

static unsigned char *put16(unsigned char *o, long v)
{
    unsigned u = (unsigned)v & 0xffffU;

    *o++ = (unsigned char)u;
    *o++ = (unsigned char)(u >> 8);
    return o;
}

/* n values as signed 16-bit parts of *top, their largest magnitude. */
static unsigned char *pack(unsigned char *o, double *top, const double *x,
                           int n)
{
    double max = 0;

    for (int i = 0; i < n; i++)
        if (isfinite(x[i])) max = fmax(max, fabs(x[i]));
    for (int i = 0; i < n; i++)
        o = put16(o, !isfinite(x[i]) ? LOST
                     : max > 0       ? lrint(TOP * (x[i] / max))
                                     : 0);
    *top = max;
    return o;
}

/* Rows [frames, size] as base64, and the largest magnitude of each row. Not 0:
 * no memory, as for all below. */
static int put_rows(json_t *j, const char *name, const char *tops,
                    const double *x, int frames, int size)
{
    unsigned char *bytes = eg_calloc(2 * (size_t)frames * (size_t)size + 1, 1);
    unsigned char *o = bytes;
    json_t *list = json_array();
    int bad = !bytes;

    for (int q = 0; !bad && q < frames; q++) {
        double top = 0;
        o = pack(o, &top, x + (ptrdiff_t)q * size, size);
        bad |= json_array_append_new(list, json_real(top));
    }
    if (!bad)
        bad |= json_object_set_new(j, name,
                                   egi_json_base64(bytes, (size_t)(o - bytes)));
    bad |= json_object_set_new(j, tops, list);
    eg_free(bytes);
    return bad;
}

static json_t *ints(const int32_t *v, int n)
{
    json_t *list = json_array();
    int bad = 0;

    for (int i = 0; i < n; i++)
        bad |= json_array_append_new(list, json_integer(v[i]));
    return egi_json_whole(list, bad);
}

static json_t *reals(const double *v, int n)
{
    json_t *list = json_array();
    int bad = 0;

    for (int i = 0; i < n; i++)
        bad |= json_array_append_new(list, isfinite(v[i]) ? json_real(v[i])
                                                          : json_null());
    return egi_json_whole(list, bad);
}

/* Corners of the hull of each frame. */
static json_t *hulls(const egi_flow *f)
{
    json_t *list = json_array();
    int bad = 0;

    for (int q = 0; q < f->n_frames && !bad; q++) {
        int *corner = NULL, n = 0;
        eg_status st = egi_hull(&corner, &n, egi_flow_frame(f, q), f->n_tokens,
                                f->dim, NULL);

        bad |= st == EG_ENOMEM;
        bad |= json_array_append_new(list, ints(corner, n));
        eg_free(corner);
    }
    return egi_json_whole(list, bad);
}

json_t *egi_flow_json(const egi_flow *f)
{
    int bad = 0;
    json_t *j = json_pack(
        "{s:o, s:o, s:o, s:b, s:b, s:f, s:f, s:I, s:I, s:I, s:i, s:f, s:i}",
        "model", egi_json_text(f->model), "space", egi_json_text(f->space),
        "norm", egi_json_text(f->norm), "sphere", (int)f->sphere, "causal",
        (int)f->causal, "beta", f->beta, "delta", f->delta, "n",
        (json_int_t)f->n, "d", (json_int_t)f->d, "times",
        (json_int_t)f->n_times, "dim", f->dim, "share", f->share, "lost",
        f->n_lost);

    bad |= json_object_set_new(j, "log", json_boolean(egi_flow_log(f)));
    bad |= json_object_set_new(j, "t", reals(f->t, f->n_frames));
    bad |= json_object_set_new(j, "token", ints(f->token, f->n_tokens));
    bad |= put_rows(j, "x", "x_top", f->x, f->n_frames, f->n_tokens * f->dim);
    if (f->label)
        bad |= json_object_set_new(j, "label", ints(f->label, f->n_tokens));
    if (!f->sphere && f->dim > 1 && f->d <= 3)
        bad |= json_object_set_new(j, "hull", hulls(f));
    if (f->bins) {
        bad |= json_object_set_new(j, "bins", json_integer(f->bins));
        bad |= put_rows(j, "hist", "hist_top", f->hist, f->n_frames, f->bins);
    }
    if (f->n_merges)
        bad |=
            json_object_set_new(j, "merges", reals(f->merge, 2 * f->n_merges));
    return egi_json_whole(j, bad);
}
