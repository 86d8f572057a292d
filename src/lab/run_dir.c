/* The run directory itself: made, locked, closed. It is opened again in
 * run_open.c; the record run.json is in run_record.c, rows in
 * metrics_write.c. */
#include "lab/config_priv.h"
#include "base/num.h"
#include "lab/run_priv.h"
#include "lab/sweep_priv.h"

#include <stdarg.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/pool.h"
#include "engram/text.h"

eg_status egi_path(char *buf, size_t size, const char *a, const char *b,
                   eg_err *err)
{
    int n = snprintf(buf, size, "%s/%s", a, b);

    if (n < 0 || (size_t)n >= size)
        return EG_FAIL(err, EG_EINVAL, "path too long: %s/%s", a, b);
    return EG_OK;
}

void egi_now(char buf[32])
{
    time_t now = time(NULL);
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* A run stays below the folder of runs: parts of its name are names. */
eg_status egi_run_check_name(const char *root, const char *name, eg_err *err)
{
    const char *part = name;
    int parts = 0;

    if (!root[0])
        return EG_FAIL(err, EG_EINVAL,
                       "the folder of runs: expected a path, found \"\"");
    for (;;) {
        size_t n = strcspn(part, "/");

        if (n == strspn(part, ".") && n <= 2) /* empty, . or .. */
            return EG_FAIL(err, EG_EINVAL,
                           "run.name: expected the name of a folder below %s, "
                           "found '%s'",
                           root, name);
        /* eg_runs_find would not come there */
        if (part[0] == '.' || ++parts > 2)
            return EG_FAIL(err, EG_EINVAL,
                           "run.name: expected one or two folders that do not "
                           "begin with a point, where runs are looked for, "
                           "found '%s'",
                           name);
        if (part == name && n == strlen(EGI_SWEEPS) &&
            strncmp(part, EGI_SWEEPS, n) == 0)
            return EG_FAIL(err, EG_EINVAL,
                           "run.name: %s/%s is the folder of the sweeps; "
                           "expected another name, found '%s'",
                           root, EGI_SWEEPS, name);
        if (!part[n]) return EG_OK;
        part += n + 1;
    }
}

void egi_run_take_id(eg_run *run)
{
    const char *base = strrchr(run->dir, '/');

    eg_text_copy(run->id, sizeof run->id, base ? base + 1 : run->dir);
}

static eg_status make_files(eg_run *run, eg_err *err)
{
    const eg_folder *f = &run->folder;
    eg_status st;

    EG_TRY(egi_jsonl_create(&run->metrics, f, run->origin, err));
    EG_TRY(egi_jsonl_create(&run->timing, f, run->origin, err));
    EG_TRY(eg_folder_stream(&run->log, f, "log", EG_NEW, err));
done:
    return st;
}

void egi_run_is_of(eg_run *run, const char *config, size_t size)
{
    run->file[EGI_OF_CONFIG] = (egi_file_sum){
        .said = true, .bytes = (int64_t)size, .sum = egi_sum_of(config, size)};
    run->origin = egi_sum_row(0, config, size);
}

static const char *const sub_name[EGI_RUN_FOLDERS] = {"arrays", "checkpoints"};

eg_status egi_run_folders(eg_run *run, bool make, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < EGI_RUN_FOLDERS && st == EG_OK; i++) {
        bool there = eg_folder_has(&run->folder, sub_name[i]);

        if (run->sub[i].fd < 0 && (there || make))
            st = eg_folder_sub(&run->sub[i], &run->folder, sub_name[i], !there,
                               err);
    }
    return st;
}

eg_run *egi_run_alloc(const eg_config *cfg)
{
    eg_run *run = eg_calloc(1, sizeof *run);

    if (run) {
        run->lock = run->folder.fd = run->parent.fd = -1;
        for (int i = 0; i < EGI_RUN_FOLDERS; i++) run->sub[i].fd = -1;
        egi_jsonl_init(&run->metrics, "metrics.jsonl");
        egi_jsonl_init(&run->timing, "timing.jsonl");
        run->seed = cfg->run.seed;
        run->kind = egi_kind_name(cfg);
        snprintf(run->name, sizeof run->name, "%s", cfg->run.name);
        run->clock_start = eg_clock();
        egi_now(run->start);
    }
    return run;
}

/* A folder that holds anything is not ours to write in: another run, which may
 * be at work, or files of the user's. */
