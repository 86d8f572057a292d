/* Cholesky's factor and the two triangular systems. */
#include "mesa/cholesky.h"

#include <math.h>

bool egi_cholesky(double *a, eg_index n)
{
    bool positive = true;

    for (eg_index j = 0; j < n; j++) {
        double *row = a + j * n;

        for (eg_index i = 0; i < j; i++) {
            const double *up = a + i * n;
            double s = row[i];

            for (eg_index k = 0; k < i; k++) s -= row[k] * up[k];
            row[i] = s / up[i];
        }
        for (eg_index k = 0; k < j; k++) row[j] -= row[k] * row[k];
        positive = positive && row[j] > 0;
        row[j] = row[j] > 0 ? sqrt(row[j]) : HUGE_VAL;
    }
    return positive;
}

void egi_cholesky_solve(double *x, const double *l, const double *b, eg_index n)
{
    for (eg_index i = 0; i < n; i++) {
        double s = b[i];

        for (eg_index k = 0; k < i; k++) s -= l[i * n + k] * x[k];
        x[i] = s / l[i * n + i];
    }
    for (eg_index i = n; i-- > 0;) {
        double s = x[i];

        for (eg_index k = i + 1; k < n; k++) s -= l[k * n + i] * x[k];
        x[i] = s / l[i * n + i];
    }
}
