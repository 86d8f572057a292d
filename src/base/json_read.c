/* JSON text (RFC 8259) as values of jansson.
 *
 * jansson's own reader does not look whether its buffer could grow: out of
 * memory it drops bytes of a number or runs past the end of a string. This one
 * keeps the texts of strings and names on a stack of its own, and looks. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "base/text.h"
#include "engram/mem.h"

typedef struct reader {
    const char *bytes, *at, *end;
    size_t flags;
    json_error_t *why;
    bool failed;
    int depth;
    char *text; /* names on the way, and the string being read */
    size_t used, room;
} reader;

/* ---- failures ------------------------------------------------------------ */

static void place(const reader *r, json_error_t *why)
{
    const char *line = r->bytes;

    why->line = 1;
    for (const char *p = r->bytes; p < r->at; p++) {
        if (*p != '\n') continue;
        why->line++;
        line = p + 1;
    }
    why->column = (int)(r->at - line) + 1;
    why->position = (int)(r->at - r->bytes);
}

static json_t *fail(reader *r, enum json_error_code code, const char *fmt, ...)
    EG_PRINTF(3, 4);

static json_t *fail(reader *r, enum json_error_code code, const char *fmt, ...)
{
    va_list ap;

    if (r->failed) return NULL; /* the first one counts */
    r->failed = true;
    if (!r->why) return NULL;
    memset(r->why, 0, sizeof *r->why);
    place(r, r->why);
    va_start(ap, fmt);
    (void)egi_vsnprintf(r->why->text, sizeof r->why->text - 1, fmt, ap);
    va_end(ap);
    r->why->text[sizeof r->why->text - 1] = (char)code; /* jansson's place */
    return NULL;
}

static json_t *no_memory(reader *r)
{
    return fail(r, json_error_out_of_memory, "out of memory");
}

/* "expected a value, found 'x'" */
static json_t *unexpected(reader *r, const char *expected)
{
    char found[32] = "";
    int n = 0;

    if (r->at == r->end)
        return fail(r, json_error_invalid_syntax, "expected %s, found the end",
                    expected);
    while (n < 16 && r->at + n < r->end && r->at[n] >= ' ' && r->at[n] < 127)
        n++;
    memcpy(found, r->at, (size_t)n);
    if (n == 0)
        (void)snprintf(found, sizeof found, "\\x%02x",
                       (unsigned)(unsigned char)*r->at);
    return fail(r, json_error_invalid_syntax, "expected %s, found '%s'",
                expected, found);
}

/* The same where no value is asked for. */
static bool refuse(reader *r, const char *expected)
{
    (void)unexpected(r, expected);
    return false;
}

static json_t *made(reader *r, json_t *j)
{
    return j ? j : no_memory(r);
}

/* ---- tokens -------------------------------------------------------------- */

static void skip(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' ||
                              *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool accept(reader *r, char c)
{
    bool there = r->at < r->end && *r->at == c;

    r->at += there;
    return there;
}

static bool take(reader *r, char c)
{
    skip(r);
    return accept(r, c);
}

static bool put(reader *r, const char *bytes, size_t n)
{
    if (r->used + n + 1 > r->room) {
        size_t room = 2 * (r->used + n + 1);
        char *text = eg_realloc(r->text, room);

        if (!text) {
            (void)no_memory(r);
            return false;
        }
        r->text = text;
        r->room = room;
    }
    memcpy(r->text + r->used, bytes, n);
    r->used += n;
    r->text[r->used] = '\0';
    return true;
}

static bool hex(reader *r, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        int digit = r->at < r->end ? egi_hex(*r->at) : -1;

        if (digit < 0) return refuse(r, "four hexadecimal digits");
        *code = 16 * *code + (uint32_t)digit;
    }
    return true;
}

