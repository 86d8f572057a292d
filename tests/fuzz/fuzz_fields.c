/* Option values: the first byte picks the field, the rest is its text. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { N = sizeof fuzz_fields / sizeof fuzz_fields[0] - 1 };
    static fuzz_opts first, again;
    static char shown[EG_STRS_MAX * 8 * EG_STRS_LEN];
    const eg_field *f = NULL;
    eg_status st = EG_OK;
    eg_err err = {0};
    char *text = NULL;

    if (size == 0) return 0;
    f = &fuzz_fields[data[0] % N];
    text = malloc(size);
    EG_ASSERT(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';

    eg_fields_default(fuzz_fields, &first);
    again = first;
    st = eg_field_parse(f, &first, text, &err);
    if (st != EG_OK) {
        fuzz_check_failure(st, &err);
        EG_ASSERT(fuzz_equal(&first, &again));
    } else {
        size_t n = (size_t)eg_field_format(f, &first, shown, sizeof shown);

        EG_ASSERT(n < sizeof shown && n == strlen(shown));
        EG_ASSERT(eg_field_parse(f, &again, shown, &err) == EG_OK);
        EG_ASSERT(fuzz_equal(&first, &again));
    }
    free(text);
    return 0;
}
