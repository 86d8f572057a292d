/* Figures as a file of JSON, and back. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "engram/file.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/figures_priv.h"

enum { MOST_BYTES = 16 << 20, MOST_FIGURES = 10000 };

/* ---- written --------------------------------------------------------------
 */

static json_t *machine_json(const eg_machine *m)
{
    return json_pack(
        "{s:o, s:o, s:i, s:i, s:I, s:I, s:I, s:I, s:o, s:o, s:f}", "cpu",
        egi_json_text(m->cpu), "system", egi_json_text(m->system), "cores",
        m->cores, "nodes", m->nodes, "l1_bytes", (json_int_t)m->l1, "l2_bytes",
        (json_int_t)m->l2, "l3_bytes", (json_int_t)m->l3, "memory_bytes",
        (json_int_t)m->memory, "kernel_sets", egi_json_text(m->kernels),
        "clock_source", egi_json_text(m->clock), "load", m->load);
}

static json_t *figure_json(const eg_figure *r)
{
    json_t *o = json_pack(
        "{s:o, s:o, s:s, s:i, s:f, s:f, s:f, s:f}", "name",
        egi_json_text(r->name), "unit", egi_json_text(r->unit), "better",
        r->less ? "less" : "more", "samples", r->n, "median", r->median, "low",
        r->low, "high", r->high, "best", r->best);
    json_t *peers;
    int bad = 0;

    if (r->limit > 0) {
        bad |= json_object_set_new(o, "limit", json_real(r->limit));
        bad |= json_object_set_new(o, "share", json_real(r->share));
        bad |= json_object_set_new(o, "share_low", json_real(r->share_low));
        bad |= json_object_set_new(o, "share_high", json_real(r->share_high));
    }
    if (r->n_peers == 0) return egi_json_whole(o, bad);
    peers = json_object();
    for (int i = 0; i < r->n_peers; i++)
        bad |= json_object_set_new(peers, r->peer[i].name,
                                   json_real(r->peer[i].value));
    bad |= json_object_set_new(o, "peers", peers);
    return egi_json_whole(o, bad);
}

eg_status eg_figures_json(char **out, const eg_figures *f, eg_err *err)
{
    json_t *rows = json_array(), *o;
    int bad = f->no_memory;

    *out = NULL;
    for (int i = 0; i < f->n; i++)
        bad |= json_array_append_new(rows, figure_json(&f->row[i]));
    o = json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:i, s:o, s:o}", "format",
                  EG_FIGURES_FORMAT, "bench", egi_json_text(f->bench),
                  "version", f->version, "commit", f->commit, "date", f->date,
                  "kernels", egi_json_text(f->kernels), "threads", f->threads,
                  "machine", machine_json(&f->machine), "figures", rows);
    o = egi_json_whole(o, bad);
    *out = egi_json_print(o, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    json_decref(o);
    return *out ? EG_OK : EG_FAIL(err, EG_ENOMEM, "figures as JSON");
}

eg_status eg_figures_write(const eg_figures *f, const char *path, eg_err *err)
{
    eg_outfile o;
    char *text = NULL;
    eg_status st = eg_figures_json(&text, f, err);

    if (st != EG_OK) return st;
    EG_TRY(eg_outfile_open_own(&o, NULL, path, EG_FIGURES_MARK, err));
    eg_outfile_write(&o, text, strlen(text));
    eg_outfile_write(&o, "\n", 1);
    EG_TRY(eg_outfile_commit(&o, err));
done:
    eg_free(text);
    return st;
}

/* ---- read -----------------------------------------------------------------
 */

/* Where a value was looked for; the first complaint stays. */
typedef struct reader {
    const char *path, *where; /* the file; "", or the figure's name */
    eg_err *err;
    eg_status st;
} reader;

static void complain(reader *r, const char *key, const char *expected)
{
    if (r->st != EG_OK) return;
    r->st = EG_FAIL(r->err, EG_EFORMAT, "%s: %s%s%s: expected %s", r->path,
                    r->where, r->where[0] ? ": " : "", key, expected);
}

static void take_text(reader *r, char *buf, size_t size, const json_t *o,
                      const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    if (!text)
        complain(r, key, "text");
    else
        (void)eg_text_copy(buf, size, text);
}

static double take_number(reader *r, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_number(v)) complain(r, key, "a number");
    return json_number_value(v);
}

static int64_t take_whole(reader *r, const json_t *o, const char *key,
                          int64_t least, int64_t most)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_integer(v) || json_integer_value(v) < least ||
        json_integer_value(v) > most)
        complain(r, key,
                 least ? "a count from 1 to 2147483647"
                       : "a whole number from 0");
    return json_integer_value(v);
}

static int take_count(reader *r, const json_t *o, const char *key)
{
    return (int)take_whole(r, o, key, 1, INT_MAX);
}

static int64_t take_bytes(reader *r, const json_t *o, const char *key)
{
    return take_whole(r, o, key, 0, INT64_MAX);
}

