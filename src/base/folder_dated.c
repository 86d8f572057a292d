/* Folders named by the time: their names sort by it. */
#include <string.h>
#include <time.h>

#include "engram/file.h"

eg_status eg_folder_dated(eg_folder *out, const eg_folder *f, eg_err *err)
{
    time_t now = time(NULL);
    struct tm tm;
    char stamp[32], name[40];
    eg_status st = EG_EIO;

    gmtime_r(&now, &tm);
    (void)strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
    (void)snprintf(name, sizeof name, "%s", stamp);
    /* mkdir decides who was first */
    for (int i = 2; i <= 1000; i++) {
        st = eg_folder_sub(out, f, name, true, err);
        if (st == EG_OK || !eg_folder_has(f, name)) return st;
        (void)snprintf(name, sizeof name, "%s-%03d", stamp, i);
    }
    return st;
}
