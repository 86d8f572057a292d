/* The run directory itself: made, locked, opened again, closed. The record
 * run.json is in run_record.c, rows in metrics_write.c. */
#include "lab/config_priv.h"
#include "base/num.h"
#include "lab/run_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
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

/* Ids sort by time: date and time in UTC; a second run in the same second gets
 * a number. mkdir decides who was first. */
static eg_status make_new(eg_run *run, const char *parent, eg_err *err)
{
    time_t now = time(NULL);
    struct tm tm;
    char stamp[32];

    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
    for (int i = 1; i < 1000; i++) {
        eg_status st;

        if (i == 1)
            snprintf(run->id, sizeof run->id, "%s", stamp);
        else
            snprintf(run->id, sizeof run->id, "%s-%03d", stamp, i);
        st = egi_path(run->dir, sizeof run->dir, parent, run->id, err);
        if (st != EG_OK) return st;
        if (mkdir(run->dir, 0777) == 0) return EG_OK;
        if (errno != EEXIST)
            return EG_FAIL(err, EG_EIO, "cannot create run directory %s: %s",
                           run->dir, strerror(errno));
    }
    return EG_FAIL(err, EG_EIO, "%s: no free run id", parent);
}

/* A run stays below the folder of runs: parts of its name are names. */
static eg_status check_name(const char *root, const char *name, eg_err *err)
{
    const char *part = name;

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
        if (!part[n]) return EG_OK;
        part += n + 1;
    }
}

static void id_from_dir(eg_run *run)
{
    const char *base = strrchr(run->dir, '/');

    eg_text_copy(run->id, sizeof run->id, base ? base + 1 : run->dir);
}

static eg_status take_lock(eg_run *run, eg_err *err)
{
    eg_folder f;
    eg_status st = eg_folder_open(&f, run->dir, err);

    if (st == EG_OK) st = eg_lock_take(&run->lock, &f, "lock", err);
    if (st == EG_OK) st = eg_lock_sign(run->lock, err);
    eg_folder_close(&f);
    return st;
}

static eg_status open_append(FILE **f, const char *dir, const char *name,
                             eg_err *err)
{
    char path[EG_PATH + 32];
    eg_status st = egi_path(path, sizeof path, dir, name, err);

    if (st != EG_OK) return st;
    *f = fopen(path, "ae");
    if (!*f)
        return EG_FAIL(err, EG_EIO, "cannot write %s: %s", path,
                       strerror(errno));
    return EG_OK;
}

static eg_status open_files(eg_run *run, eg_err *err)
{
    eg_status st;

    EG_TRY(open_append(&run->metrics, run->dir, "metrics.jsonl", err));
    EG_TRY(open_append(&run->timing, run->dir, "timing.jsonl", err));
    EG_TRY(open_append(&run->log, run->dir, "log", err));
done:
    return st;
}

const char *const egi_run_folder[EGI_RUN_FOLDERS] = {"arrays", "checkpoints"};

static eg_status make_folders(eg_run *run, eg_err *err)
{
    for (int i = 0; i < EGI_RUN_FOLDERS; i++) {
        char path[EG_PATH + 16];
        eg_status st =
            egi_path(path, sizeof path, run->dir, egi_run_folder[i], err);

        run->made_folder[i] = st == EG_OK && !eg_file_exists(path);
        if (st == EG_OK) st = eg_mkdirs(path, err);
        if (st != EG_OK) return st;
    }
    return EG_OK;
}

static eg_run *run_alloc(const eg_config *cfg)
{
    eg_run *run = eg_calloc(1, sizeof *run);

    if (run) {
        run->lock = -1;
        run->seed = cfg->run.seed;
        run->kind = egi_kind_name(cfg);
        snprintf(run->name, sizeof run->name, "%s", cfg->run.name);
        run->clock_start = eg_clock();
        egi_now(run->start);
    }
    return run;
}

eg_status eg_run_create(eg_run **out, const char *root, const char *dir,
                        const eg_config *cfg, eg_err *err)
{
    eg_status st = EG_OK;
    eg_run *run = run_alloc(cfg);
    char path[EG_PATH + 16], *text = NULL;

    *out = NULL;
    if (!run) return EG_FAIL(err, EG_ENOMEM, "run: out of memory");
    if (dir) {
        int n = snprintf(run->dir, sizeof run->dir, "%s", dir);

        if (n < 0 || (size_t)n >= sizeof run->dir - 16) {
            st = EG_FAIL(err, EG_EINVAL, "path too long: %s", dir);
            goto done;
        }
        while (n > 1 && run->dir[n - 1] == '/') run->dir[--n] = '\0';
        run->made_dir = !eg_file_exists(run->dir);
        EG_TRY(eg_mkdirs(run->dir, err));
        id_from_dir(run);
    } else {
        EG_TRY(check_name(root, cfg->run.name, err));
        EG_TRY(egi_path(path, sizeof path, root, cfg->run.name, err));
        EG_TRY(eg_mkdirs(path, err));
        EG_TRY(make_new(run, path, err));
        run->made_dir = true;
    }
    EG_TRY(take_lock(run, err));
    EG_TRY(egi_path(path, sizeof path, run->dir, "config.yaml", err));
    if (eg_file_exists(path)) {
        st = EG_FAIL(err, EG_EINVAL,
                     "%s already holds a run: go on with it by --resume, or "
                     "choose another folder",
                     run->dir);
        goto done;
    }
    run->created = true;
    EG_TRY(make_folders(run, err));
    EG_TRY(eg_config_format(cfg, &text, err));
    EG_TRY(eg_file_write(path, text, strlen(text), err));
    EG_TRY(open_files(run, err));
    EG_TRY(eg_run_record(run, "running", "", NULL, err));
    *out = run;
    run = NULL;
done:
    eg_free(text);
    if (run) (void)egi_run_drop(run);
    eg_run_close(run);
    return st;
}

eg_status eg_run_open(eg_run **out, const char *dir, const eg_config *cfg,
                      eg_err *err)
{
    eg_status st = EG_OK;
    eg_run *run = run_alloc(cfg);
    eg_config *saved = eg_calloc(1, sizeof *saved);
    eg_run_info info;
    char path[EG_PATH + 16];

    *out = NULL;
    if (!run || !saved) {
        st = EG_FAIL(err, EG_ENOMEM, "run: out of memory");
        goto done;
    }
    snprintf(run->dir, sizeof run->dir, "%s", dir);
    id_from_dir(run);
    EG_TRY(egi_path(path, sizeof path, run->dir, "config.yaml", err));
    EG_TRY(eg_config_load(saved, path, err));
    if (!eg_config_same(saved, cfg)) {
        st = EG_FAIL(err, EG_EINVAL,
                     "%s was started with another configuration: see %s", dir,
                     path);
        goto done;
    }
    EG_TRY(take_lock(run, err));
    egi_run_sweep(run);
    EG_TRY(make_folders(run, err));
    if (eg_run_info_read(&info, dir, NULL) == EG_OK) {
        if (info.start[0])
            snprintf(run->start, sizeof run->start, "%s", info.start);
        run->seconds = info.seconds;
    }
    run->resumed = 1;
    EG_TRY(open_files(run, err));
    EG_TRY(eg_run_record(run, "running", "resumed", NULL, err));
    *out = run;
    run = NULL;
done:
    eg_free(saved);
    eg_run_close(run);
    return st;
}

void eg_run_close(eg_run *run)
{
    if (!run) return;
    if (run->metrics) fclose(run->metrics);
    if (run->timing) fclose(run->timing);
    if (run->log) fclose(run->log);
    if (run->lock >= 0) eg_lock_drop(run->lock);
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
