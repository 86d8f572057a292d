/* Statistics from JSON: shape and types here, sums in stats_check.c. */
#include "engram/file.h"
#include "engram/mem.h"
#include "task/stats.h"

#include "base/json.h"
#include <string.h>

#define MAX_FILE_BYTES ((size_t)1 << 30)

void egi_stats_release(egi_stats *s)
{
    eg_free(s->symbol);
    eg_free(s->unigram);
    eg_free(s->row);
    eg_free(s->next);
    eg_free(s->count);
    memset(s, 0, sizeof *s);
}

eg_status egi_stats_alloc(egi_stats *s, eg_err *err)
{
    size_t v = (size_t)s->n_symbols, n = (size_t)s->n_pairs;

    s->symbol = eg_calloc(v, sizeof *s->symbol);
    s->unigram = eg_calloc(v, sizeof *s->unigram);
    s->row = eg_calloc(v + 1, sizeof *s->row);
    s->next = eg_calloc(n, sizeof *s->next);
    s->count = eg_calloc(n, sizeof *s->count);
    if (!s->symbol || !s->unigram || !s->row || !s->next || !s->count)
        return EG_FAIL(err, EG_ENOMEM, "statistics of %d symbols, %lld pairs",
                       s->n_symbols, (long long)s->n_pairs);
    return EG_OK;
}

static const char *const known_keys[] = {
    "format", "version", "source",  "method", "sha256",
    "length", "symbols", "unigram", "bigram", NULL};

static eg_status check_keys(json_t *root, const char *name, eg_err *err)
{
    const json_t *format = json_object_get(root, "format");
    const json_t *version = json_object_get(root, "version");
    const char *f = json_string_value(format);

    if (!f || strcmp(f, "engram-stats") != 0)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: not character statistics: expected an object with "
                       "\"format\": \"engram-stats\"",
                       name);
    if (json_integer_value(version) != 1)
        return EG_FAIL(err, EG_EFORMAT, "%s: expected \"version\": 1", name);
    for (void *it = json_object_iter(root); it;
         it = json_object_iter_next(root, it)) {
        int k = 0;

        while (known_keys[k] &&
               strcmp(known_keys[k], json_object_iter_key(it)) != 0)
            k++;
        if (!known_keys[k])
            return EG_FAIL(err, EG_EFORMAT, "%s: unknown key \"%s\"", name,
                           json_object_iter_key(it));
    }
    return EG_OK;
}

/* An optional text of at most size - 1 bytes. */
static eg_status get_text(char *out, size_t size, const json_t *root,
                          const char *key, const char *name, eg_err *err)
{
    const json_t *v = json_object_get(root, key);

    if (!v) return EG_OK;
    if (!json_is_string(v) || json_string_length(v) >= size)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: \"%s\": expected a text of less than %zu bytes",
                       name, key, size);
    memcpy(out, json_string_value(v), json_string_length(v));
    return EG_OK;
}

static eg_status get_array(const json_t **out, const json_t *root,
                           const char *key, const char *name, eg_err *err)
{
    *out = json_object_get(root, key);
    if (!json_is_array(*out))
        return EG_FAIL(err, EG_EFORMAT, "%s: \"%s\": expected an array", name,
                       key);
    return EG_OK;
}

/* Entry i of an array as an integer of 0..max. */
static eg_status get_int(int64_t *out, const json_t *array, size_t i,
                         int64_t max, const char *key, const char *name,
                         eg_err *err)
{
    const json_t *v = json_array_get(array, i);

    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        json_integer_value(v) > max)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: %s, entry %zu: expected an integer of 0 to %lld",
                       name, key, i, (long long)max);
    *out = json_integer_value(v);
    return EG_OK;
}

/* Sizes first: V, the length, and how many pairs there are. */
static eg_status read_sizes(egi_stats *s, const json_t *root,
                            const json_t *symbols, const json_t *unigram,
                            const json_t *bigram, const char *name, eg_err *err)
{
    const json_t *length = json_object_get(root, "length");
    size_t v = json_array_size(symbols), entries = 0;

    if (!json_is_integer(length) || json_integer_value(length) < 0 ||
        json_integer_value(length) > EGI_STATS_MAX_LENGTH)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: \"length\": expected an integer of 0 to 2^46",
                       name);
    s->length = json_integer_value(length);
    if (s->length == 0)
        return EG_FAIL(err, EG_EFORMAT, "%s: the corpus is empty", name);
    if (v < 2)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: the corpus has %zu symbol%s: a task needs two at "
                       "least",
                       name, v, v == 1 ? " only" : "s");
    if (v > EGI_STATS_MAX_SYMBOLS)
        return EG_FAIL(err, EG_EFORMAT, "%s: %zu symbols: the limit is %d",
                       name, v, EGI_STATS_MAX_SYMBOLS);
    if (json_array_size(unigram) != v || json_array_size(bigram) != v)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: %zu symbols, but %zu unigram counts and %zu bigram "
                       "rows",
                       name, v, json_array_size(unigram),
                       json_array_size(bigram));
    for (size_t i = 0; i < v; i++) {
        const json_t *row = json_array_get(bigram, i);

        if (!json_is_array(row) || json_array_size(row) % 2 != 0)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: bigram[%zu]: expected an array of successor, "
                           "count, successor, count, ...",
                           name, i);
        entries += json_array_size(row);
    }
    s->n_symbols = (int)v;
    s->n_pairs = (eg_index)(entries / 2);
    return EG_OK;
}

