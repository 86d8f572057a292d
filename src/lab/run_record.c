/* run.json: who ran what where, when, and how it ended. */
#include "lab/run_priv.h"

#include <stdlib.h>
#include <string.h>
#include "engram/lab.h"
#include "engram/kern.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "base/json.h"
#include "lab/lab_priv.h"

/* A record being put together; bad: something of it is missing. */
typedef struct record {
    json_t *o;
    int bad;
} record;

static void put(record *r, const char *key, json_t *value)
{
    r->bad |= json_object_set_new(r->o, key, value);
}

static void put_text(record *r, const char *key, const char *text)
{
    put(r, key, egi_json_text(text ? text : ""));
}

static void put_int(record *r, const char *key, int64_t v)
{
    put(r, key, json_integer(v));
}

static void put_facts(record *o, const eg_run_facts *f)
{
    put_text(o, "kernels", f->kern);
    put_text(o, "precision", f->precision);
    put_int(o, "threads", f->threads);
    put_int(o, "n_params", f->n_params);
    put_int(o, "n_trained", f->n_trained);
    put_int(o, "steps", f->steps);
    put_int(o, "steps_done", f->steps_done);
    put_int(o, "tokens", f->tokens);
    put(o, "tokens_per_s", json_real(f->tokens_per_s));
    if (f->metrics_left_out)
        put_int(o, "metrics_left_out", f->metrics_left_out);
    if (f->evaluations) {
        put_int(o, "evaluations", f->evaluations);
        put_int(o, "solver_steps", f->solver_steps);
        put_int(o, "rejected", f->rejected);
    }
    if (f->stopped_by)
        put(o, "stopped_early",
            json_pack("{s:s, s:I, s:f}", "metric", f->stopped_by, "step",
                      (json_int_t)f->stopped_step, "value", f->stopped_value));
    put_int(o, "memory_announced_bytes", f->announced_bytes);
    put_int(o, "memory_peak_bytes", f->peak_bytes);
}

static eg_status write_record(const eg_run *run, const char *text, bool soft,
                              eg_err *err)
{
    eg_outfile o;
    eg_status st = eg_outfile_open_in(&o, &run->folder, EGI_RECORD, err);

    if (st != EG_OK) return st;
    o.soft = soft;
    eg_outfile_write(&o, text, strlen(text));
    return eg_outfile_commit(&o, err);
}

eg_status eg_run_record(eg_run *run, const char *status, const char *reason,
                        const eg_run_facts *facts, eg_err *err)
{
    eg_status st = EG_OK;
    record r = {.o = json_object()}, *o = &r;
    char now[32], machine[512];
    char *text = NULL;
    bool finished = strcmp(status, "finished") == 0;

    if (finished) EG_TRY(egi_run_seal(run, err));
    eg_machine_describe(machine, sizeof machine);
    egi_now(now);
    put_text(o, "name", run->name);
    put_text(o, "id", run->id);
    put_text(o, "kind", run->kind);
    put_text(o, "status", status);
    put_text(o, "reason", reason);
    put_int(o, "seed", run->seed);
    put_text(o, "config_hash", run->config_hash);
    if (run->sweep[0])
        put(o, "sweep",
            json_pack("{s:o, s:I}", "name", egi_json_text(run->sweep), "point",
                      (json_int_t)run->point));
    put_text(o, "version", eg_version());
    put_text(o, "commit", eg_commit());
    put_text(o, "compiler", egi_compiler());
    put_text(o, "start", run->start);
    put_text(o, "end", strcmp(status, "running") == 0 ? "" : now);
    put(o, "seconds", json_real(run->seconds + eg_clock() - run->clock_start));
    put_int(o, "resumed", run->resumed);
    if (facts) put_facts(o, facts);
    put_text(o, "machine", machine);
    put_text(o, "cpu_features", eg_cpu_features());
    if (json_array_size(run->parts) > 0)
        put(o, "parts", egi_run_parts_with(run, r.o));
    put(o, "files", egi_record_files(run->file));
    if (!r.bad) text = egi_record_print(r.o);
    if (!text) {
        st = EG_FAIL(err, EG_ENOMEM, "run.json: out of memory");
        goto done;
    }
    /* that it runs is no news to a machine that comes back from a power cut */
    EG_TRY(write_record(run, text, strcmp(status, "running") == 0, err));
    if (finished) egi_run_drop_row_sums(run);
done:
    eg_free(text);
    json_decref(r.o);
    return st;
}

