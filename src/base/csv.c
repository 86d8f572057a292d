/* Fields of comma-separated values; see text.h. */
#include <string.h>

#include "engram/text.h"

void eg_csv_field(const char *s, eg_csv_put_fn put, void *ctx)
{
    if (!s[strcspn(s, ",\"\r\n")]) {
        put(ctx, s, strlen(s));
        return;
    }
    put(ctx, "\"", 1);
    for (size_t n; *s; s += n) {
        n = strcspn(s, "\"");
        put(ctx, s, n);
        if (!s[n]) break;
        put(ctx, "\"\"", 2);
        n++;
    }
    put(ctx, "\"", 1);
}

static void to_file(void *ctx, const char *piece, size_t n)
{
    (void)fwrite(piece, 1, n, ctx);
}

void eg_csv_write(FILE *to, const char *s)
{
    eg_csv_field(s, to_file, to);
}
