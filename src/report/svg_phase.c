/* Phase diagrams of theory runs: metrics NAME_T, T one of the run's times, are
 * NAME at T over what the run sweeps; `boundary` is drawn on them. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report/svg.h"
#include "base/num.h"

enum { LEFT = 58, TOP = 28, WIDE = 308, HIGH = 230, LEVELS = 60, WORDS = 72 };

bool egi_phase_split(const egi_run *r, const char *metric, char *name,
                     size_t size, double *t)
{
    const char *last = strrchr(metric, '_');
    size_t n = last ? (size_t)(last - metric) : 0;
    char *end = NULL;

    if (n == 0 || n >= size || !egi_is_digit(last[1])) return false;
    *t = egi_strtod(last + 1, &end);
    if (*end) return false;
    for (int i = 0; i < r->n_times; i++)
        if (fabs(r->times[i] - *t) <= 1e-5 * fabs(*t)) {
            memcpy(name, metric, n);
            name[n] = '\0';
            return true;
        }
    return false;
}

static int by_time(const void *a, const void *b)
{
    const egi_phase_column *p = a, *q = b;

    return p->t < q->t ? -1 : p->t > q->t;
}

eg_status egi_phase_read(egi_phase *m, const egi_run *runs, int n,
                         const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    const egi_table *table = &runs[0].table;
    char own[128];

    memset(m, 0, sizeof *m);
    m->column = eg_calloc((size_t)table->n + 1, sizeof *m->column);
    if (!m->column) return EG_FAIL(err, EG_ENOMEM, "figures: out of memory");
    for (int i = 0; i < table->n; i++) {
        egi_phase_column *c = &m->column[m->n];

        if (!egi_phase_split(&runs[0], table->series[i].name, own, sizeof own,
                             &c->t) ||
            strcmp(own, name) != 0)
            continue;
        EG_TRY(egi_curve_pool(&c->curve, runs, n, table->series[i].name, err));
        if (c->curve.n > 0)
            m->n++;
        else
            egi_curve_release(&c->curve);
    }
    qsort(m->column, (size_t)m->n, sizeof *m->column, by_time);
    if (egi_table_find(table, "boundary"))
        EG_TRY(egi_curve_pool(&m->boundary, runs, n, "boundary", err));
done:
    if (st != EG_OK) egi_phase_release(m);
    return st;
}

void egi_phase_release(egi_phase *m)
{
    for (int k = 0; k < m->n; k++) egi_curve_release(&m->column[k].curve);
    egi_curve_release(&m->boundary);
    eg_free(m->column);
    memset(m, 0, sizeof *m);
}

/* "1000 beta" counts thousandths of beta. */
static double unit_of(const char *axis, const char **label)
{
    char *end = NULL;
    double unit = egi_strtod(axis, &end);

    *label = axis;
    if (end == axis || *end != ' ' || !(unit > 0)) return 1;
    *label = end + 1;
    return unit;
}

static double middle(double a, double b)
{
    return a + (b - a) / 2;
}

/* Where cell i of n centres begins; i = n: where the last ends. */
static double start(double (*centre)(const void *, int), const void *of, int n,
                    int i)
{
    if (n < 2) return centre(of, 0) + (i ? .5 : -.5);
    if (i == 0) return middle(centre(of, 0), 2 * centre(of, 0) - centre(of, 1));
    if (i == n)
        return middle(centre(of, n - 1),
                      2 * centre(of, n - 1) - centre(of, n - 2));
    return middle(centre(of, i - 1), centre(of, i));
}

static double time_of(const void *of, int i)
{
    return ((const egi_phase *)of)->column[i].t;
}

static double swept_of(const void *of, int i)
{
    return ((const egi_curve *)of)->x[i];
}

/* Least and largest value; shares in [0, 1] have the whole range. */
static void find_range(const egi_phase *m, double *lo, double *hi)
{
    *lo = HUGE_VAL;
    *hi = -HUGE_VAL;
    for (int k = 0; k < m->n; k++)
        for (int i = 0; i < m->column[k].curve.n; i++) {
            *lo = fmin(*lo, m->column[k].curve.mean[i]);
            *hi = fmax(*hi, m->column[k].curve.mean[i]);
        }
    if (*lo < 0 || *hi > 1) return;
    *lo = 0;
    *hi = 1;
}

