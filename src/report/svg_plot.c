/* A line plot for a paper: axes with round ticks, bands, lines, a legend. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report/svg.h"
#include "base/num.h"

enum { W = 380, LEFT = 58, RIGHT = 14, TOP = 26, PLOT_H = 190, ROW = 15 };

/* --- points over seeds --- */

typedef struct point {
    double x, y;
} point;

static int by_x(const void *a, const void *b)
{
    const point *p = a, *q = b;

    return p->x < q->x ? -1 : p->x > q->x;
}

eg_status egi_curve_pool(egi_curve *c, const egi_run *runs, int n,
                         const char *name, eg_err *err)
{
    int total = 0, k = 0;
    point *all;
    double *block;

    memset(c, 0, sizeof *c);
    for (int i = 0; i < n; i++) {
        const egi_series *s = egi_table_find(&runs[i].table, name);
        total += s ? s->n : 0;
    }
    all = eg_calloc((size_t)total + 1, sizeof *all);
    block = eg_calloc(5 * ((size_t)total + 1), sizeof *block);
    if (!all || !block) {
        eg_free(all);
        eg_free(block);
        return EG_FAIL(err, EG_ENOMEM, "figures: out of memory");
    }
    for (int i = 0; i < n; i++) {
        const egi_series *s = egi_table_find(&runs[i].table, name);
        for (int p = 0; s && p < s->n; p++)
            if (isfinite(s->value[p]))
                all[k++] = (point){s->step[p], s->value[p]};
    }
    qsort(all, (size_t)k, sizeof *all, by_x);
    c->x = block;
    c->mean = block + total;
    c->lo = block + 2 * (ptrdiff_t)total;
    c->hi = block + 3 * (ptrdiff_t)total;
    c->count = block + 4 * (ptrdiff_t)total;
    for (int i = 0, end; i < k; i = end) {
        double sum = 0, lo = all[i].y, hi = all[i].y;
        for (end = i; end < k && all[end].x == all[i].x; end++) {
            sum += all[end].y;
            if (all[end].y < lo) lo = all[end].y;
            if (all[end].y > hi) hi = all[end].y;
        }
        c->x[c->n] = all[i].x;
        c->mean[c->n] = sum / (end - i);
        c->lo[c->n] = lo;
        c->count[c->n] = end - i;
        c->hi[c->n++] = hi;
    }
    eg_free(all);
    return EG_OK;
}

void egi_curve_release(egi_curve *c)
{
    eg_free(c->x);
    memset(c, 0, sizeof *c);
}

/* --- axes --- */

static egi_frame frame_of(const egi_plot *p)
{
    egi_frame fr = {.x0 = HUGE_VAL,
                    .x1 = -HUGE_VAL,
                    .y0 = HUGE_VAL,
                    .y1 = -HUGE_VAL,
                    .log_x = p->log_x,
                    .log_y = p->log_y,
                    .left = LEFT,
                    .width = W - LEFT - RIGHT,
                    .top = TOP,
                    .height = PLOT_H};
    double pad;

    for (int k = 0; k < p->n; k++)
        for (int i = 0; i < p->curve[k].n; i++) {
            const egi_curve *c = &p->curve[k];
            double x = fr.log_x ? log10(c->x[i]) : c->x[i];
            fr.x0 = fmin(fr.x0, x);
            fr.x1 = fmax(fr.x1, x);
            fr.y0 = fmin(fr.y0, fr.log_y ? log10(c->lo[i]) : c->lo[i]);
            fr.y1 = fmax(fr.y1, fr.log_y ? log10(c->hi[i]) : c->hi[i]);
        }
    if (p->y_hi > p->y_lo) {
        fr.y0 = p->y_lo;
        fr.y1 = p->y_hi;
    } else if (!fr.log_y && fr.y0 > 0 && fr.y0 < 0.5 * fr.y1) {
        fr.y0 = 0;
    }
    if (!(fr.x1 > fr.x0)) fr.x1 = fr.x0 + 1;
    if (!(fr.y1 > fr.y0)) fr.y1 = fr.y0 + 1;
    pad = 0.03 * (fr.y1 - fr.y0);
    fr.y1 += pad;
    if (fr.y0 != 0) fr.y0 -= pad;
    if (p->points) {
        pad = 0.04 * (fr.x1 - fr.x0);
        fr.x0 -= pad;
        fr.x1 += pad;
    }
    return fr;
}

/* The values that were swept, thinned to eight, or those that are given, with
 * their words; 0: round numbers. */
