/* engram lens: four lenses on one model, or on every checkpoint of a run. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engram/corpus.h"
#include "engram/lens.h"
#include "engram/mem.h"
#include "engram/report.h"
#include "engram/run.h"

const cli_option cli_lens_options[] = {
    CLI_OPT_SET,
    {"seed", 0, "N", "short for --set run.seed=N"},
    {"text", 0, "FILE",
     "look at this text, plain, gzip or zstd, by the model's tokenizer or in "
     "the task's characters, in place of the task's own sequences"},
    {"tokenizer", 0, "FILE",
     "names the tokens, where the weights come without: a tokenizer's file or "
     "folder"},
    {"sequences", 'n', "N",
     "sequences, or windows of the text (default: 256; a good radius wants "
     "thousands)"},
    {"over-time", 0, NULL, "at every checkpoint that the run has kept"},
    {"out", 'o', "FILE",
     "the page (default: lens.html), and its data as FILE with .json; replaces "
     "nothing but such files"},
    {"title", 0, "TEXT", "heading of the page"},
    CLI_OPT_ALLOW_EXTRA,
    CLI_OPT_RUNS,
    CLI_OPT_JSON,
    CLI_OPT_THREADS,
    CLI_OPT_KERN,
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};

const char cli_lens_help[] =
    "Looks at a model through four lenses and writes one page that opens\n"
    "without a network, and its numbers as JSON beside it:\n"
    "\n"
    "  birth   what each head is, on random tokens said twice; which heads\n"
    "          copy, by the eigenvalues of W_E W_V W_O W_U\n"
    "  mesa    what a linear map reads off the stream behind each block (the\n"
    "          token before, the token, the next one, a step of gradient\n"
    "          descent on the context); how far the loss falls along the\n"
    "          context; how much of attention is its linear term\n"
    "  flow    tokens as points on a sphere: inner products, energy, clusters\n"
    "          by layer; eigenvalues of W_V W_O\n"
    "  energy  radius of patterns by layer, whose stream is nearest to whose\n"
    "\n"
    "WEIGHTS and CONFIG are as for `engram probe`: a run, or a safetensors "
    "file\n"
    "and the configuration of its model. --over-time takes every checkpoint "
    "of\n"
    "a run, as many as checkpoint.keep has left. docs/lens.md has the "
    "formulas.\n"
    "\n"
    "  engram lens birth-basic\n"
    "  engram lens birth-basic --over-time --out birth-lens.html\n"
    "  engram lens weights.safetensors model.yaml --text mine.txt\n"
    "  engram lens SmolLM2-135M-Instruct.Q4_1.gguf --text mine.txt\n";

enum { CONTEXT = 128 }; /* positions of another program's model */

/* Moments that were seen. */
typedef struct seeing {
    const cli_args *args;
    eg_checkpoint opened; /* the moment at work */
    char word[EG_PATH];   /* what is opened */
    char run[EG_PATH];    /* the run's folder; "": a file */
    char page[EG_PATH], data[EG_PATH + 8];
    eg_pool *pool;
    eg_task *task;
    eg_tokenizer *tokenizer; /* of --tokenizer, or NULL */
    int32_t *ids;            /* of --text */
    eg_index n_ids;
    int64_t sequences;
    int n, cap, at; /* moments seen, wanted; the one at work */
    int64_t *step;  /* [cap] */
    char **seen;    /* [cap] */
    double begun;
} seeing;

/* ---- files ------------------------------------------------------------------
 */

