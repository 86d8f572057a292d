/* engram generate: a model goes on where a prompt ends. */
#include "speech.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "engram/generate.h"
#include "engram/mem.h"

const cli_option cli_generate_options[] = {
    {"prompt", 0, "TEXT",
     "what to go on from, of a model of characters, words or a tokenizer"},
    {"ids", 0, "LIST", "the same as tokens: \"15 496 11\""},
    {"tokens", 'n', "N", "how many to add (default: 200)"},
    {"temperature", 0, "X",
     "logits are divided by it (default: 1; 0: always the likeliest token)"},
    {"top-k", 0, "N", "of the N likeliest tokens alone (default: all)"},
    {"top-p", 0, "X",
     "of the likeliest tokens that together have probability X (default: 1)"},
    {"stop", 0, "TEXT", "end behind this text (or these tokens of --ids)"},
    {"seed", 0, "N", "short for --set run.seed=N: another draw"},
    CLI_OPT_ALLOW_EXTRA,
    CLI_OPT_SET,
    CLI_OPT_RUNS,
    CLI_OPT_JSON,
    CLI_OPT_THREADS,
    CLI_OPT_KERN,
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};

const char cli_generate_help[] =
    "WEIGHTS is a run, of which the newest checkpoint is taken, a file of\n"
    "weights with the CONFIG that says of which model, or another program's\n"
    "model (docs/models.md). Tokens are printed as they are drawn, as text by\n"
    "the model's tokenizer or the task's words or characters, else as "
    "numbers;\n"
    "speed is told at the end. Without a prompt it begins with the end of a\n"
    "text, or the first token of a sequence of the task.\n"
    "\n"
    "A token reads every weight once: keys and values of the positions before\n"
    "are kept, of mixers with a state that state alone. Where n_ctx tokens "
    "are\n"
    "in hand, the older half is forgotten and the rest read anew. The same\n"
    "seed gives the same text, on any number of threads.\n"
    "\n"
    "  engram generate birth-basic --tokens 400 --temperature 0.8\n"
    "  engram generate birth-basic --prompt 'ROMEO:' --top-p 0.9 --seed 7\n"
    "  engram generate weights.safetensors model.yaml --ids '5 1 4' --json\n";

typedef struct work {
    const cli_args *args;
    eg_checkpoint opened;
    eg_pool *pool;
    eg_task *task;
    eg_decoder *decoder;
    speech speech;
    eg_ids prompt, stop, said;
    eg_sample_opts how;
    int64_t tokens;
    double *work; /* [3 d_vocab], for eg_decoder_draw */
    double seconds, first;
} work;

/* ---- what is asked for ----------------------------------------------------
 */

/* Options of sampling in the words of their fields. */
static int read_sampling(work *w)
{
    static const char *const name[][2] = {
        {"temperature", "temperature"}, {"top-k", "top_k"}, {"top-p", "top_p"}};
    eg_err err = {0};

    eg_fields_default(eg_sample_fields, &w->how);
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        const char *text = cli_value(w->args, name[i][0]);

        if (text && eg_field_parse(eg_field_find(eg_sample_fields, name[i][1]),
                                   &w->how, text, &err) != EG_OK)
            return cli_fail(CLI_MISUSE, "--%s%s", name[i][0],
                            err.msg + strlen(name[i][1]));
    }
    w->tokens = 200;
    return cli_int(w->args, "tokens", 1, 1000000000, &w->tokens) ? CLI_DONE
                                                                 : CLI_MISUSE;
}

/* The end of a text, or the first token of the task's own sequence. */
static int begin_anywhere(work *w)
{
    const eg_tokenizer *t = w->speech.tokenizer;
    eg_seq s;
    eg_err err = {0};
    eg_status st;
    char list[32];

    if (t && eg_tokenizer_eot(t) >= 0) {
        snprintf(list, sizeof list, "%d", (int)eg_tokenizer_eot(t));
        return speech_numbers(&w->speech, "ids", list, &w->prompt);
    }
    st = eg_seq_new(&s, w->task, &err);
    if (st != EG_OK) return cli_error(st, &err);
    eg_task_sequence(w->task, EG_TEST, 0, 0, &s);
    snprintf(list, sizeof list, "%d", (int)s.tokens[0]);
    eg_seq_release(&s);
    return speech_numbers(&w->speech, "ids", list, &w->prompt);
}

static int read_prompt(work *w)
{
    const char *text = cli_value(w->args, "prompt");
    const char *ids = cli_value(w->args, "ids");
    const char *stop = cli_value(w->args, "stop");
    int code = CLI_DONE;

    if (text && ids)
        return cli_fail(CLI_MISUSE, "expected --prompt or --ids, found both");
    if (text) code = speech_read(&w->speech, text, &w->prompt);
    if (ids) code = speech_numbers(&w->speech, "ids", ids, &w->prompt);
    if (code == CLI_DONE && stop)
        code = w->speech.kind != SPEECH_NUMBERS && !ids
                   ? speech_read(&w->speech, stop, &w->stop)
                   : speech_numbers(&w->speech, "stop", stop, &w->stop);
    if (code == CLI_DONE && w->prompt.n == 0)
        code = text || ids ? cli_fail(CLI_MISUSE, "the prompt is empty")
                           : begin_anywhere(w);
    return code;
}

