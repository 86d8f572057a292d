/* engram, engram help, engram version: the pages are made from the tables. */
#include "cli.h"

#include <string.h>
#include "engram/kern.h"
#include "engram/mem.h"

const cli_option cli_help_options[] = {
    {"markdown", 0, NULL, "print docs/configuration.md"},
    {NULL, 0, NULL, NULL}};
const char cli_help_help[] =
    "Without a word the overview; else a command or a topic.\n"
    "\n"
    "  engram help run\n"
    "  engram help config\n";

const cli_option cli_version_options[] = {CLI_OPT_JSON, {NULL, 0, NULL, NULL}};
const char cli_version_help[] = "Prints version and commit.\n";

void cli_usage(FILE *f)
{
    fputs("engram: a laboratory for how transformers work inside\n"
          "\n"
          "Begin here:\n"
          "  engram reproduce birth --quick    grow an induction head, judge "
          "the paper's claims\n"
          "  engram run experiments/birth/basic.yaml    train one model and "
          "watch it\n"
          "  engram report birth-basic         draw what was measured\n"
          "\n"
          "Commands:\n",
          f);
    for (const cli_command *c = cli_commands; c->name; c++)
        fprintf(f, "  %-12s %s\n", c->name, c->summary);
    fputs("\nTopics of `engram help`:\n ", f);
    for (int i = 0; cli_topic_name(i); i++)
        fprintf(f, " %s", cli_topic_name(i));
    fputs("\n\n`engram help COMMAND` explains one, with examples.\n", f);
}

void cli_command_help(FILE *f, const cli_command *c)
{
    fprintf(f, "engram %s %s%s[options]\n    %s\n\n%s", c->name, c->words,
            c->words[0] ? " " : "", c->summary, c->help);
    if (c->options[0].name) fputs("\nOptions:\n", f);
    for (const cli_option *o = c->options; o->name; o++) {
        char left[64], letter[8] = "    ";

        if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name,
                 o->arg ? " " : "", o->arg ? o->arg : "");
        fprintf(f, "  %-24s %s\n", left, o->help);
    }
}

/* The configuration reference, for the eye. */
static void config_page(void)
{
    eg_section s;

    for (int i = 0; eg_config_section(NULL, i, &s); i++) {
        printf("\n%s: %s\n", s.name, s.help);
        for (const eg_field *f = s.fields; f->name; f++) {
            char owners[EG_TEXT];
            bool task = s.fields == eg_task_fields &&
                        eg_task_option_kinds(owners, sizeof owners, f->name);

            printf("  %-14s = %-14s %s%s%s%s%s%s\n", f->name,
                   f->def[0] ? f->def : "\"\"", task ? owners : "",
                   task ? ": " : "", f->help, f->choices ? " (" : "",
                   f->choices ? f->choices : "", f->choices ? ")" : "");
        }
    }
}

static int unknown_topic(const char *word)
{
    eg_nearest near = {.asked = word};

    for (const cli_command *c = cli_commands; c->name; c++)
        eg_nearest_try(&near, c->name);
    for (int i = 0; cli_topic_name(i); i++)
        eg_nearest_try(&near, cli_topic_name(i));
    if (near.best)
        return cli_fail(CLI_MISUSE,
                        "no command or topic '%s'; did you mean '%s'?", word,
                        near.best);
    return cli_fail(CLI_MISUSE,
                    "no command or topic '%s'; `engram help` lists them", word);
}

int cmd_help(const cli_args *a)
{
    const cli_command *c;

    if (cli_flag(a, "markdown")) {
        char *text = NULL;
        eg_err err = {0};
        eg_status st = eg_config_markdown(&text, &err);

        if (st != EG_OK) return cli_error(st, &err);
        fputs(text, stdout);
        eg_free(text);
        return CLI_DONE;
    }
    if (a->n_words == 0) {
        cli_usage(stdout);
        return CLI_DONE;
    }
    c = cli_find(a->word[0]);
    if (c) {
        cli_command_help(stdout, c);
        return CLI_DONE;
    }
    for (int i = 0; cli_topic_name(i); i++) {
        if (strcmp(cli_topic_name(i), a->word[0]) != 0) continue;
        fputs(cli_topic_text(i), stdout);
        if (strcmp(a->word[0], "config") == 0) config_page();
        if (strcmp(a->word[0], "claims") == 0)
            for (int k = 0; eg_measure_help(k); k++)
                printf("  %s\n", eg_measure_help(k));
        return CLI_DONE;
    }
    return unknown_topic(a->word[0]);
}

int cmd_version(const cli_args *a)
{
    if (cli_flag(a, "json"))
        printf("{\"version\": \"%s\", \"commit\": \"%s\", \"kernels\": "
               "\"%s\"}\n",
               eg_version(), eg_commit(), eg_kern_pick("auto")->name);
    else
        printf("engram %s (commit %s)\n", eg_version(), eg_commit());
    return CLI_DONE;
}
