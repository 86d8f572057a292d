/* See engram/notes.h. Processes that change the notes of one run wait for each
 * other by a lock on its folder, which leaves nothing behind. */
#include "engram/notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include "base/json.h"
#include "base/text.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/run_priv.h"

enum { MOST_BYTES = 1 << 26, MOST_TEXT = 65536, MOST_TAGS = 128 };
static const char format[] = "engram-notes";

/* ---- out of the file ------------------------------------------------------
 */

static int by_bytes(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Why text [n] is no tag; NULL: it is one. */
static const char *not_a_tag(const char *text, size_t n)
{
    uint32_t code;

    if (n == 0) return "it is empty";
    if (n >= EG_TAG) return "it has more than 63 bytes";
    if (text[0] == '+' || text[0] == '-') return "it begins with a sign";
    for (size_t i = 0; i < n;) {
        int k = eg_text_char(text + i, &code);

        if (k == 0) return "it is not UTF-8";
        if (code <= ' ' || code == ',' || eg_text_acts(code))
            return "it holds a blank, a comma or a control";
        i += (size_t)k;
    }
    return NULL;
}

static eg_status bad(const eg_folder *f, const char *what, eg_err *err)
{
    return EG_FAIL(err, EG_EFORMAT, "%s/%s: %s", f->path, EGI_NOTES, what);
}

static eg_status no_memory(eg_err *err)
{
    return EG_FAIL(err, EG_ENOMEM, "notes: out of memory");
}

static eg_status take_tags(eg_notes *n, const json_t *o, const eg_folder *f,
                           eg_err *err)
{
    const json_t *tags = json_object_get(o, "tags");
    size_t all = json_array_size(tags), bytes = 0;

    if (all > MOST_TAGS) return bad(f, "too many tags", err);
    n->tag = eg_calloc(MOST_TAGS, sizeof *n->tag);
    if (!n->tag) return no_memory(err);
    for (size_t i = 0; i < all; i++) {
        const char *t = json_string_value(json_array_get(tags, i));

        if (!t || not_a_tag(t, strlen(t)))
            return bad(f, "expected tags, found something else", err);
        bytes += strlen(t) + 2;
        if (bytes > EG_TAGS + 2) return bad(f, "too many tags", err);
        (void)snprintf(n->tag[n->n_tags++], EG_TAG, "%s", t);
    }
    return EG_OK;
}

static eg_status take_notes(eg_notes *n, const json_t *o, const eg_folder *f,
                            eg_err *err)
{
    const json_t *notes = json_object_get(o, "notes");
    size_t all = json_array_size(notes);

    if (all > EG_NOTES_MAX) return bad(f, "too many notes", err);
    n->note = eg_calloc(all + 1, sizeof *n->note); /* room for one more */
    if (!n->note) return no_memory(err);
    for (size_t i = 0; i < all; i++) {
        const json_t *note = json_array_get(notes, i);
        const char *at = json_string_value(json_object_get(note, "at"));
        const char *text = json_string_value(json_object_get(note, "text"));

        if (!at || !text || strlen(at) >= sizeof n->note->at)
            return bad(f, "expected notes, found something else", err);
        (void)snprintf(n->note[i].at, sizeof n->note[i].at, "%s", at);
        n->note[i].text = eg_strdup(text);
        if (!n->note[i].text) return no_memory(err);
        n->n++;
    }
    return EG_OK;
}

/* Is it a file of notes, as it was written? */
static eg_status check(json_t *o, const char *text, size_t size,
                       const eg_folder *f, eg_err *err)
{
    const char *is = json_string_value(json_object_get(o, "format"));
    char *again;
    eg_status st = EG_OK;

    if (!is || strcmp(is, format) != 0)
        return bad(f, "expected \"format\": \"engram-notes\"", err);
    if (!json_is_array(json_object_get(o, "tags")) ||
        !json_is_array(json_object_get(o, "notes")))
        return bad(f, "expected lists of tags and notes", err);
    again = egi_record_print(o);
    if (!again) return no_memory(err);
    if (strlen(again) != size || memcmp(again, text, size) != 0)
        st = bad(f, "damaged or edited: its checksum is not that of its text",
                 err);
    eg_free(again);
    return st;
}

eg_status egi_notes_read(eg_notes *out, const eg_folder *f, eg_err *err)
{
    char *text = NULL;
    size_t size = 0;
    json_t *o = NULL;
    json_error_t why;
    eg_status st = EG_OK;

    *out = (eg_notes){0};
    if (!eg_folder_has(f, EGI_NOTES)) {
        EG_TRY(take_tags(out, NULL, f, err));
        EG_TRY(take_notes(out, NULL, f, err));
        return EG_OK;
    }
    EG_TRY(eg_file_read_in(&text, &size, f, EGI_NOTES, MOST_BYTES, err));
    o = egi_json_parse(text, size, 0, &why);
    if (!json_is_object(o)) {
        st = EG_FAIL(err, o ? EG_EFORMAT : egi_json_status(&why),
                     "%s/%s:%d: %s", f->path, EGI_NOTES, o ? 1 : why.line,
                     o ? "not an object" : why.text);
        goto done;
    }
    EG_TRY(check(o, text, size, f, err));
    EG_TRY(take_tags(out, o, f, err));
    EG_TRY(take_notes(out, o, f, err));
done:
    json_decref(o);
    eg_free(text);
    if (st != EG_OK) eg_notes_release(out);
    return st;
}

eg_status eg_notes_read(eg_notes *out, const char *dir, eg_err *err)
{
    eg_folder f;
    eg_status st = eg_folder_open(&f, dir, err);

    *out = (eg_notes){0};
    if (st == EG_OK) st = egi_notes_read(out, &f, err);
    eg_folder_close(&f);
    return st;
}

void eg_notes_release(eg_notes *n)
{
    for (int i = 0; i < n->n; i++) eg_free(n->note[i].text);
    eg_free(n->note);
    eg_free(n->tag);
    *n = (eg_notes){0};
}

eg_status egi_notes_into(eg_run_info *info, const eg_folder *f, eg_err *err)
{
    eg_notes n;
    size_t at = 0;
    eg_status st;

    if (!eg_folder_has(f, EGI_NOTES)) return EG_OK;
    st = egi_notes_read(&n, f, err);
    if (st != EG_OK) return st == EG_ENOMEM ? st : EG_OK;
    for (int i = 0; i < n.n_tags; i++)
        at += (size_t)snprintf(info->tags + at, sizeof info->tags - at, "%s%s",
                               i ? ", " : "", n.tag[i]);
    info->n_notes = n.n;
    if (n.n > 0)
        (void)eg_text_clean(info->note, sizeof info->note,
                            n.note[n.n - 1].text);
    eg_notes_release(&n);
    return EG_OK;
}

/* ---- into it --------------------------------------------------------------
 */

static json_t *to_json(const eg_notes *n)
{
    json_t *tags = json_array(), *notes = json_array(), *o;
    int failed = 0;

    for (int i = 0; i < n->n_tags; i++)
        failed |= json_array_append_new(tags, egi_json_text(n->tag[i]));
    for (int i = 0; i < n->n; i++)
        failed |= json_array_append_new(
            notes, json_pack("{s:s, s:o}", "at", n->note[i].at, "text",
                             egi_json_text(n->note[i].text)));
    o = json_pack("{s:s, s:i, s:o, s:o}", "format", format, "version", 1,
                  "tags", tags, "notes", notes);
    return egi_json_whole(o, failed != 0);
}

static eg_status write(const eg_notes *n, const eg_folder *f, eg_err *err)
{
    json_t *o = to_json(n);
    char *text = o ? egi_record_print(o) : NULL;
    eg_status st = text
                       ? eg_file_write_in(f, EGI_NOTES, text, strlen(text), err)
                       : no_memory(err);

    eg_free(text);
    json_decref(o);
    return st;
}

typedef eg_status (*change_fn)(eg_notes *n, const void *ctx, eg_err *err);

/* Nothing is written where nothing changed. */
static eg_status change(const char *dir, change_fn fn, const void *ctx,
                        eg_err *err)
{
    eg_folder f;
    eg_notes n = {0};
    int tags;
    eg_status st = eg_folder_open(&f, dir, err);

    if (st != EG_OK) return st;
    if (!eg_folder_has(&f, EGI_RECORD) && !eg_folder_has(&f, "config.yaml")) {
        st = EG_FAIL(err, EG_EINVAL, "%s: is no run", f.path);
        goto done;
    }
    /* where a folder cannot be locked, the last one who writes counts */
    while (flock(f.fd, LOCK_EX) != 0 && errno == EINTR) continue;
    EG_TRY(egi_notes_read(&n, &f, err));
    tags = n.n_tags;
    EG_TRY(fn(&n, ctx, err));
    if (n.n_tags > 0 || n.n > 0 || tags > 0) st = write(&n, &f, err);
done:
    eg_notes_release(&n);
    eg_folder_close(&f);
    return st;
}

static void remove_tag(eg_notes *n, const char *tag)
{
    for (int i = 0; i < n->n_tags; i++) {
        if (strcmp(n->tag[i], tag) != 0) continue;
        memmove(n->tag[i], n->tag[i + 1],
                (size_t)(--n->n_tags - i) * sizeof *n->tag);
        return;
    }
}

static eg_status add_tag(eg_notes *n, const char *tag, eg_err *err)
{
    size_t bytes = strlen(tag);

    for (int i = 0; i < n->n_tags; i++) {
        if (strcmp(n->tag[i], tag) == 0) return EG_OK;
        bytes += strlen(n->tag[i]) + 2;
    }
    if (bytes > EG_TAGS || n->n_tags == MOST_TAGS)
        return EG_FAIL(err, EG_EINVAL,
                       "tag '%s': no room, all tags of a run are expected to "
                       "have at most %d bytes",
                       tag, EG_TAGS);
    (void)snprintf(n->tag[n->n_tags++], EG_TAG, "%s", tag);
    qsort(n->tag, (size_t)n->n_tags, sizeof *n->tag, by_bytes);
    return EG_OK;
}

typedef struct tags {
    const char *const *change;
    int n;
} tags;

static eg_status change_tags(eg_notes *n, const void *ctx, eg_err *err)
{
    const tags *t = ctx;
    eg_status st = EG_OK;

    for (int i = 0; i < t->n && st == EG_OK; i++) {
        if (t->change[i][0] == '-')
            remove_tag(n, t->change[i] + 1);
        else
            st = add_tag(n, t->change[i] + 1, err);
    }
    return st;
}

eg_status eg_tags_change(const char *dir, const char *const *list, int n,
                         eg_err *err)
{
    tags t = {list, n};

    for (int i = 0; i < n; i++) {
        const char *s = list[i], *why;

        if (s[0] != '+' && s[0] != '-')
            return EG_FAIL(err, EG_EINVAL,
                           "expected +TAG or -TAG, found '%.*s'",
                           eg_text_fit(s, 80), s);
        why = not_a_tag(s + 1, strlen(s + 1));
        if (why)
            return EG_FAIL(err, EG_EINVAL, "tag '%.*s': %s",
                           eg_text_fit(s + 1, 80), s + 1, why);
    }
    return change(dir, change_tags, &t, err);
}

static eg_status add_note(eg_notes *n, const void *ctx, eg_err *err)
{
    eg_note *note = &n->note[n->n];

    if (n->n == EG_NOTES_MAX)
        return EG_FAIL(err, EG_EINVAL, "notes: a run has at most %d",
                       EG_NOTES_MAX);
    note->text = eg_strdup(ctx);
    if (!note->text) return no_memory(err);
    egi_now(note->at);
    n->n++;
    return EG_OK;
}

eg_status eg_note_add(const char *dir, const char *text, eg_err *err)
{
    if (!text[0] || strlen(text) > MOST_TEXT || !egi_utf8_valid(text))
        return EG_FAIL(err, EG_EINVAL,
                       "note: expected 1 to %d bytes of UTF-8, found %zu%s",
                       MOST_TEXT, strlen(text),
                       egi_utf8_valid(text) ? "" : " that are none");
    return change(dir, add_note, text, err);
}