/* Tokens of the prompt, or a few more: of one that cannot be read, which is
 * told later. */
static size_t prompt_length(const work *w, const eg_tokenizer *t)
{
    const char *text = cli_value(w->args, "prompt");
    const char *ids = cli_value(w->args, "ids");
    eg_ids list = {0};
    eg_err err = {0};
    size_t n = ids ? strlen(ids) : 1;

    if (t && text &&
        eg_tokenizer_encode(t, text, strlen(text), EG_ENCODE_SPECIAL, &list,
                            &err) == EG_OK)
        n = list.n;
    eg_ids_release(&list);
    return n;
}

/* Another program's model has the positions that are needed, and 64 at
 * least. */
static int positions(void *ctx, const eg_tokenizer *t)
{
    const work *w = ctx;
    int64_t needs = (int64_t)prompt_length(w, t) + w->tokens;

    if (needs < 64) needs = 64;
    return needs < INT_MAX ? (int)needs : INT_MAX;
}

/* The model, its task, and a prompt in its tokens. */
static int open_model(work *w)
{
    const cli_args *a = w->args;
    eg_checkpoint_how how = {.config = a->n_words > 1 ? a->word[1] : NULL,
                             .without_text = true,
                             .positions = positions,
                             .positions_ctx = w};
    eg_checkpoint *c = &w->opened;
    eg_err err = {0};
    eg_status st;
    int code = cli_checkpoint_as(a, a->word[0], how, c);

    if (code != CLI_DONE) return code;
    if (c->foreign) cli_say("%s: %s", c->path, c->what);
    st = eg_task_new(&w->task, &c->config->task, (uint64_t)c->config->run.seed,
                     &err);
    if (st != EG_OK) return cli_error(st, &err);
    if (eg_task_vocab(w->task) == 0)
        return cli_fail(CLI_MISUSE,
                        "%s: expected a model of tokens, found one of vectors",
                        c->path);
    if (!c->config->model.causal)
        return cli_fail(CLI_MISUSE,
                        "%s: attention without a mask (model.causal: false) "
                        "does not go on from what is before",
                        c->path);
    speech_init(&w->speech, w->task, c->tokenizer);
    return CLI_DONE;
}

static eg_status make_decoder(work *w, eg_err *err)
{
    const char *kern = cli_value(w->args, "kern");
    eg_status st = eg_decoder_new(&w->decoder, w->opened.model, w->pool,
                                  kern ? kern : "auto", err);

    if (st != EG_OK) return st;
    w->work = eg_calloc(3 * (size_t)eg_task_vocab(w->task), sizeof *w->work);
    if (!w->work)
        return EG_FAIL(err, EG_ENOMEM, "%d logits", eg_task_vocab(w->task));
    return EG_OK;
}

/* ---- token by token -------------------------------------------------------
 */

/* The byte k places before the end of what was said; -1: there is none. */
static int byte_back(const work *w, size_t k)
{
    for (size_t i = w->said.n, n; i-- > 0; k -= n) {
        const char *s =
            eg_tokenizer_bytes(w->speech.tokenizer, w->said.id[i], &n);

        if (k < n) return (unsigned char)s[n - 1 - k];
    }
    return -1;
}

/* Does the text end in the last token? A text has many ways to be tokens. */
static bool text_said(const work *w, const char *text)
{
    size_t n = strlen(text), last = 0;

    if (w->said.n > 0)
        (void)eg_tokenizer_bytes(w->speech.tokenizer, w->said.id[w->said.n - 1],
                                 &last);
    for (size_t skip = 0; n > 0 && skip < last; skip++) {
        size_t k = 0;

        while (k < n &&
               byte_back(w, skip + k) == (unsigned char)text[n - 1 - k])
            k++;
        if (k == n) return true;
    }
    return false;
}

static bool stopped(const work *w)
{
    size_t n = w->stop.n, said = w->said.n;

    if (cli_stop(NULL) || ferror(stdout)) return true;
    if (n > 0 && w->speech.kind == SPEECH_TOKENIZER &&
        !cli_value(w->args, "ids") &&
        eg_tokenizer_kind_of(w->speech.tokenizer) == EG_TOKENIZER_BPE)
        return text_said(w, cli_value(w->args, "stop"));
    return n > 0 && said >= n &&
           memcmp(w->said.id + said - n, w->stop.id, n * sizeof *w->stop.id) ==
               0;
}

