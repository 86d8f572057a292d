/* Ranges of an axis: lo:hi:n at equal distances, lo:hi:nlog at equal ratios. */
#include "lab/sweep_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "engram/text.h"

enum { PART = 64 };

typedef struct range {
    double lo, hi;
    int64_t n;
    bool log;
} range;

/* The part up to the colon, or to the end; false: it does not fit. */
static bool take_part(char part[PART], const char **text)
{
    size_t n = strcspn(*text, ":");

    if (n == 0 || n >= PART) return false;
    memcpy(part, *text, n);
    part[n] = '\0';
    *text += n;
    if (**text == ':') ++*text;
    return true;
}

static bool parse(range *r, const char *text)
{
    char lo[PART], hi[PART], n[PART];
    size_t digits;

    if (!take_part(lo, &text) || !take_part(hi, &text) ||
        !take_part(n, &text) || *text)
        return false;
    digits = strlen(n);
    r->log = digits > 3 && strcmp(n + digits - 3, "log") == 0;
    if (r->log) n[digits - 3] = '\0';
    return egi_real_parse(lo, &r->lo) && egi_real_parse(hi, &r->hi) &&
           egi_int_parse(n, &r->n);
}

/* Two colons, and numbers before both of them. */
bool egi_range_is(const char *text)
{
    char part[PART];
    double v;

    for (int i = 0; i < 2; i++)
        if (!take_part(part, &text) || text[-1] != ':' ||
            !egi_real_parse(part, &v))
            return false;
    return strchr(text, ':') == NULL && strchr(text, ',') == NULL;
}

static eg_status check(const range *r, const char *text, eg_err *err)
{
    if (!isfinite(r->lo) || !isfinite(r->hi) || r->n < 2 ||
        r->n > EG_AXIS_VALUES)
        return EG_FAIL(err, EG_EINVAL,
                       "expected lo:hi:n or lo:hi:nlog with n from 2 to %d, "
                       "found '%.*s'",
                       EG_AXIS_VALUES, eg_text_fit(text, 60), text);
    if (r->log && !(r->lo > 0 && r->hi > 0))
        return EG_FAIL(err, EG_EINVAL,
                       "expected positive ends of values at equal ratios, "
                       "found '%.*s'",
                       eg_text_fit(text, 60), text);
    return EG_OK;
}

/* Rounded to 12 digits: what the last ones of pow say is not the user's. */
static double value_of(const range *r, int64_t i)
{
    double at = (double)i / (double)(r->n - 1), v;
    char text[EGI_REAL_TEXT];

    if (i == 0) return r->lo;
    if (i == r->n - 1) return r->hi;
    v = r->log ? r->lo * pow(r->hi / r->lo, at) : r->lo + (r->hi - r->lo) * at;
    (void)egi_snprintf(text, sizeof text, "%.12g", v);
    return egi_strtod(text, NULL);
}

eg_status egi_range_fill(eg_axis *a, const char *text, bool whole, eg_err *err)
{
    range r = {.n = 0};
    eg_status st = EG_OK;

    if (!parse(&r, text)) r.n = 0;
    EG_TRY(check(&r, text, err));
    a->scale = r.log ? EG_SCALE_LOG : EG_SCALE_LINEAR;
    for (int64_t i = 0; i < r.n; i++) {
        char one[EGI_REAL_TEXT];
        double v = value_of(&r, i);

        if (whole)
            (void)egi_snprintf(one, sizeof one, "%.0f", nearbyint(v));
        else
            egi_real_text(one, 1, v);
        if (a->n > 0 && strcmp(a->value[a->n - 1], one) == 0) {
            st = EG_FAIL(err, EG_EINVAL,
                         "'%.*s' has the value %s twice: take fewer values",
                         eg_text_fit(text, 60), text, one);
            goto done;
        }
        EG_TRY(egi_axis_put(a, one, strlen(one), err));
    }
done:
    return st;
}
