/* What people say of a run: tags to find it by, notes to read. They stand in
 * notes.json of the run directory, beside what the run itself writes, and may
 * be changed while it runs. */
#ifndef ENGRAM_NOTES_H
#define ENGRAM_NOTES_H

#include "engram/file.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_TAG 64          /* bytes with the 0 */
#define EG_TAGS 255        /* of all, with ", " between */
#define EG_NOTES_MAX 10000 /* notes */

typedef struct eg_note {
    char at[32]; /* when it was written, ISO 8601, UTC */
    char *text;
} eg_note;

typedef struct eg_notes {
    int n_tags;
    char (*tag)[EG_TAG]; /* in the order of their bytes */
    int n;
    eg_note *note; /* oldest first */
} eg_notes;

/* Of the run at dir; a run without any has none. EG_EFORMAT: damaged, or
 * edited. */
EG_API eg_status eg_notes_read(eg_notes *out, const char *dir, eg_err *err);
EG_API void eg_notes_release(eg_notes *n);

/* Each of change [n] is "+tag", which is added, or "-tag", which is removed;
 * what is there already, or is not, is no error. A tag has 1 to 63 bytes of
 * UTF-8 without blanks and commas, and does not begin with + or -. */
EG_API eg_status eg_tags_change(const char *dir, const char *const *change,
                                int n, eg_err *err);
/* One more note, of at most 65536 bytes of UTF-8. */
EG_API eg_status eg_note_add(const char *dir, const char *text, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
