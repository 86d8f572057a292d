/* The optimiser on one tensor's entries, for the engine's table. */
#ifndef EG_NN_UPDATE_H
#define EG_NN_UPDATE_H

#include "nn/engine.h"
#include "nn/real/exec.h"

/* Of an engine. */
const N(exec) * N(engine_exec)(const egi_engine *e);

void N(engine_sgd)(const egi_engine *e, void *w, void *m, const void *g,
                   eg_index n, double lr, double mu, double wd, int first);
void N(engine_adam)(const egi_engine *e, void *w, void *m, void *v,
                    const void *g, eg_index n, double lr,
                    const double hyper[7]);
double N(engine_sumsq)(const egi_engine *e, const void *x, eg_index n);
void N(engine_clip)(const egi_engine *e, void *g, eg_index n, double factor,
                    double bound);

#endif
