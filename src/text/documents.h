/* The documents of a corpus, a block of text at a time. */
#ifndef EGI_TEXT_DOCUMENTS_H
#define EGI_TEXT_DOCUMENTS_H

#include "text/stream.h"

/* The files of a corpus. */
typedef struct egi_files {
    char **path;
    int n;
    int64_t bytes; /* 0: one of them is a pipe */
} egi_files;
eg_status egi_files_list(egi_files *f, const eg_corpus *c, eg_err *err);
void egi_files_release(egi_files *f);
bool egi_is_json_lines(const char *path);

/* A stretch of one document. Documents are cut between what is no white space
 * and a space or a line's end behind it, where every way to cut text into
 * pieces has an end of one. */
typedef struct egi_part {
    size_t n;           /* bytes of the block's text */
    int64_t document;   /* which, from 0 */
    bool begins, ends;  /* it */
    bool late;          /* behind the place that the reader was told */
    const char *path;   /* where it comes from, for messages: */
    int64_t line, byte; /* JSON lines: the line, from 1, else 0; the byte of the
                           file at which it begins */
} egi_part;

enum { EGI_BLOCK = 1 << 18 }; /* bytes of text after which one is full */
typedef struct egi_block {
    char *text;
    size_t n, room;
    egi_part *part;
    int n_parts, room_parts;
} egi_block;
void egi_block_release(egi_block *b);
eg_status egi_block_add(egi_block *b, const egi_part *p, const char *text,
                        eg_err *err);

/* Fails with st, and says where in the corpus that byte of the part is. */
eg_status egi_part_fail(const egi_part *p, size_t byte, eg_status st,
                        const char *what, eg_err *err);
/* Of the part's text at *s, its UTF-8: *n bytes at *s, which lie in *mended
 * (eg_free) where something was replaced by U+FFFD. EG_EFORMAT: there is
 * something, and it is not to be replaced. */
eg_status egi_part_utf8(const egi_part *p, bool replace, const char **s,
                        size_t *n, char **mended, eg_err *err);

typedef struct egi_reader {
    const eg_corpus *c;
    egi_files files;
    int file;       /* the one that is open, or next */
    bool open, eof; /* of that file */
    egi_stream source;
    char *buf; /* what is read and not handed out: [from, to) */
    size_t from, to, room;
    int64_t at, line;  /* of buf[from]: byte of the file; lines before it */
    bool inside;       /* a document has begun */
    int64_t documents; /* that have ended */
    int64_t bytes;     /* handed out */
    int64_t late_from; /* bytes of the only document; INT64_MAX: none is late */
    int64_t read;      /* raw bytes of files that are closed */
} egi_reader;
eg_status egi_reader_open(egi_reader *r, const eg_corpus *c, eg_err *err);
void egi_reader_close(egi_reader *r);
/* Some hundred KiB of text; n_parts 0: the end. */
eg_status egi_reader_next(egi_reader *r, egi_block *b, eg_err *err);
/* Bytes of the files read so far. */
int64_t egi_reader_at(const egi_reader *r);
/* Is the whole corpus one document, in one file? */
bool egi_reader_single(const egi_reader *r);
/* Bytes of text in the only file, read to its end; the reader is as before. */
eg_status egi_reader_count(const egi_reader *r, int64_t *bytes, eg_err *err);

#endif
