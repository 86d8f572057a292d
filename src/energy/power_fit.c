/* Straight lines through logarithms, and the paper's law of parameters against
 * tokens. */
#include <math.h>

#include "energy/power_fit.h"
#include "energy/special.h"

static eg_status check_pairs(const double *x, const double *y, int n,
                             eg_err *err)
{
    if (n < 2)
        return EG_FAIL(err, EG_EINVAL,
                       "a power law: expected two pairs at least, found %d", n);
    for (int i = 0; i < n; i++)
        if (!(x[i] > 0 && isfinite(x[i]) && y[i] > 0 && isfinite(y[i])))
            return EG_FAIL(err, EG_EINVAL,
                           "a power law: pair %d, (%g, %g): expected positive "
                           "numbers",
                           i + 1, x[i], y[i]);
    return EG_OK;
}

eg_status egi_power_line(eg_power_fit *out, const double *x, const double *y,
                         int n, eg_err *err)
{
    double mx = 0, my = 0, xx = 0, xy = 0, rest = 0;
    eg_status st = check_pairs(x, y, n, err);

    if (st != EG_OK) return st;
    for (int i = 0; i < n; i++) {
        mx += log(x[i]) / n;
        my += log(y[i]) / n;
    }
    for (int i = 0; i < n; i++) {
        xx += (log(x[i]) - mx) * (log(x[i]) - mx);
        xy += (log(x[i]) - mx) * (log(y[i]) - my);
    }
    if (!(xx > 1e-24))
        return EG_FAIL(err, EG_EINVAL,
                       "a power law: expected numbers that differ, found %d "
                       "times %g",
                       n, x[0]);
    *out = (eg_power_fit){.n = n,
                          .slope = xy / xx,
                          .se = (double)NAN,
                          .residual = (double)NAN,
                          .low = -HUGE_VAL,
                          .high = HUGE_VAL};
    out->intercept = my - out->slope * mx;
    if (n == 2) return EG_OK;
    for (int i = 0; i < n; i++) {
        double e = log(y[i]) - out->intercept - out->slope * log(x[i]);

        rest += e * e;
    }
    out->residual = sqrt(rest / (n - 2));
    out->se = out->residual / sqrt(xx);
    return EG_OK;
}

eg_status eg_power_fit_pairs(eg_power_fit *out, const double *x,
                             const double *y, int n, double confidence,
                             eg_err *err)
{
    double by;
    eg_status st;

    if (!(confidence > 0 && confidence < 1))
        return EG_FAIL(err, EG_EINVAL,
                       "confidence: expected a number between 0 and 1, found "
                       "%g",
                       confidence);
    st = egi_power_line(out, x, y, n, err);
    if (st != EG_OK || n == 2) return st;
    by = out->se * egi_student(n - 2, confidence);
    out->low = out->slope - by;
    out->high = out->slope + by;
    return EG_OK;
}

double eg_law_bracket(double A, double layers, double d_emb, double T)
{
    return A * layers * d_emb / (M_PI * T * T * T);
}

double eg_edge_tokens(double d_emb, double T)
{
    return sqrt(M_PI * T * T * T * d_emb);
}
