/* The theory statements, as configurations see them. */
#ifndef EG_LAB_THEORY_PRIV_H
#define EG_LAB_THEORY_PRIV_H

#include "engram/fields.h"

/* Option table of a statement; NULL when there is none of that name. */
const eg_field *egi_theory_fields(const char *name);
#endif
