/* Portable maps and ASCII art. */
#include "energy/picture.h"
#include "fuzz.h"

static void one(eg_status (*parse)(egi_pictures *, const char *, size_t,
                                   const char *, eg_err *),
                const char *text, size_t size)
{
    egi_pictures p;
    eg_err err = {0};
    eg_status st = parse(&p, text, size, "fuzz", &err);

    if (st == EG_OK) {
        EG_ASSERT(p.n > 0 && p.height > 0 && p.width > 0);
        for (eg_index i = 0; i < p.n * p.height * p.width; i++)
            EG_ASSERT(!(p.value[i] < -1 || p.value[i] > 1));
        eg_free(p.value);
    } else {
        fuzz_check_failure(st, &err);
        EG_ASSERT(!p.value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    char *text = malloc(size + 1);

    EG_ASSERT(text);
    memcpy(text, data, size);
    text[size] = '\0';
    one(egi_picture_parse, text, size);
    one(egi_art_parse, text, size);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    free(text);
    return 0;
}
