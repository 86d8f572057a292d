/* What the files of the energies share. */
#ifndef EGI_ENERGY_ENERGIES_H
#define EGI_ENERGY_ENERGIES_H

#include "engram/energy.h"

/* |x - y|^2 */
double egi_square_distance(const double *x, const double *y, eg_index n);

/* z^power by multiplication, power >= 0. */
double egi_power(double z, int power);

/* eg_energy_step of the kinds with signs; work [d]. */
double egi_signs_sweep(const eg_energy *e, double *x, const unsigned char *held,
                       double *work);

#endif
