/* A line plot for a paper: axes with round ticks, bands, lines, a legend. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report/svg.h"

enum { W = 380, LEFT = 58, RIGHT = 14, TOP = 26, PLOT_H = 190, ROW = 15 };

typedef struct frame {
    double x0, x1, y0, y1; /* data ranges; x in log10 when log_x */
    bool log_x;
} frame;

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
    block = eg_calloc(4 * ((size_t)total + 1), sizeof *block);
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

/* --- text --- */

static void put_escaped(FILE *f, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '<')
            fputs("&lt;", f);
        else if (s[i] == '>')
            fputs("&gt;", f);
        else if (s[i] == '&')
            fputs("&amp;", f);
        else if ((unsigned char)s[i] < 32)
            fputc(' ', f);
        else
            fputc(s[i], f);
    }
}

void egi_svg_text(FILE *f, double x, double y, const char *anchor,
                  const char *extra, const char *label)
{
    int back = 0; /* tenths of an em below (+) or above (-) the line */

    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" %s>", x, y,
            anchor, extra);
    while (*label) {
        const char *close = strchr(label, '}');
        bool sub = label[0] == '_' && label[1] == '{';
        bool sup = label[0] == '^' && label[1] == '{';

        if ((sub || sup) && close) {
            int to = sub ? 3 : -4;
            fprintf(f, "<tspan font-size=\"72%%\" dy=\"%.2fem\">",
                    (to - back) / 10.0 / 0.72);
            put_escaped(f, label + 2, (size_t)(close - label - 2));
            fputs("</tspan>", f);
            back = to;
            label = close + 1;
            continue;
        }
        if (back) fprintf(f, "<tspan dy=\"%.2fem\">", -back / 10.0);
        put_escaped(f, label, 1);
        if (back) fputs("</tspan>", f);
        back = 0;
        label++;
    }
    fputs("</text>\n", f);
}

void egi_svg_open(FILE *f, double width, double height)
{
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
            "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"Helvetica,"
            " Arial, 'Liberation Sans', sans-serif\" font-size=\"10\" "
            "fill=\"#222\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            width, height, width, height);
}

/* --- axes --- */

int egi_nice_ticks(double *tick, double lo, double hi)
{
    static const double mantissa[] = {1, 2, 2.5, 5, 10};
    double raw = (hi - lo) / 5, ten, step = 0, first;
    int n = 0;

    if (!(hi > lo) || !isfinite(raw)) return 0;
    ten = pow(10, floor(log10(raw)));
    for (size_t i = 0; i < 5 && step < raw * 0.999; i++)
        step = mantissa[i] * ten;
    first = ceil(lo / step - 1e-9);
    while (n < 8 && (first + n) * step <= hi + step * 1e-9) {
        tick[n] = (first + n) * step + 0.0; /* no -0 */
        n++;
    }
    return n;
}

static double px(const frame *fr, double x)
{
    double u = fr->log_x ? log10(x) : x;

    return LEFT + (W - LEFT - RIGHT) * (u - fr->x0) / (fr->x1 - fr->x0);
}

static double py(const frame *fr, double y)
{
    return TOP + PLOT_H * (1 - (y - fr->y0) / (fr->y1 - fr->y0));
}

