/* Cues: parts of what is stored, with holes and wrong marks. */
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "energy/store.h"
#include "engram/mem.h"
#include "engram/rng.h"
#include "engram/text.h"
#include "flow/numbers.h"
#include "memory/dense.h"

void eg_cue_release(eg_cue *c)
{
    eg_free(c->x);
    eg_free(c->known);
    *c = (eg_cue){0};
}

static eg_status new_cue(eg_cue *c, const eg_store *s, eg_err *err)
{
    *c = (eg_cue){.x = eg_calloc((size_t)s->n, sizeof *c->x),
                  .known = eg_calloc((size_t)s->n, 1)};
    if (c->x && c->known) return EG_OK;
    eg_cue_release(c);
    return EG_FAIL(err, EG_ENOMEM, "a cue of %td entries", s->n);
}

static eg_index places(const eg_store *s)
{
    return s->width * s->height;
}

/* The entries of place k, all known or none. */
static void know(eg_cue *c, const eg_store *s, eg_index k, bool known)
{
    memset(c->known + k * s->code, known, (size_t)s->code);
}

static void put_word(eg_cue *c, const eg_store *s, eg_index k, int symbol)
{
    memcpy(c->x + k * s->code, s->word + (eg_index)symbol * s->code,
           (size_t)s->code * sizeof *c->x);
    know(c, s, k, true);
}

eg_status eg_cue_stored(eg_cue *c, const eg_store *s, eg_index i, eg_err *err)
{
    eg_status st;

    if (i < 0 || i >= s->d)
        return EG_FAIL(err, EG_EINVAL,
                       "expected a stored pattern from 1 to %td, found %td",
                       s->d, i + 1);
    st = new_cue(c, s, err);
    if (st != EG_OK) return st;
    memcpy(c->x, s->pattern + i * s->n, (size_t)s->n * sizeof *c->x);
    memset(c->known, 1, (size_t)s->n);
    return EG_OK;
}

/* ---- lines --------------------------------------------------------------- */

enum { UNKNOWN = -1, STRANGE = -2 }; /* '?', and a character never stored */

/* Where the part agrees with most characters of a stored line; the first such
 * place. */
static eg_index best_place(const eg_store *s, const int *part, eg_index n)
{
    eg_index best = 0, most = -1;

    for (eg_index at = 0; at + n <= s->width; at++)
        for (eg_index i = 0; i < s->d; i++) {
            const int *line = s->at + i * s->width + at;
            eg_index alike = 0;

            for (eg_index k = 0; k < n; k++) alike += part[k] == line[k];
            if (alike > most) {
                most = alike;
                best = at;
            }
        }
    return best;
}

static eg_status read_part(int *part, eg_index *n, const eg_store *s,
                           const char *text, eg_err *err)
{
    *n = 0;
    while (*text) {
        uint32_t code = 0;
        int bytes = eg_text_char(text, &code);

        if (bytes == 0) return EG_FAIL(err, EG_EINVAL, "the cue is not UTF-8");
        if (*n == s->width)
            return EG_FAIL(err, EG_EINVAL,
                           "the cue is longer than the longest line, %td "
                           "characters",
                           s->width);
        part[*n] = code == '?' ? UNKNOWN : egi_store_symbol(s, code);
        if (code != '?' && part[*n] < 0) part[*n] = STRANGE;
        (*n)++;
        text += bytes;
    }
    return *n > 0 ? EG_OK : EG_FAIL(err, EG_EINVAL, "the cue is empty");
}

static eg_status cue_line(eg_cue *c, const eg_store *s, const char *text,
                          eg_index at, eg_index *placed, eg_err *err)
{
    int *part = eg_calloc((size_t)s->width, sizeof *part);
    eg_index n = 0;
    eg_status st = EG_OK;

    if (!part) return EG_FAIL(err, EG_ENOMEM, "a cue");
    EG_TRY(read_part(part, &n, s, text, err));
    if (at < 0) at = best_place(s, part, n);
    if (at > s->width - n) {
        st = EG_FAIL(err, EG_EINVAL,
                     "place %td: a cue of %td characters ends beyond the "
                     "longest line, %td",
                     at + 1, n, s->width);
        goto done;
    }
    EG_TRY(new_cue(c, s, err));
    for (eg_index k = 0; k < n; k++) {
        if (part[k] >= 0) put_word(c, s, at + k, part[k]);
        if (part[k] == STRANGE) know(c, s, at + k, true); /* like no word */
    }
    *placed = at;
done:
    eg_free(part);
    return st;
}

/* ---- numbers and pictures ------------------------------------------------ */

static eg_status cue_values(eg_cue *c, const eg_store *s, const double *value,
                            const eg_index shape[3], const char *path,
                            eg_err *err)
{
    eg_status st;

    if (s->kind == EG_STORE_PICTURES
            ? shape[1] > s->height || shape[2] > s->width
            : shape[2] != s->width)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: expected %td x %td, found %td x %td", path,
                       s->width, s->height, shape[2], shape[1]);
    st = new_cue(c, s, err);
    if (st != EG_OK) return st;
    for (eg_index y = 0; y < shape[1]; y++)
        for (eg_index x = 0; x < shape[2]; x++) {
            double v = value[y * shape[2] + x];

            if (isnan(v)) continue;
            c->x[y * s->width + x] = v;
            c->known[y * s->width + x] = 1;
        }
    return EG_OK;
}

