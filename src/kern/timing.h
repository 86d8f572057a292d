/* Timing: a clock that other processes do not disturb, and the middle of some
 * measurements. */
#ifndef EGI_TIMING_H
#define EGI_TIMING_H

/* Seconds of processor time that this thread has used. Time in which another
 * process held the core does not count, so a loaded machine gives the same
 * figures as a quiet one, as far as caches and neighbours allow. */
double egi_cpu_seconds(void);

/* Sorts x[0..n-1], n >= 1, and returns the median. */
double egi_median(double *x, int n);
/* Of x sorted: q 0 is the least, 1 the largest, between neighbours in
 * proportion. */
double egi_quantile(const double *x, int n, double q);
#endif