static frame frame_of(const egi_plot *p)
{
    frame fr = {HUGE_VAL, -HUGE_VAL, HUGE_VAL, -HUGE_VAL, p->log_x};
    double pad;

    for (int k = 0; k < p->n; k++)
        for (int i = 0; i < p->curve[k].n; i++) {
            const egi_curve *c = &p->curve[k];
            double x = fr.log_x ? log10(c->x[i]) : c->x[i];
            fr.x0 = fmin(fr.x0, x);
            fr.x1 = fmax(fr.x1, x);
            fr.y0 = fmin(fr.y0, c->lo[i]);
            fr.y1 = fmax(fr.y1, c->hi[i]);
        }
    if (p->y_hi > p->y_lo) {
        fr.y0 = p->y_lo;
        fr.y1 = p->y_hi;
    } else if (fr.y0 > 0 && fr.y0 < 0.5 * fr.y1) {
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

static void put_x_ticks(FILE *f, const egi_plot *p, const frame *fr)
{
    double tick[8];
    char text[32];
    int n = 0;
    const egi_curve *c = &p->curve[0];

    if (!fr->log_x)
        n = egi_nice_ticks(tick, fr->x0, fr->x1);
    else /* the values that were swept, thinned to eight */
        for (int i = 0; i < c->n; i += 1 + (c->n - 1) / 8) tick[n++] = c->x[i];
    for (int i = 0; i < n; i++) {
        double x = px(fr, tick[i]);
        fprintf(f, "<path d=\"M%.1f %dv4\" stroke=\"#555\" fill=\"none\"/>\n",
                x, TOP + PLOT_H);
        (void)snprintf(text, sizeof text, "%.6g", tick[i]);
        egi_svg_text(f, x, TOP + PLOT_H + 15, "middle", "", text);
    }
}

static void put_axes(FILE *f, const egi_plot *p, const frame *fr)
{
    double tick[8];
    char text[32];
    int n = egi_nice_ticks(tick, fr->y0, fr->y1);

    for (int i = 0; i < n; i++) {
        double y = py(fr, tick[i]);
        fprintf(f, "<path d=\"M%d %.1fH%d\" stroke=\"#e4e4e4\"/>\n", LEFT, y,
                W - RIGHT);
        (void)snprintf(text, sizeof text, "%.4g",
                       fabs(tick[i]) < 1e-12 ? 0 : tick[i]);
        egi_svg_text(f, LEFT - 6, y + 3.5, "end", "", text);
    }
    fprintf(f, "<path d=\"M%d %dV%dH%d\" stroke=\"#555\" fill=\"none\"/>\n",
            LEFT, TOP, TOP + PLOT_H, W - RIGHT);
    put_x_ticks(f, p, fr);
    egi_svg_text(f, LEFT + (W - LEFT - RIGHT) / 2.0, TOP + PLOT_H + 31,
                 "middle", "", p->x_label);
    (void)snprintf(text, sizeof text, "transform=\"rotate(-90)\"");
    egi_svg_text(f, -(TOP + PLOT_H / 2.0), 14, "middle", text, p->y_label);
    egi_svg_text(f, LEFT, 16, "start", "font-size=\"12\" font-weight=\"bold\"",
                 p->title);
}

/* --- curves --- */

static const char *dash_of(const egi_quantity *q)
{
    if (strcmp(q->dash, "dash") == 0) return "5 3";
    return strcmp(q->dash, "dot") == 0 ? "1.5 2.5" : "none";
}

static void put_band(FILE *f, const frame *fr, const egi_curve *c)
{
    bool spread = false;

    for (int i = 0; i < c->n; i++) spread |= c->hi[i] > c->lo[i];
    if (!spread) return;
    fprintf(f, "<path fill=\"%s\" fill-opacity=\"0.18\" d=\"", c->colour);
    for (int i = 0; i < c->n; i++)
        fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M', px(fr, c->x[i]),
                py(fr, c->hi[i]));
    for (int i = c->n - 1; i >= 0; i--)
        fprintf(f, "L%.1f %.1f", px(fr, c->x[i]), py(fr, c->lo[i]));
    fputs("Z\"/>\n", f);
}

static void put_line(FILE *f, const egi_plot *p, const frame *fr,
                     const egi_curve *c)
{
    fprintf(f,
            "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" "
            "stroke-linejoin=\"round\" stroke-dasharray=\"%s\" d=\"",
            c->colour, dash_of(c->q));
    for (int i = 0; i < c->n; i++)
        fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M', px(fr, c->x[i]),
                py(fr, c->mean[i]));
    fputs("\"/>\n", f);
    for (int i = 0; p->points && i < c->n; i++)
        fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.4\" fill=\"%s\"/>\n",
                px(fr, c->x[i]), py(fr, c->mean[i]), c->colour);
}

/* Two columns under the plot. */
static void put_legend(FILE *f, const egi_plot *p)
{
    for (int k = 0; k < p->n; k++) {
        double x = LEFT + (k % 2) * (W - LEFT - RIGHT) / 2.0;
        int row = k / 2;
        double y = TOP + PLOT_H + 46 + ROW * row;
        fprintf(f,
                "<path d=\"M%.1f %.1fh20\" stroke=\"%s\" stroke-width=\"2\" "
                "stroke-dasharray=\"%s\"/>\n",
                x, y - 3.5, p->curve[k].colour, dash_of(p->curve[k].q));
        egi_svg_text(f, x + 26, y, "start", "", p->curve[k].label);
    }
}

void egi_svg_plot(FILE *f, const egi_plot *p)
{
    frame fr = frame_of(p);
    int legend_rows = (p->n + 1) / 2;

    egi_svg_open(f, W, TOP + PLOT_H + 46 + ROW * legend_rows);
    put_axes(f, p, &fr);
    for (int k = 0; k < p->n; k++) put_band(f, &fr, &p->curve[k]);
    for (int k = 0; k < p->n; k++) put_line(f, p, &fr, &p->curve[k]);
    put_legend(f, p);
    fputs("</svg>\n", f);
}
