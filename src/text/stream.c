/* Plain, gzip and zstd files as streams of bytes. */
#include "text/stream.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "engram/mem.h"

enum { RAW = 1 << 17, FREE_BYTES = 64 << 20 };

static eg_status fill(egi_stream *s, eg_err *err)
{
    eg_status st;

    if (s->at > 0) memmove(s->raw, s->raw + s->at, s->n - s->at);
    s->n -= s->at;
    s->at = 0;
    while (!s->end && s->n < RAW) {
        size_t got;

        st = eg_infile_read(&s->in, s->raw + s->n, RAW - s->n, &got, err);
        if (st != EG_OK) return st;
        s->end = got == 0;
        s->n += got;
        s->read += (int64_t)got;
    }
    return EG_OK;
}

/* A decoder for what the first bytes say. */
static eg_status recognise(egi_stream *s, eg_err *err)
{
    static const unsigned char zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    z_stream *z;

    if (s->n >= 4 && memcmp(s->raw, zstd, 4) == 0) {
        s->zstd = ZSTD_createDStream();
        if (!s->zstd) return EG_FAIL(err, EG_ENOMEM, "zstd");
    }
    if (s->n < 3 || s->raw[0] != 0x1f || s->raw[1] != 0x8b) return EG_OK;
    z = s->gzip = eg_calloc(1, sizeof *z);
    if (z && inflateInit2(z, 15 + 16) == Z_OK) return EG_OK;
    eg_free(z);
    s->gzip = NULL;
    return EG_FAIL(err, EG_ENOMEM, "zlib");
}

eg_status egi_stream_open(egi_stream *s, const char *path, size_t pipe_bytes,
                          double most_ratio, eg_err *err)
{
    eg_status st;

    *s = (egi_stream){.in = {.fd = -1},
                      .most_ratio = most_ratio > 0 ? most_ratio : 250};
    EG_TRY(eg_infile_open(&s->in, path, pipe_bytes, err));
    s->raw = eg_calloc(RAW, 1);
    if (!s->raw) {
        st = EG_FAIL(err, EG_ENOMEM, "%s", path);
        goto done;
    }
    EG_TRY(fill(s, err));
    EG_TRY(recognise(s, err));
done:
    if (st != EG_OK) egi_stream_close(s);
    return st;
}

void egi_stream_close(egi_stream *s)
{
    if (s->gzip) (void)inflateEnd(s->gzip);
    eg_free(s->gzip);
    if (s->zstd) (void)ZSTD_freeDStream(s->zstd);
    eg_free(s->raw);
    eg_infile_close(&s->in);
    *s = (egi_stream){.in = {.fd = -1}};
}

/* One call of a decoder: from raw into buf. A file may hold several streams,
 * one behind the other. */
static eg_status inflate_some(egi_stream *s, void *buf, size_t room,
                              size_t *got, eg_err *err)
{
    z_stream *z = s->gzip;
    int rc;

    if (!s->inside && s->n - s->at > 0) (void)inflateReset(z);
    z->next_in = s->raw + s->at;
    z->avail_in = (uInt)(s->n - s->at);
    z->next_out = buf;
    z->avail_out = (uInt)room;
    rc = inflate(z, Z_NO_FLUSH);
    s->at = s->n - z->avail_in;
    *got = room - z->avail_out;
    s->inside = rc != Z_STREAM_END;
    if (rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR) return EG_OK;
    if (rc == Z_MEM_ERROR) return EG_FAIL(err, EG_ENOMEM, "%s", s->in.path);
    return EG_FAIL(err, EG_EFORMAT, "%s: damaged gzip near its byte %lld: %s",
                   s->in.path, (long long)(s->read - (int64_t)(s->n - s->at)),
                   z->msg ? z->msg : "no stream");
}

static eg_status zstd_some(egi_stream *s, void *buf, size_t room, size_t *got,
                           eg_err *err)
{
    ZSTD_inBuffer in = {s->raw, s->n, s->at};
    ZSTD_outBuffer out = {buf, room, 0};
    size_t rc = ZSTD_decompressStream(s->zstd, &out, &in);

    s->at = in.pos;
    *got = out.pos;
    s->inside = rc != 0;
    if (!ZSTD_isError(rc)) return EG_OK;
    return EG_FAIL(err, EG_EFORMAT, "%s: damaged zstd near its byte %lld: %s",
                   s->in.path, (long long)(s->read - (int64_t)(s->n - s->at)),
                   ZSTD_getErrorName(rc));
}

static eg_status check_ratio(const egi_stream *s, eg_err *err)
{
    if (s->given <= FREE_BYTES ||
        (double)s->given <= s->most_ratio * (double)s->read)
        return EG_OK;
    return EG_FAIL(err, EG_EFORMAT,
                   "%s: %lld bytes of it became more than %lld: over %.0f "
                   "times as many, which no text does",
                   s->in.path, (long long)s->read, (long long)s->given,
                   s->most_ratio);
}

eg_status egi_stream_read(egi_stream *s, void *buf, size_t room, size_t *got,
                          eg_err *err)
{
    eg_status st = EG_OK;

    *got = 0;
    if (room > (size_t)1 << 30) room = (size_t)1 << 30;
    while (*got == 0) {
        bool dry;

        if (s->at == s->n) EG_TRY(fill(s, err));
        if (!s->gzip && !s->zstd) {
            *got = s->n - s->at < room ? s->n - s->at : room;
            memcpy(buf, s->raw + s->at, *got);
            s->at += *got;
            break;
        }
        dry = s->at == s->n; /* what a decoder still holds needs no input */
        if (dry && !s->inside) break;
        EG_TRY(s->gzip ? inflate_some(s, buf, room, got, err)
                       : zstd_some(s, buf, room, got, err));
        if (!dry || *got > 0 || !s->inside) continue;
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s: ends in the middle of a compressed stream",
                     s->in.path);
        goto done;
    }
    s->given += (int64_t)*got;
    EG_TRY(check_ratio(s, err));
done:
    return st;
}
