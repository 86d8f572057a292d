/* See st_sum.h. */
#include <string.h>

#include "base/st_sum.h"

static const char mark[] = "\"" EGI_ST_SUM "\":\"";

_Static_assert(sizeof EGI_ST_NO_SUM == EGI_SUM_HEX, "one digit for each");

/* A quote inside a JSON text has a backslash before it, so the mark is found
 * where it is a key with a text, and nowhere else. */
size_t egi_st_digits(const char *bytes, size_t size)
{
    const size_t n = sizeof mark - 1, all = n + EGI_SUM_DIGITS;

    for (size_t at = 0; size >= all && at <= size - all; at++) {
        const char *quote = memchr(bytes + at, mark[0], size - all - at + 1);

        if (!quote) return 0;
        at = (size_t)(quote - bytes);
        if (memcmp(quote, mark, n) == 0) return at + n;
    }
    return 0;
}

eg_status egi_st_check(char *bytes, size_t size, size_t digits,
                       const char *file, eg_err *err)
{
    char said[EGI_SUM_HEX] = "", have[EGI_SUM_HEX];

    memcpy(said, bytes + digits, EGI_SUM_DIGITS);
    memcpy(bytes + digits, EGI_ST_NO_SUM, EGI_SUM_DIGITS);
    egi_sum_print(egi_sum_of(bytes, size), have);
    memcpy(bytes + digits, said, EGI_SUM_DIGITS);
    if (strcmp(said, have) == 0) return EG_OK;
    return EG_FAIL(err, EG_EFORMAT,
                   "%s: damaged: its %s says %s, its bytes give %s", file,
                   EGI_ST_SUM, said, have);
}
