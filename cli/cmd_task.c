/* engram task: the sequences of a task as text, a line each. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "engram/mem.h"

/* Lines of text have no mark, so that none of them is replaced. */
#define NO_MARK "\001no file of lines begins so"

enum { NEWS = 1 << 17 /* lines between looks at the clock */ };

const cli_option cli_task_options[] = {
    {"split", 0, "NAME",
     "which sequences: train (default), probe, test; of question_formation "
     "train, val, test, gen, fresh"},
    {"lines", 'n', "N",
     "how many; default: all of a set that ends, 10 of one without end"},
    {"out", 'o', "FILE", "write to this new file, not to standard output"},
    {"ids", 0, NULL,
     "numbers of tokens, separated by spaces, in the place of "
     "text"},
    {"facts", 0, NULL,
     "print what is known of the law, exact loss floors among it, and no "
     "sequences"},
    CLI_OPT_SET,
    {"seed", 0, "N", "short for --set run.seed=N"},
    CLI_OPT_QUIET,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_task_help[] =
    "Writes what a model would be trained on, for other programs, or to look "
    "at. KIND\n"
    "is a kind of task (`engram list tasks`) or a configuration; --set changes "
    "its\n"
    "options. Words are separated by spaces, characters by nothing, with \\n "
    "for "
    "the\n"
    "end of a line; question formation has a tab behind the tag, as the "
    "released data.\n"
    "\n"
    "  engram task question-formation --lines 100000 --split train --out "
    "question.train\n"
    "  engram task question-formation --split gen | tr '\\t' ' ' >lines.txt\n"
    "  engram task question-formation --facts --set task.determiners=36\n"
    "  engram task experiments/birth/basic.yaml --lines 3 --split probe\n";

typedef struct writer {
    eg_task *task;
    int set;
    int64_t lines; /* to write */
    bool ids;
    eg_outfile file; /* f NULL: standard output */
    const char *name;
} writer;

static void put(void *ctx, const char *text, size_t n)
{
    writer *w = ctx;

    if (w->file.f)
        eg_outfile_write(&w->file, text, n);
    else
        (void)fwrite(text, 1, n, stdout);
}

static void put_ids(writer *w, const eg_seq *s)
{
    int T = eg_task_ctx(w->task);
    char text[32];

    put(w, text, (size_t)snprintf(text, sizeof text, "%d", s->tokens[0]));
    for (int t = 0; t < T && s->targets[t] >= 0; t++)
        put(w, text, (size_t)snprintf(text, sizeof text, " %d", s->targets[t]));
}

static eg_status write_lines(writer *w, eg_err *err)
{
    eg_progress news = {.label = w->name,
                        .n_steps = w->lines,
                        .loss = NAN,
                        .t = NAN,
                        .tokens_per_s = NAN};
    double start = eg_clock();
    eg_seq s;
    eg_status st = eg_seq_new(&s, w->task, err);

    if (st != EG_OK) return st;
    for (int64_t k = 0; k < w->lines && !cli_stop(NULL); k++) {
        eg_task_line(w->task, w->set, k, &s);
        if (w->ids)
            put_ids(w, &s);
        else
            eg_task_print(w->task, &s, put, w);
        put(w, "\n", 1);
        if (ferror(w->file.f ? w->file.f : stdout)) break;
        if ((k + 1) % NEWS != 0) continue;
        news.step = k;
        news.eta =
            (eg_clock() - start) / (double)(k + 1) * (double)(w->lines - k - 1);
        cli_progress(NULL, &news);
    }
    cli_progress_end();
    eg_seq_release(&s);
    return EG_OK;
}

/* ---- what is asked for ----------------------------------------------------
 */

/* The kind of that name, dashes for underscores; -1: there is none. */
static int kind_of(const char *word)
{
    char name[EG_TEXT];

    (void)snprintf(name, sizeof name, "%s", word);
    for (char *c = name; *c; c++)
        if (*c == '-') *c = '_';
    for (int i = 0; eg_task_kind_name(i, NULL); i++)
        if (strcmp(eg_task_kind_name(i, NULL), name) == 0) return i;
    return -1;
}

static int unknown(const char *word)
{
    eg_nearest near = {.asked = word};

    for (int i = 0; eg_task_kind_name(i, NULL); i++)
        eg_nearest_try(&near, eg_task_kind_name(i, NULL));
    return cli_fail(CLI_MISUSE,
                    "task: '%s' is no kind of task and no configuration%s%s%s; "
                    "`engram list tasks` has the kinds",
                    word, near.best ? "; did you mean '" : "",
                    near.best ? near.best : "", near.best ? "'?" : "");
}

/* A configuration, or a kind with its defaults. */
static int load(const cli_args *a, eg_config *cfg)
{
    int kind = kind_of(a->word[0]), code = CLI_DONE;
    eg_err err = {0};
    eg_status st = EG_OK;
    char set[EG_TEXT];

    if (kind < 0) {
        if (!eg_file_exists(a->word[0]) && !cli_is_folder(a->word[0]))
            return unknown(a->word[0]);
        code = cli_config(a, a->word[0], cfg);
    } else {
        eg_config_default(cfg);
        (void)snprintf(set, sizeof set, "task.kind=%s",
                       eg_task_kind_name(kind, NULL));
        EG_TRY(eg_config_set(cfg, set, &err));
        code = cli_config(a, NULL, cfg);
    }
    if (code != CLI_DONE) return code;
    if (cfg->run.kind == EG_RUN_TRAIN) return CLI_DONE;
    return cli_fail(CLI_MISUSE, "task: %s trains nothing, so it has no task",
                    a->word[0]);
done:
    return cli_error(st, &err);
}

static int find_set(writer *w, const cli_args *a)
{
    const char *split = cli_value(a, "split"), *name;
    eg_nearest near = {.asked = split ? split : "train"};
    char all[160] = "";
    int64_t lines, want = -1;

    for (w->set = 0; eg_task_set(w->task, w->set, &name, &lines); w->set++) {
        size_t at = strlen(all);

        eg_nearest_try(&near, name);
        if (strcmp(name, near.asked) == 0) break;
        (void)snprintf(all + at, sizeof all - at, "%s%s", at ? ", " : "", name);
    }
    if (!eg_task_set(w->task, w->set, &name, &lines))
        return cli_fail(CLI_MISUSE, "task: no split '%s'; %s%s%s", near.asked,
                        near.best ? "did you mean '" : "expected one of ",
                        near.best ? near.best : all, near.best ? "'?" : "");
    w->name = name;
    w->lines = lines >= 0 ? lines : 10;
    if (!cli_int(a, "lines", 0, (int64_t)1 << 32, &want)) return CLI_MISUSE;
    if (want < 0) return CLI_DONE;
    if (lines >= 0 && want > lines)
        return cli_fail(CLI_MISUSE,
                        "task: --lines: expected at most %lld, all that %s "
                        "has, found %lld; --set task.%s%slines=%lld makes more",
                        (long long)lines, name, (long long)want,
                        w->set == 0 ? "" : name, w->set == 0 ? "" : "_",
                        (long long)want);
    w->lines = want;
    return CLI_DONE;
}

static int write_all(writer *w, const cli_args *a)
{
    const char *out = cli_value(a, "out");
    eg_err err = {0};
    eg_status st = EG_OK;

    if (out && eg_file_exists(out))
        return cli_fail(CLI_MISUSE, "%s: is there already", out);
    if (out) {
        EG_TRY(eg_outfile_open_own(&w->file, NULL, out, NO_MARK, &err));
        w->file.fresh = true;
    }
    cli_catch_signals();
    EG_TRY(write_lines(w, &err));
    if (!out) return cli_stop(NULL) ? CLI_INTERRUPTED : CLI_DONE;
    if (cli_stop(NULL)) {
        eg_outfile_abort(&w->file);
        return CLI_INTERRUPTED;
    }
    EG_TRY(eg_outfile_commit(&w->file, &err));
    cli_print("%s", out);
done:
    if (st != EG_OK) eg_outfile_abort(&w->file);
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

/* ---- facts ----------------------------------------------------------------
 */

static void print_fact(const char *name, const eg_view *v, json_t *json,
                       cli_table *table)
{
    json_t *all = json ? json_array() : NULL;
    eg_index n = eg_view_size(v);

    for (eg_index i = 0; json && i < n; i++)
        cli_json_add(all, json_real(eg_view_at(v, i)));
    if (json) cli_json_set(json, name, all);
    if (!json && n == 1) {
        cli_table_cell(table, "%s", name);
        cli_table_cell(table, "%.6f", eg_view_at(v, 0));
        cli_table_cell(table, "%s", "");
    }
}

/* Mean nats of a group's targets, and how many a sequence has. */
static void add_group(const eg_group *g, const eg_view *nats,
                      const eg_view *count, json_t *json, cli_table *table)
{
    double sum = 0, n = 0;

    for (eg_index l = 0; l < eg_view_size(nats); l++) {
        if (l < g->lo || l > g->hi) continue;
        sum += eg_view_at(nats, l);
        n += eg_view_at(count, l);
    }
    if (!(n > 0)) return;
    if (json) {
        cli_json_set(json, g->name,
                     json_pack("{s:f, s:f}", "nats", sum / n, "targets", n));
        return;
    }
    cli_table_cell(table, "%s", g->name);
    cli_table_cell(table, "%.6f", sum / n);
    cli_table_cell(table, "%.4f", n);
}

static int print_facts(const eg_task *task, bool as_json)
{
    json_t *json = as_json ? json_object() : NULL, *groups = NULL;
    cli_table *table = as_json ? NULL : cli_table_new(3);
    int kind = (int)eg_task_options(task)->kind;
    eg_view v, count;
    const char *name;

    if (table) {
        cli_table_cell(table, "fact");
        cli_table_cell(table, "value");
        cli_table_cell(table, "targets a sequence");
    }
    for (int i = 0; (name = eg_task_fact_name(task, i)); i++)
        if (eg_task_fact(task, name, &v)) print_fact(name, &v, json, table);
    if (eg_task_fact(task, "label_nats", &v) &&
        eg_task_fact(task, "label_count", &count)) {
        const eg_group *g;

        groups = json ? json_object() : NULL;
        for (int i = 0; (g = eg_task_group(kind, i)); i++)
            add_group(g, &v, &count, groups, table);
        if (json) cli_json_set(json, "groups", groups);
    }
    return json ? cli_print_json(json) : cli_table_print(table);
}

int cmd_task(const cli_args *a)
{
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    writer w = {.ids = cli_flag(a, "ids")};
    eg_err err = {0};
    eg_status st;
    int code;

    if (!cfg) return cli_fail(CLI_FAILED, "out of memory");
    code = load(a, cfg);
    if (code != CLI_DONE) goto done;
    st = eg_config_unchanged(cfg, &err);
    if (st == EG_OK) st = eg_config_task(&w.task, cfg, &err);
    if (st != EG_OK) {
        code = cli_error(st, &err);
    } else if (cli_flag(a, "facts")) {
        code = print_facts(w.task, cli_flag(a, "json"));
    } else if (eg_task_vocab(w.task) == 0) {
        code = cli_fail(CLI_MISUSE,
                        "task: expected a task of tokens, found %s, whose "
                        "sequences are vectors; `engram dump` writes them as "
                        "arrays",
                        eg_task_kind_name((int)cfg->task.kind, NULL));
    } else {
        code = find_set(&w, a);
        if (code == CLI_DONE) code = write_all(&w, a);
    }
done:
    eg_task_free(w.task);
    eg_free(cfg);
    return code;
}
