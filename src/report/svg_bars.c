/* Where the time of a step goes: a bar for each operation, forward, then
 * backward. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "report/svg.h"

enum { NAMES = 190, WIDE = 250, TOP = 44, ROW = 17, SHOWN = 24 };

enum { FORWARD, BACKWARD, BESIDE, WAYS };

typedef struct bar {
    char name[128];
    int64_t op; /* -1: beside the operations */
    double part[WAYS], share;
} bar;

static const char *text_of(const json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));

    return s ? s : "";
}

static int way_of(const json_t *row)
{
    const char *s = text_of(row, "direction");

    if (strcmp(s, "forward") == 0) return FORWARD;
    return strcmp(s, "backward") == 0 ? BACKWARD : BESIDE;
}

/* The bar of a row: that of its operation, or of its words. */
static bar *bar_of(bar *b, int *n, const json_t *row)
{
    int64_t op = json_integer_value(json_object_get(row, "op"));
    const char *what = text_of(row, "what"), *value = text_of(row, "value");
    char name[sizeof b->name];
    int i = 0;

    if (op < 0)
        (void)snprintf(name, sizeof name, "%s", what);
    else if (*value)
        (void)snprintf(name, sizeof name, "%s %s", what, value);
    else
        (void)snprintf(name, sizeof name, "%s #%lld", what, (long long)op);
    while (i < *n && (op < 0 ? b[i].op >= 0 || strcmp(b[i].name, name) != 0
                             : b[i].op != op))
        i++;
    if (i == *n) {
        b[i] = (bar){.op = op < 0 ? -1 : op};
        memcpy(b[i].name, name, sizeof name);
        ++*n;
    }
    return &b[i];
}

static int by_share(const void *a, const void *b)
{
    const bar *x = a, *y = b;

    if (x->share > y->share || x->share < y->share)
        return x->share > y->share ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* All bars of a profile; NULL: none, or no memory. */
static bar *read_bars(const json_t *profile, int *n, double *known)
{
    const json_t *rows = json_object_get(profile, "rows"), *row;
    bar *b = eg_calloc(json_array_size(rows) + 3, sizeof *b);
    size_t i;

    *n = 0;
    *known = 0;
    json_array_foreach(rows, i, row)
    {
        double share = json_number_value(json_object_get(row, "share"));
        bar *own;

        if (!b || !json_is_object(row) || !isfinite(share) || share < 0)
            continue;
        own = bar_of(b, n, row);
        own->part[way_of(row)] += share;
        own->share += share;
        *known += share;
    }
    if (b && *n > 1) qsort(b, (size_t)*n, sizeof *b, by_share);
    return b;
}

/* Those after the longest as one, and what no row tells. */
static int sum_up(bar *b, int n, double known)
{
    int kept = n < SHOWN ? n : SHOWN;
    bar rest = {.op = -1};

    for (int i = kept; i < n; i++) rest.share += b[i].share;
    (void)snprintf(rest.name, sizeof rest.name, "%d more", n - kept);
    rest.part[BESIDE] = rest.share;
    if (n > kept) b[kept++] = rest;
    if (known < 1) {
        rest = (bar){.op = -1, .name = "waiting, and the rest"};
        rest.share = rest.part[BESIDE] = 1 - known;
        b[kept++] = rest;
    }
    return kept;
}

static void put_bar(FILE *f, const bar *b, int row, double top)
{
    static const char *const colour[] = {"#0067a3", "#d55e00", "#8a919c"};
    double x = NAMES, y = TOP + ROW * row;
    char text[32];

    egi_svg_text(f, NAMES - 8, y + 9.5, "end", "", b->name);
    for (int w = 0; w < WAYS; w++) {
        double wide = top > 0 ? WIDE * b->part[w] / top : 0;

        if (!(wide > 0)) continue;
        egi_fprintf(f,
                    "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"12\" "
                    "fill=\"%s\"/>\n",
                    x, y, wide, colour[w]);
        x += wide;
    }
    (void)egi_snprintf(text, sizeof text, "%.1f %%", 100 * b->share);
    egi_svg_text(f, x + 6, y + 9.5, "start", "", text);
}

bool egi_svg_bars(FILE *f, const json_t *profile, const char *title)
{
    int n = 0;
    double known = 0, top = 0;
    bar *b = read_bars(profile, &n, &known);

    if (n == 0) {
        eg_free(b);
        return false;
    }
    n = sum_up(b, n, known);
    for (int i = 0; i < n; i++) top = fmax(top, b[i].share);
    egi_svg_open(f, NAMES + WIDE + 60, TOP + ROW * n + 12);
    egi_svg_text(f, 12, 16, "start", "font-size=\"12\" font-weight=\"bold\"",
                 title);
    egi_svg_text(f, 12, 32, "start", "",
                 "Share of a step: forward (blue), backward (orange), beside "
                 "the operations (grey)");
    for (int i = 0; i < n; i++) put_bar(f, &b[i], i, top);
    fputs("</svg>\n", f);
    eg_free(b);
    return true;
}
