/* Lists of times. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "flow/numbers.h"
#include "flow/setup_impl.h"

static const double max_times = 1e8;

typedef struct series {
    double *t;
    eg_index n, room;
    bool range; /* the last word was one */
} series;

static eg_status append(series *s, double t, eg_err *err)
{
    if (s->n == s->room) {
        eg_index room = 2 * s->room + 64;
        double *grown = eg_realloc(s->t, (size_t)room * sizeof *grown);

        if (!grown) return EG_FAIL(err, EG_ENOMEM, "%td times", room);
        s->t = grown;
        s->room = room;
    }
    s->t[s->n++] = t;
    return EG_OK;
}

static bool parse_range(const char *word, double v[3])
{
    char copy[EG_STRS_LEN], *save = NULL, *piece = NULL;
    int n = 0;

    (void)snprintf(copy, sizeof copy, "%s", word);
    for (piece = strtok_r(copy, ":", &save); piece;
         piece = strtok_r(NULL, ":", &save)) {
        if (n == 3 || !egi_word_number(piece, &v[n])) return false;
        n++;
    }
    return n == 3;
}

static eg_status append_range(series *s, const double v[3], const char *what,
                              const char *word, eg_err *err)
{
    eg_status st = EG_OK;
    double count = floor((v[1] - v[0]) / v[2] * (1 + 1e-12) + 1e-9);

    if (!(v[2] > 0) || !(v[1] >= v[0]) || !(count < max_times))
        return EG_FAIL(err, EG_EINVAL,
                       "%s: expected from:to:step with from <= to, step > 0 "
                       "and at most %g times, found '%s'",
                       what, max_times, word);
    /* where ranges meet, the time is one */
    if (s->n > 0 && s->t[s->n - 1] == v[0]) s->n--;
    for (eg_index k = 0; k <= (eg_index)count; k++) {
        double t = v[0] + (double)k * v[2];

        if (fabs(t - v[1]) < 1e-6 * v[2]) t = v[1]; /* to rounding */
        EG_TRY(append(s, t, err));
    }
    s->range = true;
done:
    return st;
}

static eg_status append_file(series *s, const eg_folder *in, const char *word,
                             const char *what, eg_err *err)
{
    eg_status st = EG_OK;
    egi_numbers a = {0};

    EG_TRY(egi_numbers_expect(&a, in, word, what, -1, 1, err));
    for (eg_index i = 0; i < a.shape[0]; i++) EG_TRY(append(s, a.data[i], err));
done:
    egi_numbers_release(&a);
    return st;
}

static eg_status append_word(series *s, const char *what, const char *word,
                             const eg_folder *in, eg_err *err)
{
    double v[3];
    bool after_range = s->range && s->n > 0;

    s->range = false;
    if (egi_word_number(word, v))
        return after_range && s->t[s->n - 1] == v[0] ? EG_OK
                                                     : append(s, v[0], err);
    if (parse_range(word, v)) return append_range(s, v, what, word, err);
    if (egi_is_numbers_file(word)) return append_file(s, in, word, what, err);
    return EG_FAIL(err, EG_EINVAL,
                   "%s: expected numbers, ranges from:to:step or .npy or .csv "
                   "files, found '%s'",
                   what, word);
}

eg_status egi_setup_times(double **out, eg_index *n, const char *what,
                          const eg_strs *list, const eg_folder *in, eg_err *err)
{
    eg_status st = EG_OK;
    series s = {0};

    *out = NULL;
    *n = 0;
    for (int i = 0; i < list->n; i++)
        EG_TRY(append_word(&s, what, list->item[i], in, err));
    for (eg_index i = 0; i < s.n; i++)
        if (!isfinite(s.t[i]) || (i > 0 && !(s.t[i] > s.t[i - 1]))) {
            st = EG_FAIL(
                err, EG_EINVAL,
                "%s: expected ascending numbers, found %.17g after %.17g", what,
                s.t[i], i > 0 ? s.t[i - 1] : s.t[i]);
            goto done;
        }
    *out = s.t;
    *n = s.n;
    s.t = NULL;
done:
    eg_free(s.t);
    return st;
}
