/* What is in a folder of ours. */
#ifndef EG_LAB_FOLDER_LIST_H
#define EG_LAB_FOLDER_LIST_H

#include "engram/file.h"

typedef struct egi_names {
    char (*name)[256]; /* in the order of their bytes */
    eg_index n, cap;
} egi_names;

/* Its entries but . and .. */
eg_status egi_folder_names(egi_names *names, const eg_folder *f, eg_err *err);
void egi_names_release(egi_names *names);

#endif
