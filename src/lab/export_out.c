/* See export_out.h. */
#include "lab/export_out.h"

#include <string.h>

#include "engram/mem.h"

eg_status egi_out_begin(egi_out *o, const char *path, int most, eg_err *err)
{
    eg_status st;

    *o = (egi_out){.top = {.fd = -1}, .sub = {.fd = -1}, .cap = most};
    EG_TRY(eg_folder_make(&o->top, path, err));
    st = eg_folder_empty(&o->top, NULL, err);
    if (st != EG_OK) { /* what is there is not ours */
        eg_folder_close(&o->top);
        o->top = (eg_folder){.fd = -1};
        return st;
    }
    o->made = eg_calloc((size_t)most, sizeof *o->made);
    o->file = eg_calloc((size_t)most, sizeof *o->file);
    if (!o->made || !o->file) st = EG_FAIL(err, EG_ENOMEM, "%d files", most);
done:
    return st;
}

/* The first of base+ending, base-2+ending, ... that is free in the top. */
static void free_name(const egi_out *o, char *buf, size_t size,
                      const char *base, const char *ending)
{
    (void)snprintf(buf, size, "%s%s", base, ending);
    for (int k = 2; eg_folder_has(&o->top, buf); k++)
        (void)snprintf(buf, size, "%s-%d%s", base, k, ending);
}

eg_status egi_out_open(egi_out *o, eg_outfile *f, const char *folder,
                       const char *name, const char *ending, eg_err *err)
{
    char own[256], *to = o->file[o->n];
    eg_status st;

    EG_ASSERT(o->n < o->cap);
    if (!folder) {
        free_name(o, to, EG_PATH, name, ending);
        o->n++;
        return eg_outfile_open_in(f, &o->top, to, err);
    }
    free_name(o, own, sizeof own, folder, "");
    eg_folder_close(&o->sub);
    EG_TRY(eg_folder_sub(&o->sub, &o->top, own, true, err));
    o->made[o->n] = o->sub;
    (void)snprintf(to, EG_PATH, "%s/%s%s", own, name, ending);
    o->n++;
    EG_TRY(eg_outfile_open_in(f, &o->top, to, err));
done:
    return st;
}

void egi_out_end(egi_out *o, bool keep)
{
    for (int i = 0; !keep && i < o->n; i++) {
        (void)eg_folder_remove(&o->top, o->file[i]);
        o->made[i].fd = -1; /* closed below, or before */
        if (o->made[i].path[0]) eg_folder_unmake(&o->made[i]);
    }
    eg_folder_close(&o->sub);
    if (keep)
        eg_folder_close(&o->top);
    else if (o->top.path[0])
        eg_folder_unmake(&o->top);
    eg_free(o->made);
    eg_free(o->file);
    *o = (egi_out){.top = {.fd = -1}, .sub = {.fd = -1}};
}
