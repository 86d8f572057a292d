/* Is a run directory what was written? Each file is read again and compared
 * with what was noted of it; what that is, docs/formats.md says. */
#include "engram/verify.h"

#include <stdarg.h>
#include <string.h>

#include "base/num.h"
#include "lab/verify_priv.h"

const char *eg_sound_name(eg_sound s)
{
    static const char *const name[] = {
#define EG_SOUND_NAME(id, text) [id] = text,
        EG_SOUND_LIST(EG_SOUND_NAME)
#undef EG_SOUND_NAME
    };

    return name[s];
}

const char egi_verify_of_old[] = "written by an engram without checksums";

void egi_verify_tell(const egi_verifier *v, const char *file, eg_sound sound,
                     int64_t bytes, const char *fmt, ...)
{
    char why[512];
    eg_finding f = {.file = file, .sound = sound, .bytes = bytes, .why = why};
    va_list ap;

    va_start(ap, fmt);
    (void)egi_vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    v->fn(v->ctx, &f);
}

/* What a failed check says, without the file's name in front. */
static const char *reason(const egi_verifier *v, const char *file,
                          const char *msg)
{
    size_t n = strlen(v->run.path), m = strlen(file);

    if (strncmp(msg, v->run.path, n) != 0 || msg[n] != '/') return msg;
    msg += n + 1;
    if (strncmp(msg, file, m) != 0 || strncmp(msg + m, ": ", 2) != 0)
        return msg;
    return msg + m + 2;
}

eg_status egi_verify_conclude(const egi_verifier *v, const char *file,
                              int64_t bytes, eg_status st, const eg_err *why,
                              eg_err *err)
{
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why->msg);
    if (st == EG_OK)
        egi_verify_tell(v, file, EG_WHOLE, bytes, "%s", "");
    else
        egi_verify_tell(v, file, EG_DAMAGED, bytes, "%s",
                        reason(v, file, why->msg));
    return EG_OK;
}

/* ---- the record and what it speaks of -------------------------------------
 */

static eg_status check_record(egi_verifier *v, eg_err *err)
{
    eg_err why = {0};
    eg_status st = egi_record_read(&v->record, &v->run, &why);
    bool sums = eg_folder_has(&v->run, "metrics.jsonl.sums") ||
                eg_folder_has(&v->run, egi_record_file[EGI_OF_ARRAYS]);

    v->summed = v->record.summed || sums;
    if (st == EG_OK && !v->summed) {
        egi_verify_tell(v, EGI_RECORD, EG_UNCHECKED, v->record.bytes, "%s",
                        egi_verify_of_old);
        return EG_OK;
    }
    if (st == EG_OK && !v->record.summed)
        st = EG_FAIL(&why, EG_EFORMAT, "expected a checksum, found none");
    return egi_verify_conclude(v, EGI_RECORD, v->record.bytes, st, &why, err);
}

eg_status egi_verify_file(const egi_verifier *v, int which, eg_err *err)
{
    const char *name = egi_record_file[which];
    const egi_file_sum *said = &v->record.file[which];
    egi_file_sum now;
    eg_err why = {0};
    eg_status st;

    if (which == EGI_OF_METRICS && v->last &&
        egi_metrics_read_in(v->last, &v->run, true, &now, NULL) == EG_OK)
        st = egi_file_sum_same(said, &now, &v->run, name, &why);
    else
        st = egi_file_sum_check(said, &v->run, name, &why);
    return egi_verify_conclude(v, name, said->bytes, st, &why, err);
}

/* Configurations of before the run was extended. */
static eg_status check_earlier(const egi_verifier *v, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < v->record.n_earlier && st == EG_OK; i++) {
        const egi_earlier *e = &v->record.earlier[i];
        eg_err why = {0};

        st = egi_file_sum_check(&e->sum, &v->run, e->name, &why);
        st = egi_verify_conclude(v, e->name, e->sum.bytes, st, &why, err);
    }
    return st;
}

/* Did a process die between the longer configuration and its record? */
static bool was_cut(const egi_verifier *v)
{
    const char *name = egi_record_file[EGI_OF_CONFIG];
    const egi_file_sum *said = &v->record.file[EGI_OF_CONFIG];

    if (strcmp(v->record.status, "running") != 0 ||
        egi_file_sum_check(said, &v->run, name, NULL) == EG_OK ||
        !egi_run_was_extended(&v->run, said))
        return false;
    egi_verify_tell(v, name, EG_UNCHECKED, 0,
                    "a process died as it extended the run; --resume goes on");
    return true;
}

static eg_status check_config(const egi_verifier *v, eg_err *err)
{
    const char *name = egi_record_file[EGI_OF_CONFIG];

    if (v->record.file[EGI_OF_CONFIG].said)
        return was_cut(v) ? EG_OK : egi_verify_file(v, EGI_OF_CONFIG, err);
    if (!eg_folder_has(&v->run, name))
        egi_verify_tell(v, name, EG_DAMAGED, 0, "it is lost");
    else
        egi_verify_tell(v, name, EG_UNCHECKED, 0, "%s",
                        v->summed ? "run.json does not say what it was"
                                  : egi_verify_of_old);
    return EG_OK;
}

