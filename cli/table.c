/* Results on stdout: tables and JSON, in which names cannot act on a terminal,
 * and columns are counted as a terminal counts them. */
/* glibc's switches for wcwidth, and for all the rest beside it.
 * NOLINTBEGIN(bugprone-reserved-identifier) */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE
/* NOLINTEND(bugprone-reserved-identifier) */
#include "cli.h"

#include <jansson.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>
#include <wchar.h>
#include "engram/mem.h"

/* ---- columns ------------------------------------------------------------- */

/* wcwidth knows widths in a locale of UTF-8 only, which the user's need not
 * be: names are UTF-8 whatever it is. (locale_t)0 where there is none. */
static locale_t utf8(void)
{
    static locale_t locale;
    static bool tried;

    if (!tried) locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    tried = true;
    return locale;
}

/* Columns of the character at s, its bytes in *n; what is no character, one a
 * byte. */
static int width_at(const char *s, int *n)
{
    uint32_t code = 0;
    locale_t before;
    int w;

    *n = eg_text_char(s, &code);
    if (*n == 0) *n = 1;
    if (*n == 1 || !utf8()) return 1;
    before = uselocale(utf8());
    w = wcwidth((wchar_t)code);
    uselocale(before);
    return w < 0 ? 1 : w;
}

int cli_columns(const char *s)
{
    int columns = 0;

    for (int n; *s; s += n) columns += width_at(s, &n);
    return columns;
}

size_t cli_fit(const char *s, int columns)
{
    size_t bytes = 0;

    for (int n; s[bytes]; bytes += (size_t)n) {
        columns -= width_at(s + bytes, &n);
        if (columns < 0) break;
    }
    return bytes;
}

/* ---- tables -------------------------------------------------------------- */

struct cli_table {
    int columns, n, cap;
    char **cell;
    bool failed; /* a cell is missing */
};

cli_table *cli_table_new(int columns)
{
    cli_table *t = eg_calloc(1, sizeof *t);

    if (t) t->columns = columns;
    return t;
}

void cli_table_cell(cli_table *t, const char *fmt, ...)
{
    char raw[1024], text[2048];
    va_list ap;

    if (!t || t->failed) return;
    va_start(ap, fmt);
    vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    if (t->n == t->cap) {
        int cap = t->cap ? 2 * t->cap : 64;
        char **more = eg_realloc(t->cell, (size_t)cap * sizeof *more);

        t->failed = !more;
        if (t->failed) return;
        t->cell = more;
        t->cap = cap;
    }
    (void)eg_text_clean(text, sizeof text, raw);
    t->cell[t->n] = eg_strdup(text);
    t->failed = !t->cell[t->n];
    if (!t->failed) t->n++;
}

void cli_table_free(cli_table *t)
{
    if (!t) return;
    for (int i = 0; i < t->n; i++) eg_free(t->cell[i]);
    eg_free(t->cell);
    eg_free(t);
}

/* All lines in one write. */
static bool print_lines(const cli_table *t, const int *width)
{
    size_t bytes = 1, n;
    char *text, *to;

    for (int i = 0; i < t->n; i++)
        bytes += strlen(t->cell[i]) + (size_t)width[i % t->columns] + 2;
    text = to = eg_calloc(bytes, 1);
    if (!text) return false;
    for (int i = 0; i < t->n; i++) {
        int blank = width[i % t->columns] - cli_columns(t->cell[i]) + 2;
        bool last = i % t->columns == t->columns - 1;

        n = strlen(t->cell[i]);
        memcpy(to, t->cell[i], n);
        memset(to + n, last ? '\n' : ' ', last ? 1 : (size_t)blank);
        to += n + (last ? 1 : (size_t)blank);
    }
    (void)fwrite(text, 1, (size_t)(to - text), stdout);
    eg_free(text);
    return true;
}

int cli_table_print(cli_table *t)
{
    int width[CLI_MOST_COLUMNS] = {0};
    bool whole = t && !t->failed;

    for (int i = 0; whole && i < t->n; i++) {
        int w = cli_columns(t->cell[i]);

        EG_ASSERT(t->columns <= CLI_MOST_COLUMNS);
        if (w > width[i % t->columns]) width[i % t->columns] = w;
    }
    whole = whole && print_lines(t, width);
    cli_table_free(t);
    return whole ? CLI_DONE : cli_fail(CLI_FAILED, "out of memory");
}

/* ---- JSON ---------------------------------------------------------------- */

/* JSON escapes the controls of ASCII itself but for the last; the others, which
 * it may keep, are escaped here. They stand inside strings only. */
static int put_json(const char *text, size_t n, void *ctx)
{
    size_t from = 0; /* what is not yet written */

    (void)ctx;
    for (size_t i = 0; i < n;) {
        char one[5] = "";
        uint32_t code = 0;
        size_t left = n - i;
        int k;

        if ((unsigned char)text[i] < 0x7f) {
            i++;
            continue;
        }
        memcpy(one, text + i, left < 4 ? left : 4);
        k = eg_text_char(one, &code);
        if (k > 0 && eg_text_acts(code)) {
            fwrite(text + from, 1, i - from, stdout);
            printf("\\u%04x", (unsigned)code);
            from = i + (size_t)k;
        }
        i += (size_t)(k > 0 ? k : 1);
    }
    fwrite(text + from, 1, n - from, stdout);
    return 0;
}

int cli_print_json_text(const char *text)
{
    put_json(text, strlen(text), NULL);
    puts("");
    return ferror(stdout)
               ? cli_fail(CLI_FAILED, "cannot write to standard output")
               : CLI_DONE;
}

json_t *cli_json_string(const char *s)
{
    char text[2048];
    json_t *j = json_string(s);

    if (j) return j;
    (void)eg_text_clean(text, sizeof text, s);
    return json_string(text);
}

static bool something_missing;

void cli_json_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0) something_missing = true;
}

void cli_json_add(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0) something_missing = true;
}

char *cli_json_text(json_t *json)
{
    size_t how = JSON_INDENT(2) | JSON_REAL_PRECISION(9);
    /* json_dumps leaves out what its buffer cannot grow for */
    size_t size = something_missing ? 0 : json_dumpb(json, NULL, 0, how);
    char *text = size > 0 ? eg_calloc(size + 1, 1) : NULL;

    if (text && json_dumpb(json, text, size, how) != size) {
        eg_free(text);
        text = NULL;
    }
    json_decref(json);
    return text;
}

int cli_print_json(json_t *json)
{
    int bad = !json || something_missing ||
              json_dump_callback(json, put_json, NULL,
                                 JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0;

    json_decref(json);
    if (bad) return cli_fail(CLI_FAILED, "out of memory");
    return cli_print_json_text("");
}

/* ---- either ---------------------------------------------------------------
 */

void cli_listing_begin(cli_listing *l, const cli_args *a,
                       const char *const *head, int columns)
{
    bool json = cli_flag(a, "json");

    *l = (cli_listing){.table = json ? NULL : cli_table_new(columns),
                       .json = json ? json_array() : NULL};
    for (int i = 0; i < columns && !json; i++)
        cli_table_cell(l->table, "%s", head[i]);
}

void cli_listing_drop(cli_listing *l)
{
    cli_table_free(l->table);
    json_decref(l->json);
    *l = (cli_listing){0};
}
