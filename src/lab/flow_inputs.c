/* The files a flow takes in: found beside the configuration, read, named by
 * their content and copied into the run directory, which can then be run again
 * wherever it lies. */
#include "lab/flow_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "base/num.h"
#include "lab/config_priv.h"
#include "lab/run_priv.h"
#include "task/sha256.h"

enum { DIGITS = 16, STEM = 40, MAX_BYTES_LOG2 = 40 };

/* Words of options: one of a text, several of a list. */
static int n_words(const eg_field *f, const void *opts)
{
    const char *at = (const char *)opts + f->offset;

    if (f->kind == EG_FIELD_TEXT) return *at ? 1 : 0;
    return f->kind == EG_FIELD_LIST ? ((const eg_strs *)(const void *)at)->n
                                    : 0;
}

static char *word_of(const eg_field *f, void *opts, int i, size_t *room)
{
    char *at = (char *)opts + f->offset;

    *room = f->kind == EG_FIELD_TEXT ? EG_TEXT : EG_STRS_LEN;
    return f->kind == EG_FIELD_TEXT ? at : ((eg_strs *)(void *)at)->item[i];
}

/* Bytes of the path in FILE.npy, FILE.csv or FILE.npy[3]; 0: no file. */
static size_t path_bytes(const char *word)
{
    size_t n = strlen(word);

    if (egi_text_ends_at(word, n, ".csv")) return n;
    while (n > 0 && word[n - 1] == ']') {
        size_t k = n - 1;

        while (k > 0 && egi_is_digit(word[k - 1])) k--;
        if (k == n - 1 || k == 0 || word[k - 1] != '[') return 0;
        n = k - 1;
    }
    return egi_text_ends_at(word, n, ".npy") ? n : 0;
}

static eg_status set_word(const eg_field *f, char *word, size_t room,
                          const char *text, eg_err *err)
{
    size_t n = strlen(text);

    if (n >= room)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: a path of %zu bytes, at most %zu fit: %.*s",
                       f->name, n, room - 1, eg_text_fit(text, 100), text);
    memset(word, 0, room); /* equal values are equal bytes */
    snprintf(word, room, "%s", text);
    return EG_OK;
}

eg_status egi_flow_from_here(eg_config *cfg, const eg_field *f, eg_err *err)
{
    char here[EG_PATH], full[EG_PATH + EG_TEXT + 2];
    eg_status st = EG_OK;

    if (!cfg->folder[0]) return EG_OK;
    for (int i = 0; i < n_words(f, &cfg->flow) && st == EG_OK; i++) {
        size_t room;
        char *word = word_of(f, &cfg->flow, i, &room);

        if (path_bytes(word) == 0 || word[0] == '/') continue;
        if (!getcwd(here, sizeof here))
            return EG_FAIL(err, EG_EIO, "%s: no current folder", f->name);
        snprintf(full, sizeof full, "%s/%s", here, word);
        st = set_word(f, word, room, full, err);
    }
    return st;
}

/* The part of an array that [i][j]... leaves. */
static eg_status take_part(eg_view *v, const char *word, const char *indices,
                           eg_err *err)
{
    while (*indices) {
        char *end;
        long long k = strtoll(indices + 1, &end, 10);
        size_t bytes = eg_dtype_size(v->dtype);

        if (v->ndim < 1 || k >= v->shape[0])
            return EG_FAIL(err, EG_ESHAPE,
                           "%s: no entry %lld, the axis has %td", word, k,
                           v->ndim < 1 ? (eg_index)1 : v->shape[0]);
        for (int i = 1; i < v->ndim; i++) bytes *= (size_t)v->shape[i];
        v->data = (const char *)v->data + (size_t)k * bytes;
        v->ndim--;
        memmove(v->shape, v->shape + 1, (size_t)v->ndim * sizeof *v->shape);
        indices = end + 1;
    }
    return EG_OK;
}

/* arrays/<stem>-<hash>.<ext>: stem is the file's own name, in letters that mean
 * nothing to YAML or a shell, without the hash of an earlier copy. */