/* Rows of a run that is not finished. A process that works on it may add some
 * meanwhile. */
static eg_status check_rows(const egi_verifier *v, int which, eg_err *err)
{
    const char *name = egi_record_file[which];
    egi_jsonl j;
    eg_err why = {0};
    eg_status st;

    if (v->record.file[which].said) return egi_verify_file(v, which, err);
    egi_jsonl_init(&j, name);
    st = egi_jsonl_look(&j, &v->run, &why);
    if (st != EG_OK)
        st = egi_verify_conclude(v, name, 0, st, &why, err);
    else if (!eg_folder_has(&v->run, name))
        egi_verify_tell(v, name, EG_DAMAGED, 0, "it is lost");
    else if (j.why[0])
        egi_verify_tell(v, name, EG_DAMAGED, j.bytes, "%s", j.why);
    else if (!j.summed && v->summed)
        egi_verify_tell(v, name, EG_DAMAGED, j.bytes, "%s is lost or damaged",
                        j.sums_name);
    else
        egi_verify_tell(v, name, j.summed ? EG_WHOLE : EG_UNCHECKED, j.bytes,
                        "%s", j.summed ? "" : egi_verify_of_old);
    egi_jsonl_close(&j);
    return st;
}

static eg_status check_notes(const egi_verifier *v, eg_err *err)
{
    eg_notes n = {0};
    eg_err why = {0};
    eg_status st;

    if (!eg_folder_has(&v->run, EGI_NOTES)) return EG_OK;
    st = egi_notes_read(&n, &v->run, &why);
    eg_notes_release(&n);
    return egi_verify_conclude(v, EGI_NOTES, 0, st, &why, err);
}

/* ---- all of it ------------------------------------------------------------
 */

static eg_status check(egi_verifier *v, eg_verify_what what, eg_err *err)
{
    eg_status st;

    EG_TRY(check_record(v, err));
    EG_TRY(check_config(v, err));
    EG_TRY(check_earlier(v, err));
    EG_TRY(check_rows(v, EGI_OF_METRICS, err));
    EG_TRY(check_rows(v, EGI_OF_TIMING, err));
    EG_TRY(egi_verify_sums(v, err));
    if (what == EG_VERIFY_RECORD) return EG_OK;
    EG_TRY(check_notes(v, err));
    EG_TRY(egi_verify_checkpoints(v, err));
    EG_TRY(egi_verify_arrays(v, err));
    EG_TRY(egi_verify_history(v, err));
done:
    return st;
}

static eg_status verify(const char *dir, eg_verify_what what, eg_metrics *last,
                        eg_finding_fn fn, void *ctx, eg_err *err)
{
    egi_verifier v = {
        .run.fd = -1, .arrays.fd = -1, .last = last, .fn = fn, .ctx = ctx};
    eg_status st;

    EG_TRY(eg_folder_open(&v.run, dir, err));
    if (eg_folder_has(&v.run, "arrays"))
        EG_TRY(eg_folder_sub(&v.arrays, &v.run, "arrays", false, err));
    EG_TRY(check(&v, what, err));
    if (last && !last->n) /* not read on the way: not yet finished, or empty */
        st = egi_metrics_read_in(last, &v.run, true, NULL, err);
done:
    egi_sums_release(&v.sums);
    eg_folder_close(&v.arrays);
    eg_folder_close(&v.run);
    return st;
}

eg_status eg_run_verify(const char *dir, eg_verify_what what, eg_finding_fn fn,
                        void *ctx, eg_err *err)
{
    return verify(dir, what, NULL, fn, ctx, err);
}

eg_status eg_run_last(eg_metrics *last, const char *dir, eg_finding_fn fn,
                      void *ctx, eg_err *err)
{
    eg_status st;

    *last = (eg_metrics){0};
    st = verify(dir, EG_VERIFY_RECORD, last, fn, ctx, err);
    if (st != EG_OK) eg_metrics_release(last);
    return st;
}

static void first_damage(void *ctx, const eg_finding *f)
{
    eg_err *err = ctx;

    if (f->sound == EG_DAMAGED && err->status == EG_OK)
        (void)EG_FAIL(err, EG_EFORMAT, "%s: %s", f->file, f->why);
}

eg_status egi_run_sound(const char *dir, eg_err *err)
{
    eg_err found = {0};
    eg_status st =
        eg_run_verify(dir, EG_VERIFY_RECORD, first_damage, &found, err);

    if (st != EG_OK || found.status == EG_OK) return st;
    return EG_FAIL(err, EG_EFORMAT, "%s", found.msg);
}
