/* Tokens drawn or constructed. */
#include <math.h>
#include <string.h>

#include "engram/rng.h"
#include "flow/start.h"

static eg_rng stream(uint64_t seed, eg_index token)
{
    return eg_rng_make(seed, EG_RNG_INIT, 1, (uint32_t)token);
}

static void normals(double *x, eg_index d, double sd, eg_rng *rng)
{
    for (eg_index k = 0; k < d; k++) x[k] = sd * eg_rng_normal(rng);
}

/* Uniform on the unit sphere of R^d. */
static void direction(double *x, eg_index d, eg_rng *rng)
{
    double s = 0;

    while (!(s > 0)) {
        normals(x, d, 1, rng);
        s = 0;
        for (eg_index k = 0; k < d; k++) s += x[k] * x[k];
    }
    s = sqrt(s);
    for (eg_index k = 0; k < d; k++) x[k] /= s;
}

/* Uniform in the cap of that angle about e_1. The angle a has density
 * sin(a)^(d-2). Narrow caps: s = sin a is drawn with density s^(d-2), accepted
 * with probability cos(angle)/cos(a); wide ones: from the whole sphere. */
static void cap(double *x, eg_index d, double angle, eg_rng *rng)
{
    double top = sin(angle), low = cos(angle), s = 0, c = 1;

    if (d == 1 || low < 1 / sqrt((double)d)) {
        do direction(x, d, rng);
        while (x[0] < low);
        return;
    }
    do {
        s = top * pow(eg_rng_uniform(rng), 1 / (double)(d - 1));
        c = sqrt(1 - s * s);
    } while (eg_rng_uniform(rng) * c > low);
    direction(x + 1, d - 1, rng);
    x[0] = c;
    for (eg_index k = 1; k < d; k++) x[k] *= s;
}

/* Rows of the square root of the Gram matrix (1-g) Id + g J; for the simplex,
 * whose rows are orthogonal to (1..1), reflected into R^(n-1). */
static eg_status equiangular(double *x, double g, eg_index n, eg_index d,
                             eg_err *err)
{
    double lowest = n > 1 ? -1 / (double)(n - 1) : -1;
    bool simplex = n > 1 && fabs(g - lowest) < 1e-12;
    double a = sqrt(fmax(1 - g, 0)), b, r = sqrt((double)n);

    if (!(g >= lowest - 1e-12 && g <= 1))
        return EG_FAIL(err, EG_EINVAL,
                       "x0 equiangular: expected an inner product x0_size from "
                       "%g to 1 for %td tokens, found %g",
                       lowest, n, g);
    if (d < n - (simplex ? 1 : 0))
        return EG_FAIL(err, EG_EINVAL,
                       "x0 equiangular: expected d >= n (n - 1 for the simplex "
                       "x0_size = -1/(n-1)), found d = %td, n = %td",
                       d, n);
    b = (sqrt(fmax(1 + (double)(n - 1) * g, 0)) - a) / (double)n;
    memset(x, 0, (size_t)(n * d) * sizeof *x);
    for (eg_index i = 0; i < n; i++) {
        if (!simplex) {
            for (eg_index k = 0; k < n; k++) x[i * d + k] = b;
            x[i * d + i] += a;
            continue;
        }
        /* e_i - (1..1)/n after H = Id - v v'/(1 + 1/r), v = (1..1)/r + e_n,
         * which sends (1..1)/r to -e_n */
        double v = 1 / r + (i == n - 1 ? 1 : 0), scale = a / (1 + 1 / r);

        for (eg_index k = 0; k < n - 1; k++)
            x[i * d + k] = (k == i ? a : 0) - scale * v / r;
    }
    return EG_OK;
}

static eg_status ring(double *x, double amplitude, eg_index n, eg_index d,
                      uint64_t seed, eg_err *err)
{
    static const double two_pi = 6.28318530717958647693;

    if (d != 2)
        return EG_FAIL(err, EG_EINVAL, "x0 ring: expected d = 2, found %td", d);
    for (eg_index i = 0; i < n; i++) {
        eg_rng rng = stream(seed, i);
        double a = two_pi * (double)i / (double)n +
                   amplitude * (2 * eg_rng_uniform(&rng) - 1);

        x[2 * i] = cos(a);
        x[2 * i + 1] = sin(a);
    }
    return EG_OK;
}

static void token(double *x, const char *word, double size, eg_index d,
                  eg_rng *rng)
{
    if (strcmp(word, "cap") == 0) {
        cap(x, d, size, rng);
    } else if (strcmp(word, "gaussian") == 0) {
        normals(x, d, size, rng);
    } else if (strcmp(word, "cube") == 0) {
        for (eg_index k = 0; k < d; k++)
            x[k] = size * (2 * eg_rng_uniform(rng) - 1);
    } else {
        direction(x, d, rng);
        if (strcmp(word, "hemisphere") == 0) x[d - 1] = fabs(x[d - 1]);
    }
}

eg_status egi_start_draw(double *x, const char *word, double size, eg_index n,
                         eg_index d, uint64_t seed, eg_err *err)
{
    static const char *const words[] = {"uniform", "hemisphere", "cap",
                                        "gaussian", "cube"};
    bool known = false;

    if (strcmp(word, "equiangular") == 0)
        return equiangular(x, size, n, d, err);
    if (strcmp(word, "ring") == 0) return ring(x, size, n, d, seed, err);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        known = known || strcmp(word, words[i]) == 0;
    if (!known)
        return EG_FAIL(err, EG_EINVAL,
                       "x0: expected uniform, hemisphere, cap, equiangular, "
                       "ring, cube, gaussian, or a .npy or .csv file, found "
                       "'%s'",
                       word);
    if (strcmp(word, "cap") == 0 && !(size >= 0 && size <= 3.1415926535897932))
        return EG_FAIL(err, EG_EINVAL,
                       "x0 cap: expected an angle x0_size from 0 to pi, found "
                       "%g",
                       size);
    for (eg_index i = 0; i < n; i++) {
        eg_rng rng = stream(seed, i);

        token(x + i * d, word, size, d, &rng);
    }
    return EG_OK;
}