static eg_status check_unused(const eg_folder *f, eg_err *err)
{
    int lock = -1;
    eg_status st;

    if (!eg_folder_has(f, "run.json")) return eg_folder_empty(f, NULL, err);
    if (eg_folder_has(f, "lock")) {
        st = eg_lock_take(&lock, f, "lock", err);
        if (st == EG_EBUSY) return st;
        eg_lock_drop(lock);
    }
    return EG_FAIL(err, EG_EINVAL,
                   "%s already holds a run: go on with it by --resume, or "
                   "choose another folder",
                   f->path);
}

static eg_status find_place(eg_run *run, const egi_run_place *at, eg_err *err)
{
    const char *root = at->root, *dir = at->dir;
    bool begun = at->begun;
    char path[EG_PATH + 16];
    eg_status st;

    if (dir) {
        EG_TRY(eg_folder_make(&run->folder, dir, err));
        if (begun) EG_TRY(egi_only_begun(&begun, &run->folder, err));
        if (!begun) EG_TRY(check_unused(&run->folder, err));
    } else {
        EG_TRY(egi_run_check_name(root, run->name, err));
        EG_TRY(egi_path(path, sizeof path, root, run->name, err));
        EG_TRY(eg_folder_make(&run->parent, path, err));
        EG_TRY(eg_folder_dated(&run->folder, &run->parent, err));
    }
    snprintf(run->dir, sizeof run->dir, "%s", run->folder.path);
    egi_run_take_id(run);
    run->made_lock = !eg_folder_has(&run->folder, "lock");
    EG_TRY(eg_lock_take(&run->lock, &run->folder, "lock", err));
    if (begun) egi_run_sweep(run);
    /* who came first has the lock, and nothing else is in there yet */
    EG_TRY(eg_folder_empty(&run->folder, "lock", err));
    EG_TRY(eg_lock_sign(run->lock, err));
    run->created = true;
done:
    return st;
}

eg_status eg_run_create(eg_run **out, const char *root, const char *dir,
                        const eg_config *cfg, eg_err *err)
{
    const egi_run_place at = {.root = root, .dir = dir};

    return egi_run_create(out, &at, cfg, err);
}

void egi_run_of_sweep(eg_run *run, const char *sweep, int64_t point)
{
    if (!sweep) return;
    (void)eg_text_copy(run->sweep, sizeof run->sweep, sweep);
    run->point = point;
}

eg_status egi_run_create(eg_run **out, const egi_run_place *at,
                         const eg_config *cfg, eg_err *err)
{
    eg_status st = EG_OK;
    eg_run *run = egi_run_alloc(cfg);
    char *text = NULL;

    *out = NULL;
    if (!run) return EG_FAIL(err, EG_ENOMEM, "run: out of memory");
    egi_run_of_sweep(run, at->sweep, at->point);
    EG_TRY(eg_config_hash(run->config_hash, cfg, err));
    EG_TRY(eg_config_format(cfg, &text, err));
    EG_TRY(find_place(run, at, err));
    EG_TRY(
        eg_file_write_in(&run->folder, "config.yaml", text, strlen(text), err));
    egi_run_is_of(run, text, strlen(text));
    EG_TRY(egi_run_folders(run, true, err));
    EG_TRY(make_files(run, err));
    EG_TRY(eg_run_record(run, "running", "", NULL, err));
    run->entered = true;
    *out = run;
    run = NULL;
done:
    eg_free(text);
    if (run) (void)egi_run_drop(run);
    eg_run_close(run);
    return st;
}

void eg_run_close(eg_run *run)
{
    if (!run) return;
    egi_jsonl_close(&run->metrics);
    egi_jsonl_close(&run->timing);
    egi_sums_release(&run->sums);
    egi_buf_release(&run->notes);
    json_decref(run->parts);
    json_decref(run->ending);
    eg_free(run->next);
    if (run->log) fclose(run->log);
    if (run->lock >= 0) eg_lock_drop(run->lock);
    for (int i = 0; i < EGI_RUN_FOLDERS; i++) eg_folder_close(&run->sub[i]);
    eg_folder_close(&run->folder);
    eg_folder_close(&run->parent);
    eg_free(run);
}

const char *eg_run_dir(const eg_run *run)
{
    return run->dir;
}

void eg_run_log(eg_run *run, const char *fmt, ...)
{
    char now[32], raw[EG_PATH], line[2 * EG_PATH];
    va_list ap;

    if (!run->log) return;
    egi_now(now);
    va_start(ap, fmt);
    egi_vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    eg_text_clean(line, sizeof line, raw);
    fprintf(run->log, "%s %s\n", now, line);
    fflush(run->log);
}
