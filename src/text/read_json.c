/* vocab.json with its merges, and the file that engram writes. */
#include "text/read_json.h"

#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "text/own.h"

static eg_status parse(json_t **out, egi_bytes file, const char *name,
                       eg_err *err)
{
    json_error_t why;

    *out = egi_json_parse(file.s, file.n, JSON_REJECT_DUPLICATES, &why);
    if (*out && !json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        return EG_FAIL(err, EG_EFORMAT, "%s: expected an object", name);
    }
    if (*out) return EG_OK;
    return EG_FAIL(err, egi_json_status(&why), "%s: line %d, column %d: %s",
                   name, why.line, why.column, why.text);
}

eg_status egi_tokens_by_id(const char **token, json_t *json, int n,
                           const char *name, eg_err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach(json, key, value)
    {
        json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
        char buf[64];

        (void)eg_text_clean(buf, sizeof buf, key);
        if (id < 0 || id >= n)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: token '%s': expected an id from 0 to %d, with "
                           "%d tokens, and no gap",
                           name, buf, n - 1, n);
        if (token[id])
            return EG_FAIL(err, EG_EFORMAT, "%s: token '%s': id %d twice", name,
                           buf, (int)id);
        token[id] = key;
    }
    return EG_OK;
}

/* vocab.json. */
static eg_status read_vocab(eg_tokenizer **out, json_t *json, egi_bytes merges,
                            const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    const char **token = NULL, **line = NULL;
    char *text = NULL;
    eg_token_table table = {.alphabet = true, .eot = -1};

    if (!merges.s)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: a vocabulary without merges; expected merges.txt "
                       "or vocab.bpe beside it",
                       name);
    if (json_object_size(json) > EG_MOST_IDS)
        return EG_FAIL(err, EG_EFORMAT, "%s: more than %d tokens", name,
                       EG_MOST_IDS);
    table.n = (int)json_object_size(json);
    token = eg_calloc((size_t)table.n + 1, sizeof *token);
    if (!token) return EG_FAIL(err, EG_ENOMEM, "the tokens of %s", name);
    EG_TRY(egi_tokens_by_id(token, json, table.n, name, err));
    EG_TRY(egi_merge_lines(&text, &line, &table.n_merges, merges, name, err));
    table.token = token;
    table.merge = line;
    EG_TRY(eg_tokenizer_table(out, &table, name, err));
done:
    eg_free(token);
    eg_free(line);
    eg_free(text);
    return st;
}

eg_status egi_read_json(eg_tokenizer **out, egi_bytes file, egi_bytes merges,
                        const char *name, eg_err *err)
{
    json_t *json = NULL;
    eg_status st = parse(&json, file, name, err);

    if (st != EG_OK) return st;
    st = json_is_object(json_object_get(json, "model"))
             ? egi_read_hf(out, json, name, err)
             : read_vocab(out, json, merges, name, err);
    json_decref(json);
    return st;
}

/* ---- ours -----------------------------------------------------------------
 */

/* The strings of an array; EG_EFORMAT where one is missing. */
static eg_status strings(const char ***out, int *n, const json_t *json,
                         const char *key, const char *name, eg_err *err)
{
    const json_t *array = json_object_get(json, key);

    if (!json_is_array(array) || json_array_size(array) > EG_MOST_IDS)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: %s: expected an array of at most %d strings", name,
                       key, EG_MOST_IDS);
    *n = (int)json_array_size(array);
    *out = eg_calloc((size_t)*n + 1, sizeof **out);
    if (!*out) return EG_FAIL(err, EG_ENOMEM, "%s of %s", key, name);
    for (int i = 0; i < *n; i++) {
        (*out)[i] = json_string_value(json_array_get(array, (size_t)i));
        if (!(*out)[i])
            return EG_FAIL(err, EG_EFORMAT, "%s: %s[%d]: expected a string",
                           name, key, i);
    }
    return EG_OK;
}

/* The ids that `special` lists. */
static eg_status read_specials(bool *special, int n, const json_t *json,
                               const char *name, eg_err *err)
{
    const json_t *array = json_object_get(json, "special");

    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *v = json_array_get(array, i);
        json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;

        if (id < 0 || id >= n)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: special[%zu]: expected an id from 0 to %d",
                           name, i, n - 1);
        special[id] = true;
    }
    return EG_OK;
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *s = json_string_value(json_object_get(json, key));

    return s ? s : "";
}

static int end_of(const json_t *json)
{
    const json_t *v = json_object_get(json, "end_of_text");
    json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;

    return id < INT32_MAX ? (int)id : INT32_MAX;
}

eg_status egi_read_own(eg_tokenizer **out, egi_bytes file, const char *name,
                       eg_err *err)
{
    static const char *const kinds[] = {"bpe", "char", "word", "piece"};
    eg_status st = EG_OK;
    json_t *json = NULL;
    const char **token = NULL, **merge = NULL;
    bool *special = NULL;
    eg_token_table v = {.alphabet = true};
    eg_tokenizer *t = NULL;
    int kind = 0;

    EG_TRY(parse(&json, file, name, err));
    while (kind < 4 && strcmp(kinds[kind], text_of(json, "kind")) != 0) kind++;
    if (kind == 4 ||
        json_integer_value(json_object_get(json, "version")) != 1) {
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s: expected version 1 of kind bpe, char, word or piece",
                     name);
        goto done;
    }
    EG_TRY(strings(&token, &v.n, json, "tokens", name, err));
    EG_TRY(strings(&merge, &v.n_merges, json, "merges", name, err));
    special = eg_calloc((size_t)v.n + 1, sizeof *special);
    if (!special) {
        st = EG_FAIL(err, EG_ENOMEM, "the tokens of %s", name);
        goto done;
    }
    EG_TRY(read_specials(special, v.n, json, name, err));
    v.token = token;
    v.merge = merge;
    v.special = special;
    v.eot = end_of(json);
    v.pre = kind == EG_TOKENIZER_BPE ? text_of(json, "cut") : NULL;
    EG_TRY(eg_tokenizer_table(&t, &v, name, err));
    t->kind = (eg_tokenizer_kind)kind;
    if (strcmp(text_of(json, "by"), "ids") == 0) {
        eg_free(t->pair);
        t->pair = NULL;
        t->n_pairs = 0;
        EG_TRY(egi_vocab_pairs_of_ids(t, err));
    }
    t->whole |= strcmp(text_of(json, "by"), "whole") == 0;
    EG_TRY(egi_symbols_check(t, name, err));
    *out = t;
    t = NULL;
done:
    eg_tokenizer_free(t);
    json_decref(json);
    eg_free(token);
    eg_free(merge);
    eg_free(special);
    return st;
}
