/* Incomplete gamma and beta functions, Student's quantiles, Lambert's function.
 */
#include "energy/special.h"

#include <math.h>

#include "engram/status.h"

#define EPS 1e-16
#define TINY 1e-300

double egi_log_gamma(double x)
{
    int sign;

    return lgamma_r(x, &sign);
}

/* Lentz's continued fraction of Q(a, x) x^-a exp(x) Gamma(a), for x > a. */
static double upper_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1 / TINY, d = 1 / b, h = d;

    for (int k = 1; k < 1000000; k++) {
        double an = -k * (k - a), step;

        b += 2;
        d = an * d + b;
        if (fabs(d) < TINY) d = TINY;
        c = b + an / c;
        if (fabs(c) < TINY) c = TINY;
        d = 1 / d;
        step = c * d;
        h *= step;
        if (fabs(step - 1) < EPS) break;
    }
    return h;
}

double egi_log_lower_gamma(double a, double x)
{
    double sum = 1 / a, term = sum;

    EG_ASSERT(a > 0 && x > 0);
    if (x > a + 1) { /* gamma = Gamma (1 - Q) */
        double q =
            exp(a * log(x) - x - egi_log_gamma(a)) * upper_fraction(a, x);

        return egi_log_gamma(a) + log1p(-q);
    }
    for (int k = 1; k < 10000000; k++) {
        term *= x / (a + k);
        sum += term;
        if (term < EPS * sum) break;
    }
    return a * log(x) - x + log(sum);
}

/* Continued fraction of the incomplete beta function, x < (a + 1)/(a + b + 2).
 */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1), h;

    if (fabs(d) < TINY) d = TINY;
    d = 1 / d;
    h = d;
    for (int m = 1; m < 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd =
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step;

        d = 1 + even * d;
        if (fabs(d) < TINY) d = TINY;
        c = 1 + even / c;
        if (fabs(c) < TINY) c = TINY;
        d = 1 / d;
        h *= d * c;
        d = 1 + odd * d;
        if (fabs(d) < TINY) d = TINY;
        c = 1 + odd / c;
        if (fabs(c) < TINY) c = TINY;
        d = 1 / d;
        step = d * c;
        h *= step;
        if (fabs(step - 1) < EPS) break;
    }
    return h;
}

/* I_x(a, b), regularised. */
static double beta_share(double a, double b, double x)
{
    double front;

    if (x <= 0) return 0;
    if (x >= 1) return 1;
    front = exp(egi_log_gamma(a + b) - egi_log_gamma(a) - egi_log_gamma(b) +
                a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double egi_student(double df, double confidence)
{
    double low = 0, high = 1;

    EG_ASSERT(df > 0 && confidence > 0 && confidence < 1);
    /* P(|T| > t) = I_x(df/2, 1/2), x = df / (df + t^2) */
    while (high < 1e30 &&
           beta_share(df / 2, .5, df / (df + high * high)) > 1 - confidence)
        high *= 2;
    for (int k = 0; k < 200; k++) {
        double t = (low + high) / 2;

        if (beta_share(df / 2, .5, df / (df + t * t)) > 1 - confidence)
            low = t;
        else
            high = t;
    }
    return (low + high) / 2;
}

/* Newton on f(w) = w + log w - y, which is concave and increasing. */
double egi_lambert_of_log(double y)
{
    double w = y > 1 ? y - log(y) : exp(y) / (1 + exp(y));

    for (int k = 0; k < 100; k++) {
        double by = (w + log(w) - y) / (1 + 1 / w);

        if (by >= w) by = w / 2;
        w -= by;
        if (fabs(by) <= 1e-15 * w) break;
    }
    return w;
}
