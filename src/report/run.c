/* One run directory: what is in it, and what is wrong with it. Only a missing
 * directory is an error; everything else becomes a sentence in problems. */

#include <stdlib.h>
#include <string.h>
#include "engram/lab.h"
#include "engram/verify.h"
#include "lab/sums.h"
#include "report/report_impl.h"

enum { SMALL_FILE = 4 << 20, METRICS_FILE = 512 << 20 };

/* The text of the file name of a run, or NULL with a sentence in problems. */
static char *read_text(const egi_run *r, const eg_folder *in, const char *name,
                       size_t max)
{
    char *text = NULL;
    size_t size = 0;
    eg_err err = {0};

    if (!eg_folder_has(in, name)) {
        egi_note(r->problems, "%s is missing", name);
        return NULL;
    }
    if (eg_file_read_in(&text, &size, in, name, max, &err) != EG_OK) {
        egi_note(r->problems, "%s", err.msg);
        return NULL;
    }
    for (char *end = text + size, *zero = text; /* of a crash: blocks of them */
         (zero = memchr(zero, '\0', (size_t)(end - zero)));)
        *zero = '\x1a';
    return text;
}

static void note_empty(const egi_run *r, const char *text, const char *name)
{
    if (text && !*text) egi_note(r->problems, "%s is empty", name);
}

static void read_record(egi_run *r, const eg_folder *in)
{
    json_error_t e;
    char *text = read_text(r, in, "run.json", SMALL_FILE);

    if (!text) return;
    note_empty(r, text, "run.json");
    r->record = egi_json_parse(text, strlen(text), 0, &e);
    if (!json_is_object(r->record)) {
        if (*text)
            egi_note(r->problems, "run.json, line %d: %s",
                     r->record ? 1 : e.line,
                     r->record ? "not an object" : e.text);
        json_decref(r->record);
        r->record = NULL;
    }
    eg_free(text);
}

static eg_status read_metrics(egi_run *r, const eg_folder *in, eg_err *err)
{
    static const char *const file[] = {"metrics.jsonl", "timing.jsonl"};
    eg_status st = EG_OK;

    for (int i = 0; i < 2 && st == EG_OK; i++) {
        int64_t before = r->table.n_bad, bad;
        char *text;

        if (i == 1 && !eg_folder_has(in, file[i])) break; /* it may be absent */
        text = read_text(r, in, file[i], METRICS_FILE);
        if (!text) continue;
        if (i == 0) note_empty(r, text, file[i]);
        st = egi_table_parse(&r->table, text, err);
        eg_free(text);
        bad = r->table.n_bad - before;
        if (bad)
            egi_note(r->problems,
                     "%s: %lld line%s cut off or damaged and left out, the "
                     "first is line %lld",
                     file[i], (long long)bad, bad == 1 ? "" : "s",
                     (long long)r->table.first_bad);
    }
    return st;
}

/* The last name of a path, or the one before it. */
static char *path_part(const char *path, bool parent)
{
    char *copy = eg_strdup(path), *slash, *out = NULL;

    for (int i = 0; copy && i <= (parent ? 1 : 0); i++) {
        size_t n = strlen(copy);
        while (n > 1 && copy[n - 1] == '/') copy[--n] = '\0';
        slash = strrchr(copy, '/');
        eg_free(out);
        out = eg_strdup(slash ? slash + 1 : copy);
        if (slash)
            *slash = '\0';
        else if (i == 0 && parent)
            break;
    }
    eg_free(copy);
    return out;
}

static void find_seed(egi_run *r)
{
    char text[64];
    const json_t *seed = json_object_get(r->record, "seed");

    r->seed = -1;
    if (json_is_integer(seed))
        r->seed = json_integer_value(seed);
    else if (r->config &&
             egi_yaml_get(r->config, "run", "seed", text, sizeof text))
        r->seed = strtoll(text, NULL, 10);
}

/* Training counts steps; a theory run sweeps what its statement says. */
static void find_kind(egi_run *r)
{
    char word[64];
    const eg_theory *t;

    r->axis = "training step";
    r->help = "";
    if (!r->config) return;
    (void)egi_yaml_get(r->config, "run", "kind", word, sizeof word);
    r->theory = strcmp(word, "theory") == 0;
    r->flow = strcmp(word, "flow") == 0;
    if (r->flow) r->axis = "time t";
    if (!r->theory) return;
    (void)egi_yaml_get(r->config, "run", "theory", word, sizeof word);
    t = eg_theory_find(word);
    r->axis = t ? t->step : "value swept";
    r->help = t ? t->help : "";
    r->n_times =
        egi_yaml_numbers(r->config, "theory", "times", r->times, EGI_TIMES);
}

