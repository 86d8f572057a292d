/* A run directory to go on with: locked, looked at, and only then entered. */
#include "lab/config_priv.h"
#include "lab/run_priv.h"

#include <stdarg.h>
#include <string.h>
#include "base/num.h"
#include "engram/mem.h"
#include "engram/text.h"

void egi_run_note(eg_run *run, const char *fmt, ...)
{
    char text[700];
    va_list ap;

    va_start(ap, fmt);
    (void)egi_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    egi_buf_add(&run->notes, "%s\n", text);
}

void egi_run_kernels(eg_run *run, const char *now)
{
    const char *was = run->was.kern;

    if (!was[0] || strcmp(was, now) == 0) return;
    run->other_kern = true;
    egi_run_note(run,
                 "kernels %s from here on; they were %.*s: the last digits are "
                 "those of neither alone",
                 now, eg_text_fit(was, 30), was);
}

static void tell_notes(eg_run *run)
{
    char *line = run->notes.s, *end;

    for (; line && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        eg_run_log(run, "note: %s", line);
        if (run->tell) run->tell(run->tell_ctx, line);
    }
    egi_buf_release(&run->notes);
}

/* ---- the configuration ----------------------------------------------------
 */

enum { MOST = 200 }; /* bytes of one key with its values in a message */

/* Keys in which two configurations differ: the first one that may not, and how
 * many there are; what may is noted. */
typedef struct keys {
    char text[256];
    int n;
    eg_run *run; /* NULL: nothing is noted */
} keys;

static void add_key(void *ctx, const char *key, const char *there,
                    const char *here)
{
    keys *k = ctx;

    if (eg_config_may_change(key)) {
        if (k->run)
            egi_run_note(k->run, "%s is %s from here on; it was %s", key, here,
                         there);
        return;
    }
    if (k->n++ > 0) return;
    if (snprintf(k->text, MOST, "%s is %s there and %s here", key, there,
                 here) >= MOST)
        memcpy(k->text + MOST - 4, "...", 4);
}

/* ", and 2 other keys differ" */
static void add_rest(keys *k)
{
    size_t n = strlen(k->text);

    if (k->n > 1)
        (void)snprintf(k->text + n, sizeof k->text - n, ", and %d other key%s",
                       k->n - 1, k->n == 2 ? " differs" : "s differ");
}

/* Does anything that was written down when the run began agree with
 * config.yaml as it is? Yes, when nothing was. */
static bool is_unchanged(const eg_run *run)
{
    const egi_file_sum *said = &run->was.file[EGI_OF_CONFIG];
    bool by_rows = run->metrics.before.sum || run->timing.before.sum;

    if (!said->said && !by_rows && !run->extended) return true;
    if (said->said && egi_sum_same(said->sum, run->file[EGI_OF_CONFIG].sum))
        return true;
    if (run->extended) return egi_run_was_extended(&run->folder, said);
    return (run->metrics.before.sum &&
            run->metrics.before.sum[0] == run->origin) ||
           (run->timing.before.sum && run->timing.before.sum[0] == run->origin);
}

eg_status egi_run_same_config(const eg_folder *f, const eg_config *cfg,
                              eg_run *run, bool changed, eg_err *err)
{
    eg_config *saved = eg_calloc(1, sizeof *saved);
    keys k = {.run = run};
    eg_status st;

    if (!saved) return EG_FAIL(err, EG_ENOMEM, "run: out of memory");
    EG_TRY(eg_config_load_run(saved, f, err));
    (void)eg_config_diff(saved, cfg, add_key, &k);
    add_rest(&k);
    if (changed)
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s/config.yaml was changed after the run began%s%s: put "
                     "it back, or begin a new run of it",
                     f->path, k.text[0] ? ", " : "", k.text);
    else if (k.n)
        st = EG_FAIL(err, EG_EINVAL,
                     "%s was started with another configuration: %s", f->path,
                     k.text);
done:
    eg_free(saved);
    return st;
}

