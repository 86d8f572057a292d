/* arrays/ of a run: what its list of checksums says, rows that are still
 * growing, and what nothing speaks of. */
#include <string.h>

#include "base/text.h"
#include "lab/folder_list.h"
#include "lab/npy_rows.h"
#include "lab/verify_priv.h"

eg_status egi_verify_sums(egi_verifier *v, eg_err *err)
{
    const char *name = egi_record_file[EGI_OF_ARRAYS];
    eg_err why = {0};
    eg_status st;

    if (v->arrays.fd >= 0 && eg_folder_has(&v->arrays, EGI_SUMS)) {
        st = egi_sums_read(&v->sums, &v->arrays, &why);
        if (st != EG_OK) return egi_verify_conclude(v, name, 0, st, &why, err);
    }
    if (v->record.file[EGI_OF_ARRAYS].said)
        return egi_verify_file(v, EGI_OF_ARRAYS, err);
    return EG_OK;
}

static eg_status check_listed(const egi_verifier *v, const char *name,
                              eg_err *err)
{
    char file[300];
    int64_t bytes;
    eg_err why = {0};
    eg_status st = egi_sums_check(&v->sums, &v->arrays, name, &bytes, &why);

    (void)snprintf(file, sizeof file, "arrays/%s", name);
    return egi_verify_conclude(v, file, bytes, st, &why, err);
}

/* NAME.sums speaks of rows of NAME.part, or of NAME when a run was stopped. */
static eg_status check_growing(const egi_verifier *v, const char *sums,
                               eg_err *err)
{
    char name[256], file[300];
    egi_rows r;
    eg_err why = {0};
    eg_status st;

    (void)snprintf(name, sizeof name, "%.*s", (int)(strlen(sums) - 5), sums);
    st = egi_rows_find(&r, &v->arrays, name, &why);
    (void)snprintf(file, sizeof file, "arrays/%s%s", name,
                   st == EG_OK && r.whole ? "" : ".part");
    if (st == EG_OK && !r.f)
        st = EG_FAIL(&why, EG_EFORMAT, "it is lost");
    else if (st == EG_OK && r.why[0])
        st = EG_FAIL(&why, EG_EFORMAT, "%s", r.why);
    st = egi_verify_conclude(v, file, st == EG_OK ? (int64_t)r.bytes * r.n : 0,
                             st, &why, err);
    egi_rows_release(&r);
    return st;
}

/* Whole files need no look at their rows. */
static bool is_listed(const egi_verifier *v, const char *sums)
{
    char name[256];

    (void)snprintf(name, sizeof name, "%.*s", (int)(strlen(sums) - 5), sums);
    return egi_sums_find(&v->sums, name) != NULL;
}

static bool has_name(const egi_names *names, const char *name, const char *tail)
{
    char whole[300];

    (void)snprintf(whole, sizeof whole, "%s%s", name, tail);
    for (eg_index i = 0; i < names->n; i++)
        if (strcmp(names->name[i], whole) == 0) return true;
    return false;
}

/* Files of engram's kinds that nothing speaks of. */
static void tell_unlisted(const egi_verifier *v, const egi_names *names,
                          const char *name)
{
    char file[300];
    bool ours = egi_text_ends(name, ".npy") || egi_text_ends(name, ".csv");

    if (!ours || egi_sums_find(&v->sums, name) ||
        has_name(names, name, ".sums"))
        return;
    (void)snprintf(file, sizeof file, "arrays/%s", name);
    egi_verify_tell(v, file, EG_UNCHECKED, 0, "%s",
                    v->summed ? "arrays/sums does not list it"
                              : egi_verify_of_old);
}

eg_status egi_verify_arrays(egi_verifier *v, eg_err *err)
{
    egi_names names = {0};
    eg_status st = EG_OK;

    for (eg_index i = 0; i < v->sums.n; i++)
        EG_TRY(check_listed(v, v->sums.file[i].name, err));
    if (v->arrays.fd < 0) return EG_OK;
    EG_TRY(egi_folder_names(&names, &v->arrays, err));
    for (eg_index i = 0; i < names.n; i++) {
        const char *name = names.name[i];

        if (!egi_text_ends(name, ".npy.sums"))
            tell_unlisted(v, &names, name);
        else if (!is_listed(v, name))
            EG_TRY(check_growing(v, name, err));
    }
done:
    egi_names_release(&names);
    return st;
}
