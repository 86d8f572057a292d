/* What the checks of this module share beside base/sweep.h. */
#ifndef EGI_MEMORY_SWEEP_H
#define EGI_MEMORY_SWEEP_H

#include "base/sweep.h"
#include "engram/mem.h"
#include "engram/memory.h"
#include "engram/task.h"

/* A default bigram task on these statistics, for its laws. */
eg_status egi_law_task(eg_task **out, const char *stats, eg_err *err);

#endif
