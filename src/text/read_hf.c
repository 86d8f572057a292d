/* tokenizer.json, as Hugging Face's `tokenizers` writes it: byte-level BPE and
 * BERT's WordPiece, where every part of it is one that we have. What would
 * change ids and is none of ours is refused by its name. What comes around a
 * text (post_processor) is the caller's. */
#include "text/read_json.h"

#include <string.h>

#include "base/buf.h"
#include "engram/mem.h"
#include "engram/text.h"

typedef struct hf {
    json_t *vocab; /* with the added tokens */
    const json_t *root, *model;
    const char *name;
    eg_err *err;
} hf;

static const char *text_of(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));

    return s ? s : "";
}

/* A flag, where there is none `other`. */
static bool flag(const json_t *j, const char *key, bool other)
{
    const json_t *v = json_object_get(j, key);

    return json_is_boolean(v) ? json_is_true(v) : other;
}

/* key is not there, null, "", 0 or false. */
static bool empty(const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);

    return !v || json_is_null(v) || json_is_false(v) ||
           (json_is_string(v) && !json_string_value(v)[0]) ||
           (json_is_number(v) && !(json_number_value(v) > 0));
}

static eg_status refuse(const hf *h, const char *part, const char *what)
{
    char buf[96];

    (void)eg_text_clean(buf, sizeof buf, what);
    return EG_FAIL(h->err, EG_EUNSUPPORTED, "%s: %s: engram has no '%s'",
                   h->name, part, buf);
}

/* ---- how text is cut ------------------------------------------------------
 */

/* The parts of a Sequence, or the one that it is: n, and the i-th. */
static size_t parts(const json_t *j)
{
    if (!j || json_is_null(j)) return 0;
    if (strcmp(text_of(j, "type"), "Sequence") != 0) return 1;
    return json_array_size(json_object_get(j, "pretokenizers"));
}

static const json_t *part(const json_t *j, size_t i)
{
    if (strcmp(text_of(j, "type"), "Sequence") != 0) return j;
    return json_array_get(json_object_get(j, "pretokenizers"), i);
}

/* Its matches are the pieces: what is between them is empty. */
static bool keeps_matches(const json_t *split)
{
    const char *behaviour = text_of(split, "behavior");
    bool invert = flag(split, "invert", false);

    return invert ? strcmp(behaviour, "Removed") == 0
                  : strcmp(behaviour, "Isolated") == 0;
}

static const char *cut_of_regex(const char *regex)
{
    const char *name;

    for (int i = 0; (name = eg_pretokenizer_name(i, NULL)); i++) {
        const egi_pretok *p = egi_pretok_find(name);

        if (p->regex && strcmp(p->regex, regex) == 0) return name;
    }
    return NULL;
}

/* One of: ByteLevel with its regex, digits before it, or another regex. */
static eg_status cut_of(const hf *h, const char **cut)
{
    const json_t *pre = json_object_get(h->root, "pre_tokenizer");
    const char *regex = NULL, *where = "pre_tokenizer";
    bool digits = false, bytes = false, plain = false;

    for (size_t i = 0; i < parts(pre); i++) {
        const json_t *p = part(pre, i);
        const char *type = text_of(p, "type");

        if (strcmp(type, "Digits") == 0 && flag(p, "individual_digits", false))
            digits = true;
        else if (strcmp(type, "Split") == 0 && keeps_matches(p) && !regex)
            regex = text_of(json_object_get(p, "pattern"), "Regex");
        else if (strcmp(type, "ByteLevel") != 0)
            return refuse(h, where, type);
        else if (flag(p, "add_prefix_space", true))
            return refuse(h, where, "ByteLevel with add_prefix_space");
        else {
            bytes = true;
            plain = flag(p, "use_regex", true);
        }
    }
    if (!bytes) return refuse(h, where, "cut without ByteLevel");
    if (regex && !(*cut = cut_of_regex(regex))) return refuse(h, where, regex);
    if (regex ? digits || plain : !plain)
        return refuse(h, where, "such sequence of cuts");
    if (!regex) *cut = digits ? "smollm" : "gpt2";
    return EG_OK;
}

/* ---- tokens ---------------------------------------------------------------
 */

