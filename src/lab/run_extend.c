/* How a run directory comes to have a longer configuration. The old one stays
 * as config.<k>.yaml, the k-th that the run had. A process may die between any
 * two of these steps, and the run can still be gone on with:
 *
 *     config.<k>.yaml written, rows get their checksums
 *     run.json: "running", of the old configuration     a run to be resumed
 *     config.yaml: the new one                          see
 * egi_run_was_extended run.json: of the new configuration, with its parts
 *
 * Rows and arrays go on belonging to the first configuration. */
#include "lab/extend.h"

#include <stdio.h>
#include <string.h>

#include "engram/lab.h"
#include "engram/mem.h"
#include "base/json.h"
#include "lab/config_priv.h"

void egi_config_name(char buf[EGI_CONFIG_NAME], int k)
{
    snprintf(buf, EGI_CONFIG_NAME, "config.%d.yaml", k);
}

static eg_status read_config(char **text, size_t *size, const eg_folder *in,
                             const char *name, eg_err *err)
{
    return eg_file_read_in(text, size, in, name, EGI_CONFIG_MAX, err);
}

eg_status egi_run_origin(eg_run *run, eg_err *err)
{
    char name[EGI_CONFIG_NAME], *text = NULL;
    size_t size = 0;
    eg_status st;

    for (int k = 1; k <= EG_STRS_MAX; k++) {
        egi_config_name(name, k);
        if (!eg_folder_has(&run->folder, name)) continue;
        st = read_config(&text, &size, &run->folder, name, err);
        if (st == EG_OK) run->origin = egi_sum_row(0, text, size);
        run->extended = true;
        eg_free(text);
        return st;
    }
    return EG_OK;
}

bool egi_run_was_extended(const eg_folder *f, const egi_file_sum *said)
{
    eg_config *now = eg_calloc(1, sizeof *now);
    eg_config *before = eg_calloc(1, sizeof *before);
    char name[EGI_CONFIG_NAME];
    egi_file_sum sum;
    bool yes = now && before && eg_config_load_run(now, f, NULL) == EG_OK;

    if (yes) {
        int k = now->run.kind == EG_RUN_FLOW ? now->flow.parts.n
                                             : now->train.parts.n;

        egi_config_name(name, k);
        yes = k > 0 && eg_folder_has(f, name) &&
              egi_file_sum_of(&sum, f, name, NULL) == EG_OK &&
              (!said->said || egi_sum_same(sum.sum, said->sum)) &&
              egi_config_load_named(before, f, name, NULL) == EG_OK &&
              egi_config_extends(before, now);
    }
    eg_free(now);
    eg_free(before);
    return yes;
}

eg_status egi_run_extend(eg_run *run, const eg_config *before,
                         const eg_config *cfg, eg_err *err)
{
    eg_status st;

    if (strcmp(run->was.status, "diverged") == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "%s diverged, and more steps would do so again: begin "
                       "a new run with a smaller optim.lr, or from its weights",
                       run->dir);
    if (run->was.stopped_early)
        return EG_FAIL(err, EG_EINVAL,
                       "%s stopped early, by train.stop, and would do so "
                       "again: begin a new run with another rule",
                       run->dir);
    st = eg_config_format(cfg, &run->next, err);
    if (st == EG_OK) st = eg_config_hash(run->next_hash, cfg, err);
    if (st != EG_OK) return st;
    run->next_is = 1 + (cfg->run.kind == EG_RUN_FLOW ? before->flow.parts.n
                                                     : before->train.parts.n);
    run->exact =
        egi_extended_in_words(run->longer, sizeof run->longer, before, cfg);
    return EG_OK;
}

/* ---- what run.json says of parts ------------------------------------------
 */

static double seconds_of(const json_t *part)
{
    return json_number_value(json_object_get(part, "seconds"));
}

static double seconds_before(const json_t *parts)
{
    double sum = 0;

    for (size_t i = 0; i < json_array_size(parts); i++)
        sum += seconds_of(json_array_get(parts, i));
    return sum;
}

/* The part of record o that ends with it, behind those of `parts`. */
static json_t *last_part(const json_t *o, const json_t *parts,
                         const char *start)
{
    static const char *const key[] = {"steps",   "steps_done", "end",
                                      "version", "commit",     "kernels"};
    json_t *part = json_object();
    int bad =
        json_object_set_new(part, "start", json_string(start)) |
        json_object_set_new(part, "seconds",
                            json_real(seconds_of(o) - seconds_before(parts)));

    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        json_t *value = json_object_get(o, key[i]);

        if (value) bad |= json_object_set(part, key[i], value);
    }
    return egi_json_whole(part, bad);
}

