/* Help topics that are no commands. */
#include "cli.h"

static const struct {
    const char *name, *text;
} topic[] = {
    {"config",
     "A configuration is a YAML file of sections; what is left out keeps its\n"
     "default. On the command line: --set section.key=value. An unknown or\n"
     "ill-typed key is an error with file, line, column and the nearest key.\n"
     "\n"
     "  run:   {name: first, seed: 1}\n"
     "  task:  {n_ctx: 256, n_triggers: 5}\n"
     "  model: {d_model: 128}\n"
     "  train: {steps: 400, batch: 512}\n"
     "\n"
     "Every section and key, with its default:\n"},
    {"claims",
     "A claim is a statement of a paper, in experiments/<paper>/<file>.yaml:\n"
     "\n"
     "  runs:\n"
     "    two:  {base: basic.yaml, seeds: 1-10, quick: {train: {steps: 300}}}\n"
     "    one:  {base: two, model: {n_layers: 1}}\n"
     "  claims:\n"
     "    - id: two-layers-learn\n"
     "      source: section 3\n"
     "      statement: two layers learn the task, one does not\n"
     "      measure: final(two.acc_in_context_test)\n"
     "      expected: '>= 0.9'\n"
     "      tolerance: 0.02\n"
     "      reason: spread of ten seeds\n"
     "      control: {two: one}\n"
     "\n"
     "expected is x, >= x, > x, <= x, < x or a .. b; over (mean, median, min,\n"
     "max, sd, distance) says how seeds are reduced; expect: refuted marks a\n"
     "statement that is wrong. control is what the claim must fail on:\n"
     "{run: other}, {run: {sections}}, {measure: '...'}, or 'none, because\n"
     "...'. docs/claims.md has it all. A measure is arithmetic (+ - * / abs\n"
     "log) on:\n"
     "\n"},
    {"runs",
     "A run directory, runs/<name>/<id>/, holds\n"
     "\n"
     "  config.yaml     the resolved configuration; `engram run` repeats it\n"
     "  run.json        version, machine, kernels, times, status\n"
     "  metrics.jsonl   one object a line: step and named values\n"
     "  timing.jsonl    the same for what depends on the clock\n"
     "  arrays/         .npy snapshots of attention maps and memories; of a\n"
     "                  flow x, t, hist, merges and the files it took in\n"
     "  checkpoints/    step-<n>.safetensors, the last few\n"
     "  log             what happened, with times\n"
     "\n"
     "It is made, or was empty, or --resume names it: nothing else is written\n"
     "to. Links in it are not followed.\n"
     "\n"
     "pandas, NumPy and safetensors read all of it. Two processes never write\n"
     "one run. metrics.jsonl and the checkpoints have the same bytes whatever\n"
     "the number of threads and however often a run was stopped and "
     "resumed.\n"
     "\n"
     "Everything has a checksum: `engram verify` says whether it is still "
     "what\n"
     "was written.\n"},
    {"exit",
     "0 done; 1 failed, or a claim fails; 2 misused; 130 interrupted, after\n"
     "saving.\n"
     "\n"
     "Ctrl-C asks a run to finish its step, save and end, and so do SIGTERM,\n"
     "SIGHUP, SIGUSR1, SIGUSR2 and SIGXCPU, which batch systems send before\n"
     "the time allowed is over. A sweep passes it on to its processes and\n"
     "waits for them. A signal that was ignored when engram began (nohup)\n"
     "stays ignored. A second Ctrl-C ends at once.\n"},
};
enum { N_TOPICS = sizeof topic / sizeof *topic };

const char *cli_topic_name(int i)
{
    return i < N_TOPICS ? topic[i].name : NULL;
}

const char *cli_topic_text(int i)
{
    return i < N_TOPICS ? topic[i].text : NULL;
}
