/* Just enough YAML for the resolved configuration, which our own writer
 * formats: block style, scalars, lists in brackets. */

#include <stdlib.h>
#include <string.h>
#include "report/report_impl.h"
#include "base/num.h"

/* What stands behind "key:" in a section; NULL: there is none. */
static const char *find(const char *text, const char *section, const char *key)
{
    size_t n = strlen(section), m = strlen(key);
    bool inside = false;

    while (text && *text) {
        size_t indent = strspn(text, " ");
        const char *p = text + indent;

        if (indent == 0)
            inside = strncmp(p, section, n) == 0 && p[n] == ':';
        else if (inside && strncmp(p, key, m) == 0 && p[m] == ':')
            return p + m + 1;
        text = strchr(text, '\n');
        if (text) text++;
    }
    return NULL;
}

bool egi_yaml_get(const char *text, const char *section, const char *key,
                  char *out, size_t size)
{
    const char *p = find(text, section, key);
    size_t len;

    out[0] = '\0';
    if (!p) return false;
    p += strspn(p, " \t\"'");
    len = strcspn(p, " \t\"'\r\n#");
    if (len >= size) len = size - 1;
    memcpy(out, p, len);
    out[len] = '\0';
    return true;
}

int egi_yaml_numbers(const char *text, const char *section, const char *key,
                     double *out, int max)
{
    const char *p = find(text, section, key);
    int n = 0;

    if (!p) return 0;
    p += strspn(p, " ");
    if (*p++ != '[') return 0;
    while (n < max) {
        char *end = NULL;

        p += strspn(p, " \t\r\n,\"'");
        out[n] = egi_strtod(p, &end);
        if (end == p) break; /* the bracket, or no number */
        n++;
        p = end;
    }
    return n;
}
