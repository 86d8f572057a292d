/* A flow from options: files are read, tokens drawn, all of it checked. */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "base/num.h"
#include "flow/numbers.h"
#include "flow/setup_impl.h"
#include "flow/start.h"

static const double single_rounding = 1e-6; /* of norms from float32 files */

static bool keeps_radius(const eg_flow_opts *o)
{
    return o->norm == EG_FLOW_PRE || o->norm == EG_FLOW_PERI;
}

/* Tokens of a sphere: unit vectors, or made so. drawn: not from a file. */
static eg_status check_units(eg_flow_setup *s, const eg_flow_opts *o,
                             bool drawn, eg_err *err)
{
    eg_index d = s->spec.d, changed = 0;
    double worst = 0;

    for (eg_index i = 0; i < s->spec.n; i++) {
        double r = 0, off;

        for (eg_index k = 0; k < d; k++) r = hypot(r, s->x0[i * d + k]);
        if (!(r > 0))
            return EG_FAIL(err, EG_EINVAL,
                           "x0: expected directions, found token %td zero", i);
        off = fabs(r - 1);
        if (keeps_radius(o)) continue;
        if (off > single_rounding && !drawn && o->units == 0)
            return EG_FAIL(
                err, EG_EINVAL,
                "x0: expected unit tokens, found |x| = %.9g of token "
                "%td (units: normalise would scale them)",
                r, i);
        if (off <= 4e-16) continue;
        for (eg_index k = 0; k < d; k++) s->x0[i * d + k] /= r;
        worst = fmax(worst, off);
        if (off > 1e-12) changed++;
    }
    if (changed > 0)
        (void)egi_snprintf(
            s->notice, sizeof s->notice,
            "%td of %td tokens normalised; norms were within %.2g "
            "of 1",
            changed, s->spec.n, worst);
    return EG_OK;
}

static eg_status check_finite(const char *what, const double *a, eg_index n,
                              eg_index d, eg_err *err)
{
    for (eg_index i = 0; i < n * d; i++)
        if (!isfinite(a[i]))
            return EG_FAIL(err, EG_EINVAL,
                           "%s: expected finite numbers, found %g in row %td, "
                           "column %td",
                           what, a[i], i / d, i % d);
    return EG_OK;
}

static eg_status make_tokens(eg_flow_setup *s, const eg_flow_opts *o,
                             uint64_t seed, const eg_folder *in, eg_err *err)
{
    eg_status st = EG_OK;
    egi_numbers file = {0};
    bool drawn = !egi_is_numbers_file(o->x0);

    s->spec.n = (eg_index)o->n;
    s->spec.d = (eg_index)o->d;
    if (drawn) {
        if (s->spec.n > PTRDIFF_MAX / 8 / s->spec.d)
            return EG_FAIL(err, EG_EINVAL, "x0: [%td,%td] does not fit",
                           s->spec.n, s->spec.d);
        s->x0 =
            eg_calloc((size_t)s->spec.n, (size_t)s->spec.d * sizeof(double));
        if (!s->x0)
            return EG_FAIL(err, EG_ENOMEM, "x0: [%td,%td] tokens", s->spec.n,
                           s->spec.d);
        EG_TRY(egi_start_draw(s->x0, o->x0, o->x0_size, s->spec.n, s->spec.d,
                              seed, err));
    } else {
        EG_TRY(egi_numbers_expect(&file, in, o->x0, "x0", -1, -1, err));
        s->spec.n = file.shape[0];
        s->spec.d = file.shape[1];
        if (s->spec.n < 1 || s->spec.d < 1) {
            st = EG_FAIL(err, EG_ESHAPE,
                         "x0: %s: expected at least one token, found [%td,%td]",
                         o->x0, s->spec.n, s->spec.d);
            goto done;
        }
        s->x0 = file.data; /* taken over */
        file.data = NULL;
    }
    EG_TRY(check_finite("x0", s->x0, s->spec.n, s->spec.d, err));
    if (o->space == EG_FLOW_SPHERE) EG_TRY(check_units(s, o, drawn, err));
done:
    egi_numbers_release(&file);
    return st;
}

