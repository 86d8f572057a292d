/* The runs below a folder as they are now, for those who ask about them. */
#ifndef EG_LAB_CATALOGUE_H
#define EG_LAB_CATALOGUE_H

#include "lab/catalogue_db.h"

/* Every run, newest first, as eg_catalogue_each finds them; details: with what
 * is not in the record. Released with egi_entries_free. */
eg_status egi_catalogue_all(egi_entry **entry, int *n, const char *root,
                            bool details, eg_err *err);
/* Its info, with dir below root as it was named; false: that is too long. */
bool egi_entry_place(eg_run_info *info, const egi_entry *e, const char *root);

#endif
