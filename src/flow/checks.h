/* Statements about flows that a program can check: a line here, and in some
 * file egi_flow_NAME_fields and egi_flow_NAME_run. */
#ifndef EG_FLOW_CHECKS_H
#define EG_FLOW_CHECKS_H

#include "engram/flow.h"

/* X(name, what step counts, help) */
#define EGI_FLOW_THEORIES(X)

#endif
