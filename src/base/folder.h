/* What the files that open files share. */
#ifndef EG_BASE_FOLDER_H
#define EG_BASE_FOLDER_H

#include <dirent.h>
#include <sys/types.h>

#include "engram/file.h"

/* A pipe or a device must not keep us waiting when it is opened. */
#define EGI_FILE_FLAGS (O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* Room for a folder's path and a name below it. */
#define EGI_PATH 1536
/* "folder/name" for messages, cut when it is too long; in NULL: name. */
const char *egi_path_in(char buf[EGI_PATH], const eg_folder *in,
                        const char *name);
/* "path: what errno says": EG_ENOMEM where that is it, else EG_EIO. */
#define EGI_FAIL_ERRNO(err, path) egi_fail_errno((err), EG_HERE, (path))
eg_status egi_fail_errno(eg_err *err, const char *where, const char *path);
/* "is a folder": of what is no regular file. */
const char *egi_kind_of(mode_t mode);
/* Why the part of name that ends after n bytes, `last` in the open folder, was
 * not opened: its kind where that is the reason, else what errno says. */
eg_status egi_folder_refuse(const eg_folder *f, const char *name, size_t n,
                            int folder, const char *last, bool want_folder,
                            eg_err *err);
/* openat for a folder, also one that may be written and not listed. */
int egi_folder_openat(int at, const char *name, bool follow);
/* Its entries, to be closed with closedir; NULL and errno: they cannot be
 * listed. */
DIR *egi_folder_list(const eg_folder *f);
/* As eg_folder_remove, of a folder, which must be empty. */
bool egi_folder_remove_sub(const eg_folder *f, const char *name);
/* The folder that holds name's last part, *part, opened. */
eg_status egi_folder_parent(int *fd, const char **part, const eg_folder *f,
                            const char *name, eg_err *err);
/* Does the regular file name in the folder fd begin with a text that holds
 * mark? */
bool egi_has_mark(int folder, const char *name, const char *mark);

#endif