static eg_status check_config(eg_run *run, const eg_config *cfg, eg_err *err)
{
    char *text = NULL;
    size_t size = 0;
    eg_status st;

    EG_TRY(eg_file_read_in(&text, &size, &run->folder, "config.yaml",
                           EGI_CONFIG_MAX, err));
    egi_run_is_of(run, text, size);
    if (cfg->train.parts.n > 0 || cfg->flow.parts.n > 0)
        EG_TRY(egi_run_origin(run, err));
    EG_TRY(
        egi_run_same_config(&run->folder, cfg, run, !is_unchanged(run), err));
done:
    eg_free(text);
    return st;
}

/* ---- what is there --------------------------------------------------------
 */

static eg_status look_at_rows(eg_run *run, eg_err *err)
{
    eg_status st;

    EG_TRY(egi_jsonl_look(&run->metrics, &run->folder, err));
    EG_TRY(egi_jsonl_look(&run->timing, &run->folder, err));
done:
    return st;
}

static bool has_array_sums(const eg_run *run)
{
    const eg_folder *f = &run->sub[EGI_ARRAYS];

    return f->fd >= 0 && eg_folder_has(f, EGI_SUMS);
}

/* Arrays are not needed to go on; what is wrong with one is said, and its
 * checksum stays, so that it is said again. */
static eg_status look_at_arrays(eg_run *run, eg_err *err)
{
    const eg_folder *f = &run->sub[EGI_ARRAYS];
    eg_err why = {0};
    eg_status st;

    if (!has_array_sums(run)) return EG_OK;
    st = egi_sums_read(&run->sums, f, &why);
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why.msg);
    if (st != EG_OK)
        egi_run_note(run, "%s; arrays of before cannot be checked", why.msg);
    for (eg_index i = 0; i < run->sums.n; i++) {
        int64_t bytes;

        if (egi_sums_check(&run->sums, f, run->sums.file[i].name, &bytes,
                           &why) != EG_OK)
            egi_run_note(run, "%s", why.msg);
    }
    return EG_OK;
}

/* Rows without checksums of their own, of a run that had come to its end, are
 * what run.json says of the whole file. */
static void vouch(egi_jsonl *j, const eg_run *run, int which)
{
    const egi_file_sum *said = &run->was.file[which];
    eg_err why = {0};

    if (j->summed || !said->said) return;
    j->vouched = egi_file_sum_check(said, &run->folder, j->name, &why) == EG_OK;
    if (!j->vouched)
        (void)snprintf(j->why, sizeof j->why, "it is not what run.json says");
}

/* run.json decides nothing: a lost one is written anew, and that is said. */
static eg_status look_at_record(eg_run *run, eg_err *err)
{
    eg_err why = {0};
    eg_run_info info;
    eg_status st = EG_OK;

    if (eg_folder_has(&run->folder, EGI_RECORD))
        st = egi_record_read(&run->was, &run->folder, &why);
    else if (run->metrics.written > 0)
        egi_run_note(run, "%s/%s is lost, and written anew", run->dir,
                     EGI_RECORD);
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why.msg);
    if (st != EG_OK) egi_run_note(run, "%s", why.msg);
    if (egi_run_info_read(&info, &run->folder, NULL) == EG_OK) {
        if (info.start[0])
            snprintf(run->start, sizeof run->start, "%s", info.start);
        run->seconds = info.seconds;
        if (info.sweep[0]) egi_run_of_sweep(run, info.sweep, info.point);
        if (egi_run_read_parts(run, err) == EG_ENOMEM) return EG_ENOMEM;
    }
    vouch(&run->metrics, run, EGI_OF_METRICS);
    vouch(&run->timing, run, EGI_OF_TIMING);
    run->unsummed = !run->was.summed && !run->metrics.summed &&
                    !run->timing.summed && !has_array_sums(run);
    return EG_OK;
}

/* It will be appended to: what keeps that from happening is said now. */
static eg_status look_at_log(const eg_run *run, eg_err *err)
{
    FILE *log = NULL;
    eg_status st;

    if (!eg_folder_has(&run->folder, "log")) return EG_OK;
    st = eg_folder_stream(&log, &run->folder, "log", EG_APPEND, err);
    if (log) (void)fclose(log);
    return st;
}

