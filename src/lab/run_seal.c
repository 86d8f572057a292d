/* The end of a run: what its files are is written down. */
#include "lab/run_priv.h"

#include <string.h>

#include "base/text.h"
#include "lab/folder_list.h"

/* The rows on disk, against the checksums that were taken as they were
 * written; then one for the whole. */
static eg_status seal_rows(egi_file_sum *sum, const eg_run *run,
                           const char *name, eg_err *err)
{
    egi_jsonl j;
    eg_status st;

    egi_jsonl_init(&j, name);
    EG_TRY(egi_jsonl_look(&j, &run->folder, err));
    if (j.why[0]) {
        st = EG_FAIL(err, EG_EFORMAT, "%s/%s: %s", run->dir, name, j.why);
        goto done;
    }
    EG_TRY(egi_file_sum_of(sum, &run->folder, name, err));
done:
    egi_jsonl_close(&j);
    return st;
}

eg_status egi_run_seal(eg_run *run, eg_err *err)
{
    const eg_folder *f = &run->folder;
    const char *sums = egi_record_file[EGI_OF_ARRAYS];
    eg_status st;

    EG_TRY(seal_rows(&run->file[EGI_OF_METRICS], run, run->metrics.name, err));
    EG_TRY(seal_rows(&run->file[EGI_OF_TIMING], run, run->timing.name, err));
    if (eg_folder_has(f, sums))
        EG_TRY(egi_file_sum_of(&run->file[EGI_OF_ARRAYS], f, sums, err));
done:
    return st;
}

void egi_run_drop_row_sums(eg_run *run)
{
    const eg_folder *arrays = &run->sub[EGI_ARRAYS];
    egi_names names;

    (void)eg_folder_remove(&run->folder, run->metrics.sums_name);
    (void)eg_folder_remove(&run->folder, run->timing.sums_name);
    if (arrays->fd < 0 || egi_folder_names(&names, arrays, NULL) != EG_OK)
        return;
    for (eg_index i = 0; i < names.n; i++)
        if (egi_text_ends(names.name[i], ".npy.sums"))
            (void)eg_folder_remove(arrays, names.name[i]);
    egi_names_release(&names);
}

/* ---- arrays ---------------------------------------------------------------
 */

eg_status egi_run_sum_array(eg_run *run, const char *name, eg_err *err)
{
    egi_sum sum;
    int64_t bytes;
    eg_status st = egi_sum_in(&sum, &bytes, &run->sub[EGI_ARRAYS], name, err);

    return st == EG_OK ? egi_sums_put(&run->sums, name, sum, err) : st;
}

eg_status egi_run_write_sums(const eg_run *run, eg_err *err)
{
    return egi_sums_write(&run->sums, &run->sub[EGI_ARRAYS], err);
}

/* A link or a folder that lies there was not written by a run. */
static bool is_file(const eg_folder *in, const char *name)
{
    int fd;

    if (eg_folder_fd(&fd, in, name, EG_READ, NULL) != EG_OK) return false;
    eg_folder_close(&(eg_folder){.fd = fd});
    return true;
}

eg_status egi_run_sum_snapshot(eg_run *run, int64_t step, eg_err *err)
{
    char tail[40];
    egi_names names = {0};
    eg_status st;

    (void)snprintf(tail, sizeof tail, ".%lld.npy", (long long)step);
    EG_TRY(egi_folder_names(&names, &run->sub[EGI_ARRAYS], err));
    for (eg_index i = 0; i < names.n; i++) {
        const char *name = names.name[i];

        if (!egi_text_ends(name, ".npy")) continue;
        if (!egi_text_ends(name, tail) && egi_sums_find(&run->sums, name))
            continue;
        if (!is_file(&run->sub[EGI_ARRAYS], name)) continue;
        EG_TRY(egi_run_sum_array(run, name, err));
    }
    EG_TRY(egi_run_write_sums(run, err));
done:
    egi_names_release(&names);
    return st;
}
