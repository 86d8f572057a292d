/* What figures share with their files. */
#ifndef EG_LAB_FIGURES_PRIV_H
#define EG_LAB_FIGURES_PRIV_H

#include "engram/figures.h"

/* The figure of the name and unit of another; NULL: none. */
const eg_figure *egi_figure_find(const eg_figures *f, const eg_figure *like);

#endif
