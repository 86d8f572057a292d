/* Documents, from streams of bytes. */
#include "text/documents.h"

#include <string.h>

#include "base/json.h"
#include "engram/mem.h"
#include "text/unicode.h"

#define PART ((size_t)1 << 18) /* bytes after which a document may be cut */
/* A pipe of a corpus may be long: most_bytes is what bounds it. */
#define PIPE_BYTES ((size_t)1 << 48)
enum { LONGEST = 1 << 28 /* bytes without a place to cut */ };

eg_status egi_reader_open(egi_reader *r, const eg_corpus *c, eg_err *err)
{
    *r = (egi_reader){
        .c = c, .source = {.in = {.fd = -1}}, .late_from = INT64_MAX};
    return egi_files_list(&r->files, c, err);
}

void egi_reader_close(egi_reader *r)
{
    egi_stream_close(&r->source);
    egi_files_release(&r->files);
    eg_free(r->buf);
    *r = (egi_reader){.source = {.in = {.fd = -1}}};
}

int64_t egi_reader_at(const egi_reader *r)
{
    return r->read + (r->open ? r->source.read : 0);
}

bool egi_reader_single(const egi_reader *r)
{
    return r->files.n == 1 && r->c->unit == EG_DOCUMENT_FILE &&
           !egi_is_json_lines(r->files.path[0]);
}

eg_status egi_reader_count(const egi_reader *r, int64_t *bytes, eg_err *err)
{
    egi_stream s;
    char *buf = eg_calloc(PART, 1);
    size_t got = 1;
    eg_status st;

    *bytes = 0;
    st = egi_stream_open(&s, r->files.path[0], PIPE_BYTES, r->c->most_ratio,
                         err);
    if (st == EG_OK && !buf) st = EG_FAIL(err, EG_ENOMEM, "a corpus");
    while (st == EG_OK && got > 0) {
        st = egi_stream_read(&s, buf, PART, &got, err);
        *bytes += (int64_t)got;
    }
    egi_stream_close(&s);
    eg_free(buf);
    return st;
}

/* ---- bytes ahead ----------------------------------------------------------
 */

/* More into buf, behind what is there; *eof at the end of the file. */
static eg_status more(egi_reader *r, eg_err *err)
{
    size_t have = r->to - r->from, got;
    int64_t most = r->c->most_bytes > 0 ? r->c->most_bytes : (int64_t)1 << 42;
    eg_status st;

    if (r->from > 0 && have > 0) memmove(r->buf, r->buf + r->from, have);
    r->from = 0;
    r->to = have;
    if (have + PART > r->room) {
        size_t room = 2 * r->room + 2 * PART;
        char *buf = eg_realloc(r->buf, room);

        if (!buf) return EG_FAIL(err, EG_ENOMEM, "%zu bytes of text", room);
        r->buf = buf;
        r->room = room;
    }
    st = egi_stream_read(&r->source, r->buf + have, r->room - have, &got, err);
    if (st != EG_OK) return st;
    r->eof = got == 0;
    r->to += got;
    if (r->bytes + (int64_t)(r->to - r->from) > most)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: the corpus has more than %lld bytes of text",
                       r->files.path[r->file], (long long)most);
    return EG_OK;
}

/* At least n bytes ahead, or all there are. */
static eg_status ahead(egi_reader *r, size_t n, eg_err *err)
{
    eg_status st = EG_OK;

    while (st == EG_OK && !r->eof && r->to - r->from < n) st = more(r, err);
    return st;
}

static eg_status too_long(const egi_reader *r, const char *what, eg_err *err)
{
    return EG_FAIL(err, EG_EFORMAT, "%s: %s of more than %d bytes at byte %lld",
                   r->files.path[r->file], what, LONGEST, (long long)r->at);
}

/* Does white space end before s[n]? Of the characters above ASCII by their last
 * bytes; n > 0. */
static bool blank_before(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned a = s[n - 1], b = n > 1 ? s[n - 2] : 0, c = n > 2 ? s[n - 3] : 0;

    if (a < 0x80) return a == ' ' || (a >= 9 && a <= 13);
    if (b == 0xc2) return a == 0x85 || a == 0xa0;
    if (c == 0xe1) return b == 0x9a && a == 0x80;
    if (c == 0xe2)
        return (b == 0x80 &&
                (a <= 0x8a || a == 0xa8 || a == 0xa9 || a == 0xaf)) ||
               (b == 0x81 && a == 0x9f);
    return c == 0xe3 && b == 0x80 && a == 0x80;
}

