/* Tokens as text: by a tokenizer, by the words or characters of a task, or as
 * numbers. */
#ifndef EG_CLI_SPEECH_H
#define EG_CLI_SPEECH_H

#include "cli.h"

typedef enum speech_kind {
    SPEECH_NUMBERS,
    SPEECH_CHARACTERS,
    SPEECH_WORDS,
    SPEECH_TOKENIZER
} speech_kind;

typedef struct speech {
    const eg_task *task;
    const eg_tokenizer *tokenizer; /* or NULL */
    speech_kind kind;
    int vocab;
    char held[8]; /* bytes of a character that is not whole yet */
    size_t n_held;
    bool begun;
} speech;

/* tokenizer NULL: the task's, if it has one. */
void speech_init(speech *s, const eg_task *task, const eg_tokenizer *tokenizer);
/* Writes the token's text, fit for a terminal: line ends and tabs as they are.
 * What is no whole character waits for the next token. */
void speech_say(speech *s, int32_t token, FILE *to);
/* What waits at the end is no character. */
void speech_end(speech *s, FILE *to);
/* Tokens of a text, or of a list of numbers that an option gives, ids->id to be
 * released; CLI_DONE, or after a message another code. */
int speech_read(const speech *s, const char *text, eg_ids *ids);
int speech_numbers(const speech *s, const char *option, const char *list,
                   eg_ids *ids);

#endif
