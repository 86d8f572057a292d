/* See record.h. The checksum is that of the text with its digits taken as '0',
 * as in safetensors (base/st_sum.h). */
#include "lab/record.h"

#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "lab/sums.h"

enum { MAX_FILE = 1 << 20 };

const char *const egi_record_file[EGI_RECORD_FILES] = {
    "config.yaml", "metrics.jsonl", "timing.jsonl", "arrays/" EGI_SUMS};

static const char mark[] = "\"checksum\": \"";
static const char no_sum[] = "00000000000000000000000000000000";

/* The digits in a record's text; NULL: it has none. */
static char *digits_of(char *text)
{
    char *at = strstr(text, mark);

    if (!at || strlen(at) < sizeof mark - 1 + EGI_SUM_DIGITS) return NULL;
    return at + sizeof mark - 1;
}

static void sum_of(char hex[EGI_SUM_HEX], char *text, size_t size, char *digits)
{
    char said[EGI_SUM_DIGITS];

    memcpy(said, digits, sizeof said);
    memcpy(digits, no_sum, sizeof said);
    egi_sum_print(egi_sum_of(text, size), hex);
    memcpy(digits, said, sizeof said);
}

char *egi_record_print(json_t *o)
{
    char *text, *digits, hex[EGI_SUM_HEX];

    if (json_object_set_new(o, "checksum", json_string(no_sum)) != 0)
        return NULL;
    text = egi_json_print(o, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    if (!text) return NULL;
    digits = digits_of(text);
    EG_ASSERT(digits);
    sum_of(hex, text, strlen(text), digits);
    memcpy(digits, hex, EGI_SUM_DIGITS);
    return text;
}

json_t *egi_record_files(const egi_file_sum *file)
{
    json_t *all = json_object();
    int bad = 0;

    for (int i = 0; i < EGI_RECORD_FILES; i++) {
        char hex[EGI_SUM_HEX];

        if (!file[i].said) continue;
        egi_sum_print(file[i].sum, hex);
        bad |= json_object_set_new(all, egi_record_file[i],
                                   json_pack("{s:I, s:s}", "bytes",
                                             (json_int_t)file[i].bytes,
                                             "xxh128", hex));
    }
    return egi_json_whole(all, bad);
}

static void get_text(const json_t *o, const char *key, char *buf, size_t size)
{
    const char *s = json_string_value(json_object_get(o, key));

    (void)snprintf(buf, size, "%s", s ? s : "");
}

static void read_file(egi_file_sum *s, const json_t *f)
{
    const char *hex = json_string_value(json_object_get(f, "xxh128"));

    s->bytes = json_integer_value(json_object_get(f, "bytes"));
    s->said = hex && egi_sum_read(&s->sum, hex);
}

static void read_files(egi_record *r, const json_t *o)
{
    for (int i = 0; i < EGI_RECORD_FILES; i++)
        read_file(&r->file[i], json_object_get(o, egi_record_file[i]));
}

static void read_earlier(egi_record *r, const json_t *parts)
{
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *f = json_object_get(json_array_get(parts, i), "config");
        egi_earlier *e = &r->earlier[r->n_earlier];

        if (!f || r->n_earlier == EG_STRS_MAX) continue;
        get_text(f, "file", e->name, sizeof e->name);
        read_file(&e->sum, f);
        r->n_earlier += e->sum.said && !strchr(e->name, '/');
    }
}

static eg_status check_sum(egi_record *r, char *text, size_t size,
                           const char *folder, eg_err *err)
{
    char *digits = digits_of(text), hex[EGI_SUM_HEX];

    r->summed = digits != NULL;
    if (!digits && !r->file[EGI_OF_CONFIG].said) return EG_OK; /* of old */
    if (!digits)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s/%s: damaged or edited: expected a checksum, found "
                       "none",
                       folder, EGI_RECORD);
    sum_of(hex, text, size, digits);
    if (memcmp(digits, hex, EGI_SUM_DIGITS) == 0) return EG_OK;
    return EG_FAIL(err, EG_EFORMAT,
                   "%s/%s: damaged or edited: its checksum says %.32s, its "
                   "text gives %s",
                   folder, EGI_RECORD, digits, hex);
}

eg_status egi_record_read(egi_record *r, const eg_folder *run, eg_err *err)
{
    char *text = NULL;
    size_t size = 0;
    json_t *o = NULL;
    json_error_t why;
    eg_status st;

    *r = (egi_record){0};
    EG_TRY(eg_file_read_in(&text, &size, run, EGI_RECORD, MAX_FILE, err));
    r->bytes = (int64_t)size;
    o = egi_json_parse(text, size, 0, &why);
    if (!json_is_object(o)) {
        r->summed = digits_of(text) != NULL;
        st = EG_FAIL(err, o ? EG_EFORMAT : egi_json_status(&why),
                     "%s/%s:%d: %s", run->path, EGI_RECORD, o ? 1 : why.line,
                     o ? "not an object" : why.text);
        goto done;
    }
    get_text(o, "status", r->status, sizeof r->status);
    get_text(o, "kind", r->kind, sizeof r->kind);
    r->steps = json_integer_value(json_object_get(o, "steps"));
    r->steps_done = json_integer_value(json_object_get(o, "steps_done"));
    get_text(o, "kernels", r->kern, sizeof r->kern);
    r->stopped_early = json_object_get(o, "stopped_early") != NULL;
    read_files(r, json_object_get(o, "files"));
    read_earlier(r, json_object_get(o, "parts"));
    st = check_sum(r, text, size, run->path, err);
done:
    json_decref(o);
    eg_free(text);
    return st;
}

eg_status egi_file_sum_of(egi_file_sum *s, const eg_folder *run,
                          const char *name, eg_err *err)
{
    eg_status st = egi_sum_in(&s->sum, &s->bytes, run, name, err);

    s->said = st == EG_OK;
    return st;
}

eg_status egi_file_sum_same(const egi_file_sum *said, const egi_file_sum *now,
                            const eg_folder *run, const char *name, eg_err *err)
{
    if (now->bytes != said->bytes)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s/%s: damaged or edited: expected %jd bytes, found "
                       "%jd",
                       run->path, name, (intmax_t)said->bytes,
                       (intmax_t)now->bytes);
    if (egi_sum_same(now->sum, said->sum)) return EG_OK;
    return egi_sum_differs(run->path, name, said->sum, now->sum, err);
}

eg_status egi_file_sum_check(const egi_file_sum *s, const eg_folder *run,
                             const char *name, eg_err *err)
{
    egi_file_sum now;
    eg_status st = egi_file_sum_of(&now, run, name, err);

    return st == EG_OK ? egi_file_sum_same(s, &now, run, name, err) : st;
}