/* "lens.html", "lens.json"; neither may be anything else that is there. */
static int place(seeing *s)
{
    const char *out = cli_value(s->args, "out");
    eg_err err = {0};
    eg_status st;
    size_t n;

    if (!out) out = "lens.html";
    n = strlen(out);
    if (n + 8 > sizeof s->page)
        return cli_fail(CLI_MISUSE, "path too long: %s", out);
    if (n < 6 || strcmp(out + n - 5, ".html") != 0)
        return cli_fail(CLI_MISUSE,
                        "--out: expected a name that ends with .html, found "
                        "'%s'",
                        out);
    snprintf(s->page, sizeof s->page, "%s", out);
    snprintf(s->data, sizeof s->data, "%.*s.json", (int)(n - 5), out);
    st = eg_report_lens_place(s->page, s->data, &err);
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

static int write_page(const seeing *s)
{
    const char *text = cli_value(s->args, "text");
    const char *title = cli_value(s->args, "title");
    const eg_config *c = s->opened.config;
    eg_report_lens lens = {
        .out = s->page,
        .title = title               ? title
                 : s->opened.foreign ? s->opened.what
                                     : c->run.name,
        .source = s->run[0] && s->n > 1 ? s->run : s->opened.path,
        .text = text ? text : eg_task_kind_name((int)c->task.kind, NULL),
        .n = s->n,
        .step = s->step,
        .seen = (const char *const *)s->seen};
    eg_err err = {0};
    eg_status st = eg_report_lens_write(&lens, s->data, &err);

    if (st != EG_OK) return cli_error(st, &err);
    if (cli_flag(s->args, "json"))
        return cli_print_json_text(s->seen[s->n - 1]);
    cli_print("%s", s->page);
    if (!eg_report_has_plotly())
        cli_say("this build has no plotting library: the page holds numbers, "
                "no figures");
    return CLI_DONE;
}

/* ---- a text in the model's tokens
 * --------------------------------------------
 */

#define TEXT_BYTES ((int64_t)1 << 30)

/* What came with the weights, or the task has; NULL: nothing. */
static const eg_tokenizer *names(const seeing *s)
{
    if (s->tokenizer) return s->tokenizer;
    return s->opened.tokenizer ? s->opened.tokenizer
                               : eg_task_tokenizer(s->task);
}

/* By that tokenizer, as task.text is read. */
static eg_status tokenized(seeing *s, const char *path, int64_t *left_out,
                           eg_err *err)
{
    eg_corpus c = {.path = &path, .n = 1, .most_bytes = TEXT_BYTES};
    eg_tokenize how = {.known = true};
    eg_tokenized info = {0};
    eg_ids ids[2] = {0};
    eg_status st =
        eg_corpus_encode(ids, &info, &c, names(s), &how, s->pool, err);

    *left_out = info.left_out;
    if (st == EG_OK) {
        s->ids = ids[0].id; /* now ours */
        s->n_ids = (eg_index)ids[0].n;
        ids[0] = (eg_ids){0};
    }
    for (int i = 0; i < 2; i++) eg_ids_release(&ids[i]);
    return st;
}

/* By that, or by the task, whose tokens are characters. */
static eg_status encode(seeing *s, const char *path, eg_err *err)
{
    int64_t left_out = 0;
    char note[96];
    eg_status st = names(s) ? tokenized(s, path, &left_out, err)
                            : eg_task_encode(&s->ids, &s->n_ids, &left_out,
                                             s->task, path, err);

    if (st != EG_OK || left_out == 0) return st;
    snprintf(note, sizeof note,
             "%lld characters that the %s does not have are left out",
             (long long)left_out, names(s) ? "tokenizer" : "task");
    cli_note(NULL, note);
    return EG_OK;
}

static int read_text(seeing *s)
{
    const char *path = cli_value(s->args, "text");
    eg_err err = {0};
    eg_status st;

    if (cli_value(s->args, "tokenizer")) {
        st = eg_tokenizer_open(&s->tokenizer, cli_value(s->args, "tokenizer"),
                               &err);
        if (st != EG_OK) return cli_error(st, &err);
    }
    if (path && s->opened.foreign && !names(s))
        return cli_fail(CLI_MISUSE,
                        "--text: %s comes without a tokenizer; --tokenizer "
                        "FILE names one",
                        s->opened.path);
    if (!path && s->opened.foreign)
        cli_warn(NULL, "no --text: losses, the stream and the radius are those "
                       "of random tokens");
    if (!path) return CLI_DONE;
    st = encode(s, path, &err);
    if (st != EG_OK) return cli_error(st, &err);
    if (s->n_ids == 0)
        return cli_fail(CLI_MISUSE,
                        "--text: %s has nothing that the model has tokens for",
                        path);
    return CLI_DONE;
}

/* ---- looking ----------------------------------------------------------------
 */

static bool more(void *ctx, const char *what, double done)
{
    const seeing *s = ctx;
    double all = (s->at + done) / s->cap, took = eg_clock() - s->begun;
    char label[64];
    eg_progress p = {.label = label,
                     .step = (int64_t)(100 * all) - 1,
                     .n_steps = 100,
                     .loss = (double)NAN,
                     .t = (double)NAN,
                     .tokens_per_s = (double)NAN,
                     .eta = all > 0.02 ? took * (1 - all) / all : (double)NAN};

    snprintf(label, sizeof label, "%s", what);
    if (p.step < 0) p.step = 0;
    if (all < 1) cli_progress(NULL, &p);
    return !cli_stop(NULL);
}

static eg_status look(seeing *s, bool *stopped, eg_err *err)
{
    eg_lens_spec spec = {.model = s->opened.model,
                         .task = s->task,
                         .ids = s->ids,
                         .n_ids = s->n_ids,
                         .tokenizer = names(s),
                         .pool = s->pool,
                         .kern = cli_value(s->args, "kern"),
                         .sequences = (int)s->sequences,
                         .seed = (uint64_t)s->opened.config->run.seed,
                         .brief = s->at + 1 < s->cap,
                         .more = more,
                         .ctx = s};
    eg_status st = eg_lens_look(&s->seen[s->n], stopped, &spec, err);

    if (st == EG_OK && !*stopped) s->n++;
    return st;
}

/* Every checkpoint of the run, ascending. */
static int moments(seeing *s)
{
    bool all = cli_flag(s->args, "over-time");
    int64_t below = INT64_MAX;
    eg_err err = {0};
    eg_status st = EG_OK;

    if (all && !s->run[0])
        return cli_fail(CLI_MISUSE, "--over-time: expected a run, found %s",
                        s->args->word[0]);
    for (;;) {
        int64_t step;

        if (!s->run[0]) break;
        st = eg_run_checkpoint_below(&step, s->run, below, &err);
        if (st != EG_OK) return cli_error(st, &err);
        if (step < 0 || (!all && s->cap == 1)) break;
        void *more_steps =
            eg_realloc(s->step, ((size_t)s->cap + 1) * sizeof *s->step);
        if (!more_steps) return cli_fail(CLI_FAILED, "out of memory");
        s->step = more_steps;
        s->step[s->cap++] = below = step;
    }
    for (int i = 0; i < s->cap / 2; i++) {
        int64_t step = s->step[i];

        s->step[i] = s->step[s->cap - 1 - i];
        s->step[s->cap - 1 - i] = step;
    }
    if (s->cap == 0) {
        s->step = eg_calloc(1, sizeof *s->step);
        if (!s->step) return cli_fail(CLI_FAILED, "out of memory");
        s->step[s->cap++] = -1;
    }
    s->seen = eg_calloc((size_t)s->cap, sizeof *s->seen);
    return s->seen ? CLI_DONE : cli_fail(CLI_FAILED, "out of memory");
}

/* Opens the moment at work, from its own file when there are several. */
static int open_moment(seeing *s)
{
    const char *config = s->args->n_words > 1 ? s->args->word[1] : NULL;
    int64_t step = s->step[s->at];

    if (s->cap > 1) {
        eg_checkpoint_release(&s->opened);
        snprintf(s->word, sizeof s->word,
                 "%.*s/checkpoints/step-%lld.safetensors", EG_PATH - 64, s->run,
                 (long long)step);
        return cli_checkpoint(s->args, s->word, config, 0, &s->opened);
    }
    if (step < 0) s->step[s->at] = s->opened.step;
    return CLI_DONE;
}

static int work(seeing *s)
{
    bool stopped = false;
    eg_err err = {0};
    eg_status st;
    int code;

    st = eg_config_task(&s->task, s->opened.config, &err);
    if (st != EG_OK) return cli_error(st, &err);
    code = read_text(s);
    if (code == CLI_DONE) code = moments(s);
    if (code != CLI_DONE) return code;
    cli_catch_signals();
    s->begun = eg_clock();
    for (s->at = 0; s->at < s->cap && !stopped; s->at++) {
        code = open_moment(s);
        if (code != CLI_DONE) return code;
        st = look(s, &stopped, &err);
        cli_progress_end();
        if (st != EG_OK) return cli_error(st, &err);
    }
    if (s->n > 0) code = write_page(s);
    if (!stopped) return code;
    cli_say("stopped by %s after %d of %d checkpoints", cli_stop_name(), s->n,
            s->cap);
    return CLI_INTERRUPTED;
}

/* Opens what the command names; a run's folder into s->run. */
static int open_first(seeing *s)
{
    const cli_args *a = s->args;
    const char *config = a->n_words > 1 ? a->word[1] : NULL;
    int code =
        cli_checkpoint(a, a->word[0], config, EG_AT_MOST(CONTEXT), &s->opened);
    char *at;

    if (code != CLI_DONE) return code;
    if (s->opened.foreign) cli_say("%s: %s", s->opened.path, s->opened.what);
    eg_text_copy(s->run, sizeof s->run, s->opened.path);
    at = strstr(s->run, "/checkpoints/step-");
    /* a file of a run is that file alone */
    if (at && s->opened.step >= 0 &&
        (cli_is_folder(a->word[0]) || !eg_file_exists(a->word[0])))
        *at = '\0';
    else
        s->run[0] = '\0';
    return CLI_DONE;
}

int cmd_lens(const cli_args *a)
{
    seeing s = {.args = a, .sequences = 256};
    int code = place(&s);

    if (code == CLI_DONE && !cli_int(a, "sequences", 8, 1000000, &s.sequences))
        code = CLI_MISUSE;
    if (code == CLI_DONE) code = open_first(&s);
    if (code == CLI_DONE) code = cli_pool(a, &s.pool);
    if (code == CLI_DONE) code = work(&s);
    for (int i = 0; s.seen && i < s.n; i++) eg_free(s.seen[i]);
    eg_free(s.seen);
    eg_free(s.step);
    eg_free(s.ids);
    eg_tokenizer_free(s.tokenizer);
    eg_task_free(s.task);
    eg_checkpoint_release(&s.opened);
    eg_pool_free(s.pool);
    return code;
}