static eg_status take_parts(eg_run *run, const json_t *o)
{
    const json_t *all = json_object_get(o, "parts");
    size_t n = json_array_size(all);
    const char *start = json_string_value(
        json_object_get(n > 0 ? json_array_get(all, n - 1) : o, "start"));
    int bad;

    run->parts = json_array();
    bad = !run->parts;
    for (size_t i = 0; i + 1 < n; i++)
        bad |= json_array_append_new(run->parts,
                                     json_deep_copy(json_array_get(all, i)));
    snprintf(run->part_start, sizeof run->part_start, "%s",
             start ? start : run->start);
    run->ending = last_part(o, run->parts, run->part_start);
    return bad || !run->ending ? EG_ENOMEM : EG_OK;
}

eg_status egi_run_read_parts(eg_run *run, eg_err *err)
{
    char *text = NULL;
    size_t size = 0;
    json_error_t why;
    json_t *o = NULL;
    eg_status st =
        eg_file_read_in(&text, &size, &run->folder, EGI_RECORD, 1 << 20, err);

    if (st == EG_OK) o = egi_json_parse(text, size, 0, &why);
    if (json_is_object(o) && take_parts(run, o) != EG_OK)
        st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", EGI_RECORD);
    json_decref(o);
    eg_free(text);
    return st;
}

json_t *egi_run_parts_with(const eg_run *run, const json_t *o)
{
    json_t *all = json_deep_copy(run->parts);
    int bad = !all || json_array_append_new(
                          all, last_part(o, run->parts, run->part_start)) != 0;

    return egi_json_whole(all, bad);
}

/* The part that ends now, of the configuration in `name`. */
static eg_status end_part(eg_run *run, const char *name, eg_err *err)
{
    const egi_file_sum *sum = &run->file[EGI_OF_CONFIG];
    char hex[EGI_SUM_HEX];
    int bad;

    if (!run->parts) run->parts = json_array();
    if (!run->ending) run->ending = json_object();
    egi_sum_print(sum->sum, hex);
    bad =
        json_object_set_new(run->ending, "config",
                            json_pack("{s:s, s:I, s:s}", "file", name, "bytes",
                                      (json_int_t)sum->bytes, "xxh128", hex)) |
        json_array_append(run->parts, run->ending);
    if (bad) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", EGI_RECORD);
    egi_now(run->part_start);
    return EG_OK;
}

/* ---- the switch -----------------------------------------------------------
 */

/* A copy of config.yaml, which is not there yet, or is one already. */
static eg_status keep_config(const eg_run *run, const char *name, eg_err *err)
{
    char *text = NULL, *there = NULL;
    size_t size = 0, n = 0;
    eg_status st;

    EG_TRY(read_config(&text, &size, &run->folder, "config.yaml", err));
    if (!eg_folder_has(&run->folder, name)) {
        st = eg_file_write_in(&run->folder, name, text, size, err);
        goto done;
    }
    EG_TRY(read_config(&there, &n, &run->folder, name, err));
    if (n != size || memcmp(there, text, n) != 0)
        st = EG_FAIL(err, EG_EINVAL,
                     "%s/%s is in the way: the run's configuration is to be "
                     "kept there",
                     run->dir, name);
done:
    eg_free(text);
    eg_free(there);
    return st;
}

eg_status egi_run_switch(eg_run *run, eg_err *err)
{
    const eg_folder *f = &run->folder;
    const char *text = run->next;
    uint64_t origin = run->origin;
    char name[EGI_CONFIG_NAME];
    eg_status st;

    egi_config_name(name, run->next_is);
    EG_TRY(keep_config(run, name, err));
    EG_TRY(egi_run_sum_rows(run, err));
    EG_TRY(eg_run_sync(run, err));
    EG_TRY(eg_run_record(run, "running", "to be extended", NULL, err));
    EG_TRY(eg_file_write_in(f, "config.yaml", text, strlen(text), err));
    EG_TRY(end_part(run, name, err));
    egi_run_is_of(run, text, strlen(text));
    run->origin = origin;
    memcpy(run->config_hash, run->next_hash, sizeof run->config_hash);
    EG_TRY(eg_run_record(run, "running", "extended", NULL, err));
done:
    eg_free(run->next);
    run->next = NULL;
    return st;
}
