/* The bytes of a file, plain or compressed, in order. */
#ifndef EGI_TEXT_STREAM_H
#define EGI_TEXT_STREAM_H

#include "engram/corpus.h"

typedef struct egi_stream {
    eg_infile in;
    void *gzip, *zstd; /* a decoder, or NULL */
    unsigned char *raw;
    size_t at, n;        /* of raw: what is not decoded yet */
    bool end, inside;    /* no more raw bytes; in the middle of a stream */
    int64_t read, given; /* raw bytes, bytes handed out */
    double most_ratio;
} egi_stream;

/* path is borrowed; a pipe gives at most pipe_bytes. most_ratio 0: 250. */
eg_status egi_stream_open(egi_stream *s, const char *path, size_t pipe_bytes,
                          double most_ratio, eg_err *err);
/* As eg_infile_read; 0: the end. */
eg_status egi_stream_read(egi_stream *s, void *buf, size_t room, size_t *got,
                          eg_err *err);
/* Nothing of one that was never opened, {.in.fd = -1}. */
void egi_stream_close(egi_stream *s);

#endif
