/* Stores of patterns: numbers and pictures here, lines in store_lines.c. */
#include "energy/store.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "energy/energies.h"
#include "energy/picture.h"
#include "engram/file.h"
#include "engram/mem.h"
#include "flow/numbers.h"

enum { NEIGHBOURS = 300 }; /* patterns whose distances are looked at */

void eg_store_release(eg_store *s)
{
    eg_free(s->pattern);
    eg_free(s->symbol);
    eg_free(s->word);
    eg_free(s->at);
    *s = (eg_store){0};
}

static bool ends(const char *path, const char *tail)
{
    size_t n = strlen(path), k = strlen(tail);

    if (n < k) return false;
    for (size_t i = 0; i < k; i++)
        if (egi_lower(path[n - k + i]) != tail[i]) return false;
    return true;
}

eg_store_kind egi_store_kind_of(const char *path)
{
    if (egi_is_numbers_file(path)) return EG_STORE_NUMBERS;
    if (ends(path, ".pgm") || ends(path, ".pbm") || ends(path, ".art"))
        return EG_STORE_PICTURES;
    return EG_STORE_LINES;
}

const char *egi_store_kind_name(eg_store_kind kind)
{
    return kind == EG_STORE_LINES     ? "lines of text"
           : kind == EG_STORE_NUMBERS ? "numbers"
                                      : "pictures";
}

static eg_status numbers_file(double **value, eg_index shape[3],
                              const char *path, eg_err *err)
{
    egi_numbers a = {0};
    eg_status st = egi_numbers_read(&a, NULL, path, err);

    if (st != EG_OK) return st;
    if (a.ndim < 1 || a.ndim > 2)
        st = EG_FAIL(err, EG_ESHAPE,
                     "%s: expected an array [d, n] or [n], found %d axes", path,
                     a.ndim);
    else if (egi_numbers_size(&a) < 1)
        st = EG_FAIL(err, EG_EINVAL, "%s: no number", path);
    for (eg_index i = 0; st == EG_OK && i < egi_numbers_size(&a); i++)
        if (!(fabs(a.data[i]) <= EGI_STORE_LARGEST))
            st = EG_FAIL(err, EG_EINVAL,
                         "%s: number %td: expected a finite one up to %g, "
                         "found %g",
                         path, i + 1, EGI_STORE_LARGEST, a.data[i]);
    if (st == EG_OK) {
        shape[0] = a.ndim == 2 ? a.shape[0] : 1;
        shape[1] = 1;
        shape[2] = a.shape[a.ndim - 1];
        *value = a.data;
        a.data = NULL;
    }
    egi_numbers_release(&a);
    return st;
}

static eg_status picture_file(double **value, eg_index shape[3],
                              const char *path, eg_err *err)
{
    egi_pictures p = {0};
    char *bytes = NULL;
    size_t size;
    eg_status st = eg_file_read(&bytes, &size, path, EGI_STORE_BYTES, err);

    if (st != EG_OK) return st;
    st = ends(path, ".art") ? egi_art_parse(&p, bytes, size, path, err)
                            : egi_picture_parse(&p, bytes, size, path, err);
    eg_free(bytes);
    if (st != EG_OK) return st;
    *value = p.value;
    shape[0] = p.n;
    shape[1] = p.height;
    shape[2] = p.width;
    return EG_OK;
}

eg_status egi_store_file(double **value, eg_index shape[3], eg_store_kind kind,
                         const char *path, eg_err *err)
{
    return kind == EG_STORE_NUMBERS ? numbers_file(value, shape, path, err)
                                    : picture_file(value, shape, path, err);
}

static eg_status add(eg_store *s, const double *value, const eg_index shape[3],
                     const char *path, eg_err *err)
{
    eg_index n = shape[1] * shape[2];
    double *more;

    if (s->d > 0 && (shape[1] != s->height || shape[2] != s->width))
        return EG_FAIL(err, EG_ESHAPE,
                       "%s: expected %td x %td as the files before, found "
                       "%td x %td",
                       path, s->width, s->height, shape[2], shape[1]);
    if ((s->d + shape[0]) > EGI_STORE_ENTRIES / n)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: %td patterns of %td entries: expected %td entries "
                       "at most in all",
                       path, s->d + shape[0], n, EGI_STORE_ENTRIES);
    for (eg_index i = 0; i < shape[0] * n; i++)
        if (isnan(value[i]))
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: a '?' in a picture that is to be stored", path);
    more =
        eg_realloc(s->pattern, (size_t)((s->d + shape[0]) * n) * sizeof *more);
    if (!more) return EG_FAIL(err, EG_ENOMEM, "%s: %td patterns", path, s->d);
    memcpy(more + s->d * n, value, (size_t)(shape[0] * n) * sizeof *more);
    s->pattern = more;
    s->height = shape[1];
    s->width = shape[2];
    s->n = n;
    s->d += shape[0];
    return EG_OK;
}

eg_status eg_store_read(eg_store *s, const char *const *path, int n_paths,
                        const eg_store_opts *o, eg_err *err)
{
    eg_store_kind kind = o->kind;
    eg_status st = EG_OK;

    *s = (eg_store){.code = 1};
    if (n_paths < 1) return EG_FAIL(err, EG_EINVAL, "expected a file");
    if (kind == EG_STORE_AUTO) kind = egi_store_kind_of(path[0]);
    s->kind = kind;
    for (int i = 0; i < n_paths; i++)
        if (o->kind == EG_STORE_AUTO && egi_store_kind_of(path[i]) != kind)
            return EG_FAIL(err, EG_ESHAPE, "%s: expected %s as in %s, found %s",
                           path[i], egi_store_kind_name(kind), path[0],
                           egi_store_kind_name(egi_store_kind_of(path[i])));
    if (kind == EG_STORE_LINES) {
        EG_TRY(egi_store_lines(s, path, n_paths, o, err));
    } else {
        for (int i = 0; i < n_paths; i++) {
            eg_index shape[3] = {0};
            double *value = NULL;

            EG_TRY(egi_store_file(&value, shape, kind, path[i], err));
            st = add(s, value, shape, path[i], err);
            eg_free(value);
            if (st != EG_OK) goto done;
        }
    }
done:
    if (st != EG_OK) eg_store_release(s);
    return st;
}

void eg_store_signs(eg_store *s)
{
    for (eg_index i = 0; i < s->d * s->n; i++)
        s->pattern[i] = s->pattern[i] > 0 ? 1 : -1;
}

double eg_store_beta(const eg_store *s, double *gap)
{
    eg_index d = s->d < NEIGHBOURS ? s->d : NEIGHBOURS;
    double least = HUGE_VAL;

    for (eg_index i = 0; i < d; i++)
        for (eg_index j = 0; j < i; j++) {
            double far = egi_square_distance(s->pattern + i * s->n,
                                             s->pattern + j * s->n, s->n);

            if (far > 0 && far < least) least = far;
        }
    *gap = isfinite(least) ? sqrt(least) : 0;
    if (!isfinite(least)) least = 1; /* one pattern, or copies of it */
    return (5 + log((double)s->d)) / least;
}

eg_index eg_store_nearest(const eg_store *s, const double *x, double *far)
{
    eg_index best = 0;
    double least = HUGE_VAL;

    for (eg_index i = 0; i < s->d; i++) {
        double by = egi_square_distance(x, s->pattern + i * s->n, s->n);

        if (by < least) {
            least = by;
            best = i;
        }
    }
    *far = sqrt(least);
    return best;
}
