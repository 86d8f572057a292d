/* What a flow run says of itself; see flow_loop.h. */
#include "lab/flow_loop.h"

#include <math.h>

#include "base/num.h"
#include "kern/particles.h"

static const char *method_name(const egi_flow_loop *l, char buf[32])
{
    const eg_field *f = eg_field_find(eg_flow_fields, "method");
    int method = l->setup->solve.method;

    if (method == EG_FLOW_AUTO)
        method = l->setup->spec.noise > 0 ? EG_FLOW_EULER : EG_FLOW_DOP853;
    eg_choice(f->choices, method, buf, 32);
    return buf;
}

const char *egi_flow_precision(const egi_flow_loop *l)
{
    return eg_flow_precision(l->flow) == 1 ? "float32" : "float64";
}

void egi_flow_tell_plan(const egi_flow_loop *l)
{
    const eg_flow_setup *s = l->setup;
    const char *omits = egi_watch_omits(l->watch);
    eg_index n = s->n_times;
    char about[700], method[32];
    eg_lab_plan p = {.dir = eg_run_dir(l->run),
                     .about = about,
                     .kern = egi_particles_pick(l->opts->kern)->name,
                     .precision = egi_flow_precision(l),
                     .threads = eg_pool_size(l->opts->pool),
                     .steps = n,
                     .start_step = l->first};

    egi_snprintf(
        about, sizeof about,
        "%td tokens in d = %td, %td times from %.6g to %.6g, method %s; "
        "%s%s%s%s%s",
        s->spec.n, s->spec.d, n, s->times[0], s->times[n - 1],
        method_name(l, method), eg_flow_why(l->flow), s->notice[0] ? "; " : "",
        s->notice, omits[0] ? "; too many tokens for" : "", omits);
    eg_run_log(l->run, "plan: %s", about);
    if (l->first > 0)
        eg_run_log(l->run, "going on from time %td of %td", l->first, n);
    if (l->opts->plan) l->opts->plan(l->opts->ctx, &p);
}

/* Fixed steps cost the same everywhere; of others only the number of times
 * left is known. */
static double time_left(const egi_flow_loop *l, eg_index i, double t)
{
    const double *at = l->setup->times;
    eg_index n = l->setup->n_times, i0 = l->first > 0 ? l->first - 1 : 0;
    double done = (double)(i - i0), left = (double)(n - 1 - i);

    if (l->pieces.h > 0) {
        done = t - at[i0];
        left = at[n - 1] - t;
    }
    return done > 0 ? (eg_clock() - l->clock0) / done * left : (double)NAN;
}

void egi_flow_tell_progress(egi_flow_loop *l, eg_index i, double t)
{
    eg_progress *p = &l->news;

    if (!l->opts->progress) return;
    p->step = i;
    p->t = t;
    for (int k = 0; k < l->row.n; k++)
        egi_news_put(p, l->cfg, l->row.cell[k].name, l->row.cell[k].value);
    p->eta = time_left(l, i, t);
    l->opts->progress(l->opts->ctx, p);
}

void egi_flow_judge(const egi_flow_loop *l, const eg_flow_stats *s,
                    eg_lab_result *out)
{
    if (l->not_finite || s->step_too_small) {
        out->outcome = EG_DIVERGED;
        egi_snprintf(out->reason, sizeof out->reason,
                     l->not_finite ? "tokens are no longer finite at t = %.10g"
                                   : "no step is small enough at t = %.10g",
                     s->t);
    } else if (s->out_of_steps) {
        out->outcome = EG_DIVERGED;
        egi_snprintf(
            out->reason, sizeof out->reason,
            "%lld steps came to t = %.10g of %.10g, and the rest would "
            "take far more: fuse: true or method: bdf may do with fewer, "
            "but nothing passes a point at which the field jumps",
            (long long)s->steps + (long long)s->rejected, s->t,
            l->setup->times[l->setup->n_times - 1]);
    } else if (l->stop && l->x.n < l->setup->n_times) {
        out->outcome = EG_INTERRUPTED;
        egi_snprintf(out->reason, sizeof out->reason,
                     "stopped by the user at t = %.10g, after time %td of %td",
                     s->t, l->x.n, l->setup->n_times);
    }
}
