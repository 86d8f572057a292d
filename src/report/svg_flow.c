/* Figures of a flow against time: one line a token, and the distribution of
 * inner products as a map. */

#include <math.h>
#include <string.h>
#include "report/flow_view.h"
#include "base/num.h"
#include "report/svg.h"

enum { LEFT = 58, TOP = 28, WIDE = 308, HIGH = 190, LEVELS = 48 };

static const double pi = 3.14159265358979323846;

/* The frame of time; *from is the first frame it can show. */
static egi_frame time_frame(const egi_flow *f, double lo, double hi, int *from)
{
    egi_frame fr = {.y0 = lo,
                    .y1 = hi,
                    .log_x = egi_flow_log(f),
                    .left = LEFT,
                    .width = WIDE,
                    .top = TOP,
                    .height = HIGH};

    *from = 0;
    while (fr.log_x && *from < f->n_frames - 1 && !(f->t[*from] > 0)) ++*from;
    fr.x0 = f->t[*from];
    fr.x1 = f->t[f->n_frames - 1];
    if (fr.log_x) {
        fr.x0 = log10(fr.x0);
        fr.x1 = log10(fr.x1);
    }
    if (!(fr.x1 > fr.x0)) fr.x1 = fr.x0 + 1;
    return fr;
}

static void open_figure(FILE *out, const char *title, double extra)
{
    egi_svg_open(out, LEFT + WIDE + 16 + extra, TOP + HIGH + 40);
    egi_svg_text(out, LEFT, 16, "start",
                 "font-size=\"12\" font-weight=\"bold\"", title);
}

/* The coordinate, or the angle in half turns. */
static double value(const egi_flow *f, int frame, int i)
{
    const double *x = egi_flow_frame(f, frame) + (ptrdiff_t)i * f->dim;

    return f->dim == 1 ? x[0] : atan2(x[1], x[0]) / pi;
}

static void put_track(FILE *out, const egi_flow *f, const egi_frame *fr,
                      int from, int i)
{
    double was = NAN, top = f->dim == 1 ? fr->y1 : 1;
    char colour[8];
    double turn = f->causal ? .82 * i / f->n_tokens : value(f, 0, i) / 2 / top;

    egi_svg_rainbow(colour, isfinite(turn) ? turn : 0);
    fprintf(out, "<path stroke=\"%s\" d=\"", colour);
    for (int q = from; q < f->n_frames; q++) {
        double v = value(f, q, i);
        bool cut = !isfinite(was) || (f->dim == 2 && fabs(v - was) > 1);
        was = v;
        if (!isfinite(v)) continue;
        egi_fprintf(out, "%c%.1f %.1f", cut ? 'M' : 'L', egi_svg_x(fr, f->t[q]),
                    egi_svg_y(fr, v));
    }
    fputs("\"/>\n", out);
}

egi_drawn egi_svg_tracks(FILE *out, const egi_flow *f, const char *title)
{
    double top = 1;
    int from;
    egi_frame fr;

    if (!(f->dim == 1 || (f->sphere && f->d == 2)) || f->n_frames < 2)
        return EGI_NOTHING;
    if (f->dim == 1) {
        top = 0;
        for (ptrdiff_t k = 0; k < (ptrdiff_t)f->n_frames * f->n_tokens; k++)
            if (isfinite(f->x[k])) top = fmax(top, fabs(f->x[k]) * 1.03);
        if (!(top > 0)) top = 1;
    }
    fr = time_frame(f, -top, top, &from);
    open_figure(out, title, 0);
    egi_svg_axes(out, &fr, "time t", f->dim == 1 ? "x" : "angle / \xcf\x80",
                 NULL, 0);
    fprintf(out, "<g fill=\"none\" stroke-width=\"%s\">\n",
            f->n_tokens > 200 ? ".4" : ".9");
    for (int i = 0; i < f->n_tokens; i++) put_track(out, f, &fr, from, i);
    fputs("</g>\n</svg>\n", out);
    return EGI_DRAWN;
}

/* --- inner products --- */

/* Column borders lie half-way between times, on the axis that is drawn. */
static double border(const egi_flow *f, const egi_frame *fr, int from, int q)
{
    if (q <= from) return LEFT;
    if (q >= f->n_frames) return LEFT + WIDE;
    return (egi_svg_x(fr, f->t[q - 1]) + egi_svg_x(fr, f->t[q])) / 2;
}

/* The density whose colour is the darkest: 98.5 % of the others are below. */
static double top_density(const egi_flow *f)
{
    double max = 0, top = 0;
    ptrdiff_t n = (ptrdiff_t)f->n_frames * f->bins, filled = 0, below = 0;
    int64_t count[512] = {0};

    for (ptrdiff_t i = 0; i < n; i++) {
        max = fmax(max, f->hist[i]);
        filled += f->hist[i] > 0;
    }
    for (ptrdiff_t i = 0; i < n && max > 0; i++)
        if (f->hist[i] > 0) count[(int)(511 * (f->hist[i] / max))]++;
    for (int k = 0; k < 512 && (double)below < .985 * (double)filled; k++) {
        below += count[k];
        top = max * (k + 1) / 511;
    }
    return top > 0 ? top : 1;
}

static void put_column(FILE *out, const egi_flow *f, int q, double x0,
                       double x1, double top)
{
    const double *h = f->hist + (ptrdiff_t)q * f->bins;
    char colour[8];

    for (int b = 0, end; b < f->bins; b = end) {
        int k = (int)lrint(LEVELS * sqrt(fmin(1, h[b] / top)));
        for (end = b + 1; end < f->bins; end++)
            if ((int)lrint(LEVELS * sqrt(fmin(1, h[end] / top))) != k) break;
        if (k == 0) continue;
        egi_svg_ramp(colour, (double)k / LEVELS);
        egi_fprintf(
            out,
            "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" "
            "fill=\"%s\"/>\n",
            x0, TOP + HIGH * (1 - (double)end / f->bins), x1 - x0,
            HIGH * (double)(end - b) / f->bins, colour);
    }
}

egi_drawn egi_svg_inner(FILE *out, const egi_flow *f, const char *title)
{
    int from;
    egi_frame fr = time_frame(f, -1, 1, &from);
    char tick[5][16];
    double top;

    fr.bare = true;
    if (!f->bins || f->n_frames < 2) return EGI_NOTHING;
    top = top_density(f);
    open_figure(out, title, 42);
    fputs("<g shape-rendering=\"crispEdges\">\n", out);
    for (int q = from; q < f->n_frames; q++)
        put_column(out, f, q, border(f, &fr, from, q),
                   border(f, &fr, from, q + 1), top);
    for (int k = 0; k <= 4; k++) /* equal steps of the root */
        (void)egi_snprintf(tick[k], sizeof tick[k], "%.2g", top * k * k / 16);
    egi_svg_scale(out, &fr, LEVELS, egi_svg_ramp, tick, "density");
    fputs("</g>\n", out);
    egi_svg_axes(out, &fr, "time t", "inner product <x_{i}, x_{j}>", NULL, 0);
    fputs("</svg>\n", out);
    return EGI_DRAWN;
}
