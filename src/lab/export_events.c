/* Metrics as event files of TensorBoard: records of framed messages. The
 * numbers of fields are those of tensorflow/core/util/event.proto,
 * framework/{summary,tensor,tensor_shape}.proto, google/protobuf/struct.proto
 * and tensorboard/plugins/hparams/{api,plugin_data}.proto. */
#include "engram/export_runs.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "engram/mem.h"
#include "lab/export_out.h"
#include "lab/export_settings.h"
#include "lab/export_walk.h"
#include "lab/proto.h"

enum { EVENT_WALL = 1, EVENT_STEP = 2, EVENT_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_TENSOR = 8, VALUE_META = 9 };
enum { META_PLUGIN = 1, PLUGIN_NAME = 1, PLUGIN_CONTENT = 2 };
enum { TENSOR_DTYPE = 1, TENSOR_SHAPE = 2, TENSOR_STRING = 8 };
enum { SHAPE_DIM = 2, DIM_SIZE = 1, DT_FLOAT = 1, DT_STRING = 7 };
enum { HPARAMS_START = 3, HPARAMS_END = 4 };
enum { START_HPARAMS = 1, START_TIME = 5, END_STATUS = 1, END_TIME = 2 };
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };
enum { ANY_NUMBER = 2, ANY_TEXT = 3, ANY_BOOL = 4 };
enum { STATUS_SUCCESS = 1, STATUS_FAILURE = 2, STATUS_RUNNING = 3 };

typedef struct writer {
    eg_outfile to;
    egi_buf frame, event, summary, value, part, inner, leaf; /* scratch */
    double wall;                                             /* seconds */
} writer;

/* ---- one event ------------------------------------------------------------
 */

/* Writes the summary that was put together, if there is anything in it. */
static void end_event(writer *w, double step)
{
    if (w->summary.n == 0) return;
    egi_pb_double(&w->event, EVENT_WALL, w->wall);
    egi_pb_int(&w->event, EVENT_STEP, (uint64_t)(int64_t)step);
    egi_pb_message(&w->event, EVENT_SUMMARY, &w->summary);
    egi_frame(&w->frame, &w->event);
    w->event.n = 0;
    if (!w->frame.failed) eg_outfile_write(&w->to, w->frame.s, w->frame.n);
    w->frame.n = 0;
}

static void begin_file(writer *w)
{
    egi_pb_double(&w->event, EVENT_WALL, w->wall);
    egi_pb_text(&w->event, EVENT_VERSION, "brain.Event:2");
    egi_frame(&w->frame, &w->event);
    w->event.n = 0;
}

static void put_scalar(writer *w, const char *tag, double v)
{
    egi_pb_text(&w->value, VALUE_TAG, tag);
    egi_pb_float(&w->value, VALUE_SIMPLE, (float)v);
    egi_pb_message(&w->summary, SUMMARY_VALUE, &w->value);
}

/* The value in hand is a plugin's; content, which may be empty, is its own. */
static void put_plugin(writer *w, const char *plugin, egi_buf *content)
{
    egi_pb_text(&w->leaf, PLUGIN_NAME, plugin);
    if (content->n > 0)
        egi_pb_bytes(&w->leaf, PLUGIN_CONTENT, content->s, content->n);
    w->leaf.failed |= content->failed;
    content->n = 0;
    egi_pb_message(&w->inner, META_PLUGIN, &w->leaf);
    egi_pb_message(&w->value, VALUE_META, &w->inner);
}

static void put_shape(writer *w, eg_index n)
{
    egi_pb_int(&w->leaf, DIM_SIZE, (uint64_t)n);
    egi_pb_message(&w->part, SHAPE_DIM, &w->leaf);
    egi_pb_message(&w->inner, TENSOR_SHAPE, &w->part);
}

/* ---- configuration --------------------------------------------------------
 */

/* Markdown takes lines that begin with four blanks as they stand. */
static void put_config(writer *w, const char *yaml)
{
    egi_buf *text = &w->part;

    while (*yaml) {
        size_t n = strcspn(yaml, "\n");

        egi_buf_add(text, "    %.*s\n", (int)n, yaml);
        yaml += n + (yaml[n] == '\n');
    }
    egi_pb_text(&w->value, VALUE_TAG, "config");
    egi_pb_int(&w->inner, TENSOR_DTYPE, DT_STRING);
    egi_pb_message(&w->inner, TENSOR_STRING, text);
    put_shape(w, 1);
    egi_pb_message(&w->value, VALUE_TENSOR, &w->inner);
    put_plugin(w, "text", &w->part);
    egi_pb_message(&w->summary, SUMMARY_VALUE, &w->value);
}

