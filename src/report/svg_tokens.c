/* Tokens at a few moments, side by side: the sphere and R^3 seen from one
 * side, the circle, the plane, a projection. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report/flow_view.h"
#include "base/num.h"
#include "report/svg.h"

enum { SIDE = 176, GAP = 10, HEAD = 26, FOOT = 22, TRAIL_POINTS = 9000 };

static const double pi = 3.14159265358979323846;
static const char *const category[] = {"#0072b2", "#d55e00", "#009e73",
                                       "#b0529c", "#d08a00", "#3aa0dc",
                                       "#7a6a00", "#a3304c"};

typedef char colour_text[8];

typedef struct pen {
    FILE *f;
    const egi_flow *flow;
    colour_text *colour; /* [n_tokens] */
    double cx, cy, r;    /* of the panel */
    double size;         /* coordinate at distance r */
    bool solid;
    double yaw[2], pitch[2]; /* cosine, sine */
    bool no_memory;          /* something is missing in the figure */
} pen;

typedef struct spot {
    double x, y, z; /* z towards the eye */
} spot;

static spot project(const pen *p, const double *x)
{
    double u = x[0] / p->size, v = p->flow->dim > 1 ? x[1] / p->size : 0, a, b;

    if (!p->solid) return (spot){p->cx + p->r * u, p->cy - p->r * v, 1};
    a = -p->yaw[1] * u + p->yaw[0] * v;
    b = p->yaw[0] * u + p->yaw[1] * v;
    u = x[2] / p->size;
    return (spot){p->cx + p->r * a,
                  p->cy - p->r * (-p->pitch[1] * b + p->pitch[0] * u),
                  p->pitch[0] * b + p->pitch[1] * u};
}

/* As on the page: position in the sequence, cluster at the end, or place at
 * the start. */
static bool choose_colours(pen *p)
{
    const egi_flow *f = p->flow;
    const double *x = egi_flow_frame(f, 0);
    bool clusters =
        f->sphere && f->label && f->d > 2 && f->n_labels <= f->n_tokens / 2;

    p->colour = eg_calloc((size_t)f->n_tokens, sizeof *p->colour);
    for (int i = 0; p->colour && i < f->n_tokens; i++, x += f->dim) {
        if (f->causal)
            egi_svg_rainbow(p->colour[i], .82 * i / f->n_tokens);
        else if (clusters)
            (void)snprintf(p->colour[i], sizeof *p->colour, "%s",
                           f->label[i] < 8 ? category[f->label[i]] : "#999999");
        else
            egi_svg_rainbow(p->colour[i], isfinite(x[0]) && isfinite(x[1])
                                              ? atan2(x[1], x[0]) / 2 / pi
                                              : 0);
    }
    return p->colour;
}

/* The part of a curve in front or behind. */
static void put_curve(const pen *p, const double *x, int n, ptrdiff_t stride,
                      bool front, const char *style)
{
    bool pen_down = false, any = false;

    for (int i = 0; i < n; i++, x += stride) {
        spot s = project(p, x);
        if (!isfinite(s.x + s.y) || (s.z >= 0) != front) {
            pen_down = false;
            continue;
        }
        if (!any) fprintf(p->f, "<path %s d=\"", style);
        egi_fprintf(p->f, "%c%.1f %.1f", pen_down ? 'L' : 'M', s.x, s.y);
        pen_down = any = true;
    }
    if (any) fputs("\"/>\n", p->f);
}

static void put_graticule(const pen *p, bool front)
{
    static const double height[] = {-.866, -.5, 0, .5, .866};
    const char *style = front ? "stroke=\"#9aa3ae\" stroke-width=\".45\""
                              : "stroke=\"#d5dae0\" stroke-width=\".4\"";
    double x[61][3];

    for (int k = 0; k < 11; k++) {
        double h = k < 5 ? height[k] : 0, a = (k - 5) * pi / 6;
        double r = sqrt(1 - h * h);
        for (int i = 0; i <= 60; i++) {
            double s = 2 * pi * i / 60;
            x[i][0] = k < 5 ? r * cos(s) : cos(s) * cos(a);
            x[i][1] = k < 5 ? r * sin(s) : cos(s) * sin(a);
            x[i][2] = k < 5 ? h : sin(s);
        }
        put_curve(p, x[0], 61, 3, front, style);
    }
}

