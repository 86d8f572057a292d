/* A file, its family, and its model. */
#include "models/models.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "engram/mem.h"
#include "engram/text.h"

const egi_family *const egi_families[] = {&egi_gpt2, &egi_bert, &egi_llama,
                                          &egi_llama_gguf, NULL};

/* ---- the file -------------------------------------------------------------
 */

/* Files of other programs that are often tried. */
static const struct {
    const char *begins, *is;
} others[] = {
    {"PK\3\4",
     "is a zip archive, as PyTorch's .pt and .bin are, which run code "
     "when they are read: save it as safetensors"},
    {"\x80\2",
     "is a pickle, as PyTorch's old .pt and .bin are, which runs code "
     "when it is read: save it as safetensors"},
    {"version https://git-lfs", "is Git LFS's note of a file that was not "
                                "fetched: git lfs pull"},
    {"{", "is JSON: expected the file of weights itself"},
};
enum { N_OTHERS = sizeof others / sizeof *others };

static eg_status refuse_others(const char *bytes, size_t size, const char *path,
                               eg_err *err)
{
    for (int i = 0; i < N_OTHERS; i++) {
        size_t n = strlen(others[i].begins);

        if (size >= n && memcmp(bytes, others[i].begins, n) == 0)
            return EG_FAIL(err, EG_EUNSUPPORTED, "%s: %s", path, others[i].is);
    }
    return EG_OK;
}

/* What a file is by its name; any other one may be safetensors. */
static const struct {
    const char *tail, *is;
} by_name[] = {
    {".gguf", "a GGUF file, which begins with GGUF"},
    {".bin", "a model of llm.c, which begins with the number 20240326"},
};
enum { N_BY_NAME = sizeof by_name / sizeof *by_name };

/* Bytes of no format. A header of safetensors lies behind 8 bytes. */
static eg_status refuse_unknown(const char *bytes, size_t size,
                                const char *path, eg_err *err)
{
    const char *is = NULL;
    char first[9] = "", found[40];
    size_t n = size < 8 ? size : 8, len = 0;

    for (int i = 0; i < N_BY_NAME && !is; i++)
        if (egi_text_ends(path, by_name[i].tail)) is = by_name[i].is;
    if (size == 0)
        return EG_FAIL(err, EG_EFORMAT, "%s: is empty; expected %s", path,
                       is ? is : "weights: safetensors, GGUF or llm.c's .bin");
    if (!is || (size > 8 && bytes[8] == '{')) return EG_OK;
    memcpy(first, bytes, n);
    for (size_t i = 0; i < n; i += first[i] ? strlen(first + i) : 1) {
        const char *part = first[i] ? first + i : "\\x00";

        len += eg_text_clean(found + len, sizeof found - len, part);
    }
    return EG_FAIL(err, EG_EFORMAT, "%s: expected %s, found '%s'", path, is,
                   found);
}

eg_status egi_source_open(egi_source *s, const char *path, eg_err *err)
{
    eg_safetensors st = {0};
    char *bytes = NULL;
    size_t size = 0;
    eg_status status = eg_file_read(&bytes, &size, path, PTRDIFF_MAX, err);

    *s = (egi_source){0};
    if (status != EG_OK) return status;
    if (egi_gguf_is(bytes, size))
        return egi_gguf_take(s, bytes, size, path, err);
    if (egi_llmc_is(bytes, size))
        return egi_llmc_take(s, bytes, size, path, err);
    status = refuse_others(bytes, size, path, err);
    if (status == EG_OK) status = refuse_unknown(bytes, size, path, err);
    if (status != EG_OK) {
        eg_free(bytes);
        return status;
    }
    status = eg_st_parse_take(&st, bytes, size, path, err);
    return status == EG_OK ? egi_safetensors_take(s, &st, path, err) : status;
}

bool egi_source_ours(egi_source *s)
{
    const char *format = eg_st_meta(&s->st, "format");

    return egi_source_find(s, "W_E") || egi_source_find(s, "embed.W_E") ||
           (format && strncmp(format, "engram-", 7) == 0);
}

