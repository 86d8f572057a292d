/* The small texts of a claim: what is expected, and how far off it may be. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/claim_priv.h"
#include "base/num.h"
#include "engram/text.h"

/* A finite number at *s, which then stands behind it and the blanks that
 * follow. */
static bool number_at(const char **s, double *out)
{
    char *end;

    *out = egi_strtod(*s, &end);
    if (end == *s || !isfinite(*out)) return false;
    *s = end + strspn(end, " ");
    return true;
}

bool egi_number(const char *text, double *out)
{
    return number_at(&text, out) && *text == '\0';
}

eg_status egi_relation_parse(egi_relation *r, const char *text, eg_err *err)
{
    static const struct {
        const char *sign;
        egi_relation_op op;
    } sign[] = {{">=", EGI_GE}, {"<=", EGI_LE}, {">", EGI_GT}, {"<", EGI_LT}};
    const char *s = text;

    *r = (egi_relation){.op = EGI_EQ};
    for (size_t i = 0; i < sizeof sign / sizeof *sign; i++) {
        if (strncmp(s, sign[i].sign, strlen(sign[i].sign)) != 0) continue;
        r->op = sign[i].op;
        s += strlen(sign[i].sign);
        break;
    }
    s += strspn(s, " ");
    if (!number_at(&s, &r->a)) goto bad;
    if (r->op == EGI_EQ && strncmp(s, "..", 2) == 0) {
        r->op = EGI_BETWEEN;
        s += 2;
        s += strspn(s, " ");
        if (!number_at(&s, &r->b) || r->b < r->a) goto bad;
    }
    if (*s == '\0') return EG_OK;
bad:
    return EG_FAIL(err, EG_EINVAL,
                   "expected a number, >= x, > x, <= x, < x or a .. b, found "
                   "'%.*s'",
                   eg_text_fit(text, 40), text);
}

eg_status egi_tolerance_parse(egi_tolerance *t, const char *text, eg_err *err)
{
    const char *s = text;

    *t = (egi_tolerance){0};
    if (!number_at(&s, &t->value) || t->value < 0) goto bad;
    if (*s == '%') {
        t->relative = true;
        t->value /= 100;
        s++;
    }
    if (*s == '\0' && isfinite(t->value)) return EG_OK;
bad:
    return EG_FAIL(err, EG_EINVAL,
                   "expected a number >= 0 or a percentage, found '%.*s'",
                   eg_text_fit(text, 40), text);
}

/* How far v may be off expected. */
static double slack(const egi_tolerance *t, double expected)
{
    return t->relative ? t->value * fabs(expected) : t->value;
}

bool egi_relation_holds(const egi_relation *r, const egi_tolerance *t, double v)
{
    double slack_a = slack(t, r->a), slack_b = slack(t, r->b);

    if (!isfinite(v)) return false;
    switch (r->op) {
    case EGI_EQ:
        return fabs(v - r->a) <= slack_a;
    case EGI_GE:
        return v >= r->a - slack_a;
    case EGI_GT:
        return v > r->a - slack_a;
    case EGI_LE:
        return v <= r->a + slack_a;
    case EGI_LT:
        return v < r->a + slack_a;
    case EGI_BETWEEN:
        return v >= r->a - slack_a && v <= r->b + slack_b;
    }
    return false;
}
