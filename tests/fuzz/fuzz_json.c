/* JSON text by our reader and by jansson's, which agree; what was read prints
 * to text that reads the same. */
#define _GNU_SOURCE /* NOLINT: memmem */
#include "base/json.h"
#include "fuzz.h"

/* Jansson goes deeper, loses a byte 0 behind a number, and the sign of -0. */
static void compare(const json_t *j, const json_error_t *why, const char *text,
                    size_t size, size_t flags)
{
    json_error_t theirs;
    json_t *k = json_loadb(text, size, flags, &theirs);

    if (j) EG_ASSERT(k && (json_equal(j, k) || memmem(text, size, "-0", 2)));
    if (!j && json_error_code(why) != json_error_stack_overflow &&
        !memchr(text, '\0', size))
        EG_ASSERT(!k && json_error_code(&theirs) != json_error_out_of_memory);
    json_decref(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    const char *text = (const char *)data;

    for (size_t flags = 0; flags <= JSON_REJECT_DUPLICATES;
         flags += JSON_REJECT_DUPLICATES) {
        json_error_t why = {0}, again;
        json_t *j = egi_json_parse(text, size, flags, &why);

        compare(j, &why, text, size, flags);
        if (j) {
            char *printed = egi_json_print(j, JSON_COMPACT);
            json_t *k = printed ? egi_json_parse(printed, strlen(printed),
                                                 flags, &again)
                                : NULL;

            EG_ASSERT(k && json_equal(j, k));
            eg_free(printed);
            json_decref(k);
        } else {
            EG_ASSERT(why.text[0] && why.line > 0 && why.column > 0 &&
                      why.position >= 0 && (size_t)why.position <= size);
        }
        json_decref(j);
    }
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