typedef struct checks {
    egi_run *run;
    const eg_folder *in;
} checks;

/* What differs from its checksum; what is missing, or does not even read, was
 * said already. */
static void add_damage(void *ctx, const eg_finding *f)
{
    const checks *c = ctx;
    egi_run *r = c->run;

    if (f->sound != EG_DAMAGED) return;
    if (strcmp(f->file, "run.json") == 0 && !r->record) return;
    if (strcmp(f->file, "timing.jsonl") != 0 && !eg_folder_has(c->in, f->file))
        return;
    if (strstr(f->file, ".jsonl") && r->table.n_bad) return;
    egi_note(r->problems, "%s: %s", f->file, f->why);
}

/* A run that says "running" while nobody holds its lock was killed. */
static void correct_status(egi_run *r)
{
    eg_run_info info;

    if (r->record && eg_run_info_read(&info, r->dir, NULL) == EG_OK)
        json_object_set_new(r->record, "status", egi_json_text(info.status));
}

/* Any of these makes a folder a run directory, damaged perhaps. */
static bool holds_run(const eg_folder *in)
{
    return eg_folder_has(in, "run.json") || eg_folder_has(in, "config.yaml") ||
           eg_folder_has(in, "metrics.jsonl");
}

eg_status egi_run_read(egi_run *r, const char *dir, const char *name,
                       eg_err *err)
{
    eg_folder in;
    eg_status st = eg_folder_open(&in, dir, err);

    memset(r, 0, sizeof *r);
    if (st == EG_OK && !holds_run(&in))
        st = EG_FAIL(err, EG_EINVAL,
                     "%s holds no run: expected run.json and metrics.jsonl, or "
                     "claims.json",
                     dir);
    if (st != EG_OK) goto done;
    r->dir = eg_strdup(dir);
    r->problems = json_array();
    if (!r->dir || !r->problems) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", dir);
        goto done;
    }
    r->config = read_text(r, &in, "config.yaml", SMALL_FILE);
    note_empty(r, r->config, "config.yaml");
    read_record(r, &in);
    find_seed(r);
    correct_status(r);
    find_kind(r);
    if (!name) name = json_string_value(json_object_get(r->record, "name"));
    r->name = name ? eg_strdup(name) : path_part(dir, true);
    if (!r->name) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", dir);
        goto done;
    }
    EG_TRY(read_metrics(r, &in, err));
    EG_TRY(eg_run_verify(dir, EG_VERIFY_RECORD, add_damage,
                         &(checks){.run = r, .in = &in}, err));
    if (r->flow) egi_table_retime(&r->table, "t");
done:
    eg_folder_close(&in);
    if (st != EG_OK) egi_run_release(r);
    return st;
}

eg_status egi_array_read(eg_view *v, const char *run_dir, const char *name,
                         eg_err *err)
{
    eg_folder run;
    eg_status st = eg_folder_open(&run, run_dir, err);

    *v = (eg_view){0};
    if (st == EG_OK) st = egi_array_check(&run, name, err);
    if (st == EG_OK) st = eg_npy_read_in(v, &run, name, err);
    eg_folder_close(&run);
    return st;
}

void egi_run_release(egi_run *r)
{
    eg_free(r->dir);
    eg_free(r->name);
    eg_free(r->group);
    eg_free(r->config);
    json_decref(r->record);
    json_decref(r->problems);
    egi_table_release(&r->table);
    memset(r, 0, sizeof *r);
}

json_t *egi_run_json(const egi_run *r)
{
    json_t *j = egi_table_json(&r->table);

    if (!j) return NULL;
    json_object_set_new(j, "dir", egi_json_text(r->dir));
    json_object_set_new(j, "seed",
                        r->seed < 0 ? json_null() : json_integer(r->seed));
    json_object_set_new(j, "config",
                        r->config ? egi_json_text(r->config) : json_null());
    json_object_set(j, "record", r->record ? r->record : json_null());
    json_object_set(j, "problems", r->problems);
    return j;
}