/* The first place from `least` on where buf may be cut; SIZE_MAX: none yet. */
static size_t find_cut(const egi_reader *r, size_t least)
{
    const char *s = r->buf + r->from;
    size_t n = r->to - r->from;

    for (size_t i = least > 0 ? least : 1; i < n; i++)
        if ((s[i] == ' ' || s[i] == '\n') && !blank_before(s, i)) return i;
    return SIZE_MAX;
}

/* ---- parts ----------------------------------------------------------------
 */

/* The first n bytes ahead as a part; the document ends behind them, or not. */
static eg_status hand_out(egi_reader *r, egi_block *b, size_t n, bool ends,
                          eg_err *err)
{
    egi_part p = {.n = n,
                  .document = r->documents,
                  .begins = !r->inside,
                  .ends = ends,
                  .late = r->at >= r->late_from,
                  .path = r->files.path[r->file],
                  .byte = r->at};
    eg_status st = egi_block_add(b, &p, r->buf + r->from, err);

    r->inside = !ends;
    r->documents += ends;
    r->bytes += (int64_t)n;
    return st;
}

static void skip(egi_reader *r, size_t n)
{
    r->from += n;
    r->at += (int64_t)n;
}

/* A file as one document. */
static eg_status next_of_file(egi_reader *r, egi_block *b, eg_err *err)
{
    int64_t left = r->late_from - r->at;
    size_t least = left > 0 && left < (int64_t)PART ? (size_t)left : PART, cut;
    eg_status st = ahead(r, 2 * PART, err);

    if (st != EG_OK) return st;
    for (;;) {
        bool all = r->eof &&
                   (left <= 0 || left >= (int64_t)(r->to - r->from)) &&
                   r->to - r->from <= 2 * PART;

        cut = all ? SIZE_MAX : find_cut(r, least);
        if (cut != SIZE_MAX || r->eof) break;
        if (r->to - r->from > LONGEST)
            return too_long(r, "a text without a space", err);
        st = more(r, err);
        if (st != EG_OK) return st;
    }
    if (cut == SIZE_MAX) cut = r->to - r->from;
    if (cut > 0 || r->inside)
        st = hand_out(r, b, cut, r->eof && cut == r->to - r->from, err);
    skip(r, cut);
    return st;
}

/* The line ahead, without its end: *n bytes, and those of the end in *end. */
static eg_status line_ahead(egi_reader *r, size_t *n, size_t *end, eg_err *err)
{
    size_t seen = 0;
    const char *nl = NULL;

    *end = 0;
    for (;;) {
        const char *s = r->buf + r->from;
        size_t have = r->to - r->from;
        eg_status st;

        if (have > seen) nl = memchr(s + seen, '\n', have - seen);
        if (nl) *n = (size_t)(nl - s);
        if (nl || r->eof) break;
        if (have > LONGEST) return too_long(r, "a line", err);
        seen = have;
        st = more(r, err);
        if (st != EG_OK) return st;
    }
    if (!nl) *n = r->to - r->from;
    *end = nl ? 1 : 0;
    if (*n > 0 && r->buf[r->from + *n - 1] == '\r') {
        (*n)--;
        (*end)++;
    }
    return EG_OK;
}

static eg_status next_line(egi_reader *r, egi_block *b, eg_err *err)
{
    size_t n, end;
    eg_status st = line_ahead(r, &n, &end, err);

    if (st == EG_OK && n > 0) st = hand_out(r, b, n, true, err);
    if (st == EG_OK) skip(r, n + end);
    return st;
}

/* Does a paragraph end in s[n], at an empty line or the end of the file? Its
 * bytes, and how many belong to it in all. */
static bool paragraph_in(const char *s, size_t n, bool eof, size_t *text,
                         size_t *all)
{
    size_t at = 0;
    bool empty = false;

    while (at < n && !empty) {
        const char *nl = memchr(s + at, '\n', n - at);
        size_t end = nl ? (size_t)(nl - s) : n;

        if (!nl && !eof) return false;
        empty = end == at || (end == at + 1 && s[at] == '\r');
        *text = empty ? at : n;
        *all = nl ? end + 1 : n;
        at = *all;
    }
    if (!empty && !eof) return false;
    while (*text > 0 && (s[*text - 1] == '\n' || s[*text - 1] == '\r'))
        (*text)--;
    return true;
}

