/* One run directory: what is in it, and what is wrong with it. Only a missing
 * directory is an error; everything else becomes a sentence in problems. */

#include <stdlib.h>
#include <string.h>
#include "engram/lab.h"
#include "engram/verify.h"
#include "lab/sums.h"
#include "report/report_impl.h"

enum { SMALL_FILE = 4 << 20, METRICS_FILE = 512 << 20 };

/* The text of the file name of a run; NULL with a sentence in problems. */
static eg_status read_text(char **out, const egi_run *r, const eg_folder *in,
                           const char *name, size_t max, eg_err *err)
{
    char *text = NULL;
    size_t size = 0;
    eg_err why = {0};
    eg_status st;

    *out = NULL;
    if (!eg_folder_has(in, name))
        return egi_note(r->problems, err, "%s is missing", name);
    st = eg_file_read_in(&text, &size, in, name, max, &why);
    if (st != EG_OK) return egi_note_why(r->problems, st, &why, err);
    for (char *end = text + size, *zero = text; /* of a crash: blocks of them */
         (zero = memchr(zero, '\0', (size_t)(end - zero)));)
        *zero = '\x1a';
    *out = text;
    return EG_OK;
}

static eg_status note_empty(const egi_run *r, const char *text,
                            const char *name, eg_err *err)
{
    return text && !*text ? egi_note(r->problems, err, "%s is empty", name)
                          : EG_OK;
}

static eg_status read_record(egi_run *r, const eg_folder *in, eg_err *err)
{
    json_error_t e;
    char *text = NULL;
    eg_status st = read_text(&text, r, in, "run.json", SMALL_FILE, err);

    if (st == EG_OK) st = note_empty(r, text, "run.json", err);
    if (st != EG_OK || !text || !*text) goto done;
    r->record = egi_json_parse(text, strlen(text), 0, &e);
    if (json_is_object(r->record)) goto done;
    if (!r->record && egi_json_status(&e) == EG_ENOMEM)
        st = egi_report_no_memory(err);
    else
        st = egi_note(r->problems, err, "run.json, line %d: %s",
                      r->record ? 1 : e.line,
                      r->record ? "not an object" : e.text);
    json_decref(r->record);
    r->record = NULL;
done:
    eg_free(text);
    return st;
}

/* Arrays that were written and are gone: what is not drawn is said. */
static eg_status note_lost(const egi_run *r, const eg_folder *in, eg_err *err)
{
    eg_folder arrays;
    egi_sums s = {0};
    eg_status st;

    if (eg_folder_sub(&arrays, in, "arrays", false, NULL) != EG_OK)
        return EG_OK;
    st = egi_sums_read(&s, &arrays, NULL);
    if (st != EG_OK && st != EG_ENOMEM) st = EG_OK; /* nothing is listed */
    for (eg_index i = 0; i < s.n && st == EG_OK; i++)
        if (!eg_folder_has(&arrays, s.file[i].name))
            st =
                egi_note(r->problems, err, "arrays/%s is lost", s.file[i].name);
    egi_sums_release(&s);
    eg_folder_close(&arrays);
    return st == EG_ENOMEM ? egi_report_no_memory(err) : st;
}

/* Where the time went; a file that is not what was written is left out. */
static eg_status read_profile(egi_run *r, const eg_folder *in, eg_err *err)
{
    static const char name[] = "arrays/profile.json";
    json_error_t e;
    char *text = NULL;
    eg_err why = {0};
    eg_status st = EG_OK;

    if (!eg_folder_has(in, "arrays") || !eg_folder_has(in, name)) return EG_OK;
    st = egi_array_check(in, name, &why);
    if (st != EG_OK) return egi_note_why(r->problems, st, &why, err);
    EG_TRY(read_text(&text, r, in, name, SMALL_FILE, err));
    if (!text) return EG_OK;
    r->profile = egi_json_parse(text, strlen(text), 0, &e);
    if (json_is_object(r->profile) &&
        json_is_array(json_object_get(r->profile, "rows")))
        goto done;
    if (!r->profile && egi_json_status(&e) == EG_ENOMEM)
        st = egi_report_no_memory(err);
    else
        st = egi_note(r->problems, err, "%s: expected an object with rows",
                      name);
    json_decref(r->profile);
    r->profile = NULL;
done:
    eg_free(text);
    return st;
}

static eg_status read_table(egi_run *r, const eg_folder *in, const char *name,
                            bool must_hold, eg_err *err)
{
    int64_t before = r->table.n_bad, bad;
    char *text = NULL;
    eg_status st = read_text(&text, r, in, name, METRICS_FILE, err);

    if (st == EG_OK && must_hold) st = note_empty(r, text, name, err);
    if (st == EG_OK && text) st = egi_table_parse(&r->table, text, err);
    eg_free(text);
    bad = r->table.n_bad - before;
    if (st != EG_OK || bad == 0) return st;
    return egi_note(r->problems, err,
                    "%s: %lld line%s cut off or damaged and left out, the "
                    "first is line %lld",
                    name, (long long)bad, bad == 1 ? "" : "s",
                    (long long)r->table.first_bad);
}

static eg_status read_metrics(egi_run *r, const eg_folder *in, eg_err *err)
{
    eg_status st = read_table(r, in, "metrics.jsonl", true, err);

    if (st != EG_OK || !eg_folder_has(in, "timing.jsonl")) return st;
    return read_table(r, in, "timing.jsonl", false, err);
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
    eg_status st;
    eg_err *err;
} checks;

/* What differs from its checksum; what is missing, or does not even read, was
 * said already. */