/* ---- the family -----------------------------------------------------------
 */

static void cut_prefixes(egi_source *s, const char *const *prefix)
{
    for (; prefix && *prefix; prefix++) {
        size_t n = strlen(*prefix);

        for (int i = 0; i < s->n; i++) {
            char *name = s->in[i].name;

            if (strncmp(name, *prefix, n) == 0 && !egi_source_find(s, name + n))
                memmove(name, name + n, strlen(name + n) + 1);
        }
    }
}

/* The mark, behind any of the prefixes. */
static bool has_mark(egi_source *s, const egi_family *f)
{
    size_t n = strlen(f->mark);

    for (int i = 0; i < s->n; i++) {
        const char *name = s->in[i].name;
        size_t len = strlen(name);

        if (strcmp(name, f->mark) == 0) return true;
        if (f->prefix && len > n && strcmp(name + len - n, f->mark) == 0 &&
            name[len - n - 1] == '.')
            return true;
    }
    return false;
}

eg_status egi_found_of(egi_found *f, egi_source *s, eg_err *err)
{
    json_t *config = NULL;
    eg_err why = {0};
    eg_status st = EG_OK;

    *f = (egi_found){0};
    for (int i = 0; egi_families[i] && !f->family; i++)
        if (has_mark(s, egi_families[i])) f->family = egi_families[i];
    if (!f->family)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: expected GPT-2's, BERT's or Llama's tensors, or "
                       "ours, found %d others%s%s",
                       s->path, s->n, s->n ? ", the first " : "",
                       s->n ? s->in[0].name : "");
    cut_prefixes(s, f->family->prefix);
    eg_fields_default(eg_model_fields, &f->opts);
    if (!s->meta && !s->header[0]) /* the others say it themselves */
        EG_TRY(egi_config_read(&config, s->path, err));
    st = f->family->options(f, s, config, &why);
    if (st != EG_OK) {
        bool named = strncmp(why.msg, s->path, strlen(s->path)) == 0;

        /* a value out of an option's range is the file's fault */
        st = EG_FAIL(err, st == EG_EINVAL ? EG_EFORMAT : st, "%s%s%s",
                     named ? "" : s->path, named ? "" : ": ", why.msg);
        goto done;
    }
    if (config) EG_TRY(egi_config_agrees(f, config, s->path, err));
done:
    json_decref(config);
    return st;
}

/* ---- for the families -----------------------------------------------------
 */

eg_status egi_opt(egi_found *f, const char *key, eg_err *err, const char *fmt,
                  ...)
{
    const eg_field *field = eg_field_find(eg_model_fields, key);
    char text[64];
    va_list ap;

    EG_ASSERT(field);
    va_start(ap, fmt);
    (void)egi_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return eg_field_parse(field, &f->opts, text, err);
}

eg_status egi_opts(egi_found *f, const char *line, eg_err *err)
{
    char key[64], value[64];
    int n = 0;
    eg_status st = EG_OK;

    for (; st == EG_OK && sscanf(line, " %63[^=]=%63s%n", key, value, &n) == 2;
         line += n)
        st = egi_opt(f, key, err, "%s", value);
    return st;
}

int egi_blocks(egi_source *s, const char *name)
{
    char full[128];
    int n = 0;

    for (;; n++) {
        egi_name_of(full, name, n);
        if (!egi_source_find(s, full)) return n;
    }
}

eg_status egi_matrix(egi_in **out, egi_source *s, const char *name, eg_err *err)
{
    char shape[96];

    *out = egi_source_find(s, name);
    if (!*out)
        return EG_FAIL(err, EG_EFORMAT, "%s: has no tensor %s", s->path, name);
    egi_in_shape(*out, shape, sizeof shape);
    if ((*out)->ndim == 2 && (*out)->shape[0] > 0 && (*out)->shape[1] > 0)
        return EG_OK;
    return EG_FAIL(err, EG_ESHAPE, "%s: %s: expected a matrix, found %s",
                   s->path, name, shape);
}