static void put_trails(const pen *p, int frame, bool front)
{
    const egi_flow *f = p->flow;
    int every = 1 + f->n_tokens * (frame + 1) / TRAIL_POINTS;
    ptrdiff_t row = (ptrdiff_t)f->n_tokens * f->dim;

    if (f->n_tokens > 600) return;
    for (int i = 0; i < f->n_tokens; i++) {
        char style[96];
        /* the newest point belongs to every trail */
        int first = frame % every, n = frame / every + 1;
        (void)snprintf(style, sizeof style,
                       "stroke=\"%s\" stroke-opacity=\"%s\" "
                       "stroke-width=\".7\"",
                       p->colour[i], front ? ".5" : ".2");
        put_curve(p, egi_flow_frame(f, first) + (ptrdiff_t)i * f->dim, n,
                  row * every, front, style);
    }
}

/* Tokens that cannot be told apart share a disc whose area is their number. */
static void put_heaps(pen *p, int frame, bool front)
{
    const egi_flow *f = p->flow;
    const double *x = egi_flow_frame(f, frame);
    double near = .035 * p->size;
    int *first = eg_calloc((size_t)f->n_tokens, sizeof *first);
    int *count = eg_calloc((size_t)f->n_tokens, sizeof *count), heaps = 0;

    if (!first || !count) p->no_memory = true;
    for (int i = 0; first && count && i < f->n_tokens; i++) {
        int h = 0;
        for (; h < heaps; h++) {
            double s = 0;
            for (int k = 0; k < f->dim; k++) {
                double d = x[(ptrdiff_t)i * f->dim + k] -
                           x[(ptrdiff_t)first[h] * f->dim + k];
                s += d * d;
            }
            if (s < near * near) break;
        }
        if (h == heaps) first[heaps++] = i;
        count[h]++;
    }
    for (int h = 0; h < heaps; h++) {
        spot s = project(p, x + (ptrdiff_t)first[h] * f->dim);
        if (count[h] < 3 || 40 * count[h] < f->n_tokens || (s.z >= 0) != front)
            continue;
        egi_fprintf(
            p->f,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" "
            "fill-opacity=\".25\" stroke=\"%s\" stroke-width=\".8\"/>\n",
            s.x, s.y, 2.5 + 8 * sqrt((double)count[h] / f->n_tokens),
            p->colour[first[h]], p->colour[first[h]]);
    }
    eg_free(first);
    eg_free(count);
}

static void put_dots(const pen *p, int frame, bool front)
{
    const egi_flow *f = p->flow;
    const double *x = egi_flow_frame(f, frame);
    double r = fmin(2.6, fmax(.8, 18 / sqrt(f->n_tokens)));

    fprintf(p->f, "<g stroke=\"#fff\" stroke-width=\".5\"%s>\n",
            front ? "" : " opacity=\".4\"");
    for (int i = 0; i < f->n_tokens; i++, x += f->dim) {
        spot s = project(p, x);
        if (isfinite(s.x + s.y) && (s.z >= 0) == front)
            egi_fprintf(p->f,
                        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" "
                        "fill=\"%s\"/>\n",
                        s.x, s.y, r, p->colour[i]);
    }
    fputs("</g>\n", p->f);
}

static void put_polygon(const pen *p, const double *x, const int *corner, int n,
                        const char *style)
{
    fprintf(p->f, "<path %s d=\"", style);
    for (int i = 0; i < n; i++) {
        spot s = project(p, x + (ptrdiff_t)corner[i] * p->flow->dim);
        egi_fprintf(p->f, "%c%.1f %.1f", i ? 'L' : 'M', s.x, s.y);
    }
    fputs("Z\"/>\n", p->f);
}

/* Outline in the plane; in space the faces, those behind first. */
static void put_hull(pen *p, int frame, bool front)
{
    const char *style =
        front ? "fill=\"#0072b2\" fill-opacity=\".1\" stroke=\"#0072b2\" "
                "stroke-width=\".9\" stroke-linejoin=\"round\""
              : "fill=\"none\" stroke=\"#0072b2\" stroke-opacity=\".25\" "
                "stroke-width=\".6\"";
    const double *x = egi_flow_frame(p->flow, frame);
    int *corner = NULL, n = 0, dim = p->flow->dim;

    if (egi_hull(&corner, &n, x, p->flow->n_tokens, dim, NULL) != EG_OK) {
        p->no_memory = true;
        return;
    }
    if (dim == 2 && n && front) put_polygon(p, x, corner, n, style);
    for (int k = 0; dim == 3 && k + 2 < n; k += 3) {
        spot a = project(p, x + 3 * (ptrdiff_t)corner[k]);
        spot b = project(p, x + 3 * (ptrdiff_t)corner[k + 1]);
        spot c = project(p, x + 3 * (ptrdiff_t)corner[k + 2]);
        double up = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
        if ((up < 0) == front) put_polygon(p, x, corner + k, 3, style);
    }
    eg_free(corner);
}