static int swept_ticks(double *tick, const char **word, const egi_plot *p,
                       const egi_frame *fr)
{
    const double *x = p->x_tick ? p->x_tick : p->curve[0].x;
    int all = p->x_tick ? p->n_ticks : p->curve[0].n, n = 0;

    if (!p->x_word && (!fr->log_x || !p->points)) return 0;
    for (int i = 0; i < all; i += 1 + (all - 1) / 8) {
        if (p->x_word) word[n] = p->x_word[i];
        tick[n++] = x[i];
    }
    return n;
}

/* --- curves --- */

static const char *dash_of(const egi_quantity *q)
{
    if (strcmp(q->dash, "dash") == 0) return "5 3";
    if (strcmp(q->dash, "dashdot") == 0) return "6 2 1.5 2";
    return strcmp(q->dash, "dot") == 0 ? "1.5 2.5" : "none";
}

static void put_band(FILE *f, const egi_frame *fr, const egi_curve *c)
{
    bool spread = false;

    for (int i = 0; i < c->n; i++) spread |= c->hi[i] > c->lo[i];
    if (!spread) return;
    fprintf(f, "<path fill=\"%s\" fill-opacity=\"0.18\" d=\"", c->colour);
    for (int i = 0; i < c->n; i++)
        egi_fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M', egi_svg_x(fr, c->x[i]),
                    egi_svg_y(fr, c->hi[i]));
    for (int i = c->n - 1; i >= 0; i--)
        egi_fprintf(f, "L%.1f %.1f", egi_svg_x(fr, c->x[i]),
                    egi_svg_y(fr, c->lo[i]));
    fputs("Z\"/>\n", f);
}

static void put_line(FILE *f, const egi_plot *p, const egi_frame *fr,
                     const egi_curve *c)
{
    fprintf(f,
            "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" "
            "stroke-linejoin=\"round\" stroke-dasharray=\"%s\" d=\"",
            c->colour, dash_of(c->q));
    for (int i = 0; i < c->n; i++) {
        if (p->stairs && i) egi_fprintf(f, "H%.1f", egi_svg_x(fr, c->x[i]));
        egi_fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M', egi_svg_x(fr, c->x[i]),
                    egi_svg_y(fr, c->mean[i]));
    }
    fputs("\"/>\n", f);
    for (int i = 0; p->points && i < c->n; i++)
        egi_fprintf(
            f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.4\" fill=\"%s\"/>\n",
            egi_svg_x(fr, c->x[i]), egi_svg_y(fr, c->mean[i]), c->colour);
}

/* Two columns under the plot. */
static void put_legend(FILE *f, const egi_plot *p)
{
    for (int k = 0; k < p->n; k++) {
        double x = LEFT + (k % 2) * (W - LEFT - RIGHT) / 2.0;
        int row = k / 2;
        double y = TOP + PLOT_H + 46 + ROW * row;
        egi_fprintf(
            f,
            "<path d=\"M%.1f %.1fh20\" stroke=\"%s\" stroke-width=\"2\" "
            "stroke-dasharray=\"%s\"/>\n",
            x, y - 3.5, p->curve[k].colour, dash_of(p->curve[k].q));
        egi_svg_text(f, x + 26, y, "start", "", p->curve[k].label);
    }
}

static void put_marks(FILE *f, const egi_plot *p, const egi_frame *fr)
{
    for (int i = 0; i < p->n_marks; i++) {
        double x = p->mark[2 * (ptrdiff_t)i];
        if (fr->log_x && !(x > 0)) continue;
        x = egi_svg_x(fr, x);
        if (x >= LEFT && x <= W - RIGHT)
            egi_fprintf(f,
                        "<path d=\"M%.1f %dv%d\" stroke=\"#bbb\" "
                        "stroke-width=\".5\"/>\n",
                        x, TOP, PLOT_H);
    }
}

void egi_svg_plot(FILE *f, const egi_plot *p)
{
    double tick[16];
    const char *word[16];
    egi_frame fr = frame_of(p);
    int legend_rows = (p->n + 1) / 2, n_ticks = swept_ticks(tick, word, p, &fr);

    if (p->x_word) fr.x_word = word;

    egi_svg_open(f, W, TOP + PLOT_H + 46 + ROW * legend_rows);
    put_marks(f, p, &fr);
    egi_svg_text(f, LEFT, 16, "start", "font-size=\"12\" font-weight=\"bold\"",
                 p->title);
    egi_svg_axes(f, &fr, p->x_label, p->y_label, n_ticks ? tick : NULL,
                 n_ticks);
    for (int k = 0; k < p->n; k++) put_band(f, &fr, &p->curve[k]);
    for (int k = 0; k < p->n; k++) put_line(f, p, &fr, &p->curve[k]);
    put_legend(f, p);
    fputs("</svg>\n", f);
}