/* One more token; room grows as they come, however many are asked for. */
static eg_status keep(eg_ids *said, int32_t token, eg_err *err)
{
    if (said->n == said->room) {
        size_t room = said->room ? 2 * said->room : 256;
        void *more = eg_realloc(said->id, room * sizeof *said->id);

        if (!more) return EG_FAIL(err, EG_ENOMEM, "%zu tokens", room);
        said->id = more;
        said->room = room;
    }
    said->id[said->n++] = token;
    return EG_OK;
}

static eg_status generate(work *w, FILE *to, eg_err *err)
{
    double start = eg_clock();
    eg_status st;

    for (size_t i = 0; i < w->prompt.n; i++)
        speech_say(&w->speech, w->prompt.id[i], to);
    fflush(to);
    EG_TRY(eg_decoder_prompt(w->decoder, w->prompt.id, (eg_index)w->prompt.n,
                             err));
    w->first = eg_clock() - start;
    start = eg_clock();
    while (w->said.n < (size_t)w->tokens && !stopped(w)) {
        int32_t token = eg_decoder_draw(w->decoder, &w->how,
                                        (uint64_t)w->opened.config->run.seed,
                                        w->said.n, w->work);

        if (token < 0) {
            st = EG_FAIL(err, EG_EFORMAT,
                         "%s: no logit behind token %zu is a number",
                         w->opened.path, w->prompt.n + w->said.n);
            goto done;
        }
        EG_TRY(keep(&w->said, token, err));
        speech_say(&w->speech, token, to);
        fflush(to);
        EG_TRY(eg_decoder_step(w->decoder, token, err));
    }
done:
    speech_end(&w->speech, to);
    w->seconds = eg_clock() - start;
    return st;
}

static json_t *ids_json(const eg_ids *ids)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ids->n; i++)
        cli_json_add(list, json_integer(ids->id[i]));
    return list;
}

/* text: all that was said, where JSON is wanted; else NULL. */
static int tell(const work *w, const char *text)
{
    double rate = w->seconds > 0 ? (double)w->said.n / w->seconds : 0;
    double read = (double)eg_decoder_reads(w->decoder) * rate;
    json_t *o;

    if (text) {
        o = json_object();
        cli_json_set(o, "weights", cli_json_string(w->opened.path));
        cli_json_set(o, "prompt", ids_json(&w->prompt));
        cli_json_set(o, "ids", ids_json(&w->said));
        cli_json_set(o, "text", json_string(text));
        cli_json_set(o, "prompt_seconds", json_real(w->first));
        cli_json_set(o, "seconds", json_real(w->seconds));
        cli_json_set(o, "tokens_per_s", json_real(rate));
        cli_json_set(o, "weights_bytes_per_s", json_real(read));
        return cli_print_json(o);
    }
    cli_print("%s", "");
    cli_say("%zu tokens in %.2f s: %.1f tokens/s, %.2f GB/s of weights; "
            "prompt of %zu in %.2f s",
            w->said.n, w->seconds, rate, read * 1e-9, w->prompt.n, w->first);
    return CLI_DONE;
}

/* As it comes to stdout, or into memory for JSON. */
static int speak(work *w)
{
    char *text = NULL;
    size_t size = 0;
    bool json = cli_flag(w->args, "json");
    FILE *to = json ? open_memstream(&text, &size) : stdout;
    eg_err err = {0};
    eg_status st;
    int code;

    if (!to) return cli_fail(CLI_FAILED, "out of memory: a text");
    cli_catch_signals();
    st = generate(w, to, &err);
    if (json && fclose(to) != 0 && st == EG_OK)
        st = EG_FAIL(&err, EG_ENOMEM, "a text of %zu tokens", w->said.n);
    if (st != EG_OK && !json) cli_print("%s", "");
    code = st == EG_OK ? tell(w, text) : cli_error(st, &err);
    free(text);
    return code == CLI_DONE && cli_stop(NULL) ? CLI_INTERRUPTED : code;
}

static int carry_out(work *w)
{
    eg_err err = {0};
    eg_status st;
    int code = read_sampling(w);

    if (code == CLI_DONE) code = cli_pool(w->args, &w->pool);
    if (code == CLI_DONE) code = open_model(w);
    if (code == CLI_DONE) code = read_prompt(w);
    if (code != CLI_DONE) return code;
    st = make_decoder(w, &err);
    return st == EG_OK ? speak(w) : cli_error(st, &err);
}

int cmd_generate(const cli_args *a)
{
    work w = {.args = a};
    int code = carry_out(&w);

    eg_decoder_free(w.decoder);
    eg_task_free(w.task);
    eg_checkpoint_release(&w.opened);
    eg_pool_free(w.pool);
    eg_free(w.work);
    eg_ids_release(&w.prompt);
    eg_ids_release(&w.stop);
    eg_ids_release(&w.said);
    return code;
}
