/* The ground of static figures: text, round ticks, axes. */

#include <math.h>
#include <string.h>
#include "report/svg.h"
#include "base/num.h"
#include "engram/text.h"

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

    egi_fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" %s>", x, y,
                anchor, extra);
    while (*label) {
        const char *close = strchr(label, '}');
        bool sub = label[0] == '_' && label[1] == '{';
        bool sup = label[0] == '^' && label[1] == '{';

        if ((sub || sup) && close) {
            int to = sub ? 3 : -4;
            egi_fprintf(f, "<tspan font-size=\"72%%\" dy=\"%.2fem\">",
                        (to - back) / 10.0 / 0.72);
            put_escaped(f, label + 2, (size_t)(close - label - 2));
            fputs("</tspan>", f);
            back = to;
            label = close + 1;
            continue;
        }
        if (back) egi_fprintf(f, "<tspan dy=\"%.2fem\">", -back / 10.0);
        put_escaped(f, label, 1);
        if (back) fputs("</tspan>", f);
        back = 0;
        label++;
    }
    fputs("</text>\n", f);
}

void egi_svg_open(FILE *f, double width, double height)
{
    egi_fprintf(
        f,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
        "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"Helvetica,"
        " Arial, 'Liberation Sans', sans-serif\" font-size=\"10\" "
        "fill=\"#222\">\n" EGI_SVG_MARK "\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
        width, height, width, height);
}

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

double egi_svg_x(const egi_frame *fr, double x)
{
    double u = fr->log_x ? log10(x) : x;

    return fr->left + fr->width * (u - fr->x0) / (fr->x1 - fr->x0);
}

double egi_svg_y(const egi_frame *fr, double y)
{
    double u = fr->log_y ? log10(y) : y;

    return fr->top + fr->height * (1 - (u - fr->y0) / (fr->y1 - fr->y0));
}

/* 1, 10, 100, ... between 10^lo and 10^hi, and 2 and 5 times them where there
 * are few; at most 8. */
static int decade_ticks(double *tick, double lo, double hi)
{
    static const double part[] = {1, 2, 5};
    int every = (int)fmax(1, ceil((hi - lo) / 7));
    int parts = hi - lo < 2.3 ? 3 : 1, n = 0;

    for (int k = (int)floor(lo); k <= hi + 1e-9; k += every)
        for (int i = 0; i < parts && n < 8; i++) {
            double v = part[i] * pow(10, k);
            if (log10(v) >= lo - 1e-9 && log10(v) <= hi + 1e-9) tick[n++] = v;
        }
    return n;
}

static void tick_text(char *text, size_t size, double v, bool log)
{
    if (log && (v >= 1e4 || v < 0.01))
        (void)egi_snprintf(text, size, "10^{%.0f}", log10(v));
    else
        (void)egi_snprintf(text, size, "%.6g", fabs(v) < 1e-12 ? 0 : v);
}

void egi_svg_axes(FILE *f, const egi_frame *fr, const char *x_label,
                  const char *y_label, const double *x_tick, int n_x)
{
    double tick[8], bottom = fr->top + fr->height;
    char text[32];
    int n = fr->log_y ? decade_ticks(tick, fr->y0, fr->y1)
                      : egi_nice_ticks(tick, fr->y0, fr->y1);

    for (int i = 0; i < n; i++) {
        double y = egi_svg_y(fr, tick[i]);
        if (!fr->bare)
            egi_fprintf(f, "<path d=\"M%.0f %.1fH%.0f\" stroke=\"#e4e4e4\"/>\n",
                        fr->left, y, fr->left + fr->width);
        tick_text(text, sizeof text, tick[i], fr->log_y);
        egi_svg_text(f, fr->left - 6, y + 3.5, "end", "", text);
    }
    egi_fprintf(
        f, "<path d=\"M%.0f %.0fV%.0fH%.0f\" stroke=\"#555\" fill=\"none\"/>\n",
        fr->left, fr->top, bottom, fr->left + fr->width);
    if (!x_tick) {
        n_x = fr->log_x ? decade_ticks(tick, fr->x0, fr->x1)
                        : egi_nice_ticks(tick, fr->x0, fr->x1);
        x_tick = tick;
    }
    for (int i = 0; i < n_x; i++) {
        double x = egi_svg_x(fr, x_tick[i]);
        egi_fprintf(
            f, "<path d=\"M%.1f %.0fv4\" stroke=\"#555\" fill=\"none\"/>\n", x,
            bottom);
        if (fr->x_word)
            (void)eg_text_copy(text, 17, fr->x_word[i]);
        else
            tick_text(text, sizeof text, x_tick[i], fr->log_x);
        egi_svg_text(f, x, bottom + 15, "middle", "", text);
    }
    egi_svg_text(f, fr->left + fr->width / 2, bottom + 31, "middle", "",
                 x_label);
    egi_svg_text(f, -(fr->top + fr->height / 2), 14, "middle",
                 "transform=\"rotate(-90)\"", y_label);
}

void egi_svg_scale(FILE *f, const egi_frame *fr, int levels,
                   void (*shade)(char text[8], double part), char tick[5][16],
                   const char *name)
{
    double x = fr->left + fr->width + 14;
    char colour[8];

    for (int k = 0; k < levels; k++) {
        shade(colour, (k + .5) / levels);
        egi_fprintf(f,
                    "<rect x=\"%.1f\" y=\"%.2f\" width=\"8\" height=\"%.2f\" "
                    "fill=\"%s\"/>\n",
                    x, fr->top + fr->height * (1 - (k + 1.0) / levels),
                    fr->height / levels + .2, colour);
    }
    for (int k = 0; k <= 4; k++)
        egi_svg_text(f, x + 12, fr->top + fr->height * (1 - k / 4.0) + 3.5,
                     "start", "", tick[k]);
    egi_svg_text(f, x + 40, fr->top - 8, "end", "", name);
}
