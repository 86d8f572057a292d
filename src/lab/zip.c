/* See zip.h. */
#include "lab/zip.h"

#include <string.h>
#include <zlib.h>

enum {
    LOCAL = 0x04034b50,
    CENTRAL = 0x02014b50,
    END = 0x06054b50,
    END64 = 0x06064b50,
    LOCATOR64 = 0x07064b50
};
enum { PLAIN = 20, LARGE = 45, UNIX = 3 << 8, UTF8 = 1 << 11 };
enum { DAY_ONE = 1 << 5 | 1 }; /* 1980-01-01: the archive has no clock */
#define MODE (0100644u << 16)
#define FULL16 0xffffu
#define FULL32 0xffffffffu

static void put(egi_buf *b, uint64_t v, size_t bytes)
{
    char part[sizeof v];

    for (size_t i = 0; i < bytes; i++) part[i] = (char)(v >> 8 * i & 0xff);
    egi_buf_put(b, part, bytes);
}

static void write_out(egi_zip *z, const void *data, size_t size)
{
    eg_outfile_write(z->to, data, size);
    z->at += size;
}

/* What local headers and the directory have alike. */
static void put_common(egi_buf *b, const char *name, uint32_t crc,
                       uint64_t size, bool large, size_t extra)
{
    put(b, large ? LARGE : PLAIN, 2);
    put(b, UTF8, 2);
    put(b, 0, 2); /* stored */
    put(b, 0, 2); /* time */
    put(b, DAY_ONE, 2);
    put(b, crc, 4);
    put(b, large ? FULL32 : size, 4);
    put(b, large ? FULL32 : size, 4);
    put(b, strlen(name), 2);
    put(b, extra, 2);
}

/* The extra field of 64 bits: sizes, and in the directory the place. */
static void put_extra(egi_buf *b, uint64_t size, const uint64_t *place)
{
    put(b, 1, 2);
    put(b, place ? 24 : 16, 2);
    put(b, size, 8);
    put(b, size, 8);
    if (place) put(b, *place, 8);
}

void egi_zip_begin(egi_zip *z, eg_outfile *to)
{
    *z = (egi_zip){.to = to, .limit = EGI_ZIP_LIMIT};
}

void egi_zip_put(egi_zip *z, const char *name, const egi_piece *piece, int n)
{
    egi_buf *head = &z->head, *dir = &z->directory;
    uint64_t size = 0, place = z->at;
    uLong crc = crc32_z(0, NULL, 0);
    bool large;

    for (int i = 0; i < n; i++) {
        if (piece[i].size > 0) crc = crc32_z(crc, piece[i].data, piece[i].size);
        size += piece[i].size;
    }
    large = size >= z->limit || place >= z->limit;
    head->n = 0;
    put(head, LOCAL, 4);
    put_common(head, name, (uint32_t)crc, size, large, large ? 20 : 0);
    egi_buf_put(head, name, strlen(name));
    if (large) put_extra(head, size, NULL);
    write_out(z, head->s, head->n);
    for (int i = 0; i < n; i++) write_out(z, piece[i].data, piece[i].size);
    put(dir, CENTRAL, 4);
    put(dir, UNIX | LARGE, 2);
    put_common(dir, name, (uint32_t)crc, size, large, large ? 28 : 0);
    put(dir, 0, 2 + 2 + 2); /* no comment, first disk, no text */
    put(dir, MODE, 4);
    put(dir, large ? FULL32 : place, 4);
    egi_buf_put(dir, name, strlen(name));
    if (large) put_extra(dir, size, &place);
    z->n++;
}

static void put_end64(egi_zip *z, uint64_t place, uint64_t size)
{
    egi_buf *b = &z->directory;
    uint64_t here = place + size;

    put(b, END64, 4);
    put(b, 44, 8); /* bytes of this record behind here */
    put(b, UNIX | LARGE, 2);
    put(b, LARGE, 2);
    put(b, 0, 4 + 4); /* disks */
    put(b, z->n, 8);
    put(b, z->n, 8);
    put(b, size, 8);
    put(b, place, 8);
    put(b, LOCATOR64, 4);
    put(b, 0, 4);
    put(b, here, 8);
    put(b, 1, 4); /* disk in all */
}

eg_status egi_zip_end(egi_zip *z, eg_err *err)
{
    egi_buf *b = &z->directory;
    uint64_t place = z->at, size = b->n;
    bool large = place >= z->limit || size >= z->limit || z->n >= FULL16;

    if (large) put_end64(z, place, size);
    put(b, END, 4);
    put(b, 0, 2 + 2); /* disks */
    put(b, large ? FULL16 : z->n, 2);
    put(b, large ? FULL16 : z->n, 2);
    put(b, large ? FULL32 : size, 4);
    put(b, large ? FULL32 : place, 4);
    put(b, 0, 2); /* no comment */
    if (b->failed || z->head.failed)
        return EG_FAIL(err, EG_ENOMEM, "the directory of an archive");
    write_out(z, b->s, b->n);
    return EG_OK;
}

void egi_zip_release(egi_zip *z)
{
    egi_buf_release(&z->directory);
    egi_buf_release(&z->head);
}