static void put_column(FILE *f, const egi_phase *m, const egi_frame *fr, int k,
                       double unit)
{
    const egi_curve *c = &m->column[k].curve;
    double x0 = egi_svg_x(fr, start(time_of, m, m->n, k));
    double x1 = egi_svg_x(fr, start(time_of, m, m->n, k + 1)), lo, hi;
    char colour[8];

    find_range(m, &lo, &hi);
    for (int i = 0, end; i < c->n; i = end) {
        double y0, y1, u = hi > lo ? (c->mean[i] - lo) / (hi - lo) : 0;
        long level = lrint(LEVELS * u);

        for (end = i + 1; end < c->n; end++) {
            u = hi > lo ? (c->mean[end] - lo) / (hi - lo) : 0;
            if (lrint(LEVELS * u) != level) break;
        }
        y0 = egi_svg_y(fr, start(swept_of, c, c->n, i) / unit);
        y1 = egi_svg_y(fr, start(swept_of, c, c->n, end) / unit);
        egi_svg_even(colour, (double)level / LEVELS);
        egi_fprintf(
            f,
            "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" "
            "fill=\"%s\"/>\n",
            x0, y1, x1 - x0, y0 - y1, colour);
    }
}

static void put_scale(FILE *f, const egi_phase *m, const egi_frame *fr,
                      const char *name)
{
    double lo, hi;
    char tick[5][16];

    find_range(m, &lo, &hi);
    for (int k = 0; k <= 4; k++)
        (void)egi_snprintf(tick[k], sizeof tick[k], "%.3g",
                           lo + (hi - lo) * k / 4);
    egi_svg_scale(f, fr, LEVELS, egi_svg_even, tick, name);
}

static void put_path(FILE *f, const egi_phase *m, const egi_frame *fr,
                     double unit, const char *look)
{
    fprintf(f, "<path fill=\"none\" %s d=\"", look);
    for (int i = 0; i < m->boundary.n; i++)
        egi_fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M',
                    egi_svg_x(fr, m->boundary.mean[i]),
                    egi_svg_y(fr, m->boundary.x[i] / unit));
    fputs("\"/>", f);
}

/* The line of theory, cut at the frame, to be seen on dark and light. */
static void put_boundary(FILE *f, const egi_phase *m, const egi_frame *fr,
                         double unit)
{
    fprintf(f,
            "<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
            "viewBox=\"%d %d %d %d\">",
            LEFT, TOP, WIDE, HIGH, LEFT, TOP, WIDE, HIGH);
    put_path(f, m, fr, unit, "stroke=\"#fff\" stroke-width=\"3.6\"");
    put_path(f, m, fr, unit, "stroke=\"#111\" stroke-width=\"1.5\"");
    fputs("</svg>\n", f);
}

/* "Line: ..." in lines of at most WORDS letters; returns how many. f NULL:
 * only counts. */
static int put_words(FILE *f, double y)
{
    char text[400], *p = text;
    int n = 0;

    (void)snprintf(text, sizeof text, "Line: %s", egi_boundary_help);
    while (*p) {
        size_t take = strlen(p);

        if (take > WORDS)
            for (take = WORDS; take > 1 && p[take] != ' ';) take--;
        if (p[take]) p[take++] = '\0';
        if (f) egi_svg_text(f, LEFT, y + 13 * n, "start", "", p);
        p += strlen(p) < take ? take : strlen(p);
        n++;
    }
    return n;
}

bool egi_svg_phase(FILE *f, const egi_phase *m, const char *value,
                   const char *axis, const char *title)
{
    const char *label;
    double unit = unit_of(axis, &label);
    egi_frame fr = {
        .bare = true, .left = LEFT, .width = WIDE, .top = TOP, .height = HIGH};
    const egi_curve *c = m->n ? &m->column[0].curve : NULL;
    bool lined;

    if (m->n < 3 || !c || c->n < 2) return false;
    fr.x0 = start(time_of, m, m->n, 0);
    fr.x1 = start(time_of, m, m->n, m->n);
    fr.y0 = start(swept_of, c, c->n, 0) / unit;
    fr.y1 = start(swept_of, c, c->n, c->n) / unit;
    lined = m->boundary.n > 1;
    egi_svg_open(f, LEFT + WIDE + 58,
                 TOP + HIGH + 40 + (lined ? 13 * put_words(NULL, 0) + 6 : 0));
    egi_svg_text(f, LEFT, 16, "start", "font-size=\"12\" font-weight=\"bold\"",
                 title);
    fputs("<g shape-rendering=\"crispEdges\">\n", f);
    for (int k = 0; k < m->n; k++) put_column(f, m, &fr, k, unit);
    put_scale(f, m, &fr, value);
    fputs("</g>\n", f);
    if (lined) put_boundary(f, m, &fr, unit);
    if (lined) (void)put_words(f, TOP + HIGH + 50);
    egi_svg_axes(f, &fr, "time t", strcmp(label, "beta") ? label : "\xce\xb2",
                 NULL, 0);
    fputs("</svg>\n", f);
    return true;
}