static void take_machine(reader *r, eg_machine *m, const json_t *o)
{
    r->where = "machine";
    if (!json_is_object(o)) complain(r, "it", "an object");
    take_text(r, m->cpu, sizeof m->cpu, o, "cpu");
    take_text(r, m->system, sizeof m->system, o, "system");
    take_text(r, m->kernels, sizeof m->kernels, o, "kernel_sets");
    take_text(r, m->clock, sizeof m->clock, o, "clock_source");
    m->cores = take_count(r, o, "cores");
    m->nodes = take_count(r, o, "nodes");
    m->l1 = take_bytes(r, o, "l1_bytes");
    m->l2 = take_bytes(r, o, "l2_bytes");
    m->l3 = take_bytes(r, o, "l3_bytes");
    m->memory = take_bytes(r, o, "memory_bytes");
    m->load = take_number(r, o, "load");
    r->where = "";
}

static void take_figure(reader *r, eg_figures *f, const json_t *o)
{
    eg_figure q = {0}, *row;
    char better[8] = "";
    json_t *peers = json_object_get(o, "peers");

    r->where = "a figure";
    take_text(r, q.name, sizeof q.name, o, "name");
    r->where = q.name;
    take_text(r, q.unit, sizeof q.unit, o, "unit");
    take_text(r, better, sizeof better, o, "better");
    if (strcmp(better, "less") != 0 && strcmp(better, "more") != 0)
        complain(r, "better", "less or more");
    q.n = take_count(r, o, "samples");
    q.median = take_number(r, o, "median");
    q.low = take_number(r, o, "low");
    q.high = take_number(r, o, "high");
    q.best = take_number(r, o, "best");
    if (!(q.low <= q.median && q.median <= q.high))
        complain(r, "median", "a number from low to high");
    if (egi_figure_find(f, &q))
        complain(r, "name", "one that stands once, with its unit");
    row = eg_figures_put(f, q.name, q.unit, better[0] == 'l', q.n, q.low,
                         q.median, q.high, q.best);
    if (json_object_get(o, "limit")) {
        row->limit = take_number(r, o, "limit");
        row->share = take_number(r, o, "share");
        row->share_low = take_number(r, o, "share_low");
        row->share_high = take_number(r, o, "share_high");
    }
    if (peers && !json_is_object(peers)) complain(r, "peers", "an object");
    for (void *i = json_object_iter(peers); i;
         i = json_object_iter_next(peers, i))
        eg_figure_peer_add(row, json_object_iter_key(i),
                           json_number_value(json_object_iter_value(i)));
    r->where = "";
}

static void take_all(reader *r, eg_figures *f, const json_t *top)
{
    const char *format = json_string_value(json_object_get(top, "format"));
    const json_t *rows = json_object_get(top, "figures");

    if (!format || strcmp(format, EG_FIGURES_FORMAT) != 0) {
        r->st = EG_FAIL(r->err, EG_EFORMAT,
                        "%s: no file of `engram bench --out`: expected the "
                        "format '" EG_FIGURES_FORMAT "', found %s%.40s%s",
                        r->path, format ? "'" : "", format ? format : "none",
                        format ? "'" : "");
        return;
    }
    take_text(r, f->bench, sizeof f->bench, top, "bench");
    take_text(r, f->version, sizeof f->version, top, "version");
    take_text(r, f->commit, sizeof f->commit, top, "commit");
    take_text(r, f->date, sizeof f->date, top, "date");
    take_text(r, f->kernels, sizeof f->kernels, top, "kernels");
    f->threads = take_count(r, top, "threads");
    take_machine(r, &f->machine, json_object_get(top, "machine"));
    if (!json_is_array(rows) || json_array_size(rows) > MOST_FIGURES)
        complain(r, "figures", "a list of at most 10000");
    for (size_t i = 0; r->st == EG_OK && i < json_array_size(rows); i++)
        take_figure(r, f, json_array_get(rows, i));
    if (r->st == EG_OK && f->no_memory)
        r->st = EG_FAIL(r->err, EG_ENOMEM, "%s: out of memory", r->path);
}

eg_status eg_figures_read(eg_figures *f, const char *path, eg_err *err)
{
    reader r = {.path = path, .where = "", .err = err, .st = EG_OK};
    json_error_t why;
    char *text = NULL;
    size_t size;
    json_t *top;

    *f = (eg_figures){0};
    r.st = eg_file_read(&text, &size, path, MOST_BYTES, err);
    if (r.st != EG_OK) return r.st;
    top = egi_json_parse(text, size, JSON_REJECT_DUPLICATES, &why);
    if (!top)
        r.st = EG_FAIL(err, egi_json_status(&why),
                       "%s:%d: no file of `engram bench --out`: %s", path,
                       why.line, why.text);
    else
        take_all(&r, f, top);
    json_decref(top);
    eg_free(text);
    if (r.st != EG_OK) eg_figures_release(f);
    return r.st;
}