static void get_text(const json_t *o, const char *key, char *buf, size_t size)
{
    const char *s = json_string_value(json_object_get(o, key));

    eg_text_copy(buf, size, s ? s : "");
}

static int64_t get_int(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* {"name": "lr", "point": 3} */
static void get_sweep(eg_run_info *info, const json_t *o)
{
    const json_t *sweep = json_object_get(o, "sweep");

    info->point = -1;
    get_text(sweep, "name", info->sweep, sizeof info->sweep);
    if (info->sweep[0]) info->point = get_int(sweep, "point");
}

/* A process that died left "running" behind, and its lock is free. */
static void detect_killed(eg_run_info *info, const eg_folder *f)
{
    if (strcmp(info->status, "running") == 0 && eg_lock_free(f, "lock"))
        snprintf(info->status, sizeof info->status, "killed");
}

eg_status eg_run_info_read(eg_run_info *info, const char *dir, eg_err *err)
{
    eg_folder f;
    eg_status st = eg_folder_open(&f, dir, err);

    if (st == EG_OK)
        st = egi_run_info_read(info, &f, err);
    else
        *info = (eg_run_info){.point = -1};
    eg_folder_close(&f);
    return st;
}

eg_status egi_run_info_read(eg_run_info *info, const eg_folder *f, eg_err *err)
{
    eg_status st = EG_OK;
    char *text = NULL;
    size_t size = 0;
    json_t *o = NULL;
    json_error_t why;

    *info = (eg_run_info){.point = -1};
    snprintf(info->dir, sizeof info->dir, "%s", f->path);
    EG_TRY(eg_file_read_in(&text, &size, f, "run.json", 1 << 20, err));
    o = egi_json_parse(text, size, 0, &why);
    if (!json_is_object(o)) {
        st = EG_FAIL(err, o ? EG_EFORMAT : egi_json_status(&why),
                     "%s/run.json:%d: %s", f->path, o ? 1 : why.line,
                     o ? "not an object" : why.text);
        goto done;
    }
    get_text(o, "name", info->name, sizeof info->name);
    get_text(o, "id", info->id, sizeof info->id);
    get_text(o, "kind", info->kind, sizeof info->kind);
    get_text(o, "status", info->status, sizeof info->status);
    get_text(o, "reason", info->reason, sizeof info->reason);
    get_text(o, "start", info->start, sizeof info->start);
    get_text(o, "end", info->end, sizeof info->end);
    get_text(o, "version", info->version, sizeof info->version);
    get_text(o, "kernels", info->kern, sizeof info->kern);
    get_text(o, "precision", info->precision, sizeof info->precision);
    get_text(o, "config_hash", info->config_hash, sizeof info->config_hash);
    get_sweep(info, o);
    info->stopped_early = json_object_get(o, "stopped_early") != NULL;
    info->threads = (int)get_int(o, "threads");
    info->resumed = (int)get_int(o, "resumed");
    info->n_params = get_int(o, "n_params");
    info->seed = get_int(o, "seed");
    info->steps = get_int(o, "steps");
    info->steps_done = get_int(o, "steps_done");
    info->evaluations = get_int(o, "evaluations");
    info->solver_steps = get_int(o, "solver_steps");
    info->rejected = get_int(o, "rejected");
    info->announced_bytes = get_int(o, "memory_announced_bytes");
    info->peak_bytes = get_int(o, "memory_peak_bytes");
    info->seconds = json_number_value(json_object_get(o, "seconds"));
    info->tokens_per_s = json_number_value(json_object_get(o, "tokens_per_s"));
    detect_killed(info, f);
    EG_TRY(egi_notes_into(info, f, err));
done:
    json_decref(o);
    eg_free(text);
    return st;
}
