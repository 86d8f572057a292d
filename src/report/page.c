/* A page from its fixed parts, which are real files in src/report/page, and its
 * data as JSON. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engram/lab.h"
#include "report/report_impl.h"

/* JSON inside a script element: no "<" may be seen by the HTML parser. */
static void put_json(FILE *f, const char *text)
{
    const char *p = text, *lt;

    for (; (lt = strchr(p, '<')); p = lt + 1) {
        fwrite(p, 1, (size_t)(lt - p), f);
        fputs("\\u003c", f);
    }
    fputs(p, f);
}

/* What a page is made of. */
typedef struct parts {
    const char *title, *json;
    int depth; /* of parts in parts; a file that holds itself is a bug */
} parts;

static const egi_page_part *part_find(const char *name, size_t n)
{
    const egi_page_part *p = egi_page_parts;

    while (p->name && (strlen(p->name) != n || memcmp(p->name, name, n) != 0))
        p++;
    return p->name ? p : NULL;
}

const char *egi_page_text(const char *name)
{
    const egi_page_part *p = part_find(name, strlen(name));

    EG_ASSERT(p);
    return p->text;
}

static void put_page(FILE *f, const char *text, parts *in);

static void put_part(FILE *f, const char *name, size_t n, parts *in)
{
    const egi_page_part *p = part_find(name, n);

    if (n == 4 && memcmp(name, "data", 4) == 0)
        put_json(f, in->json);
    else if (n == 5 && memcmp(name, "title", 5) == 0)
        fputs(in->title, f);
    else if (p && strstr(p->name, ".html"))
        put_page(f, p->text, in);
    else if (p)
        fputs(p->text, f);
}

/* A text with every {{name}} replaced. */
static void put_page(FILE *f, const char *text, parts *in)
{
    const char *p = text, *open, *close;

    in->depth++;
    EG_ASSERT(in->depth < 8);
    while ((open = strstr(p, "{{")) && (close = strstr(open, "}}"))) {
        fwrite(p, 1, (size_t)(open - p), f);
        put_part(f, open + 2, (size_t)(close - open - 2), in);
        p = close + 2;
    }
    fputs(p, f);
    in->depth--;
}

/* As the skeletons have it: by it a page of engram's is known again. */
const char egi_page_mark[] = "<meta name=\"generator\" content=\"engram\">";

int egi_page_facts(json_t *root)
{
    char now[32], machine[512];
    time_t t = time(NULL);
    struct tm tm;
    int bad = 0;

    gmtime_r(&t, &tm);
    (void)strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &tm);
    eg_machine_describe(machine, sizeof machine);
    bad |= json_object_set_new(root, "generated", json_string(now));
    bad |= json_object_set_new(root, "version", json_string(eg_version()));
    bad |= json_object_set_new(root, "commit", json_string(eg_commit()));
    bad |= json_object_set_new(root, "machine", egi_json_text(machine));
    return bad;
}

eg_status egi_page_write(const char *out, const char *skeleton,
                         const json_t *data, eg_err *err)
{
    eg_outfile o = {0};
    char *title =
        egi_html_escape(json_string_value(json_object_get(data, "title")));
    char *json = egi_json_print(data, JSON_COMPACT | JSON_ENSURE_ASCII |
                                          JSON_REAL_PRECISION(6));
    eg_status st = EG_OK;

    if (!title || !json) {
        st = egi_report_no_memory(err);
        goto done;
    }
    EG_TRY(eg_outfile_open_own(&o, NULL, out, egi_page_mark, err));
    put_page(o.f, skeleton, &(parts){.title = title, .json = json});
    EG_TRY(eg_outfile_commit(&o, err));
done:
    if (st != EG_OK && o.f) eg_outfile_abort(&o);
    eg_free(json);
    eg_free(title);
    return st;
}