/* Those that the vocabulary lacks go into it. */
static eg_status add_added(const hf *h)
{
    const json_t *added = json_object_get(h->root, "added_tokens");

    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *a = json_array_get(added, i);
        const char *content = text_of(a, "content");
        json_t *id = json_object_get(a, "id");
        const json_t *there = json_object_get(h->vocab, content);

        if (!flag(a, "special", false))
            return refuse(h, "added token that is not special", content);
        if (flag(a, "lstrip", false) || flag(a, "rstrip", false) ||
            flag(a, "single_word", false))
            return refuse(h, "lstrip, rstrip or single_word of token", content);
        if (!json_is_integer(id) || (there && !json_equal(there, id)))
            return EG_FAIL(h->err, EG_EFORMAT,
                           "%s: added_tokens[%zu]: expected an id, and no "
                           "other than in the vocabulary",
                           h->name, i);
        if (!there && json_object_set(h->vocab, content, id) != 0)
            return EG_FAIL(h->err, EG_ENOMEM, "the tokens of %s", h->name);
    }
    return EG_OK;
}

static eg_status tokens_of(const hf *h, const char ***token, int *n)
{
    if (!json_is_object(h->vocab) || json_object_size(h->vocab) > EG_MOST_IDS)
        return EG_FAIL(h->err, EG_EFORMAT,
                       "%s: model.vocab: expected an object of at most %d "
                       "tokens",
                       h->name, EG_MOST_IDS);
    *n = (int)json_object_size(h->vocab);
    *token = eg_calloc((size_t)*n + 1, sizeof **token);
    if (!*token) return EG_FAIL(h->err, EG_ENOMEM, "tokens of %s", h->name);
    return egi_tokens_by_id(*token, h->vocab, *n, h->name, h->err);
}

/* ---- byte-level BPE -------------------------------------------------------
 */

/* The i-th merge as "left right"; NULL: it is none. buf: room for it. */
static const char *merge_at(const json_t *merges, size_t i, egi_buf *buf)
{
    const json_t *m = json_array_get(merges, i);
    const char *left = json_string_value(json_array_get(m, 0));
    const char *right = json_string_value(json_array_get(m, 1));
    size_t at = buf->n;

    if (json_is_string(m))
        egi_buf_add(buf, "%s", json_string_value(m));
    else if (json_array_size(m) == 2 && left && right)
        egi_buf_add(buf, "%s %s", left, right);
    else
        return NULL;
    egi_buf_put(buf, "", 1);
    return buf->failed ? "" : buf->s + at;
}

static eg_status merges_of(const hf *h, const char ***merge, int *n,
                           egi_buf *buf)
{
    const json_t *merges = json_object_get(h->model, "merges");
    size_t at = 0;

    if (!json_is_array(merges) || json_array_size(merges) > EG_MOST_IDS)
        return EG_FAIL(h->err, EG_EFORMAT,
                       "%s: model.merges: expected an array of at most %d",
                       h->name, EG_MOST_IDS);
    *n = (int)json_array_size(merges);
    *merge = eg_calloc((size_t)*n + 1, sizeof **merge);
    for (int i = 0; *merge && i < *n; i++)
        if (!merge_at(merges, (size_t)i, buf))
            return EG_FAIL(h->err, EG_EFORMAT,
                           "%s: merges[%d]: expected \"left right\"", h->name,
                           i);
    if (!*merge || buf->failed)
        return EG_FAIL(h->err, EG_ENOMEM, "merges of %s", h->name);
    for (int i = 0; i < *n; i++) { /* now that the text moves no more */
        (*merge)[i] = buf->s + at;
        at += strlen(buf->s + at) + 1;
    }
    return EG_OK;
}

