/* The options of a flow, as a table. */
#include "engram/flow.h"

#define EG_FIELDS_OWNER eg_flow_opts
EG_FIELDS_TABLE(eg_flow_fields, EG_FLOW_FIELDS)
