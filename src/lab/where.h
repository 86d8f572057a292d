/* Conditions on runs; the grammar is in engram/catalogue.h. */
#ifndef EG_LAB_WHERE_H
#define EG_LAB_WHERE_H

#include "engram/catalogue.h"

typedef struct egi_where egi_where;

/* EG_EINVAL: "column 9: expected a value behind '>', found the end". */
eg_status egi_where_parse(egi_where **out, const char *text, eg_err *err);
void egi_where_free(egi_where *w);

/* The keys it asks for, each once, and where each stands first (from 1). */
int egi_where_n_keys(const egi_where *w);
const char *egi_where_key(const egi_where *w, int i, int *column);
/* value [egi_where_n_keys]: of one run. */
bool egi_where_holds(const egi_where *w, const eg_value *value);
/* What is no number and is to be above or below the number of this run, whose
 * key it gives; NULL: there is no such slip. */
const char *egi_where_misfit(const egi_where *w, const eg_value *value,
                             const char **key);

#endif
