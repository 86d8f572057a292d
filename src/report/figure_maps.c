/* Figures of arrays: the last snapshot of each heat map, and tokens of flows.
 */

#include <string.h>
#include "base/num.h"
#include "report/figures.h"

enum {
    MAX_SNAPSHOTS = 12,
    SNAPSHOTS = 4 /* when no times are named */
};

static eg_status heat(egi_figures *j, const egi_heats *all, const egi_heat *h,
                      eg_err *err)
{
    eg_status st = EG_OK;
    double *x = NULL;
    char what[192], label[192], title[400];
    int64_t step = h->steps[h->n_steps - 1];

    egi_heat_label(h, label, sizeof label);
    EG_TRY(egi_heat_read(&x, all, h, step, err));
    for (int head = 0; head < h->heads; head++) {
        eg_outfile o = {0};

        (void)snprintf(what, sizeof what, "%s-h%d", h->name, head);
        if (h->heads == 1) what[strlen(h->name)] = '\0';
        (void)snprintf(title, sizeof title, "%s, step %lld", label,
                       (long long)step);
        EG_TRY(egi_figure_open(&o, j, what, err));
        if (j->csv)
            egi_csv_heat(o.f, j, h, x, head);
        else
            egi_svg_heat(o.f, h, x, head, title);
        EG_TRY(eg_outfile_commit(&o, err));
        j->n_files++;
    }
done:
    eg_free(x);
    return st;
}

eg_status egi_figure_heats(egi_figures *j, eg_err *err)
{
    eg_status st = EG_OK;
    egi_heats all = {0};

    for (int i = 0; i < j->n && all.n == 0; i++) {
        egi_heats_release(&all);
        EG_TRY(egi_heats_find(&all, j->runs[i].dir, j->runs[i].problems, err));
    }
    for (int i = 0; i < all.n; i++)
        if (!all.heat[i].full) EG_TRY(heat(j, &all, &all.heat[i], err));
done:
    egi_heats_release(&all);
    return st;
}

/* --- flows --- */

enum { TOKENS, TRACKS, INNER, N_FIGURES };

static egi_drawn draw(FILE *f, const egi_figures *j, int which,
                      const int *frame, int k)
{
    const egi_flow *flow = &j->flow;
    char title[700];

    (void)snprintf(title, sizeof title, "%s: %s%s, n = %td, d = %td",
                   j->setting, flow->model, flow->causal ? ", causal" : "",
                   flow->n, flow->d);
    if (flow->sphere)
        (void)egi_snprintf(title + strlen(title), sizeof title - strlen(title),
                           ", \xce\xb2 = %.6g", flow->beta);
    else
        (void)snprintf(title + strlen(title), sizeof title - strlen(title),
                       ", %s", flow->space);
    switch (which) {
    case TOKENS:
        return egi_svg_tokens(f, flow, frame, k, title);
    case TRACKS:
        return egi_svg_tracks(f, flow, title);
    default:
        return egi_svg_inner(f, flow, title);
    }
}

/* Tracks are the tokens once more. */
static egi_drawn numbers(FILE *f, const egi_figures *j, int which)
{
    if (which == TOKENS) egi_csv_tokens(f, j);
    return which == TOKENS || (which == INNER && egi_csv_inner(f, j))
               ? EGI_DRAWN
               : EGI_NOTHING;
}

eg_status egi_figure_flows(egi_figures *j, eg_err *err)
{
    static const char *const name[] = {"tokens", "tracks", "inner-products"};
    eg_status st = EG_OK;
    int frame[MAX_SNAPSHOTS], k = SNAPSHOTS;

    if (j->flow.n_frames == 0) return EG_OK;
    if (k > j->flow.n_frames) k = j->flow.n_frames;
    if (j->times) k = j->n_times < MAX_SNAPSHOTS ? j->n_times : MAX_SNAPSHOTS;
    if (!j->times) egi_flow_moments(frame, k, &j->flow);
    for (int i = 0; j->times && i < k; i++)
        frame[i] = egi_flow_nearest(&j->flow, j->times[i]);
    for (int which = 0; which < N_FIGURES; which++) {
        eg_outfile o = {0};
        egi_drawn drawn;

        EG_TRY(egi_figure_open(&o, j, name[which], err));
        drawn = j->csv ? numbers(o.f, j, which) : draw(o.f, j, which, frame, k);
        if (drawn != EGI_DRAWN) eg_outfile_abort(&o);
        if (drawn == EGI_NO_MEMORY) EG_TRY(egi_report_no_memory(err));
        if (drawn == EGI_DRAWN) EG_TRY(eg_outfile_commit(&o, err));
        j->n_files += drawn == EGI_DRAWN;
    }
done:
    return st;
}