static eg_status read_bpe(const hf *h, eg_tokenizer **out)
{
    static const char *const none[] = {"dropout", "continuing_subword_prefix",
                                       "end_of_word_suffix", "byte_fallback"};
    const json_t *added = json_object_get(h->root, "added_tokens");
    const char **token = NULL, **merge = NULL;
    bool *special = NULL;
    egi_buf buf = {0};
    eg_token_table v = {.alphabet = true, .eot = -1};
    eg_status st = EG_OK;

    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (!empty(h->model, none[i])) return refuse(h, "model", none[i]);
    if (!empty(h->root, "normalizer"))
        return refuse(h, "normalizer",
                      text_of(json_object_get(h->root, "normalizer"), "type"));
    EG_TRY(cut_of(h, &v.pre));
    EG_TRY(add_added(h));
    EG_TRY(tokens_of(h, &token, &v.n));
    EG_TRY(merges_of(h, &merge, &v.n_merges, &buf));
    special = eg_calloc((size_t)v.n + 1, sizeof *special);
    if (!special) {
        st = EG_FAIL(h->err, EG_ENOMEM, "tokens of %s", h->name);
        goto done;
    }
    for (size_t i = 0; i < json_array_size(added); i++)
        special[json_integer_value(
            json_object_get(json_array_get(added, i), "id"))] = true;
    v.token = token;
    v.merge = merge;
    v.special = special;
    EG_TRY(eg_tokenizer_table(out, &v, h->name, h->err));
    (*out)->whole = flag(h->model, "ignore_merges", false);
done:
    eg_free(token);
    eg_free(merge);
    eg_free(special);
    egi_buf_release(&buf);
    return st;
}

/* ---- WordPiece ------------------------------------------------------------
 */

/* BERT's, uncased: what bert.c does. */
static eg_status check_pieces(const hf *h)
{
    const json_t *n = json_object_get(h->root, "normalizer");
    const json_t *most = json_object_get(h->model, "max_input_chars_per_word");

    if (strcmp(text_of(n, "type"), "BertNormalizer") != 0 ||
        !flag(n, "lowercase", true) || !flag(n, "clean_text", true) ||
        !flag(n, "handle_chinese_chars", true) ||
        !flag(n, "strip_accents", true))
        return refuse(h, "normalizer",
                      "WordPiece other than lower case without accents");
    if (strcmp(text_of(json_object_get(h->root, "pre_tokenizer"), "type"),
               "BertPreTokenizer") != 0)
        return refuse(h, "pre_tokenizer", "cut of WordPiece but BERT's");
    if (strcmp(text_of(h->model, "continuing_subword_prefix"), "##") != 0 ||
        strcmp(text_of(h->model, "unk_token"), "[UNK]") != 0 ||
        (most && json_integer_value(most) != 100))
        return refuse(h, "model",
                      "WordPiece but with ##, [UNK] and words of 100");
    return EG_OK;
}

static eg_status read_pieces(const hf *h, eg_tokenizer **out)
{
    const char **token = NULL;
    egi_buf lines = {0};
    int n = 0;
    eg_status st = EG_OK;

    EG_TRY(check_pieces(h));
    EG_TRY(add_added(h));
    EG_TRY(tokens_of(h, &token, &n));
    for (int i = 0; i < n; i++) {
        if (strchr(token[i], '\n')) {
            st = refuse(h, "model.vocab", "token with a line's end");
            goto done;
        }
        egi_buf_add(&lines, "%s%s", i ? "\n" : "", token[i]);
    }
    if (lines.failed)
        st = EG_FAIL(h->err, EG_ENOMEM, "tokens of %s", h->name);
    else
        st = egi_read_vocab_txt(out, (egi_bytes){lines.s, lines.n}, h->name,
                                h->err);
done:
    eg_free(token);
    egi_buf_release(&lines);
    return st;
}

/* ---- either ---------------------------------------------------------------
 */

eg_status egi_read_hf(eg_tokenizer **out, json_t *json, const char *name,
                      eg_err *err)
{
    hf h = {.root = json,
            .model = json_object_get(json, "model"),
            .name = name,
            .err = err};
    const char *type = text_of(h.model, "type");

    *out = NULL;
    h.vocab = json_object_get(h.model, "vocab");
    if (!json_is_object(h.vocab))
        return refuse(&h, "model", type[0] ? type : "model without a vocab");
    if (strcmp(type, "WordPiece") == 0) return read_pieces(&h, out);
    if (strcmp(type, "BPE") == 0 || !type[0]) return read_bpe(&h, out);
    return refuse(&h, "model", type);
}
