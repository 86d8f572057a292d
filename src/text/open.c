/* Tokenizers from files: what a file is, is seen from its bytes. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "base/text.h"
#include "engram/mem.h"
#include "text/own.h"

enum { MOST_BYTES = 64 << 20 };

static bool is_own(egi_bytes f)
{
    static const char mark[] = EGI_TOKENIZER_MARK;
    size_t n = sizeof mark - 1;

    for (size_t i = 0; i < 64 && i + n <= f.n; i++)
        if (memcmp(f.s + i, mark, n) == 0) return true;
    return false;
}

eg_status eg_tokenizer_parse(eg_tokenizer **out, const char *bytes, size_t size,
                             const char *merges, size_t n_merges,
                             const char *name, eg_err *err)
{
    egi_bytes f = {bytes, size};

    *out = NULL;
    if (size == 0)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: is empty; expected a tokenizer's file", name);
    if (size > MOST_BYTES || n_merges > MOST_BYTES)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: a tokenizer's file of more than %d bytes", name,
                       MOST_BYTES);
    if (is_own(f)) return egi_read_own(out, f, name, err);
    if (egi_is_vocab_txt(f)) return egi_read_vocab_txt(out, f, name, err);
    if (egi_is_tiktoken(f) || egi_text_ends(name, ".tiktoken"))
        return egi_read_tiktoken(out, f, name, err);
    if (bytes[0] != '{' && !egi_text_ends(name, ".json"))
        return egi_read_merges(out, f, name, err);
    return egi_read_json(out, f, (egi_bytes){merges, n_merges}, name, err);
}

/* ---- a file, and what lies beside it --------------------------------------
 */

static const char *const vocabs[] = {"vocab.json", "encoder.json"},
                         *const merge_files[] = {"merges.txt", "vocab.bpe"};

/* path's folder with another name in it. */
static void beside(char buf[EGI_PATH], const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');

    (void)snprintf(buf, EGI_PATH, "%.*s%s", slash ? (int)(slash - path) + 1 : 0,
                   path, name);
}

/* The merges of a vocab.json; *merges stays NULL where there are none. */
static eg_status read_beside(char **merges, size_t *n, const eg_folder *in,
                             const char *path, eg_err *err)
{
    char buf[EGI_PATH];

    for (int i = 0; i < 2 && !*merges; i++) {
        eg_status st;

        beside(buf, path, merge_files[i]);
        if (in ? !eg_folder_has(in, buf) : !eg_file_exists(buf)) continue;
        st = eg_file_read_in(merges, n, in, buf, MOST_BYTES, err);
        if (st != EG_OK) return st;
    }
    return EG_OK;
}

eg_status eg_tokenizer_open_in(eg_tokenizer **out, const eg_folder *in,
                               const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    char *bytes = NULL, *merges = NULL;
    size_t n = 0, n_merges = 0;

    *out = NULL;
    EG_TRY(eg_file_read_in(&bytes, &n, in, name, MOST_BYTES, err));
    if (n > 0 && bytes[0] == '{' && !is_own((egi_bytes){bytes, n}))
        EG_TRY(read_beside(&merges, &n_merges, in, name, err));
    EG_TRY(eg_tokenizer_parse(out, bytes, n, merges, n_merges, name, err));
done:
    eg_free(bytes);
    eg_free(merges);
    return st;
}

/* The tokenizer's file of a folder, by name; found "": none. */
static eg_status look_in(char found[256], const eg_folder *f, eg_err *err)
{
    const char *const names[] = {
        EG_TOKENIZER_FILE, "tokenizer.json", vocabs[0],  vocabs[1],
        merge_files[1],    merge_files[0],   "vocab.txt"};
    DIR *d;
    int n = 0;

    found[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (eg_folder_has(f, names[i])) {
            (void)snprintf(found, 256, "%s", names[i]);
            return EG_OK;
        }
    d = egi_folder_list(f);
    if (!d) return EGI_FAIL_ERRNO(err, f->path);
    for (struct dirent *e; (e = readdir(d));)
        if (egi_text_ends(e->d_name, ".tiktoken") && n++ == 0)
            (void)snprintf(found, 256, "%s", e->d_name);
    (void)closedir(d);
    if (n > 1) found[0] = '\0';
    return EG_OK;
}

/* The tokenizer of a folder; *out NULL: it has none. */
static eg_status open_folder(eg_tokenizer **out, const char *path, eg_err *err)
{
    eg_folder f = {.fd = -1};
    char found[256], file[EGI_PATH];
    eg_status st;

    *out = NULL;
    EG_TRY(eg_folder_open(&f, path, err));
    EG_TRY(look_in(found, &f, err));
    if (!found[0]) goto done;
    (void)snprintf(file, sizeof file, "%.1200s/%s", path, found);
    EG_TRY(eg_tokenizer_open_in(out, NULL, file, err));
done:
    eg_folder_close(&f);
    return st;
}

eg_status eg_tokenizer_open(eg_tokenizer **out, const char *path, eg_err *err)
{
    struct stat info;
    eg_status st;

    *out = NULL;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return eg_tokenizer_open_in(out, NULL, path, err);
    st = open_folder(out, path, err);
    if (st != EG_OK || *out) return st;
    return EG_FAIL(
        err, EG_EFORMAT,
        "%s: no tokenizer in this folder; expected " EG_TOKENIZER_FILE
        ", tokenizer.json, vocab.json, vocab.bpe, merges.txt, "
        "vocab.txt or one .tiktoken file",
        path);
}

eg_status eg_tokenizer_beside(eg_tokenizer **out, const char *path, eg_err *err)
{
    char folder[EGI_PATH];

    beside(folder, path, ".");
    return open_folder(out, folder, err);
}
