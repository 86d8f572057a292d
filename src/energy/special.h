/* Special functions of the energy lab, float64. */
#ifndef EGI_ENERGY_SPECIAL_H
#define EGI_ENERGY_SPECIAL_H

/* log Gamma(x), x > 0; unlike lgamma safe in any thread. */
double egi_log_gamma(double x);

/* log gamma(a, x), the lower incomplete function, a > 0, x > 0; absolute error
 * about 1e-13 (1 + |result|). Cost grows as sqrt(a) where x is near a. */
double egi_log_lower_gamma(double a, double x);

/* The t > 0 that Student's law of df degrees of freedom exceeds in absolute
 * value with probability 1 - confidence. */
double egi_student(double df, double confidence);

/* W(x), x > 0: the w with w exp(w) = x; by y = log x, so that x may be large.
 */
double egi_lambert_of_log(double y);

#endif
