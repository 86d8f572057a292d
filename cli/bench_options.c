/* Options and help of engram bench, and what goes with what. */
#include "bench_out.h"

#include <string.h>

const cli_option cli_bench_options[] = {
    {"trained", 0, "WHICH",
     "birth: the paper's three matrices (paper, "
     "default), or all"},
    {"loss", 0, "LOSS",
     "in_context or all (default: in_context for birth, "
     "all for full)"},
    {"batch", 0, "N",
     "sequences a step (default: 128 for birth, 64 for full, 4 for gpt2, 256 "
     "for mesa)"},
    {"only", 0, "TEXT",
     "kernels: those with TEXT in kernel, form and shape, as "
     "in 'gemm_packed NN M 256 N 64 K 64'; mesa, scaling: the model of that "
     "name"},
    {"precision", 0, "TYPE", "kernels: those of float32 (default) or float64"},
    {"text", 0, "FILE", "energy: a text to cut into tokens"},
    {"vocabulary", 0, "FILE", "energy: the tokenizer that does it"},
    {"profile", 0, "CONFIG",
     "in their place: the time of each operation of a configuration's steps"},
    {"out", 'o', "FILE",
     "also write the figures, with quartiles and this machine, as JSON; "
     "replaces nothing but such a file"},
    {"compare", 0, "A",
     "in their place: two such files, A and then B: what is slower or faster "
     "in B; exit code 1 where something is slower"},
    {"rounds", 0, "N", "timed rounds (default: 7)"},
    {"steps", 0, "N", "steps in a round (default: what takes half a second)"},
    {"turns", 0, NULL,
     "in turns with another program: a line of standard input begins a round, "
     "and a line of seconds a step follows it, as one does the first step "
     "(limits: the three rates; energy: of a token alone, with --text of the "
     "text alone)"},
    CLI_OPT_SET,
    CLI_OPT_THREADS,
    CLI_OPT_KERN,
    CLI_OPT_QUIET,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_bench_help[] =
    "  birth    the paper's attention-only model: d 128, T 256, V 65\n"
    "  full     two layers, 4 heads, MLP, LayerNorm, AdamW\n"
    "  gpt2     GPT-2 small's shape, 124 million parameters, on random tokens\n"
    "  mesa     mesa1, lsa6, softmax7, hybrid: networks of arXiv 2309.05858,\n"
    "           a step without the time in which its sequences are drawn; and\n"
    "           layer: the mesa layer alone, as it runs in mesa1\n"
    "  kernels  every kernel against the measured peak of this machine\n"
    "  flow     sums over 10^4 to 10^6 tokens, and ensembles of systems\n"
    "  energy   a token of GPT-2 small beside reading its weights, nearest\n"
    "           neighbours beside the peak, tokens of a text\n"
    "  scaling  steps of birth, full, gpt2, and 128 small runs at once, on 1,\n"
    "           2, 4 ... threads (--threads 1,2,4); beside them what the "
    "tasks\n"
    "           of a step come to when they are laid out on as many on paper,\n"
    "           and on up to 128\n"
    "  limits   what all threads reach in registers: multiply-adds, and on "
    "the\n"
    "           matrix unit\n"
    "\n"
    "birth, full, gpt2 and mesa compare the gradient of a step with the plain\n"
    "algebra's in float64 (of a large model: of a short sequence, and of a\n"
    "whole one in float32) before anything is timed, then time training steps\n"
    "alone, and say what memory was announced and taken. Percentages\n"
    "count necessary arithmetic only, against the FMA peak measured here; the\n"
    "set amx, whose products use the matrix unit, may exceed it.\n"
    "\n"
    "--profile times every operation, forward and back, over all threads:\n"
    "milliseconds of a step, share of its time, multiply-adds that were done,\n"
    "GFLOP/s of a thread and their share of what it reaches in registers. The\n"
    "numbers are those of `engram show --program`.\n"
    "\n"
    "--out FILE keeps the figures, and --compare A B says which of them\n"
    "changed: medians differ by more than the larger interquartile range and "
    "by\n"
    "more than 3 % (10 % of fewer than four samples). Of two machines the\n"
    "shares of what each allows are compared. docs/bench.md has the rest.\n"
    "\n"
    "  engram bench birth --json\n"
    "  engram bench scaling --only full --out scaling.json\n"
    "  engram bench kernels --out before.json\n"
    "  engram bench --compare before.json after.json\n"
    "  engram bench --profile experiments/birth/basic.yaml --threads 1\n"
    "  engram bench birth --trained all --threads 1\n"
    "  engram bench flow --threads 2\n"
    "  engram bench kernels --only 'gemm_packed TN M 256'\n";

/* Whatever times something. */
#define EVERY \
    " birth full gpt2 mesa kernels flow energy scaling limits --profile "

/* What goes with some of the benches alone; the rest goes with all. */
static const struct {
    const char *option, *with;
} goes[] = {
    {"trained", " birth "},
    {"loss", " birth full gpt2 "},
    {"batch", " birth full gpt2 mesa "},
    {"only", " kernels mesa scaling "},
    {"rounds", " birth full gpt2 mesa energy scaling limits "},
    {"steps", " birth full gpt2 mesa --profile "},
    {"turns", " birth full gpt2 mesa energy limits "},
    {"set", " birth full gpt2 mesa --profile "},
    {"precision", " kernels "},
    {"threads", EVERY},
    {"out", EVERY},
    {"text", " energy "},
    {"vocabulary", " energy "},
    {"kern", " birth full gpt2 mesa kernels flow energy scaling --profile "}};

/* An option that would do nothing is not what its user means. */
int cli_bench_check(const cli_args *a, const char *what)
{
    char word[32];

    snprintf(word, sizeof word, " %.20s ", what);
    for (size_t i = 0; i < sizeof goes / sizeof *goes; i++) {
        int n = (int)strlen(goes[i].with) - 2;

        if (!cli_flag(a, goes[i].option) || strstr(goes[i].with, word))
            continue;
        return cli_fail(CLI_MISUSE,
                        "bench: --%s does nothing with %s; it goes with %.*s",
                        goes[i].option, what, n, goes[i].with + 1);
    }
    return CLI_DONE;
}
