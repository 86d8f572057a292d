/* Exponential integrals, quadrature, and the closed inverse of the scalar
 * equation. */
#include "flow/special.h"

#include <math.h>

#include "engram/flow.h"

#define EULER_GAMMA 0.57721566490153286061
/* The zero of Ei in two parts. */
#define EI_ZERO 0.37250741078136662
#define EI_ZERO_LOW 1.3140183414386028e-17
#define EPS 2.220446049250313e-16

/* gamma + ln x + sum x^k / (k k!): no cancellation far below the zero. */
static double ei_small(double x)
{
    double sum = 0, term = 1;

    for (int k = 1; k < 40; k++) {
        term *= x / k;
        sum += term / k;
    }
    return EULER_GAMMA + log(x) + sum;
}

/* The same series minus itself at the zero r: ln(x/r) + sum (x^k - r^k)/(k k!)
 * with x^k - r^k = (x - r) q_k, q_k = x q_(k-1) + r^(k-1): all terms have the
 * sign of x - r. */
static double ei_series(double x)
{
    double r = EI_ZERO, away = (x - r) - EI_ZERO_LOW;
    double q = 0, power = 1, sum = 0; /* q and power over k! */

    for (int k = 1; k < 400; k++) {
        q = (x * q + power) / k;
        power *= r / k;
        sum += q / k;
        if (k > x && q < EPS * sum / 8) break;
    }
    return log1p(away / r) + away * sum;
}

double egi_ei(double x)
{
    double sum = 1, term = 1;

    EG_ASSERT(x > 0);
    if (x < 0.2) return ei_small(x);
    if (x < 45) return ei_series(x);
    for (int k = 1; k < 60 && term > EPS / 8; k++) {
        if (k > x) break;
        term *= k / x;
        sum += term;
    }
    return exp(x) / x * sum;
}

double egi_e1(double x)
{
    EG_ASSERT(x > 0);
    if (x <= 1) {
        double sum = 0, term = 1;

        for (int k = 1; k < 40; k++) {
            term *= -x / k;
            sum -= term / k;
        }
        return -EULER_GAMMA - log(x) + sum;
    }
    /* Continued fraction e^-x / (x + 1 - 1/(x + 3 - 4/(x + 5 - ...))), by the
     * method of Lentz. */
    double b = x + 1, c = 1e300, d = 1 / b, h = d;

    for (int k = 1; k < 1000; k++) {
        double a = -(double)k * k, step;

        b += 2;
        d = 1 / (a * d + b);
        c = b + a / c;
        step = c * d;
        h *= step;
        if (fabs(step - 1) < EPS) break;
    }
    return h * exp(-x);
}

/* By Newton on the recurrence. */
void egi_legendre(int n, double *node, double *weight)
{
    for (int i = 0; i < n / 2; i++) {
        double x = cos(M_PI * (i + 0.75) / (n + 0.5)), slope = 1;

        for (int round = 0; round < 20; round++) {
            double p0 = 1, p1 = x;

            for (int k = 2; k <= n; k++) {
                double p2 = ((2 * k - 1) * x * p1 - (k - 1) * p0) / k;

                p0 = p1;
                p1 = p2;
            }
            slope = n * (x * p1 - p0) / (x * x - 1);
            x -= p1 / slope;
            if (fabs(p1) < EPS) break;
        }
        node[i] = x;
        weight[i] = 2 / ((1 - x * x) * slope * slope);
    }
}

double egi_integral(double (*f)(const void *ctx, double x), const void *ctx,
                    double a, double b, int panels)
{
    enum { POINTS = 16 };
    double node[POINTS / 2], weight[POINTS / 2], sum = 0;
    double half = (b - a) / (2 * panels);

    egi_legendre(POINTS, node, weight);
    for (int p = 0; p < panels; p++) {
        double middle = a + (2 * p + 1) * half;

        for (int i = 0; i < POINTS / 2; i++)
            sum += weight[i] * (f(ctx, middle - half * node[i]) +
                                f(ctx, middle + half * node[i]));
    }
    return sum * half;
}

double egi_scalar_rate(int model, double n, double beta, double u)
{
    double m = n - 1, common = 2 * u * (m * (1 - u) + 1);

    if (model == EG_FLOW_SA) return common / (exp(beta * u) + m);
    return common * exp(beta * (1 - u)) / n;
}

double egi_scalar_time(int model, double n, double beta, double u)
{
    double m = n - 1, ei, e1 = 0, logs;

    EG_ASSERT(u > 0 && n >= 1 && m * (1 - u) + 1 > 0);
    logs = log((m * (1 - u) + 1) / u);
    if (beta < EPS / 8) return logs / 2; /* beta u may be 0 below */
    ei = egi_ei(beta) - egi_ei(beta * u);
    if (m > 0) e1 = egi_e1(beta / m) - egi_e1(beta * (1 - u + 1 / m));
    if (model == EG_FLOW_SA)
        return (ei + (m > 0 ? exp(beta * n / m) * e1 + m * logs : 0)) / (2 * n);
    return (exp(-beta) * ei + (m > 0 ? exp(beta / m) * e1 : 0)) / 2;
}

/* Newton on ln u, kept inside a shrinking bracket: time falls with u. */
double egi_scalar_at(int model, double n, double beta, double u0, double t)
{
    double goal = egi_scalar_time(model, n, beta, u0) + t;
    double lo = log(1e-300), hi = n > 1 ? log1p(1 / (n - 1)) : 0;
    double y = log(u0);

    if (t == 0) return u0;
    hi -= 1e-15;
    for (int round = 0; round < 200 && hi - lo > 1e-15 * fabs(lo); round++) {
        double u = exp(y), miss, next;

        miss = egi_scalar_time(model, n, beta, u) - goal;
        if (miss > 0)
            lo = y; /* too close to 1: u must grow */
        else
            hi = y;
        next = y + miss * egi_scalar_rate(model, n, beta, u) / u;
        if (!(next > lo && next < hi)) next = (lo + hi) / 2;
        if (fabs(next - y) < 1e-16 * fabs(y)) break;
        y = next;
    }
    return exp(y);
}