/* The largest coordinate of a frame, or of all where they stay comparable. */
static double size_of(const egi_flow *f, int frame, bool all)
{
    ptrdiff_t row = (ptrdiff_t)f->n_tokens * f->dim;
    const double *x = all ? f->x : egi_flow_frame(f, frame);
    ptrdiff_t n = all ? row * f->n_frames : row;
    double max = 0;

    for (ptrdiff_t i = 0; i < n; i++)
        if (isfinite(x[i])) max = fmax(max, fabs(x[i]));
    return max > 0 ? max : 1;
}

static void put_panel(pen *p, int frame, bool common)
{
    const egi_flow *f = p->flow;
    bool ball = f->sphere && f->dim == 3;
    char text[64];

    p->size = f->sphere ? 1 : size_of(f, frame, common);
    if (f->sphere)
        egi_fprintf(p->f,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" "
                    "stroke=\"#8a93a0\" stroke-width=\".9\"/>\n",
                    p->cx, p->cy, p->r, ball ? "url(#ball)" : "#f7f8fa");
    for (int front = 0; front < 2; front++) {
        if (ball) put_graticule(p, front);
        if (!f->sphere && f->d <= 3) put_hull(p, frame, front);
        if (!(f->sphere && f->d == 2)) put_trails(p, frame, front);
        if (f->sphere || front) put_heaps(p, frame, front);
        put_dots(p, frame, front);
    }
    (void)egi_snprintf(text, sizeof text, "t = %.4g", f->t[frame]);
    egi_svg_text(p->f, p->cx, HEAD + SIDE + 14, "middle", "fill=\"#222\"",
                 text);
    if (!f->sphere && !common) {
        (void)egi_snprintf(text, sizeof text, "scale \xc2\xb1%.3g", p->size);
        egi_svg_text(p->f, p->cx, HEAD + 8, "middle", "fill=\"#888\"", text);
    }
}

egi_drawn egi_svg_tokens(FILE *out, const egi_flow *f, const int *frame, int k,
                         const char *title)
{
    pen p = {.f = out,
             .flow = f,
             .solid = f->dim == 3,
             .r = f->dim == 3 && !f->sphere ? SIDE / 3.1 : SIDE / 2.0 - 8,
             .yaw = {cos(.52), sin(.52)},
             .pitch = {cos(.3), sin(.3)}};
    bool common =
        size_of(f, 0, true) <=
        6 * fmin(size_of(f, 0, false), size_of(f, f->n_frames - 1, false));

    if (f->dim < 2) return EGI_NOTHING;
    if (!choose_colours(&p)) return EGI_NO_MEMORY;
    egi_svg_open(out, k * (SIDE + GAP) + GAP, HEAD + SIDE + FOOT);
    fputs("<defs><radialGradient id=\"ball\" cx=\".34\" cy=\".3\" r=\".75\">"
          "<stop offset=\"0\" stop-color=\"#fff\"/><stop offset=\"1\" "
          "stop-color=\"#e3e8ee\"/></radialGradient></defs>\n",
          out);
    egi_svg_text(out, GAP, 16, "start", "font-size=\"12\" font-weight=\"bold\"",
                 title);
    fputs("<g fill=\"none\">\n", out);
    for (int i = 0; i < k; i++) {
        p.cx = GAP + i * (SIDE + GAP) + SIDE / 2.0;
        p.cy = HEAD + SIDE / 2.0;
        fputs("<g>\n", out);
        put_panel(&p, frame[i], common);
        fputs("</g>\n", out);
    }
    fputs("</g>\n</svg>\n", out);
    eg_free(p.colour);
    return p.no_memory ? EGI_NO_MEMORY : EGI_DRAWN;
}
