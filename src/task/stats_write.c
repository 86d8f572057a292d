/* Statistics as JSON: keys in a fixed order, one line a bigram row, so that
 * two measurements of one text are the same bytes. */
#include "engram/file.h"
#include "engram/mem.h"
#include "task/stats.h"

#include "base/json.h"

static const char method[] =
    "characters are Unicode code points of the UTF-8 text, as they stand; "
    "tokens number them in ascending order; pairs are all adjacent ones, "
    "overlapping; no smoothing";

/* "key": "text" with JSON escapes; false when out of memory. */
static bool put_text(FILE *f, const char *key, const char *text)
{
    json_t *v = egi_json_text(text);
    char *quoted = v ? egi_json_print(v, JSON_ENCODE_ANY) : NULL;

    if (quoted) fprintf(f, " \"%s\": %s,\n", key, quoted);
    eg_free(quoted);
    json_decref(v);
    return quoted != NULL;
}

static void put_row(FILE *f, const egi_stats *s, int i)
{
    fputs("  [", f);
    for (eg_index p = s->row[i]; p < s->row[i + 1]; p++)
        fprintf(f, "%s%d,%lld", p > s->row[i] ? "," : "", (int)s->next[p],
                (long long)s->count[p]);
    fputs(i + 1 < s->n_symbols ? "],\n" : "]\n", f);
}

eg_status egi_stats_write(const egi_stats *s, const char *path, eg_err *err)
{
    eg_outfile o;
    eg_status st = eg_outfile_open_own(&o, NULL, path, EGI_STATS_MARK, err);

    if (st != EG_OK) return st;
    fputs("{" EGI_STATS_MARK ", \"version\": 1,\n", o.f);
    if (!put_text(o.f, "source", s->source) ||
        !put_text(o.f, "method", method) ||
        (s->sha256[0] && !put_text(o.f, "sha256", s->sha256))) {
        eg_outfile_abort(&o);
        return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", path);
    }
    fprintf(o.f, " \"length\": %lld,\n \"symbols\": [", (long long)s->length);
    for (int i = 0; i < s->n_symbols; i++)
        fprintf(o.f, "%s%d", i ? "," : "", (int)s->symbol[i]);
    fputs("],\n \"unigram\": [", o.f);
    for (int i = 0; i < s->n_symbols; i++)
        fprintf(o.f, "%s%lld", i ? "," : "", (long long)s->unigram[i]);
    fputs("],\n \"bigram\": [\n", o.f);
    for (int i = 0; i < s->n_symbols; i++) put_row(o.f, s, i);
    fputs(" ]}\n", o.f);
    return eg_outfile_commit(&o, err);
}
