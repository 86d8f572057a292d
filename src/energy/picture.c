/* Reads portable maps and ASCII art. Sizes are checked against the file's
 * length before anything is allocated. */
#include "energy/picture.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "engram/mem.h"

typedef struct reader {
    const char *at, *end, *name;
} reader;

/* Blanks, and comments from # to the end of the line. */
static void skip(reader *r)
{
    while (r->at < r->end) {
        if (*r->at == '#')
            while (r->at < r->end && *r->at != '\n') r->at++;
        else if (egi_is_space(*r->at))
            r->at++;
        else
            break;
    }
}

/* A number of the header or of a plain map; false: none, or above most. */
static bool number(reader *r, eg_index most, eg_index *out)
{
    eg_index v = 0;

    skip(r);
    if (r->at == r->end || !egi_is_digit(*r->at)) return false;
    for (; r->at < r->end && egi_is_digit(*r->at); r->at++) {
        v = 10 * v + (*r->at - '0');
        if (v > most) return false;
    }
    *out = v;
    return true;
}

/* A pixel of a plain bit map: digits need no blanks between. */
static bool bit(reader *r, eg_index *out)
{
    skip(r);
    if (r->at == r->end || (*r->at != '0' && *r->at != '1')) return false;
    *out = *r->at++ - '0';
    return true;
}

static eg_status bad(const reader *r, const char *what, eg_err *err)
{
    return EG_FAIL(err, EG_EFORMAT, "%s: %s", r->name, what);
}

/* Bytes of the raw pixels. */
static eg_index raw_size(char kind, eg_index w, eg_index h, eg_index top)
{
    if (kind == '4') return (w + 7) / 8 * h;
    return w * h * (top > 255 ? 2 : 1);
}

static eg_status pixels(reader *r, char kind, eg_index top, egi_pictures *out,
                        eg_err *err)
{
    const unsigned char *raw = (const unsigned char *)r->at;
    eg_index w = out->width, row = (w + 7) / 8;

    for (eg_index i = 0; i < w * out->height; i++) {
        eg_index v = 0, x = i % w, y = i / w;
        bool ink = kind == '1' || kind == '4';

        switch (kind) {
        case '1':
            if (!bit(r, &v)) return bad(r, "expected 0 and 1 only", err);
            break;
        case '2':
            if (!number(r, top, &v))
                return bad(r, "expected a gray level, up to the largest", err);
            break;
        case '4':
            v = raw[y * row + x / 8] >> (7 - x % 8) & 1;
            break;
        default:
            v = top > 255 ? raw[2 * i] << 8 | raw[2 * i + 1] : raw[i];
            if (v > top) return bad(r, "a gray level above the largest", err);
        }
        out->value[i] = ink ? (v ? 1 : -1) : 1 - 2 * (double)v / (double)top;
    }
    return EG_OK;
}

eg_status egi_picture_parse(egi_pictures *out, const char *bytes, size_t size,
                            const char *name, eg_err *err)
{
    reader r = {.at = bytes + 2, .end = bytes + size, .name = name};
    eg_index w = 0, h = 0, top = 1, need, left;
    char kind;
    eg_status st;

    *out = (egi_pictures){.n = 1};
    if (size < 3 || bytes[0] != 'P' || !strchr("1245", bytes[1]) ||
        !egi_is_space(bytes[2]))
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: expected a portable map, which begins with P1, P2, "
                       "P4 or P5",
                       name);
    kind = bytes[1];
    if (!number(&r, EGI_PIXELS, &w) || !number(&r, EGI_PIXELS, &h) || w < 1 ||
        h < 1 || w > EGI_PIXELS / h)
        return bad(&r, "expected width and height, a pixel to 16777216", err);
    if ((kind == '2' || kind == '5') && (!number(&r, 65535, &top) || top < 1))
        return bad(&r, "expected the largest gray level, 1 to 65535", err);
    if (kind >= '4' && (r.at == r.end || !egi_is_space(*r.at++)))
        return bad(&r, "expected a blank behind the header", err);
    need = kind >= '4' ? raw_size(kind, w, h, top) : w * h;
    left = r.end - r.at;
    if (left < need)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: %td x %td pixels need %td bytes at least, found "
                       "%td",
                       name, w, h, need, left);
    out->width = w;
    out->height = h;
    out->value = eg_calloc((size_t)(w * h), sizeof *out->value);
    if (!out->value)
        return EG_FAIL(err, EG_ENOMEM, "%s: %td x %td pixels", name, w, h);
    st = pixels(&r, kind, top, out, err);
    if (st != EG_OK) {
        eg_free(out->value);
        *out = (egi_pictures){0};
    }
    return st;
}

/* The line at r->at: its length without its end; r moves behind it. */
static eg_index line(reader *r, const char **from)
{
    const char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    eg_index n;

    if (!end) end = r->end;
    *from = r->at;
    n = end - r->at;
    r->at = end < r->end ? end + 1 : end;
    if (n > 0 && (*from)[n - 1] == '\r') n--;
    return n;
}

/* Size of the largest picture, and how many; with out->value, their pixels. */
static void art(reader r, egi_pictures *out, bool put)
{
    eg_index row = 0, n = 0;

    while (r.at < r.end) {
        const char *from;
        eg_index length = line(&r, &from);

        if (length == 0) {
            row = 0;
            continue;
        }
        if (row == 0) n++;
        for (eg_index x = 0; put && x < length; x++) {
            double *v =
                out->value + ((n - 1) * out->height + row) * out->width + x;

            *v = from[x] == '?'                     ? (double)NAN
                 : from[x] == ' ' || from[x] == '.' ? -1
                                                    : 1;
        }
        row++;
        if (!put && row > out->height) out->height = row;
        if (!put && length > out->width) out->width = length;
    }
    out->n = n;
}

eg_status egi_art_parse(egi_pictures *out, const char *bytes, size_t size,
                        const char *name, eg_err *err)
{
    reader r = {.at = bytes, .end = bytes + size, .name = name};
    eg_index all;

    *out = (egi_pictures){0};
    art(r, out, false);
    if (out->n == 0) return bad(&r, "no picture: all lines are empty", err);
    if (out->width > EGI_PIXELS / out->height ||
        out->width * out->height > EGI_PIXELS / out->n) {
        *out = (egi_pictures){0};
        return bad(&r, "expected 16777216 pixels at most", err);
    }
    all = out->n * out->height * out->width;
    out->value = eg_calloc((size_t)all, sizeof *out->value);
    if (!out->value) {
        *out = (egi_pictures){0};
        return EG_FAIL(err, EG_ENOMEM, "%s: %td pixels", name, all);
    }
    for (eg_index i = 0; i < all; i++) out->value[i] = -1;
    art(r, out, true);
    return EG_OK;
}
