#include "speech.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "engram/mem.h"

enum { SHOWN = 64 };

/* Words that are no numbers. */
static bool has_words(const eg_task *task)
{
    char buf[EG_TASK_WORD];

    for (int i = 0; i < eg_task_vocab(task); i++)
        if (!isdigit((unsigned char)eg_task_word(task, i, buf)[0])) return true;
    return false;
}

void speech_init(speech *s, const eg_task *task, const eg_tokenizer *tokenizer)
{
    if (!tokenizer) tokenizer = eg_task_tokenizer(task);
    *s = (speech){
        .task = task, .tokenizer = tokenizer, .vocab = eg_task_vocab(task)};
    if (tokenizer)
        s->kind = SPEECH_TOKENIZER;
    else if (eg_task_symbol(task, 0) > 0)
        s->kind = SPEECH_CHARACTERS;
    else
        s->kind = has_words(task) ? SPEECH_WORDS : SPEECH_NUMBERS;
}

/* ---- saying ---------------------------------------------------------------
 */

/* A character of one to four bytes. */
static void put_char(const char *c, FILE *to)
{
    char shown[SHOWN];

    if (c[0] != '\n' && c[0] != '\t') {
        (void)eg_text_clean(shown, sizeof shown, c);
        c = shown;
    }
    (void)fputs(c, to);
}

/* Bytes that a character with this first byte has; 0: none begins so. */
static size_t length_of(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* One byte more: says what is whole, holds what may become so. */
static void put_byte(speech *s, char byte, FILE *to)
{
    uint32_t code;

    s->held[s->n_held++] = byte;
    s->held[s->n_held] = '\0';
    if (s->n_held < length_of((unsigned char)s->held[0]) &&
        (s->n_held == 1 || ((unsigned char)byte & 0xc0) == 0x80))
        return;
    if (byte == '\0' || eg_text_char(s->held, &code) == 0)
        (void)fputs("\xef\xbf\xbd", to);
    else
        put_char(s->held, to);
    s->n_held = 0;
}

static void put(speech *s, const char *text, size_t n, FILE *to)
{
    for (size_t i = 0; i < n; i++) put_byte(s, text[i], to);
}

void speech_say(speech *s, int32_t token, FILE *to)
{
    char buf[EG_TASK_WORD];
    const char *word;
    size_t n;
    bool apart = s->kind == SPEECH_WORDS || s->kind == SPEECH_NUMBERS;

    word = s->kind == SPEECH_TOKENIZER
               ? eg_tokenizer_bytes(s->tokenizer, token, &n)
               : NULL;
    if (word) {
        bool line = n == 1 && word[0] == '\n';

        apart =
            eg_tokenizer_kind_of(s->tokenizer) == EG_TOKENIZER_WORD && !line;
    } else { /* also an id that only pads a vocabulary */
        word = eg_task_word(s->task, token, buf);
        n = strlen(word);
    }
    if (apart && s->begun) put(s, " ", 1, to);
    put(s, word, n, to);
    s->begun = true;
}

void speech_end(speech *s, FILE *to)
{
    if (s->n_held > 0) (void)fputs("\xef\xbf\xbd", to);
    s->n_held = 0;
}

/* ---- reading --------------------------------------------------------------
 */

static int add(eg_ids *ids, int64_t id)
{
    if (ids->n == ids->room) {
        size_t room = ids->room ? 2 * ids->room : 64;
        void *more = eg_realloc(ids->id, room * sizeof *ids->id);

        if (!more) return cli_fail(CLI_FAILED, "out of memory: a prompt");
        ids->id = more;
        ids->room = room;
    }
    ids->id[ids->n++] = (int32_t)id;
    return CLI_DONE;
}

/* The token whose word is these n bytes; -1: none. */
static int32_t token_of(const speech *s, const char *word, size_t n)
{
    char buf[EG_TASK_WORD];

    for (int i = 0; i < s->vocab; i++) {
        const char *one = eg_task_word(s->task, i, buf);

        if (strlen(one) == n && memcmp(one, word, n) == 0) return i;
    }
    return -1;
}

static int unknown(const speech *s, const char *word, size_t n)
{
    char shown[SHOWN], one[SHOWN];

    (void)snprintf(one, sizeof one, "%.*s", (int)(n < 40 ? n : 40), word);
    (void)eg_text_clean(shown, sizeof shown, one);
    return cli_fail(CLI_MISUSE, "the prompt: '%s' is none of the model's %d %s",
                    shown, s->vocab,
                    s->kind == SPEECH_WORDS ? "words" : "characters");
}

/* By the task's words, or its characters. */
static int read_task(const speech *s, const char *text, eg_ids *ids)
{
    while (*text) {
        uint32_t code = 0;
        size_t n = (size_t)eg_text_char(text, &code);
        int32_t id;
        int rc;

        if (s->kind == SPEECH_WORDS) {
            text += strspn(text, " ");
            n = strcspn(text, " ");
            if (n == 0) return CLI_DONE;
        } else if (n == 0) {
            return cli_fail(CLI_MISUSE, "the prompt: expected UTF-8, found a "
                                        "byte that is none");
        }
        id = token_of(s, text, n);
        if (id < 0) return unknown(s, text, n);
        rc = add(ids, id);
        if (rc != CLI_DONE) return rc;
        text += n;
    }
    return CLI_DONE;
}

int speech_read(const speech *s, const char *text, eg_ids *ids)
{
    eg_err err = {0};
    eg_status st;

    if (s->kind == SPEECH_NUMBERS)
        return cli_fail(CLI_MISUSE,
                        "the model's tokens are neither characters nor words: "
                        "give numbers from 0 to %d by --ids",
                        s->vocab - 1);
    if (s->kind != SPEECH_TOKENIZER) return read_task(s, text, ids);
    st = eg_tokenizer_encode(s->tokenizer, text, strlen(text),
                             EG_ENCODE_SPECIAL, ids, &err);
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

int speech_numbers(const speech *s, const char *option, const char *list,
                   eg_ids *ids)
{
    for (;;) {
        char *end;
        long long id;
        int rc;

        list += strspn(list, " ,\t\n[]");
        if (!*list) return CLI_DONE;
        errno = 0;
        id = strtoll(list, &end, 10);
        if (end == list || errno || id < 0 || id >= s->vocab ||
            !strchr(" ,\t\n]", *end)) {
            char shown[SHOWN];

            (void)eg_text_clean(shown, sizeof shown, list);
            return cli_fail(CLI_MISUSE,
                            "--%s: expected numbers from 0 to %d, found '%s'",
                            option, s->vocab - 1, shown);
        }
        rc = add(ids, id);
        if (rc != CLI_DONE) return rc;
        list = end;
    }
}
