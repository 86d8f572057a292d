/* Reading one experiment file; see claim_file.c. */
#ifndef EG_LAB_CLAIM_FILE_H
#define EG_LAB_CLAIM_FILE_H

#include "lab/claim_priv.h"

/* Fills runs and curves from e->yaml. */
eg_status egi_experiment_parse(egi_experiment *e, eg_err *err);
eg_status egi_claim_parse(const egi_experiment *e, const eg_node *node,
                          egi_claim *c, eg_err *err);

#endif
