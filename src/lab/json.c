#include "lab/json.h"

#include "base/text.h"
#include "engram/mem.h"

json_t *egi_json_text(const char *s)
{
    json_t *j = json_string(s);
    char *copy;
    uint32_t cp;

    if (j) return j;
    copy = eg_strdup(s);
    if (!copy) return NULL;
    for (char *p = copy; *p;) {
        int n = eg_text_char(p, &cp);

        if (n == 0) *p = '?';
        p += n ? n : 1;
    }
    j = json_string(copy);
    eg_free(copy);
    return j;
}