static eg_status next_paragraph(egi_reader *r, egi_block *b, eg_err *err)
{
    size_t text = 0, all = 0;
    eg_status st = EG_OK;

    while (
        !paragraph_in(r->buf + r->from, r->to - r->from, r->eof, &text, &all)) {
        if (r->to - r->from > LONGEST) return too_long(r, "a paragraph", err);
        st = more(r, err);
        if (st != EG_OK) return st;
    }
    if (text > 0) st = hand_out(r, b, text, true, err);
    if (st == EG_OK) skip(r, all);
    return st;
}

/* The text of a JSON object. */
static eg_status put_json(egi_reader *r, egi_block *b, const char *s, size_t n,
                          eg_err *err)
{
    const char *key = r->c->key ? r->c->key : "text";
    const char *path = r->files.path[r->file];
    json_error_t why;
    json_t *json = egi_json_parse(s, n, JSON_ALLOW_NUL, &why), *text;
    egi_part p = {.document = r->documents,
                  .begins = true,
                  .ends = true,
                  .path = path,
                  .line = r->line};
    eg_status st = EG_OK;

    if (!json)
        return EG_FAIL(err, egi_json_status(&why),
                       "%s: line %lld, column %d: %s", path, (long long)r->line,
                       why.column, why.text);
    text = json_object_get(json, key);
    p.n = json_string_length(text);
    if (!json_is_string(text))
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s: line %lld: expected an object with a string \"%s\"",
                     path, (long long)r->line, key);
    else if (p.n > 0)
        st = egi_block_add(b, &p, json_string_value(text), err);
    if (st == EG_OK && p.n > 0) {
        r->documents++;
        r->bytes += (int64_t)p.n;
    }
    json_decref(json);
    return st;
}

static eg_status next_json(egi_reader *r, egi_block *b, eg_err *err)
{
    size_t n, end, size;
    char *mended = NULL;
    int bad;
    eg_status st = line_ahead(r, &n, &end, err);
    const char *s = r->buf + r->from;

    if (st != EG_OK) return st;
    r->line++;
    if (n > 0 && r->c->replace && egi_utf8_until(s, n, &bad) < n) {
        st = egi_utf8_mend(s, n, &mended, &size, err);
        if (st == EG_OK) st = put_json(r, b, mended, size, err);
        eg_free(mended);
    } else if (n > 0) {
        st = put_json(r, b, s, n, err);
    }
    skip(r, n + end);
    return st;
}

/* ---- files ----------------------------------------------------------------
 */

static eg_status open_file(egi_reader *r, eg_err *err)
{
    eg_status st = egi_stream_open(&r->source, r->files.path[r->file],
                                   PIPE_BYTES, r->c->most_ratio, err);

    r->open = st == EG_OK;
    r->eof = false;
    r->from = r->to = 0;
    r->at = r->line = 0;
    r->inside = false;
    return st;
}

static void close_file(egi_reader *r)
{
    r->read += r->source.read;
    egi_stream_close(&r->source);
    r->open = false;
    r->file++;
}

static eg_status next_part(egi_reader *r, egi_block *b, eg_err *err)
{
    if (egi_is_json_lines(r->files.path[r->file])) return next_json(r, b, err);
    switch (r->c->unit) {
    case EG_DOCUMENT_LINE:
        return next_line(r, b, err);
    case EG_DOCUMENT_PARAGRAPH:
        return next_paragraph(r, b, err);
    default:
        return next_of_file(r, b, err);
    }
}

eg_status egi_reader_next(egi_reader *r, egi_block *b, eg_err *err)
{
    eg_status st = EG_OK;

    b->n = 0;
    b->n_parts = 0;
    while (b->n < EGI_BLOCK && r->file < r->files.n) {
        if (!r->open) EG_TRY(open_file(r, err));
        EG_TRY(ahead(r, 1, err));
        if (r->eof && r->from == r->to)
            close_file(r);
        else
            EG_TRY(next_part(r, b, err));
    }
done:
    return st;
}