static void add_damage(void *ctx, const eg_finding *f)
{
    checks *c = ctx;
    egi_run *r = c->run;

    if (f->sound != EG_DAMAGED || c->st != EG_OK) return;
    if (strcmp(f->file, "run.json") == 0 && !r->record) return;
    if (strcmp(f->file, "timing.jsonl") != 0 && !eg_folder_has(c->in, f->file))
        return;
    if (strstr(f->file, ".jsonl") && r->table.n_bad) return;
    c->st = egi_note(r->problems, c->err, "%s: %s", f->file, f->why);
}

static eg_status read_damage(egi_run *r, const eg_folder *in, eg_err *err)
{
    checks c = {.run = r, .in = in, .err = err};
    eg_status st = eg_run_verify(r->dir, EG_VERIFY_RECORD, add_damage, &c, err);

    return st == EG_OK ? c.st : st;
}

static bool put_text(json_t *o, const char *key, const char *text)
{
    return !text[0] || json_object_set_new(o, key, egi_json_text(text)) == 0;
}

/* A run that says "running" while nobody holds its lock was killed; tags and
 * the last note stand in a file of their own. */
static eg_status complete_record(egi_run *r, eg_err *err)
{
    eg_run_info info;
    eg_status st =
        r->record ? eg_run_info_read(&info, r->dir, NULL) : EG_EINVAL;

    if (st == EG_OK && !(put_text(r->record, "status", info.status) &&
                         put_text(r->record, "tags", info.tags) &&
                         put_text(r->record, "note", info.note)))
        st = EG_ENOMEM;
    return st == EG_ENOMEM ? egi_report_no_memory(err) : EG_OK;
}

/* Any of these makes a folder a run directory, damaged perhaps. */
static bool holds_run(const eg_folder *in)
{
    return eg_folder_has(in, "run.json") || eg_folder_has(in, "config.yaml") ||
           eg_folder_has(in, "metrics.jsonl");
}

/* Options that came later have their defaults in what an older engram wrote;
 * what this one cannot read stays a text. */
static eg_status resolve(egi_run *r, const eg_folder *in, eg_err *err)
{
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_status st = cfg ? EG_OK : EG_ENOMEM;

    if (st == EG_OK && r->config) st = eg_config_load_run(cfg, in, NULL);
    r->read = st == EG_OK && r->config;
    if (r->read) st = eg_config_format(cfg, &r->resolved, NULL);
    if (r->read && r->resolved && strcmp(r->resolved, r->config) == 0) {
        eg_free(r->resolved);
        r->resolved = NULL;
    }
    eg_free(cfg);
    return st == EG_ENOMEM ? egi_report_no_memory(err) : EG_OK;
}

/* What the run is: its configuration, its record, its name. */
static eg_status read_head(egi_run *r, const eg_folder *in, const char *dir,
                           const char *name, eg_err *err)
{
    eg_status st = EG_OK;

    if (!holds_run(in))
        return EG_FAIL(err, EG_EINVAL,
                       "%s holds no run: expected run.json and metrics.jsonl, "
                       "or claims.json",
                       dir);
    r->dir = eg_strdup(dir);
    r->problems = json_array();
    if (!r->dir || !r->problems)
        return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", dir);
    EG_TRY(read_text(&r->config, r, in, "config.yaml", SMALL_FILE, err));
    EG_TRY(note_empty(r, r->config, "config.yaml", err));
    EG_TRY(resolve(r, in, err));
    EG_TRY(read_record(r, in, err));
    find_seed(r);
    EG_TRY(complete_record(r, err));
    find_kind(r);
    if (!name) name = json_string_value(json_object_get(r->record, "name"));
    r->name = name ? eg_strdup(name) : path_part(dir, true);
    if (!r->name) st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", dir);
done:
    return st;
}

eg_status egi_run_head(egi_run *r, const char *dir, eg_err *err)
{
    eg_folder in;
    eg_status st = eg_folder_open(&in, dir, err);

    memset(r, 0, sizeof *r);
    if (st == EG_OK) st = read_head(r, &in, dir, NULL, err);
    eg_folder_close(&in);
    if (st != EG_OK) egi_run_release(r);
    return st;
}

eg_status egi_run_read(egi_run *r, const char *dir, const char *name,
                       eg_err *err)
{
    eg_folder in;
    eg_status st = eg_folder_open(&in, dir, err);

    memset(r, 0, sizeof *r);
    if (st != EG_OK) goto done;
    EG_TRY(read_head(r, &in, dir, name, err));
    EG_TRY(read_metrics(r, &in, err));
    EG_TRY(read_damage(r, &in, err));
    EG_TRY(read_profile(r, &in, err));
    EG_TRY(note_lost(r, &in, err));
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
    eg_free(r->resolved);
    json_decref(r->record);
    json_decref(r->problems);
    json_decref(r->profile);
    json_decref(r->differs);
    egi_table_release(&r->table);
    memset(r, 0, sizeof *r);
}

json_t *egi_run_json(const egi_run *r, int max_points)
{
    json_t *j = egi_table_json(&r->table, max_points);
    int bad = 0;

    bad |= json_object_set_new(j, "dir", egi_json_text(r->dir));
    bad |= json_object_set_new(
        j, "seed", r->seed < 0 ? json_null() : json_integer(r->seed));
    bad |= json_object_set_new(
        j, "config", r->config ? egi_json_text(r->config) : json_null());
    bad |= json_object_set(j, "record", r->record ? r->record : json_null());
    bad |= json_object_set(j, "problems", r->problems);
    if (r->profile) bad |= json_object_set(j, "profile", r->profile);
    return egi_json_whole(j, bad);
}
