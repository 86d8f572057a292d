/* jansson replaces the decimal point of the host's locale itself, but only one
 * that is a single byte; under the C locale there is nothing to replace. */
#include "base/json.h"

#include "base/num.h"

json_t *egi_json_parse(const char *bytes, size_t size, size_t flags,
                       json_error_t *why)
{
    locale_t before = egi_locale_enter();
    json_t *j = json_loadb(bytes, size, flags, why);

    egi_locale_leave(before);
    return j;
}

char *egi_json_print(const json_t *j, size_t flags)
{
    locale_t before = egi_locale_enter();
    char *text = json_dumps(j, flags);

    egi_locale_leave(before);
    return text;
}