static eg_status read_bigram(egi_stats *s, const json_t *bigram,
                             const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    eg_index p = 0;

    for (int i = 0; i < s->n_symbols; i++) {
        const json_t *row = json_array_get(bigram, (size_t)i);
        char key[32];

        (void)snprintf(key, sizeof key, "bigram[%d]", i);
        for (size_t e = 0; e < json_array_size(row); e += 2, p++) {
            int64_t next = 0;

            EG_TRY(get_int(&next, row, e, s->n_symbols - 1, key, name, err));
            EG_TRY(
                get_int(&s->count[p], row, e + 1, s->length, key, name, err));
            s->next[p] = (int32_t)next;
        }
        s->row[i + 1] = p;
    }
done:
    return st;
}

static eg_status read_root(egi_stats *s, json_t *root, const char *name,
                           eg_err *err)
{
    const json_t *symbols = NULL, *unigram = NULL, *bigram = NULL;
    eg_status st = EG_OK;

    EG_TRY(check_keys(root, name, err));
    EG_TRY(get_text(s->source, sizeof s->source, root, "source", name, err));
    EG_TRY(get_text(s->sha256, sizeof s->sha256, root, "sha256", name, err));
    EG_TRY(get_array(&symbols, root, "symbols", name, err));
    EG_TRY(get_array(&unigram, root, "unigram", name, err));
    EG_TRY(get_array(&bigram, root, "bigram", name, err));
    EG_TRY(read_sizes(s, root, symbols, unigram, bigram, name, err));
    EG_TRY(egi_stats_alloc(s, err));
    for (int i = 0; i < s->n_symbols; i++) {
        int64_t c = 0;

        EG_TRY(get_int(&c, symbols, (size_t)i, 0x10ffff, "symbols", name, err));
        EG_TRY(get_int(&s->unigram[i], unigram, (size_t)i, s->length, "unigram",
                       name, err));
        s->symbol[i] = (int32_t)c;
    }
    EG_TRY(read_bigram(s, bigram, name, err));
    EG_TRY(egi_stats_check(s, name, err));
done:
    return st;
}

eg_status egi_stats_parse(egi_stats *s, const char *bytes, size_t size,
                          const char *name, eg_err *err)
{
    json_error_t why;
    json_t *root = egi_json_parse(bytes, size, JSON_REJECT_DUPLICATES, &why);
    egi_stats got = {0};
    eg_status st = EG_OK;

    memset(s, 0, sizeof *s);
    if (!root) {
        st = EG_FAIL(err, egi_json_status(&why), "%s:%d:%d: %s", name, why.line,
                     why.column, why.text);
        goto done;
    }
    EG_TRY(read_root(&got, root, name, err));
    *s = got;
    memset(&got, 0, sizeof got);
done:
    egi_stats_release(&got);
    json_decref(root);
    return st;
}

eg_status egi_stats_load(egi_stats *s, const char *what, eg_err *err)
{
    char *bytes = NULL;
    size_t size = 0;
    eg_status st = EG_OK;

    memset(s, 0, sizeof *s);
    for (const egi_shipped *e = egi_stats_shipped; e->name; e++)
        if (strcmp(e->name, what) == 0)
            return egi_stats_parse(s, e->bytes, e->size, what, err);
    if (!strchr(what, '/') && !eg_file_exists(what))
        return EG_FAIL(err, EG_EINVAL,
                       "task.stats: \"%s\" is neither shipped statistics "
                       "(there is \"%s\") nor a file; `engram stats TEXT --out "
                       "FILE` makes one",
                       what, egi_stats_shipped[0].name);
    EG_TRY(eg_file_read(&bytes, &size, what, MAX_FILE_BYTES, err));
    EG_TRY(egi_stats_parse(s, bytes, size, what, err));
done:
    eg_free(bytes);
    return st;
}
