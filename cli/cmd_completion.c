/* engram completion: scripts for three shells, from the tables. */
#include "cli.h"

#include <string.h>

const cli_option cli_completion_options[] = {{NULL, 0, NULL, NULL}};
const char cli_completion_help[] =
    "  engram completion bash > /etc/bash_completion.d/engram\n"
    "  engram completion zsh  > ~/.zfunc/_engram\n"
    "  engram completion fish > ~/.config/fish/completions/engram.fish\n";

static void put_keys(const char *before, const char *after)
{
    eg_section s;

    for (int i = 0; eg_config_section(NULL, i, &s); i++)
        for (const eg_field *f = s.fields; f->name; f++)
            printf("%s%s.%s=%s", before, s.name, f->name, after);
}

static void put_commands(const char *before, const char *after)
{
    for (const cli_command *c = cli_commands; c->name; c++)
        printf("%s%s%s", before, c->name, after);
}

static void bash(void)
{
    puts("# bash completion for engram; written by `engram completion bash`\n"
         "_engram()\n{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} "
         "prev=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    COMPREPLY=()");
    printf("    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        COMPREPLY=($(compgen -W \"");
    put_commands("", " ");
    printf("\" -- \"$cur\"))\n        return\n    fi\n"
           "    if [ \"$prev\" = --set ]; then\n"
           "        compopt -o nospace\n"
           "        COMPREPLY=($(compgen -W \"");
    put_keys("", " ");
    puts("\" -- \"$cur\"))\n        return\n    fi\n"
         "    case ${COMP_WORDS[1]} in");
    for (const cli_command *c = cli_commands; c->name; c++) {
        printf("    %s) COMPREPLY=($(compgen -W \"", c->name);
        for (const cli_option *o = c->options; o->name; o++)
            printf("--%s ", o->name);
        puts("--help\" -- \"$cur\")) ;;");
    }
    puts("    esac\n"
         "    case $cur in -*) ;; *) COMPREPLY+=($(compgen -f -- \"$cur\")) ;; "
         "esac\n"
         "}\ncomplete -o filenames -F _engram engram");
}

/* Text inside '...' and inside zsh's [...]: quotes and brackets go. */
static void put_plain(const char *s)
{
    for (; *s; s++)
        if (!strchr("'[]:\\", *s)) putchar(*s);
}

static void zsh(void)
{
    puts("#compdef engram\n"
         "# written by `engram completion zsh`\n"
         "_engram() {\n"
         "  local -a commands keys\n  commands=(");
    for (const cli_command *c = cli_commands; c->name; c++) {
        printf("    '%s:", c->name);
        put_plain(c->summary);
        puts("'");
    }
    puts("  )\n  keys=(");
    put_keys("    '", "'\n");
    puts(
        "  )\n"
        "  if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
        "  if [[ $words[CURRENT-1] == --set ]]; then compadd -S '' -a keys; "
        "return; fi\n"
        "  case $words[2] in");
    for (const cli_command *c = cli_commands; c->name; c++) {
        printf("    %s) _arguments", c->name);
        for (const cli_option *o = c->options; o->name; o++) {
            printf(" '*--%s[", o->name);
            put_plain(o->help);
            if (o->arg)
                printf("]:%s:_files'", o->arg);
            else
                printf("]'");
        }
        puts(" '*:file:_files' ;;");
    }
    puts("  esac\n}\n_engram \"$@\"");
}

static void fish(void)
{
    puts("# written by `engram completion fish`");
    for (const cli_command *c = cli_commands; c->name; c++) {
        printf("complete -c engram -n __fish_use_subcommand -f -a %s -d '",
               c->name);
        put_plain(c->summary);
        puts("'");
        for (const cli_option *o = c->options; o->name; o++) {
            printf("complete -c engram -n '__fish_seen_subcommand_from %s' "
                   "-l %s%s -d '",
                   c->name, o->name, o->arg ? " -r" : "");
            put_plain(o->help);
            puts("'");
        }
    }
}

int cmd_completion(const cli_args *a)
{
    const char *shell = a->word[0];

    if (strcmp(shell, "bash") == 0)
        bash();
    else if (strcmp(shell, "zsh") == 0)
        zsh();
    else if (strcmp(shell, "fish") == 0)
        fish();
    else
        return cli_fail(CLI_MISUSE,
                        "completion: expected bash, zsh or fish, "
                        "found '%s'",
                        shell);
    return CLI_DONE;
}
