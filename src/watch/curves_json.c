/* What a page draws of curves: few points, and none of the peaks lost. */
#include <math.h>
#include <string.h>
#include "base/json.h"
#include "base/num.h"
#include "engram/mem.h"
#include "watch/curves.h"

void egi_put_real(egi_buf *out, double v, int digits)
{
    char text[40];
    int n;

    if (!isfinite(v)) {
        egi_buf_put(out, "null", 4);
        return;
    }
    n = egi_snprintf(text, sizeof text, "%.*g", digits, v);
    egi_buf_put(out, text, (size_t)n);
}

void egi_put_text(egi_buf *out, const char *s)
{
    json_t *j = egi_json_text(s);
    char *text =
        j ? egi_json_print(j, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;

    if (text)
        egi_buf_put(out, text, strlen(text));
    else
        out->failed = true;
    eg_free(text);
    json_decref(j);
}

/* Buckets of the answer: those [from, to) of the curves, joined by `join`. */
typedef struct range {
    int64_t from, to, join;
} range;

/* Where x lies among the beginnings of buckets: the last one at or before. */
static int64_t bucket_of(const egi_curves *c, int64_t n, double x)
{
    int64_t lo = 0, hi = n;

    while (hi - lo > 1) {
        int64_t mid = (lo + hi) / 2;

        if (c->start[mid] <= x)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static range choose(const egi_curves *c, const egi_ask_curves *ask, bool *whole)
{
    int64_t n = (c->rows + c->width - 1) / c->width;
    int fair = EGI_TOLD / (c->n ? c->n : 1);
    int most = ask->most < fair ? ask->most : fair;
    range r = {.to = n, .join = 1};

    if (most < 2) most = 2;
    *whole = true;
    if (ask->lo < ask->hi && n > 0) { /* and a neighbour on either side */
        r.from = bucket_of(c, n, ask->lo);
        r.to = bucket_of(c, n, ask->hi) + 2;
        if (r.from > 0) r.from--;
        if (r.to > n) r.to = n;
    }
    while ((r.to - r.from + r.join - 1) / r.join > most) r.join *= 2;
    r.from -= r.from % r.join;
    if (ask->lo < ask->hi || ask->width != c->width * r.join) return r;
    if (ask->from < 0 || ask->from > n / r.join) return r;
    *whole = false;
    r.from = ask->from * r.join;
    return r;
}

/* The first bucket of the curve that is not before `from`. */
static int first_of(const egi_curve *u, int64_t from)
{
    int lo = 0, hi = u->n;

    while (lo < hi) {
        int mid = (lo + hi) / 2;

        if (u->bucket[mid].at < from)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Buckets joined into one; *k moves behind them. */
static egi_bucket joined(const egi_curve *u, int *k, const range *r)
{
    egi_bucket b = u->bucket[*k];
    int64_t group = b.at / r->join;

    for (++*k; *k < u->n && u->bucket[*k].at < r->to &&
               u->bucket[*k].at / r->join == group;
         ++*k)
        egi_bucket_merge(&b, &u->bucket[*k]);
    return b;
}

/* One list of the curve's points: their x, or their values. */
static void put_points(egi_buf *out, const egi_curve *u, const range *r,
                       bool values)
{
    const char *comma = "";

    egi_buf_put(out, "[", 1);
    for (int k = first_of(u, r->from); k < u->n && u->bucket[k].at < r->to;) {
        egi_bucket b = joined(u, &k, r);
        bool first_lo = b.x_lo <= b.x_hi, two = b.x_lo != b.x_hi;
        double a = values ? b.lo : b.x_lo, z = values ? b.hi : b.x_hi;
        int digits = values ? 8 : 15;

        egi_buf_put(out, comma, strlen(comma));
        egi_put_real(out, first_lo ? a : z, digits);
        comma = ",";
        if (!two) continue;
        egi_buf_put(out, comma, 1);
        egi_put_real(out, first_lo ? z : a, digits);
    }
    egi_buf_put(out, "]", 1);
}

static void put_name(egi_buf *out, const char **comma, const char *name)
{
    egi_buf_put(out, *comma, strlen(*comma));
    egi_put_text(out, name);
    egi_buf_put(out, ":", 1);
    *comma = ",";
}

void egi_curves_json(egi_buf *out, const egi_curves *c, egi_curve_name name,
                     const void *ctx, const egi_ask_curves *ask)
{
    bool whole;
    range r = choose(c, ask, &whole);
    int64_t width = c->width * r.join;
    const char *comma = "", *text;

    egi_buf_add(out, "{\"rows\":%lld,\"width\":%lld,\"next\":%lld,\"whole\":%s",
                (long long)c->rows, (long long)width,
                (long long)(c->rows / width), whole ? "true" : "false");
    egi_buf_add(out, ",\"cut\":");
    egi_put_real(out, r.from < r.to ? c->start[r.from] : (double)NAN, 15);
    egi_buf_add(out, ",\"series\":{");
    for (int i = 0; i < c->n; i++) {
        const egi_curve *u = &c->curve[i];

        if (u->n == 0 || i == c->clock || !(text = name(ctx, i))) continue;
        if (!whole && u->bucket[u->n - 1].at < r.from) continue;
        put_name(out, &comma, text);
        egi_buf_put(out, "[", 1);
        put_points(out, u, &r, false);
        egi_buf_put(out, ",", 1);
        put_points(out, u, &r, true);
        egi_buf_put(out, "]", 1);
    }
    egi_buf_add(out, "},\"last\":{");
    comma = "";
    for (int i = 0; i < c->n; i++) {
        if (c->curve[i].points == 0 || !(text = name(ctx, i))) continue;
        put_name(out, &comma, text);
        egi_put_real(out, c->curve[i].value, 8);
    }
    egi_buf_add(out, "},\"bad\":{");
    comma = "";
    for (int i = 0; i < c->n; i++) {
        if (c->curve[i].bad == 0 || !(text = name(ctx, i))) continue;
        put_name(out, &comma, text);
        egi_buf_add(out, "[%lld,", (long long)c->curve[i].bad);
        egi_put_real(out, c->curve[i].first_bad, 15);
        egi_buf_put(out, "]", 1);
    }
    egi_buf_add(out, "}}");
}