/* A value with content [part] of plugin hparams. */
static void put_hparams_value(writer *w, const char *tag)
{
    egi_pb_text(&w->value, VALUE_TAG, tag);
    put_plugin(w, "hparams", &w->part);
    egi_pb_int(&w->inner, TENSOR_DTYPE, DT_FLOAT);
    put_shape(w, 0);
    egi_pb_message(&w->value, VALUE_TENSOR, &w->inner);
    egi_pb_message(&w->summary, SUMMARY_VALUE, &w->value);
}

/* An entry of the map in hand [inner]: a number, a truth or a text. */
static void put_setting(writer *w, const char *key, const char *value)
{
    double number;
    bool yes = strcmp(value, "true") == 0;

    if (egi_real_parse(value, &number))
        egi_pb_double(&w->leaf, ANY_NUMBER, number);
    else if (yes || strcmp(value, "false") == 0)
        egi_pb_int(&w->leaf, ANY_BOOL, yes);
    else
        egi_pb_text(&w->leaf, ANY_TEXT, value);
    egi_pb_text(&w->event, ENTRY_KEY, key); /* not in use meanwhile */
    egi_pb_message(&w->event, ENTRY_VALUE, &w->leaf);
    egi_pb_message(&w->inner, START_HPARAMS, &w->event);
}

static void put_hparams(writer *w, const egi_settings *s, int i)
{
    char seed[32];

    for (int k = 0; k < s->differ.n_keys; k++)
        put_setting(w, s->differ.key[k].name,
                    egi_differ_value(&s->differ, i, k));
    (void)snprintf(seed, sizeof seed, "%lld", (long long)s->seed[i]);
    put_setting(w, "seed", seed);
    egi_pb_double(&w->inner, START_TIME, w->wall);
    egi_pb_message(&w->part, HPARAMS_START, &w->inner);
    put_hparams_value(w, "_hparams_/session_start_info");
}

static void put_end(writer *w, const char *status)
{
    int code = strcmp(status, "finished") == 0  ? STATUS_SUCCESS
               : strcmp(status, "running") == 0 ? STATUS_RUNNING
                                                : STATUS_FAILURE;

    egi_pb_int(&w->inner, END_STATUS, (uint64_t)code);
    egi_pb_double(&w->inner, END_TIME, w->wall);
    egi_pb_message(&w->part, HPARAMS_END, &w->inner);
    put_hparams_value(w, "_hparams_/session_end_info");
}

/* ---- rows -----------------------------------------------------------------
 */

/* "norm.W_E" is norm/W_E: families stand together. */
static void tag_of(char tag[128], const char *family, const char *name)
{
    char *dot;

    (void)snprintf(tag, 128, "%s%s%s", family, family[0] ? "/" : "", name);
    dot = strchr(tag, '.');
    if (!family[0] && dot) *dot = '/';
}

static void put_row(writer *w, const egi_walk *row, const char *family)
{
    for (int i = 0; i < row->m->n; i++) {
        const double *v = egi_walk_value(row, i);
        char tag[128];

        if (!v) continue;
        tag_of(tag, family, row->m->series[i].name);
        put_scalar(w, tag, *v);
    }
}

/* Where the clock stands in timing.jsonl; a process that went on began at 0. */
typedef struct clock_of {
    const eg_series *seconds; /* NULL: not known */
    int at;
    double start, before, last; /* of earlier processes; the last row's */
} clock_of;

static double wall_at(clock_of *c, double step)
{
    const eg_series *s = c->seconds;

    for (; s && c->at < s->n && s->step[c->at] <= step; c->at++) {
        if (s->value[c->at] < c->last) c->before += c->last;
        c->last = s->value[c->at];
    }
    return c->start + c->before + c->last;
}

static eg_status put_rows(writer *w, const eg_metrics *m,
                          const eg_metrics *timing, eg_err *err)
{
    egi_walk a = {.m = NULL}, b = {.m = NULL};
    clock_of c = {.seconds = eg_metrics_find(timing, "seconds"),
                  .start = w->wall};
    bool more, times;
    eg_status st;

    EG_TRY(egi_walk_begin(&a, m, err));
    EG_TRY(egi_walk_begin(&b, timing, err));
    times = egi_walk_next(&b);
    for (more = egi_walk_next(&a); more || times;) {
        double step = more && (!times || a.step <= b.step) ? a.step : b.step;

        w->wall = wall_at(&c, step);
        if (more && a.step == step) {
            put_row(w, &a, "");
            more = egi_walk_next(&a);
        }
        if (times && b.step == step) {
            put_row(w, &b, "timing");
            times = egi_walk_next(&b);
        }
        end_event(w, step);
    }
done:
    egi_walk_end(&a);
    egi_walk_end(&b);
    return st;
}