static eg_status cue_file(eg_cue *c, const eg_store *s, const char *path,
                          eg_err *err)
{
    eg_index shape[3] = {0};
    double *value = NULL;
    eg_status st;

    if (egi_store_kind_of(path) != s->kind)
        return EG_FAIL(err, EG_EINVAL, "%s: expected a file of %s", path,
                       egi_store_kind_name(s->kind));
    st = egi_store_file(&value, shape, s->kind, path, err);
    if (st == EG_OK) st = cue_values(c, s, value, shape, path, err);
    eg_free(value);
    return st;
}

/* "1, ?, 3" */
static eg_status cue_numbers(eg_cue *c, const eg_store *s, const char *text,
                             eg_err *err)
{
    eg_status st = new_cue(c, s, err);
    eg_index k = 0;

    if (st != EG_OK) return st;
    for (const char *from = text; from; k++) {
        const char *comma = strchr(from, ',');
        size_t n = comma ? (size_t)(comma - from) : strlen(from);
        char word[64];

        for (; n > 0 && egi_is_space(*from); n--) from++;
        while (n > 0 && egi_is_space(from[n - 1])) n--;
        if (n >= sizeof word) n = sizeof word - 1;
        memcpy(word, from, n);
        word[n] = '\0';
        from = comma ? comma + 1 : NULL;
        if (strcmp(word, "?") == 0) continue;
        if (!egi_real_parse(word, &c->x[k]) ||
            !(fabs(c->x[k]) <= EGI_STORE_LARGEST)) {
            st = EG_FAIL(err, EG_EINVAL,
                         "the cue's number %td, '%s': expected a number up to "
                         "%g, or ?",
                         k + 1, word, EGI_STORE_LARGEST);
            eg_cue_release(c);
            return st;
        }
        c->known[k] = 1;
    }
    return EG_OK;
}

static eg_index count(const char *text)
{
    eg_index n = 1;

    for (; *text; text++) n += *text == ',';
    return n;
}

eg_status eg_cue_read(eg_cue *c, const eg_store *s, const char *text,
                      eg_index at, eg_index *placed, eg_err *err)
{
    *c = (eg_cue){0};
    *placed = 0;
    if (s->kind == EG_STORE_LINES) return cue_line(c, s, text, at, placed, err);
    if (s->kind == EG_STORE_PICTURES || egi_is_numbers_file(text))
        return cue_file(c, s, text, err);
    if (count(text) != s->n)
        return EG_FAIL(err, EG_EINVAL,
                       "the cue: expected %td numbers parted by commas, or a "
                       "file, found %td",
                       s->n, count(text));
    return cue_numbers(c, s, text, err);
}

/* ---- damage -------------------------------------------------------------- */

void eg_cue_hide(eg_cue *c, const eg_store *s, eg_hide how, double share,
                 uint64_t seed)
{
    eg_rng rng = eg_rng_make(seed, EG_RNG_USER, 1, 0);
    eg_index all = places(s);
    double cut = share * (double)all;

    for (eg_index k = 0; k < all; k++) {
        bool hide = how == EG_HIDE_START ? (double)k < cut
                    : how == EG_HIDE_END ? (double)(all - 1 - k) < cut
                                         : eg_rng_uniform(&rng) < share;

        if (!hide) continue;
        know(c, s, k, false);
        memset(c->x + k * s->code, 0, (size_t)s->code * sizeof *c->x);
    }
}

void eg_cue_noise(eg_cue *c, const eg_store *s, double share, uint64_t seed)
{
    eg_rng rng = eg_rng_make(seed, EG_RNG_USER, 2, 0);
    double mean = 0, squares = 0, all = (double)(s->d * s->n);

    for (eg_index i = 0; i < s->d * s->n; i++) mean += s->pattern[i] / all;
    for (eg_index i = 0; i < s->d * s->n; i++)
        squares += (s->pattern[i] - mean) * (s->pattern[i] - mean) / all;
    for (eg_index k = 0; k < places(s); k++) {
        bool hit = eg_rng_uniform(&rng) < share;
        uint32_t any = eg_rng_u32(&rng);

        if (!c->known[k * s->code]) continue;
        if (s->kind == EG_STORE_NUMBERS)
            c->x[k] += share * sqrt(squares) * eg_rng_normal(&rng);
        else if (hit && s->kind == EG_STORE_PICTURES)
            c->x[k] = -c->x[k];
        else if (hit)
            put_word(c, s, k, (int)(any % (uint32_t)s->n_symbols));
    }
}

eg_status eg_cue_fill(eg_cue *c, const eg_store *s, double beta, eg_err *err)
{
    double *p = eg_calloc((size_t)s->d, sizeof *p);

    if (!p) return EG_FAIL(err, EG_ENOMEM, "%td patterns", s->d);
    for (eg_index i = 0; i < s->d; i++)
        for (eg_index j = 0; j < s->n; j++) {
            double by = c->x[j] - s->pattern[i * s->n + j];

            if (c->known[j]) p[i] -= beta * by * by;
        }
    (void)egi_softmax(p, p, s->d);
    for (eg_index i = 0; i < s->d; i++)
        for (eg_index j = 0; j < s->n; j++)
            if (!c->known[j]) c->x[j] += p[i] * s->pattern[i * s->n + j];
    eg_free(p);
    return EG_OK;
}