static void make_name(egi_input *in, const char *word, size_t n,
                      const char *indices, const char hash[65])
{
    char stem[EG_PATH + EG_TEXT];
    const char *from = word + n;
    size_t len, ext = 4;

    while (from > word && from[-1] != '/') from--;
    len = (size_t)(word + n - from) - ext;
    snprintf(stem, sizeof stem, "%.*s", (int)len, from);
    if (len > DIGITS + 1 && stem[len - DIGITS - 1] == '-' &&
        strspn(stem + len - DIGITS, "0123456789abcdef") == DIGITS)
        len -= DIGITS + 1;
    if (len > STEM) len = STEM;
    snprintf(stem + len, sizeof stem - len, "%s", indices);
    for (char *s = stem + len; *s; s++) { /* [3] becomes .3 */
        if (*s == '[') *s = '.';
        if (*s == ']') memmove(s, s + 1, strlen(s));
    }
    for (char *s = stem; *s; s++)
        if (!egi_is_alnum(*s) && !strchr("._-", *s)) *s = '_';
    snprintf(in->name, sizeof in->name, "arrays/%.50s-%.*s%.4s", stem, DIGITS,
             hash, word + n - ext);
}

static void add_text(egi_sha256 *s, const char *text)
{
    egi_sha256_add(s, (const unsigned char *)text, strlen(text));
}

/* The numbers count, not how the file says them. */
static void hash_array(egi_sha256 *s, const eg_view *v)
{
    char shape[32];

    add_text(s, eg_dtype_name(v->dtype));
    for (int i = 0; i < v->ndim; i++) {
        snprintf(shape, sizeof shape, " %td", v->shape[i]);
        add_text(s, shape);
    }
    egi_sha256_add(s, v->data,
                   (size_t)eg_view_size(v) * eg_dtype_size(v->dtype));
}

/* The file that a word names: below the run directory whose configuration this
 * is, without following links; else wherever its path leads. */
static eg_status read_file(egi_input *in, const eg_folder *run,
                           const char *path, bool csv, eg_err *err)
{
    eg_status st;

    if (csv)
        return eg_file_read_in(&in->text, &in->size, run, path,
                               (size_t)1 << MAX_BYTES_LOG2, err);
    st = eg_npy_read_in(&in->array, run, path, err);
    memcpy(&in->base, &in->array.data, sizeof in->base);
    return st;
}

static eg_status find_file(egi_input *in, const eg_config *cfg,
                           const char *word, size_t n, eg_err *err)
{
    char path[EG_PATH + EG_TEXT + 2];
    bool whole = word[0] == '/' || !cfg->folder[0];
    bool csv = egi_text_ends_at(word, n, ".csv");
    eg_folder run = {.fd = -1};
    eg_status st;

    snprintf(path, sizeof path, "%s%s%.*s", whole ? "" : cfg->folder,
             whole ? "" : "/", (int)n, word);
    snprintf(in->origin, sizeof in->origin, "%.900s%.100s", path, word + n);
    if (!whole) EG_TRY(eg_folder_open(&run, cfg->folder, err));
    if (!whole && eg_folder_has(&run, "run.json")) {
        snprintf(path, sizeof path, "%.*s", (int)n, word);
        st = read_file(in, &run, path, csv, err);
    } else {
        st = read_file(in, NULL, path, csv, err);
    }
done:
    eg_folder_close(&run);
    return st;
}

static eg_status read_input(egi_input *in, const eg_config *cfg,
                            const char *word, size_t n, eg_err *err)
{
    char hash[65];
    egi_sha256 sha;
    eg_status st = find_file(in, cfg, word, n, err);

    if (st != EG_OK) return st;
    egi_sha256_init(&sha);
    if (in->text) {
        egi_sha256_add(&sha, (const unsigned char *)in->text, in->size);
    } else {
        EG_TRY(take_part(&in->array, word, word + n, err));
        hash_array(&sha, &in->array);
    }
    egi_sha256_hex(&sha, hash);
    make_name(in, word, n, word + n, hash);
done:
    return st;
}

static eg_status take_word(egi_inputs *in, eg_config *cfg, const eg_field *f,
                           int i, eg_err *err)
{
    size_t room, n;
    char *word = word_of(f, &cfg->flow, i, &room);
    egi_input *more;
    eg_err why = {0};
    eg_status st;

    n = path_bytes(word);
    if (n == 0 && f->kind == EG_FIELD_TEXT && strcmp(f->name, "x0") != 0)
        return EG_FAIL(err, EG_EINVAL,
                       "flow.%s: expected a .npy or .csv file, found '%.*s'",
                       f->name, eg_text_fit(word, 100), word);
    if (n == 0) return EG_OK;
    more = eg_realloc(in->input, ((size_t)in->n + 1) * sizeof *more);
    if (!more) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", f->name);
    in->input = more;
    more += in->n++;
    *more = (egi_input){0};
    st = read_input(more, cfg, word, n, &why);
    if (st != EG_OK) return EG_FAIL(err, st, "flow.%s: %s", f->name, why.msg);
    return set_word(f, word, room, more->name, err);
}