/* The numbers of a file that has to be there. */
static eg_status take_file(double **out, const char *what, const char *path,
                           const eg_folder *in, eg_index rows, eg_index columns,
                           eg_index *rows_found, eg_err *err)
{
    eg_status st = EG_OK;
    egi_numbers a = {0};

    if (!egi_is_numbers_file(path))
        return EG_FAIL(err, EG_EINVAL,
                       "%s: expected a .npy or .csv file, found '%s'", what,
                       path);
    EG_TRY(egi_numbers_expect(&a, in, path, what, rows, columns, err));
    *out = a.data;
    a.data = NULL;
    if (rows_found) *rows_found = a.shape[0];
    EG_TRY(check_finite(what, *out, a.shape[0], a.shape[1], err));
done:
    egi_numbers_release(&a);
    return st;
}

static eg_status read_feed_forward(eg_flow_spec *spec, egi_setup_arrays *own,
                                   const eg_flow_opts *o, const eg_folder *in,
                                   eg_err *err)
{
    eg_status st = EG_OK;
    eg_index m = 0;

    spec->ffn = o->ffn;
    if (o->ffn == EG_FLOW_FFN_NONE) {
        if (o->w[0] || o->a[0] || o->b[0])
            return EG_FAIL(err, EG_EINVAL,
                           "ffn: expected relu, gelu or tanh beside files w, "
                           "a, b, found none");
        return EG_OK;
    }
    EG_TRY(take_file(&own->a, "a", o->a, in, -1, spec->d, &m, err));
    EG_TRY(take_file(&own->w, "w", o->w, in, spec->d, m, NULL, err));
    if (o->b[0]) EG_TRY(take_file(&own->b, "b", o->b, in, m, 1, NULL, err));
    spec->d_mlp = m;
    spec->w = own->w;
    spec->a = own->a;
    spec->b = own->b;
done:
    return st;
}

static void copy_options(eg_flow_setup *s, const eg_flow_opts *o, uint64_t seed)
{
    eg_flow_spec *p = &s->spec;

    p->beta = o->beta;
    p->model = o->model;
    p->space = o->space;
    p->norm = o->norm;
    p->sum = o->sum;
    p->precision = o->precision;
    p->causal = o->causal;
    p->tau = o->tau;
    p->alpha = o->alpha;
    p->noise = o->noise;
    p->sum_tol = o->sum_tol;
    p->seed = seed;
    s->solve.method = o->method;
    s->solve.h = o->h;
    s->solve.rtol = o->rtol;
    s->solve.atol = o->atol;
    s->solve.fuse = o->fuse;
    s->solve.delta = o->delta;
}

eg_status eg_flow_setup_new(eg_flow_setup **out, const eg_flow_opts *opts,
                            uint64_t seed, const eg_folder *in, eg_err *err)
{
    eg_status st = EG_OK;
    eg_flow_setup *s = eg_calloc(1, sizeof *s);
    egi_setup_arrays *own = eg_calloc(1, sizeof *own);

    *out = NULL;
    if (!s || !own) {
        st = EG_FAIL(err, EG_ENOMEM, "the set-up of a flow");
        eg_free(own);
        own = NULL;
        goto done;
    }
    s->owned = own;
    copy_options(s, opts, seed);
    EG_TRY(make_tokens(s, opts, seed, in, err));
    EG_TRY(egi_setup_matrices(&s->spec, own, opts, seed, in, err));
    EG_TRY(read_feed_forward(&s->spec, own, opts, in, err));
    if (opts->mass[0])
        EG_TRY(take_file(&own->mass, "mass", opts->mass, in, s->spec.n, 1, NULL,
                         err));
    s->spec.mass = own->mass;
    EG_TRY(egi_setup_times(&s->times, &s->n_times, "times", &opts->times, in,
                           err));
    if (s->n_times == 0) {
        st = EG_FAIL(err, EG_EINVAL, "times: expected one or more, found none");
        goto done;
    }
    *out = s;
    s = NULL;
done:
    eg_flow_setup_free(s);
    return st;
}

void eg_flow_setup_free(eg_flow_setup *s)
{
    egi_setup_arrays *own;

    if (!s) return;
    own = s->owned;
    if (own) {
        eg_free(own->Q);
        eg_free(own->K);
        eg_free(own->V);
        eg_free(own->changes);
        eg_free(own->w);
        eg_free(own->a);
        eg_free(own->b);
        eg_free(own->mass);
        eg_free(own);
    }
    eg_free(s->x0);
    eg_free(s->times);
    eg_free(s);
}
