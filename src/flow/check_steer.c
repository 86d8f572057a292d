/* Control (2411.04551): several clouds on the sphere steered to targets of
 * their own, attention and feed-forward in turns. */
#include "flow/checks.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_steer
EG_FIELDS_TABLE(egi_flow_steer_fields, EG_FLOW_THEORY_STEER_FIELDS)

typedef struct plan {
    const eg_flow_theory_steer *o;
    const eg_theory_out *out;
    eg_index n, d;           /* of all clouds; token i is of cloud i % clouds */
    double *x, *one;         /* [n, d]; a cloud */
    double *target, *centre; /* [clouds, d] */
    int64_t stage;
} plan;

static void mean_direction(double *m, const plan *p, eg_index cloud)
{
    double size;

    memset(m, 0, (size_t)p->d * sizeof *m);
    for (eg_index i = cloud; i < p->n; i += (eg_index)p->o->clouds)
        for (eg_index k = 0; k < p->d; k++) m[k] += p->x[i * p->d + k];
    size = sqrt(egi_dot(m, m, p->d));
    for (eg_index k = 0; k < p->d; k++) m[k] /= size;
}

/* Largest W_2 of a cloud to its target; widest cloud; nearest tokens of two. */
static void emit_stage(plan *p)
{
    eg_index clouds = (eg_index)p->o->clouds, d = p->d;
    double worst = 0, wide = 0, gap = M_PI;

    for (eg_index c = 0; c < clouds; c++) {
        eg_index count = 0;

        for (eg_index i = c; i < p->n; i += clouds)
            memcpy(p->one + d * count++, p->x + i * d,
                   (size_t)d * sizeof *p->one);
        worst = egi_most(worst, eg_flow_wasserstein_dirac(
                                    p->one, count, d, p->target + c * d, 2));
    }
    for (eg_index i = 0; i < p->n; i++)
        for (eg_index j = 0; j < i; j++) {
            double a = eg_flow_angle(p->x + i * d, p->x + j * d, d);

            if ((i - j) % clouds)
                gap = egi_least(gap, a);
            else
                wide = egi_most(wide, a);
        }
    egi_emit(p->out, p->stage, "distance", worst);
    egi_emit(p->out, p->stage, "width", wide);
    egi_emit(p->out, p->stage, "gap", gap);
    p->stage++;
}

static eg_status stage(plan *p, const eg_flow_spec *spec, double t,
                       eg_pool *pool, eg_err *err)
{
    double times[2] = {0, t};
    eg_flow_solve how = {.method = EG_FLOW_DOPRI5, .rtol = 1e-8, .atol = 1e-10};
    eg_status st = egi_play(spec, p->x, times, 2, &how, pool, err);

    if (st == EG_OK) emit_stage(p);
    return st;
}

/* Pushes cloud c to its target by w relu(<a,x> + b) without attention: w the
 * target, and a half-space that holds cloud and target and none of the other
 * clouds and finished targets, if there is one of the form a = cloud + target.
 */
static eg_status push(plan *p, eg_index c, eg_pool *pool, eg_err *err)
{
    eg_index d = p->d, clouds = (eg_index)p->o->clouds;
    double a[64], w[64], zero[64 * 64] = {0}, b, inside = HUGE_VAL,
                                   outside = -HUGE_VAL, size = 0;
    eg_flow_spec spec = {.n = p->n,
                         .d = d,
                         .beta = 1,
                         .V = zero,
                         .ffn = EG_FLOW_FFN_RELU,
                         .d_mlp = 1,
                         .w = w,
                         .a = a,
                         .b = &b};

    for (eg_index k = 0; k < d; k++) {
        a[k] = p->centre[c * d + k] + p->target[c * d + k];
        w[k] = p->o->strength * p->target[c * d + k];
        size += a[k] * a[k];
    }
    for (eg_index k = 0; k < d; k++) a[k] /= sqrt(size);
    for (eg_index i = 0; i < p->n; i++) {
        double s = egi_dot(a, p->x + i * d, d);

        if (i % clouds == c)
            inside = egi_least(inside, s);
        else
            outside = egi_most(outside, s);
    }
    inside = egi_least(inside, egi_dot(a, p->target + c * d, d));
    b = p->o->gate ? -(inside + outside) / 2 : 1;
    egi_emit(p->out, p->stage, "room", inside - outside);
    return stage(p, &spec, p->o->t_push, pool, err);
}

eg_status egi_flow_steer_run(const void *options, uint64_t seed, eg_pool *pool,
                             const eg_theory_out *out, eg_err *err)
{
    const eg_flow_theory_steer *o = options;
    eg_index d = (eg_index)o->d, clouds = (eg_index)o->clouds;
    eg_index n = clouds * (eg_index)o->n;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    if (clouds > d)
        return EG_FAIL(err, EG_EINVAL,
                       "clouds: expected at most d = %td, found %td", d,
                       clouds);
    double *next =
        eg_calloc((size_t)(2 * n * d + 2 * clouds * d), sizeof *next);
    double *block = next;
    plan p = {.o = o, .out = out, .n = n, .d = d};
    eg_flow_spec attention = {.n = n, .d = d, .beta = o->beta};
    eg_status st;

    if (!block) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    p.x = egi_take(&next, n * d);
    p.one = egi_take(&next, n * d);
    p.target = egi_take(&next, clouds * d);
    p.centre = egi_take(&next, clouds * d);
    /* Clouds around the axes, targets between each axis and the next but
     * beyond it: e_c + 0.8 e_(c+1). */
    for (eg_index c = 0; c < clouds; c++) {
        p.target[c * d + c] = 1 / sqrt(1.64);
        p.target[c * d + (c + 1) % d] = 0.8 / sqrt(1.64);
    }
    for (eg_index i = 0; i < n; i++) {
        double *x = p.x + i * d, size;

        for (eg_index k = 0; k < d; k++)
            x[k] = (k == i % clouds) + o->side * (2 * eg_rng_uniform(&rng) - 1);
        size = sqrt(egi_dot(x, x, d));
        for (eg_index k = 0; k < d; k++) x[k] /= size;
    }
    emit_stage(&p);
    EG_TRY(stage(&p, &attention, o->t_gather, pool, err));
    for (eg_index c = 0; c < clouds; c++) {
        mean_direction(p.centre + c * d, &p, c);
        EG_TRY(push(&p, c, pool, err));
    }
done:
    eg_free(block);
    return st;
}
