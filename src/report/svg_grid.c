/* A value over two keys, a cell for each pair of their values. */

#include <math.h>
#include "base/num.h"
#include "engram/text.h"
#include "report/svg.h"

enum { LEFT = 72, TOP = 28, WIDE = 294, HIGH = 230, LEVELS = 60, TICKS = 8 };

static void find_range(const egi_grid_map *m, double *lo, double *hi)
{
    *lo = HUGE_VAL;
    *hi = -HUGE_VAL;
    for (int i = 0; i < m->n_x * m->n_y; i++)
        if (isfinite(m->cell[i])) {
            *lo = fmin(*lo, m->cell[i]);
            *hi = fmax(*hi, m->cell[i]);
        }
}

static void put_cells(FILE *f, const egi_grid_map *m, double lo, double hi)
{
    double w = (double)WIDE / m->n_x, h = (double)HIGH / m->n_y;

    for (int i = 0; i < m->n_x * m->n_y; i++) {
        double v = m->cell[i];
        int row = i / m->n_x;
        char colour[8] = "#eeeeee"; /* nothing was measured there */

        if (isfinite(v))
            egi_svg_even(colour, hi > lo ? (v - lo) / (hi - lo) : 0);
        egi_fprintf(f,
                    "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
                    "height=\"%.2f\" fill=\"%s\"/>\n",
                    LEFT + w * (i % m->n_x), TOP + HIGH - h * (row + 1), w, h,
                    colour);
    }
}

/* Values below and left of the cells, where they are many every k-th. */
static void put_ticks(FILE *f, const egi_grid_map *m)
{
    double w = (double)WIDE / m->n_x, h = (double)HIGH / m->n_y;
    char text[13]; /* as many letters as have place */

    for (int i = 0; i < m->n_x; i += 1 + (m->n_x - 1) / TICKS) {
        (void)eg_text_copy(text, sizeof text, m->x_value[i]);
        egi_svg_text(f, LEFT + w * (i + .5), TOP + HIGH + 15, "middle", "",
                     text);
    }
    for (int i = 0; i < m->n_y; i += 1 + (m->n_y - 1) / TICKS) {
        (void)eg_text_copy(text, sizeof text, m->y_value[i]);
        egi_svg_text(f, LEFT - 6, TOP + HIGH - h * (i + .5) + 3.5, "end", "",
                     text);
    }
}

void egi_svg_grid(FILE *f, const egi_grid_map *m)
{
    const egi_frame fr = {
        .left = LEFT, .width = WIDE, .top = TOP, .height = HIGH};
    double lo, hi;
    char tick[5][16];

    find_range(m, &lo, &hi);
    egi_svg_open(f, LEFT + WIDE + 64, TOP + HIGH + 40);
    egi_svg_text(f, LEFT, 16, "start", "font-size=\"12\" font-weight=\"bold\"",
                 m->title);
    fputs("<g shape-rendering=\"crispEdges\">\n", f);
    put_cells(f, m, lo, hi);
    for (int k = 0; k <= 4; k++)
        (void)egi_snprintf(tick[k], sizeof tick[k], "%.3g",
                           lo <= hi ? lo + (hi - lo) * k / 4 : 0);
    egi_svg_scale(f, &fr, LEVELS, egi_svg_even, tick, m->value);
    fputs("</g>\n", f);
    put_ticks(f, m);
    egi_svg_text(f, LEFT + WIDE / 2.0, TOP + HIGH + 31, "middle", "",
                 m->x_label);
    egi_svg_text(f, -(TOP + HIGH / 2.0), 14, "middle",
                 "transform=\"rotate(-90)\"", m->y_label);
    fputs("</svg>\n", f);
}
