/* The task whose laws the checks use. */
#include "memory/sweep.h"

#include <stdio.h>

eg_status egi_law_task(eg_task **out, const char *stats, eg_err *err)
{
    eg_task_opts o;

    eg_fields_default(eg_task_fields, &o);
    o.n_triggers = 1;
    (void)snprintf(o.stats, sizeof o.stats, "%s", stats);
    return eg_task_new(out, &o, 0, err);
}