/* Behind \u: one code point, which may take a second escape. */
static bool put_code(reader *r)
{
    const char *from = r->at - 2;
    uint32_t code, low = 0;
    char utf8[4];

    if (!hex(r, &code)) return false;
    if (code >= 0xd800 && code < 0xdc00 && accept(r, '\\') && accept(r, 'u')) {
        if (!hex(r, &low)) return false;
        if (low >= 0xdc00 && low < 0xe000)
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if ((code == 0 && !(r->flags & JSON_ALLOW_NUL)) ||
        (code >= 0xd800 && code < 0xe000)) {
        r->at = from;
        return refuse(r, "a character");
    }
    return put(r, utf8, (size_t)egi_utf8_put(utf8, code));
}

static bool put_escape(reader *r)
{
    static const char escape[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    const char *e;

    r->at++;
    if (accept(r, 'u')) return put_code(r);
    e = r->at < r->end && *r->at ? strchr(escape, *r->at) : NULL;
    if (!e) return refuse(r, "an escape");
    r->at++;
    return put(r, means + (e - escape), 1);
}

/* One character as it stands, if it is UTF-8. */
static bool put_character(reader *r)
{
    char whole[5] = "";
    size_t left = (size_t)(r->end - r->at);
    uint32_t code;
    int n;

    memcpy(whole, r->at, left < 4 ? left : 4);
    n = eg_text_char(whole, &code);
    if (n == 0 || (unsigned char)*whole < ' ')
        return refuse(r, n ? "no control character" : "UTF-8");
    if (!put(r, whole, (size_t)n)) return false;
    r->at += n;
    return true;
}

/* The string whose quote comes next, put on the stack. */
static bool put_string(reader *r)
{
    if (!take(r, '"')) return refuse(r, "a string");
    if (!put(r, "", 0)) return false;
    for (;;) {
        const char *from = r->at;

        while (r->at < r->end && *r->at >= ' ' && *r->at < 127 &&
               *r->at != '"' && *r->at != '\\')
            r->at++;
        if (!put(r, from, (size_t)(r->at - from))) return false;
        if (r->at == r->end) return refuse(r, "a string to end");
        if (accept(r, '"')) return true;
        if (*r->at == '\\' ? !put_escape(r) : !put_character(r)) return false;
    }
}

/* ---- values -------------------------------------------------------------- */

static json_t *value(reader *r);

static json_t *string(reader *r)
{
    size_t from = r->used;
    json_t *j = NULL;

    if (put_string(r))
        j = made(r, json_stringn_nocheck(r->text + from, r->used - from));
    r->used = from;
    return j;
}

static bool digits(reader *r)
{
    const char *from = r->at;

    while (r->at < r->end && egi_is_digit(*r->at)) r->at++;
    return r->at > from || refuse(r, "a digit");
}

/* At the number whose text was put on the stack at `from`. */
static json_t *number_of(reader *r, size_t from, bool real)
{
    const char *text = r->text + from;
    json_int_t v;

    if (real) {
        double x = egi_strtod(text, NULL);

        return x - x == 0 ? made(r, json_real(x))
                          : fail(r, json_error_numeric_overflow,
                                 "too large a number: %.40s", text);
    }
    errno = 0;
    v = strtoll(text, NULL, 10);
    if (errno == ERANGE)
        return fail(r, json_error_numeric_overflow,
                    "too large an integer: %.40s", text);
    /* an integer of no sign would lose that of -0 */
    return made(r, *text == '-' && v == 0 ? json_real(-0.0) : json_integer(v));
}

static json_t *number(reader *r)
{
    const char *from = r->at;
    size_t stack = r->used;
    bool real;
    json_t *j = NULL;

    (void)accept(r, '-');
    if (!accept(r, '0') && !digits(r)) return NULL;
    real = accept(r, '.');
    if (real && !digits(r)) return NULL;
    if (accept(r, 'e') || accept(r, 'E')) {
        real = true;
        if (!accept(r, '+')) (void)accept(r, '-');
        if (!digits(r)) return NULL;
    }
    if (put(r, from, (size_t)(r->at - from))) j = number_of(r, stack, real);
    r->used = stack;
    return j;
}

static json_t *array(reader *r)
{
    json_t *list = made(r, json_array());

    if (!list || take(r, ']')) return list;
    do {
        json_t *j = value(r);

        if (j && json_array_append_new(list, j)) (void)no_memory(r);
    } while (!r->failed && take(r, ','));
    if (!r->failed && !take(r, ']')) (void)unexpected(r, "a comma or ]");
    return egi_json_whole(list, r->failed);
}

/* A name, a colon, a value. */
static void member(reader *r, json_t *object)
{
    size_t from = r->used;
    const char *at;
    json_t *j;

    skip(r);
    at = r->at;
    if (put_string(r)) {
        bool cut = strlen(r->text + from) < r->used - from;

        r->used++; /* its 0 stays */
        if (cut) {
            r->at = at;
            (void)unexpected(r, "a name without \\u0000");
        } else if ((r->flags & JSON_REJECT_DUPLICATES) &&
                   json_object_get(object, r->text + from)) {
            r->at = at;
            (void)fail(r, json_error_duplicate_key, "duplicate name '%.60s'",
                       r->text + from);
        } else if (!take(r, ':')) {
            (void)unexpected(r, "a colon");
        } else {
            j = value(r);
            if (j && json_object_set_new_nocheck(object, r->text + from, j))
                (void)no_memory(r);
        }
    }
    r->used = from;
}

static json_t *object(reader *r)
{
    json_t *o = made(r, json_object());

    if (!o || take(r, '}')) return o;
    do member(r, o);
    while (!r->failed && take(r, ','));
    if (!r->failed && !take(r, '}')) (void)unexpected(r, "a comma or }");
    return egi_json_whole(o, r->failed);
}

static bool word(reader *r, const char *w)
{
    size_t n = strlen(w);

    if ((size_t)(r->end - r->at) < n || memcmp(r->at, w, n) != 0) return false;
    r->at += n;
    return true;
}

static json_t *nested(reader *r, json_t *(*read)(reader *r))
{
    json_t *j;

    if (r->depth == EGI_JSON_DEPTH)
        return fail(r, json_error_stack_overflow, "nested more than %d deep",
                    EGI_JSON_DEPTH);
    r->at++;
    r->depth++;
    j = read(r);
    r->depth--;
    return j;
}

static json_t *value(reader *r)
{
    skip(r);
    if (r->at < r->end) {
        if (*r->at == '{') return nested(r, object);
        if (*r->at == '[') return nested(r, array);
        if (*r->at == '"') return string(r);
        if (*r->at == '-' || egi_is_digit(*r->at)) return number(r);
        if (word(r, "true")) return json_true();
        if (word(r, "false")) return json_false();
        if (word(r, "null")) return json_null();
    }
    return unexpected(r, "a value");
}

json_t *egi_json_parse(const char *bytes, size_t size, size_t flags,
                       json_error_t *why)
{
    reader r = {.bytes = bytes,
                .at = bytes,
                .end = bytes + size,
                .flags = flags,
                .why = why};
    json_t *j = NULL;

    skip(&r);
    if (r.at < r.end && (*r.at == '{' || *r.at == '['))
        j = value(&r);
    else
        (void)unexpected(&r, "[ or {");
    skip(&r);
    if (j && r.at < r.end) (void)unexpected(&r, "the end");
    eg_free(r.text);
    return egi_json_whole(j, r.failed);
}
