/* Options of a command, read by getopt_long from the command's own table. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 32

static int fail_unknown(const cli_command *c, const char *given)
{
    char name[64];
    size_t n = strcspn(given, "=");
    eg_nearest near = {0};

    EG_ASSERT(c->options);
    eg_text_copy(name, n < sizeof name ? n + 1 : sizeof name, given);
    near.asked = name + strspn(name, "-");
    for (const cli_option *o = c->options; o->name; o++)
        eg_nearest_try(&near, o->name);
    if (near.best)
        return cli_fail(CLI_MISUSE, "%s: no option '%s'; did you mean '--%s'?",
                        c->name, name, near.best);
    return cli_fail(CLI_MISUSE,
                    "%s: no option '%s'; `engram help %s` lists them", c->name,
                    name, c->name);
}

/* getopt's two tables from ours; "help" is everybody's. */
static int fill_tables(const cli_command *c, struct option *longs, char *shorts)
{
    int n = 0;

    *shorts++ = ':';
    *shorts++ = 'h';
    for (const cli_option *o = c->options; o->name; o++, n++) {
        EG_ASSERT(n < MAX_OPTIONS - 2);
        longs[n] = (struct option){
            o->name, o->arg ? required_argument : no_argument, NULL, 256 + n};
        if (!o->letter) continue;
        *shorts++ = o->letter;
        if (o->arg) *shorts++ = ':';
    }
    longs[n] = (struct option){"help", no_argument, NULL, 'h'};
    longs[n + 1] = (struct option){0};
    *shorts = '\0';
    return n;
}

static const cli_option *by_code(const cli_command *c, int code, int n)
{
    if (code >= 256 && code < 256 + n) return &c->options[code - 256];
    for (const cli_option *o = c->options; o->name; o++)
        if (o->letter == code) return o;
    return NULL;
}

static int check_words(const cli_args *a)
{
    const cli_command *c = a->command;

    if (a->n_words < c->min_words)
        return cli_fail(CLI_MISUSE,
                        "%s: expected %s; `engram help %s` shows "
                        "how",
                        c->name, c->words, c->name);
    if (a->n_words > c->max_words)
        return cli_fail(CLI_MISUSE, "%s: '%s' is one word too many", c->name,
                        a->word[c->max_words]);
    return CLI_DONE;
}

/* Of a command whose words may begin with a sign: from the first such word on,
 * all are words. */
static int options_end(const cli_command *c, int argc, char **argv)
{
    if (!strchr(c->words, '+')) return argc;
    for (int i = 1; i < argc; i++)
        if ((argv[i][0] == '+' || argv[i][0] == '-') && argv[i][1] &&
            argv[i][1] != '-' && strcmp(argv[i], "-h") != 0)
            return i;
    return argc;
}

int cli_parse(cli_args *a, const cli_command *c, int argc, char **argv,
              bool *helped)
{
    struct option longs[MAX_OPTIONS];
    char shorts[3 * MAX_OPTIONS];
    int n = fill_tables(c, longs, shorts), code;
    int end = options_end(c, argc, argv);

    *a = (cli_args){.command = c};
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(end, argv, shorts, longs, NULL)) != -1) {
        const cli_option *o = by_code(c, code, n);

        if (code == 'h' && !o) {
            cli_command_help(stdout, c);
            *helped = true;
            return CLI_DONE;
        }
        if (code == ':')
            return cli_fail(CLI_MISUSE, "%s: option '%s' needs a value",
                            c->name, argv[optind - 1]);
        if (!o) return fail_unknown(c, argv[optind - 1]);
        if (a->n_values == CLI_MAX_VALUES)
            return cli_fail(CLI_MISUSE, "%s: too many options", c->name);
        a->value[a->n_values].option = o;
        a->value[a->n_values++].value = optarg;
    }
    a->word = argv + optind;
    a->n_words = argc - optind;
    cli_quiet(cli_flag(a, "quiet"));
    return check_words(a);
}

bool cli_flag(const cli_args *a, const char *name)
{
    for (int i = 0; i < a->n_values; i++)
        if (strcmp(a->value[i].option->name, name) == 0) return true;
    return false;
}

const char *cli_value(const cli_args *a, const char *name)
{
    for (int i = a->n_values - 1; i >= 0; i--)
        if (strcmp(a->value[i].option->name, name) == 0)
            return a->value[i].value;
    return NULL;
}

bool cli_int(const cli_args *a, const char *name, int64_t lo, int64_t hi,
             int64_t *out)
{
    const char *text = cli_value(a, name);
    char *end;
    long long v;

    if (!text) return true;
    errno = 0;
    v = strtoll(text, &end, 10);
    if (strspn(text, "-0123456789") < strlen(text) || errno || end == text ||
        *end || v < lo || v > hi) {
        cli_fail(CLI_MISUSE,
                 "--%s: expected a whole number from %lld to %lld, found '%s'",
                 name, (long long)lo, (long long)hi, text);
        return false;
    }
    *out = v;
    return true;
}

bool cli_real(const char *name, const char *text, double lo, double hi,
              double *out)
{
    char *end;
    double v;

    if (!text) return true;
    v = strtod(text, &end);
    if (strspn(text, "0123456789.eE+-") < strlen(text) || end == text || *end ||
        !(v >= lo && v <= hi)) {
        cli_fail(CLI_MISUSE,
                 "--%s: expected a number from %g to %g, found '%s'", name, lo,
                 hi, text);
        return false;
    }
    *out = v;
    return true;
}
