/* What the counts of a text obey.
 *
 * Every symbol occurs. All pairs together are one fewer than the characters.
 * Token i is first in as many pairs as it has occurrences, but for the last
 * character of the text, which is first in one pair fewer; likewise second,
 * but for the first character. */
#include "engram/mem.h"
#include "task/stats.h"

static eg_status check_unigram(const egi_stats *s, const char *name,
                               eg_err *err)
{
    int64_t left = s->length;

    for (int i = 0; i < s->n_symbols; i++) {
        int32_t c = s->symbol[i];

        if (c < 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: symbols[%d] = %d is no Unicode character", name,
                           i, (int)c);
        if (i > 0 && c <= s->symbol[i - 1])
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: symbols[%d] = %d does not ascend", name, i,
                           (int)c);
        if (s->unigram[i] < 1 || s->unigram[i] > left)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: unigram[%d] = %lld: expected 1 to %lld, what "
                           "is left of the length %lld",
                           name, i, (long long)s->unigram[i], (long long)left,
                           (long long)s->length);
        left -= s->unigram[i];
    }
    if (left != 0)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: unigram counts sum to %lld, the length is %lld",
                       name, (long long)(s->length - left),
                       (long long)s->length);
    return EG_OK;
}

/* Adds the pairs of row i to *sum and to the column sums. */
static eg_status check_row(const egi_stats *s, int i, int64_t *sum,
                           int64_t *column, const char *name, eg_err *err)
{
    for (eg_index p = s->row[i]; p < s->row[i + 1]; p++) {
        int32_t j = s->next[p];

        if (j < 0 || j >= s->n_symbols ||
            (p > s->row[i] && j <= s->next[p - 1]))
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: bigram[%d]: successor %d: expected ascending "
                           "tokens below %d",
                           name, i, (int)j, s->n_symbols);
        if (s->count[p] < 1 || s->count[p] > s->unigram[i] - *sum)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: bigram[%d]: count %lld of successor %d: "
                           "expected 1 to %lld, what is left of the symbol's "
                           "%lld occurrences",
                           name, i, (long long)s->count[p], (int)j,
                           (long long)(s->unigram[i] - *sum),
                           (long long)s->unigram[i]);
        *sum += s->count[p];
        column[j] += s->count[p];
    }
    return EG_OK;
}

static eg_status check_bigram(const egi_stats *s, int64_t *column,
                              const char *name, eg_err *err)
{
    int n_last = 0;

    for (int i = 0; i < s->n_symbols; i++) {
        int64_t sum = 0;
        eg_status st = check_row(s, i, &sum, column, name, err);

        if (st != EG_OK) return st;
        if (s->unigram[i] - sum > 1 || (n_last += s->unigram[i] > sum) > 1)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: bigram[%d] sums to %lld, the symbol occurs "
                           "%lld times (only the last character of the text "
                           "has no successor)",
                           name, i, (long long)sum, (long long)s->unigram[i]);
    }
    /* rows miss one pair at most, so columns do if none holds too many */
    for (int j = 0; j < s->n_symbols; j++)
        if (column[j] > s->unigram[j])
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: token %d is second in %lld pairs, but occurs "
                           "%lld times",
                           name, j, (long long)column[j],
                           (long long)s->unigram[j]);
    if (n_last == 0)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: the pairs are as many as the %lld characters; "
                       "expected one fewer",
                       name, (long long)s->length);
    return EG_OK;
}

eg_status egi_stats_check(const egi_stats *s, const char *name, eg_err *err)
{
    int64_t *column;
    eg_status st = check_unigram(s, name, err);

    if (st != EG_OK) return st;
    column = eg_calloc((size_t)s->n_symbols, sizeof *column);
    if (!column) return EG_FAIL(err, EG_ENOMEM, "%s: checking sums", name);
    st = check_bigram(s, column, name, err);
    eg_free(column);
    return st;
}
