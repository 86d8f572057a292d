/* A heat map for a paper: one rectangle for each stretch of equal colour. */

#include <math.h>
#include <string.h>
#include "report/svg.h"
#include "base/num.h"

enum { SIDE = 300, LEFT = 40, TOP = 52, LEVELS = 48, MAX_CELLS = 96 };

/* -1: not finite. Unsigned values by their root, as on the page. */
static int level(const egi_heat *m, double x)
{
    double u, max = m->max > 0 ? m->max : 1;

    if (!isfinite(x)) return -1;
    u = m->is_signed ? 0.5 + 0.5 * x / max : sqrt(x / max);
    return (int)lrint(fmin(1, fmax(0, u)) * LEVELS);
}

static void put_colour(FILE *f, const egi_heat *m, int k)
{
    char text[8] = "#bbb";

    if (k >= 0) egi_svg_shade(text, (double)k / LEVELS, m->is_signed);
    fputs(text, f);
}

static void put_row(FILE *f, const egi_heat *m, const double *x, int r,
                    int cols, double cell)
{
    int white = m->is_signed ? LEVELS / 2 : 0;

    for (int c = 0, end; c < cols; c = end) {
        int k = level(m, x[c]);
        for (end = c + 1; end < cols && level(m, x[end]) == k; end++) continue;
        if (k == white) continue; /* the ground */
        egi_fprintf(
            f,
            "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" "
            "fill=\"",
            LEFT + c * cell, TOP + r * cell, (end - c) * cell, cell);
        put_colour(f, m, k);
        fputs("\"/>\n", f);
    }
}

static void put_scale(FILE *f, const egi_heat *m, double y)
{
    char text[64];

    for (int k = 0; k < LEVELS; k++) {
        egi_fprintf(f,
                    "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"8\" "
                    "fill=\"",
                    LEFT + (double)SIDE * k / LEVELS, y,
                    (double)SIDE / LEVELS + .2);
        put_colour(f, m, k);
        fputs("\"/>\n", f);
    }
    (void)egi_snprintf(text, sizeof text, "%.3g", m->is_signed ? -m->max : 0);
    egi_svg_text(f, LEFT, y + 20, "start", "", text);
    (void)egi_snprintf(text, sizeof text, "%.3g", m->max);
    egi_svg_text(f, LEFT + SIDE, y + 20, "end", "", text);
    (void)snprintf(text, sizeof text, "%s%s", m->kind->value,
                   m->is_signed ? "" : " (colour by its root)");
    egi_svg_text(f, LEFT + SIDE / 2.0, y + 20, "middle", "", text);
}

void egi_svg_heat(FILE *f, const egi_heat *map, const double *x, int head,
                  const char *title)
{
    int rows = map->rows < MAX_CELLS ? map->rows : MAX_CELLS;
    int cols = map->cols < MAX_CELLS ? map->cols : MAX_CELLS;
    double cell = (double)SIDE / (cols > rows ? cols : rows);
    double bottom = TOP + rows * cell;

    x += (ptrdiff_t)head * map->rows * map->cols;
    egi_svg_open(f, LEFT + SIDE + 14, bottom + 48);
    egi_svg_text(f, LEFT, 16, "start", "font-size=\"12\" font-weight=\"bold\"",
                 title);
    egi_svg_text(f, LEFT + cols * cell / 2, TOP - 18, "middle", "",
                 map->kind->cols);
    egi_svg_text(f, -(TOP + rows * cell / 2), 14, "middle",
                 "transform=\"rotate(-90)\"", map->kind->rows);
    for (int i = 0; i < rows || i < cols; i += 8) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        if (i < cols)
            egi_svg_text(f, LEFT + (i + .5) * cell, TOP - 5, "middle", "",
                         text);
        if (i < rows)
            egi_svg_text(f, LEFT - 5, TOP + (i + .5) * cell + 3.5, "end", "",
                         text);
    }
    fputs("<g shape-rendering=\"crispEdges\">\n", f);
    for (int r = 0; r < rows; r++)
        put_row(f, map, x + (ptrdiff_t)r * map->cols, r, cols, cell);
    put_scale(f, map, bottom + 12);
    fputs("</g>\n", f);
    egi_fprintf(f,
                "<rect x=\"%d\" y=\"%d\" width=\"%.2f\" height=\"%.2f\" "
                "fill=\"none\" stroke=\"#999\" stroke-width=\".6\"/>\n",
                LEFT, TOP, cols * cell, rows * cell);
    fputs("</svg>\n", f);
}
