/* The numbers in figures, a file each, in long form: the first columns say
 * which figure of which setting, so that files can be put together. All digits
 * are kept. */

#include <math.h>
#include <string.h>
#include "base/num.h"
#include "engram/text.h"
#include "report/figures.h"

void egi_csv_number(FILE *f, double v)
{
    char text[EGI_REAL_TEXT];

    if (!isfinite(v)) return;
    egi_real_text(text, 1, v);
    fputs(text, f);
}

void egi_csv_head(FILE *f, const char *columns)
{
    fprintf(f, EGI_CSV_MARK "%s\n", columns);
}

void egi_csv_row(FILE *f, const egi_figures *j, const char *figure)
{
    eg_csv_write(f, figure);
    fputc(',', f);
    eg_csv_write(f, j->setting);
    fputc(',', f);
}

static void put_numbers(FILE *f, const double *v, int n)
{
    for (int i = 0; i < n; i++) {
        if (i) fputc(',', f);
        egi_csv_number(f, v[i]);
    }
    fputc('\n', f);
}

static void put_points(FILE *f, const egi_figures *j, const char *figure,
                       const egi_curve *c)
{
    for (int i = 0; i < c->n; i++) {
        egi_csv_row(f, j, figure);
        eg_csv_write(f, c->name);
        fputc(',', f);
        put_numbers(
            f, (double[]){c->x[i], c->mean[i], c->lo[i], c->hi[i], c->count[i]},
            5);
    }
}

void egi_csv_plot(FILE *f, const egi_figures *j, const char *figure,
                  const egi_plot *p)
{
    egi_csv_head(f, "quantity,x,mean,min,max,seeds");
    for (int k = 0; k < p->n; k++) put_points(f, j, figure, &p->curve[k]);
}

void egi_csv_phase(FILE *f, const egi_figures *j, const char *name,
                   const egi_phase *m)
{
    egi_csv_head(f, "quantity,t,swept,mean,min,max,seeds");
    for (int k = 0; k <= m->n; k++) {
        bool line = k == m->n; /* times over what is swept */
        const egi_curve *c = line ? &m->boundary : &m->column[k].curve;

        for (int i = 0; i < c->n; i++) {
            egi_csv_row(f, j, name);
            fprintf(f, "%s,", line ? "boundary" : "value");
            egi_csv_number(f, line ? c->mean[i] : m->column[k].t);
            fputc(',', f);
            egi_csv_number(f, c->x[i]);
            if (line) {
                fputs(",,,,\n", f);
                continue;
            }
            fputc(',', f);
            put_numbers(
                f, (double[]){c->mean[i], c->lo[i], c->hi[i], c->count[i]}, 4);
        }
    }
}

void egi_csv_heat(FILE *f, const egi_figures *j, const egi_heat *map,
                  const double *x, int head)
{
    long long step = (long long)map->steps[map->n_steps - 1];

    egi_csv_head(f, "step,head,row,column,value");
    x += (ptrdiff_t)head * map->rows * map->cols;
    for (int r = 0; r < map->rows; r++)
        for (int c = 0; c < map->cols; c++) {
            egi_csv_row(f, j, map->name);
            fprintf(f, "%lld,%d,%d,%d,", step, head, r, c);
            egi_csv_number(f, x[(ptrdiff_t)r * map->cols + c]);
            fputc('\n', f);
        }
}

void egi_csv_tokens(FILE *f, const egi_figures *j)
{
    static const char *const columns[] = {"t,token,x1", "t,token,x1,x2",
                                          "t,token,x1,x2,x3"};
    const egi_flow *flow = &j->flow;

    egi_csv_head(f, columns[flow->dim - 1]);
    for (int q = 0; q < flow->n_frames; q++)
        for (int i = 0; i < flow->n_tokens; i++) {
            egi_csv_row(f, j, "tokens");
            egi_csv_number(f, flow->t[q]);
            fprintf(f, ",%d,", flow->token[i]);
            put_numbers(f, egi_flow_frame(flow, q) + (ptrdiff_t)i * flow->dim,
                        flow->dim);
        }
}

bool egi_csv_inner(FILE *f, const egi_figures *j)
{
    const egi_flow *flow = &j->flow;

    if (flow->bins == 0) return false;
    egi_csv_head(f, "t,inner_product,density");
    for (int q = 0; q < flow->n_frames; q++)
        for (int b = 0; b < flow->bins; b++) {
            egi_csv_row(f, j, "inner-products");
            put_numbers(f,
                        (double[]){flow->t[q], -1 + (2 * b + 1.0) / flow->bins,
                                   flow->hist[(ptrdiff_t)q * flow->bins + b]},
                        3);
        }
    return true;
}