/* ---- a run ----------------------------------------------------------------
 */

/* Seconds since 1970 of "2026-01-31T12:00:00Z"; 0: it is none. Days by the
 * civil calendar: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static double seconds_of(const char *iso)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    long long v[6] = {0}, era, year, day;
    int k = 0;

    for (int i = 0; form[i]; i++) {
        if (form[i] != '0' ? iso[i] != form[i] : !egi_is_digit(iso[i]))
            return 0;
        if (form[i] == '0')
            v[k] = 10 * v[k] + (iso[i] - '0');
        else
            k++;
    }
    v[0] -= v[1] <= 2; /* years begin in March */
    era = v[0] / 400;
    year = v[0] - 400 * era;
    day = (153 * (v[1] + (v[1] > 2 ? -3 : 9)) + 2) / 5 + v[2] - 1;
    day += 365 * year + year / 4 - year / 100 + 146097 * era - 719468;
    return (double)(((day * 24 + v[3]) * 60 + v[4]) * 60 + v[5]);
}

static eg_status put_run(writer *w, const egi_settings *s, int i,
                         const char *dir, const eg_run_info *info, eg_err *err)
{
    eg_folder f;
    eg_metrics m = {0}, timing = {0};
    char *yaml = NULL;
    size_t size = 0;
    eg_status st = eg_folder_open(&f, dir, err);

    if (st != EG_OK) return st;
    EG_TRY(eg_metrics_read(&m, dir, err));
    EG_TRY(egi_timing_read(&timing, &f, err));
    EG_TRY(eg_file_read_in(&yaml, &size, &f, "config.yaml", 1 << 22, err));
    begin_file(w);
    put_config(w, yaml);
    put_hparams(w, s, i);
    end_event(w, 0);
    EG_TRY(put_rows(w, &m, &timing, err));
    put_end(w, info->status);
    end_event(w, 0);
    if (w->frame.failed)
        st = EG_FAIL(err, EG_ENOMEM, "%s: events of a step", dir);
done:
    eg_free(yaml);
    eg_metrics_release(&m);
    eg_metrics_release(&timing);
    eg_folder_close(&f);
    return st;
}

static void release(writer *w)
{
    egi_buf *all[] = {&w->frame, &w->event, &w->summary, &w->value,
                      &w->part,  &w->inner, &w->leaf};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        egi_buf_release(all[i]);
    eg_outfile_abort(&w->to);
}

static eg_status write_run(egi_out *out, const eg_export_runs *runs,
                           const egi_settings *s, int i, eg_err *err)
{
    char label[EGI_LABEL], name[64];
    eg_run_info info;
    writer w = {.wall = 0};
    bool one = runs->n == 1 && !runs->sweep;
    eg_status st;

    if (eg_run_info_read(&info, runs->dir[i], err) == EG_ENOMEM)
        return EG_ENOMEM; /* without a record it began in 1970 */
    w.wall = seconds_of(info.start);
    (void)snprintf(name, sizeof name, "events.out.tfevents.%010lld",
                   (long long)w.wall);
    if (!one) egi_export_label(label, runs, s, i);
    EG_TRY(egi_out_open(out, &w.to, one ? NULL : label, name, ".engram", err));
    EG_TRY(put_run(&w, s, i, runs->dir[i], &info, err));
    EG_TRY(eg_outfile_commit(&w.to, err));
done:
    release(&w);
    return st;
}

eg_status eg_export_tensorboard(eg_export_runs *runs, const char *folder,
                                eg_err *err)
{
    egi_settings s = {0};
    egi_out out = {.top = {.fd = -1}, .sub = {.fd = -1}};
    bool one = runs->n == 1 && !runs->sweep;
    eg_status st;

    runs->stopped = false;
    EG_TRY(one ? egi_settings_read_one(&s, runs->dir[0], err)
               : egi_settings_read(&s, runs, err));
    EG_TRY(egi_out_begin(&out, folder, runs->n, err));
    for (int i = 0; i < runs->n && !runs->stopped; i++) {
        runs->stopped = runs->next && !runs->next(runs->ctx, i);
        if (!runs->stopped) EG_TRY(write_run(&out, runs, &s, i, err));
    }
done:
    egi_out_end(&out, st == EG_OK && !runs->stopped);
    egi_settings_release(&s);
    return st;
}
