/* Between collect.c and sweep_points.c. */
#ifndef EG_REPORT_COLLECT_H
#define EG_REPORT_COLLECT_H

#include "report/report_impl.h"

/* Adds a run, unless it is there already. */
eg_status egi_collect_run(egi_collection *c, const char *dir, eg_err *err);
/* Adds the sweep in a folder, and its runs. */
eg_status egi_collect_sweep(egi_collection *c, const char *dir, eg_err *err);

#endif