eg_status egi_run_open(eg_run **out, const char *dir, const eg_config *cfg,
                       eg_err *err)
{
    eg_status st = EG_OK;
    eg_run *run = egi_run_alloc(cfg);

    *out = NULL;
    if (!run) return EG_FAIL(err, EG_ENOMEM, "run: out of memory");
    run->resumed = 1;
    EG_TRY(eg_config_hash(run->config_hash, cfg, err));
    EG_TRY(eg_folder_open(&run->folder, dir, err));
    snprintf(run->dir, sizeof run->dir, "%s", run->folder.path);
    egi_run_take_id(run);
    run->made_lock = !eg_folder_has(&run->folder, "lock");
    EG_TRY(eg_lock_take(&run->lock, &run->folder, "lock", err));
    EG_TRY(egi_run_folders(run, false, err));
    EG_TRY(look_at_log(run, err));
    EG_TRY(look_at_rows(run, err));
    EG_TRY(look_at_record(run, err));
    EG_TRY(check_config(run, cfg, err));
    EG_TRY(look_at_arrays(run, err));
    *out = run;
    run = NULL;
done:
    if (run) (void)egi_run_drop(run);
    eg_run_close(run);
    return st;
}

bool egi_run_leave_finished(eg_run **run)
{
    if (strcmp((*run)->was.status, "finished") != 0) return false;
    (void)egi_run_drop(*run);
    eg_run_close(*run);
    *run = NULL;
    return true;
}

/* What an extended run will be. */
static void note_longer(eg_run *run)
{
    const char *how = "";

    if (!run->longer[0]) return;
    if (run->exact)
        how = run->other_kern ? ", but for the last digits" : ", bit for bit";
    egi_run_note(run, "%s%s", run->longer, how);
}

eg_status egi_run_enter(eg_run *run, eg_err *err)
{
    eg_status st = EG_OK;

    if (run->entered) return EG_OK;
    EG_TRY(eg_lock_sign(run->lock, err));
    run->entered = true;
    egi_run_sweep(run);
    EG_TRY(egi_run_folders(run, true, err));
    EG_TRY(eg_folder_stream(&run->log, &run->folder, "log", EG_APPEND, err));
    note_longer(run);
    tell_notes(run);
    if (run->next) {
        EG_TRY(egi_run_switch(run, err));
    } else {
        EG_TRY(egi_run_sum_rows(run, err));
        EG_TRY(eg_run_record(run, "running", "resumed", NULL, err));
    }
done:
    return st;
}

eg_status eg_run_open(eg_run **out, const char *dir, const eg_config *cfg,
                      eg_err *err)
{
    eg_status st = egi_run_open(out, dir, cfg, err);

    if (st == EG_OK) st = egi_run_enter(*out, err);
    if (st == EG_OK) return EG_OK;
    eg_run_close(*out);
    *out = NULL;
    return st;
}

/* ---- may rows be built upon? ----------------------------------------------
 */

eg_status egi_run_check_file(const eg_run *run, const egi_jsonl *j,
                             eg_index rows, bool told, eg_err *err)
{
    if (rows == 0) return EG_OK; /* what there is is made again */
    if (!eg_folder_has(&run->folder, j->name) && !told)
        return EG_FAIL(err, EG_EFORMAT, "%s/%s is lost, with %td rows",
                       run->dir, j->name, j->summed ? j->written : rows);
    if (!j->summed && !j->vouched && !run->unsummed && !told)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s/%s is lost or damaged: nothing says whether the "
                       "rows of %s are what was written",
                       run->dir, j->sums_name, j->name);
    if (j->good >= rows) return EG_OK;
    if (j->why[0])
        return EG_FAIL(err, EG_EFORMAT, "%s/%s: %s", run->dir, j->name, j->why);
    return EG_FAIL(err, EG_EFORMAT, "%s/%s: expected %td rows, found %td",
                   run->dir, j->name, rows, j->good);
}

eg_status egi_run_check_rows(const eg_run *run, eg_index rows, bool told,
                             eg_err *err)
{
    eg_status st;

    EG_TRY(egi_run_check_file(run, &run->metrics, rows, told, err));
    EG_TRY(egi_run_check_file(run, &run->timing, rows, told, err));
done:
    return st;
}

eg_index egi_run_good_rows(const eg_run *run)
{
    eg_index a = run->metrics.good, b = run->timing.good;

    return a < b ? a : b;
}