eg_status egi_inputs_take(egi_inputs *in, eg_config *cfg, eg_err *err)
{
    eg_status st = EG_OK;

    for (const eg_field *f = eg_flow_fields; f->name && st == EG_OK; f++)
        for (int i = 0; i < n_words(f, &cfg->flow) && st == EG_OK; i++)
            st = take_word(in, cfg, f, i, err);
    return st;
}

/* Does the run directory hold it already, as its name says? */
static eg_status check_copy(const egi_input *f, const eg_folder *run,
                            eg_err *err)
{
    eg_view v = {0};
    char *text = NULL;
    size_t size = 0, bytes;
    bool same;
    eg_status st;

    if (f->text) {
        EG_TRY(eg_file_read_in(&text, &size, run, f->name, f->size, err));
        same = size == f->size && memcmp(text, f->text, size) == 0;
    } else {
        EG_TRY(eg_npy_read_in(&v, run, f->name, err));
        bytes = (size_t)eg_view_size(&v) * eg_dtype_size(v.dtype);
        same = v.dtype == f->array.dtype && v.ndim == f->array.ndim &&
               memcmp(v.shape, f->array.shape,
                      (size_t)v.ndim * sizeof *v.shape) == 0 &&
               memcmp(v.data, f->array.data, bytes) == 0;
    }
    if (!same)
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s/%s was changed: it is a copy of %s no more", run->path,
                     f->name, f->origin);
done:
    eg_view_release(&v);
    eg_free(text);
    return st;
}

static eg_status write_copy(const egi_input *f, eg_run *run, eg_err *err)
{
    const eg_folder *to = &run->folder;
    eg_status st = egi_run_enter(run, err);

    if (st != EG_OK) return st;
    return f->text ? eg_file_write_in(to, f->name, f->text, f->size, err)
                   : eg_npy_write_in(to, f->name, &f->array, err);
}

/* Its line in arrays/sums. */
static eg_status list_copy(const egi_input *f, eg_run *run, eg_err *err)
{
    const char *name = strchr(f->name, '/') + 1;
    eg_status st;

    if (egi_sums_find(&run->sums, name)) return EG_OK;
    EG_TRY(egi_run_enter(run, err));
    EG_TRY(egi_run_sum_array(run, name, err));
    EG_TRY(egi_run_write_sums(run, err));
done:
    return st;
}

eg_status egi_inputs_write(const egi_inputs *in, eg_run *run, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < in->n && st == EG_OK; i++) {
        const egi_input *f = &in->input[i];

        st = eg_folder_has(&run->folder, f->name)
                 ? check_copy(f, &run->folder, err)
                 : write_copy(f, run, err);
        if (st == EG_OK) st = list_copy(f, run, err);
    }
    return st;
}

/* The first `old` of msg becomes `new`; both as messages show them. */
static bool replace(char *msg, size_t room, const char *old, const char *new)
{
    char copy[sizeof(eg_err)], shown[EG_PATH + EG_STRS_LEN];
    size_t len = eg_text_clean(shown, sizeof shown, old);
    char *at = strstr(msg, shown);

    if (!at || room > sizeof copy) return false;
    snprintf(copy, sizeof copy, "%s", at + len);
    room -= (size_t)(at - msg);
    len = eg_text_clean(at, room, new);
    (void)eg_text_copy(at + len, room - len, copy);
    return true;
}

void egi_inputs_name(const egi_inputs *in, const char *dir, eg_err *err)
{
    for (int i = 0; i < in->n; i++) {
        const egi_input *f = &in->input[i];
        char path[EG_PATH + EG_STRS_LEN];

        snprintf(path, sizeof path, "%s/%s", dir, f->name);
        if (!replace(err->msg, sizeof err->msg, path, f->origin))
            (void)replace(err->msg, sizeof err->msg, f->name, f->origin);
    }
}

void egi_inputs_release(egi_inputs *in)
{
    for (int i = 0; i < in->n; i++) {
        eg_free(in->input[i].base);
        eg_free(in->input[i].text);
    }
    eg_free(in->input);
    *in = (egi_inputs){0};
}
