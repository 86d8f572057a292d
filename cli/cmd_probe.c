/* engram probe: what a model does, read off its weights and its forward pass.
 */
#include "cmd_probe.h"

#include <math.h>
#include "engram/mem.h"

const cli_option cli_probe_options[] = {
    CLI_OPT_SET,
    {"seed", 0, "N", "short for --set run.seed=N"},
    {"sequences", 'n', "N",
     "sequences of the task, and of repeated tokens (default: probe.batch)"},
    {"threshold", 0, "X",
     "how far from even to 1 a score is that names a head (default: 0.4)"},
    CLI_OPT_ALLOW_EXTRA,
    {"patch", 0, "HOOK=zero|mean|FILE",
     "hold a hook, and measure again; may be repeated"},
    {"hooks", 0, NULL, "print the hooks that --patch takes, and end"},
    {"out", 'o', "DIR",
     "also write probe.json and config.yaml there, in a folder new or empty"},
    CLI_OPT_RUNS,
    CLI_OPT_JSON,
    CLI_OPT_THREADS,
    CLI_OPT_KERN,
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};

const char cli_probe_help[] =
    "Draws sequences that no training step saw, and prints losses, accuracies\n"
    "and what each head of each layer of a model does. WEIGHTS is a run, of\n"
    "which the newest checkpoint is taken; a safetensors file with names of\n"
    "engram or TransformerLens, and CONFIG, a configuration or a run, that\n"
    "says of which model; or another program's model, which says so itself:\n"
    "GPT-2, BERT or Llama in Hugging Face's safetensors, Llama in GGUF, GPT-2\n"
    "in llm.c's .bin, or a folder that holds one. Those are shown random "
    "tokens\n"
    "of their vocabulary, 64 at a time (--set task.n_ctx=256). A tensor that\n"
    "is missing, or has another shape, is named with the shape expected; one\n"
    "too many is refused unless --allow-extra.\n"
    "\n"
    "Heads are judged on random tokens said twice, [A A], by the mean share\n"
    "of their attention that goes\n"
    "\n"
    "  previous   to the token before\n"
    "  induction  right behind earlier copies of the token (second A)\n"
    "  duplicate  to earlier copies of the token (second A)\n"
    "  first      to the first token\n"
    "  current    to the token itself\n"
    "\n"
    "and by its entropy in nats. The last line is a head that looks "
    "everywhere\n"
    "alike. A head is called after the share that is farthest on its way from\n"
    "there to 1, (share - even) / (1 - even), if it has come to --threshold.\n"
    "repeat_loss_first, repeat_loss_again are losses in the first A and in "
    "the\n"
    "second. docs/probes.md has the formulas.\n"
    "\n"
    "--patch measures twice, the second time with a hook held at zero, at its\n"
    "mean over these sequences and their positions, or at what it is in "
    "another\n"
    "checkpoint of the model on the same tokens. HOOK is a name of --hooks, * "
    "in\n"
    "it matches any text, .h3 behind it means head 3 alone. Patterns are read\n"
    "off queries and keys, so hold those.\n"
    "\n"
    "  engram probe birth-basic\n"
    "  engram probe birth-basic --patch blocks.1.attn.hook_z.h0=mean\n"
    "  engram probe new.safetensors model.yaml --patch "
    "'*.hook_mlp_out=old.safetensors'\n"
    "  engram probe weights.safetensors model.yaml --sequences 256 --json\n"
    "  engram probe SmolLM2-135M-Instruct.Q4_1.gguf --sequences 2\n";

/* ---- where weights and configuration are ----------------------------------
 */

static int find(probing *p)
{
    const cli_args *a = p->args;
    const char *config = a->n_words > 1 ? a->word[1] : NULL;
    int code = cli_checkpoint(a, a->word[0], config, 0, &p->opened);

    if (code != CLI_DONE) return code;
    p->cfg = p->opened.config;
    p->model = p->opened.model;
    if (p->opened.foreign) cli_say("%s: %s", p->opened.path, p->opened.what);
    return CLI_DONE;
}

/* ---- the model and its probes ---------------------------------------------
 */

eg_status probe_load(probing *p, eg_model **out, const char *file, eg_err *err)
{
    eg_checkpoint other = {0};
    eg_checkpoint_how how = {.n_ctx = (int)p->cfg->task.n_ctx,
                             .allow_extra = cli_flag(p->args, "allow-extra")};
    char note[512];
    eg_status st = EG_OK;

    if (p->opened.foreign) {
        EG_TRY(eg_checkpoint_open(&other, file, &how, err));
        *out = other.model;
        other.model = NULL;
        goto done;
    }
    EG_TRY(eg_model_new(out, &p->cfg->model, eg_task_io(p->task),
                        eg_train_precision(&p->cfg->train),
                        (uint64_t)p->cfg->run.seed, err));
    EG_TRY(eg_model_load_from(*out, file, how.allow_extra, note, sizeof note,
                              err));
    if (note[0]) cli_note(NULL, note);
done:
    eg_checkpoint_release(&other);
    return st;
}

/* Memories are tables of tokens by tokens, and maps of every token: seconds for
 * a thousand, days for fifty thousand. */
static bool memories_pay(const eg_model *m)
{
    double v = eg_model_vocab(m), d = (double)eg_model_options(m)->d_model;

    return v * v * d < 0x1p33;
}

static eg_status prepare(probing *p, eg_err *err)
{
    const char *kern = cli_value(p->args, "kern");
    eg_probe_opts o = p->cfg->probe;
    eg_status st;

    p->kern = kern ? kern : "auto";
    o.batch = p->sequences;
    o.snapshots = 0;
    o.attention = true;
    o.recall = memories_pay(p->model);
    o.norms = o.heads = false; /* heads: below, on all sequences */
    EG_TRY(eg_config_task(&p->task, p->cfg, err));
    EG_TRY(
        eg_probes_of(&p->probes, &o, p->model, p->task, p->pool, p->kern, err));
done:
    return st;
}

static void keep(void *ctx, const char *name, double value)
{
    probed *r = ctx;

    if (!isfinite(value) && !r->bad[0])
        snprintf(r->bad, sizeof r->bad, "%s", name);
    if (r->n == r->cap) {
        int cap = r->cap ? 2 * r->cap : 64;
        void *more = eg_realloc(r->value, (size_t)cap * sizeof *r->value);

        r->lost |= !more;
        if (!more) return;
        r->value = more;
        r->cap = cap;
    }
    snprintf(r->value[r->n].name, sizeof r->value[0].name, "%s", name);
    r->value[r->n++].value = value;
}

/* weights: also what is read off them alone, and the test batch, of which no
 * hook is held. */
static eg_status measure(probing *p, probed *r, bool weights, eg_err *err)
{
    eg_status st;

    eg_probes_before(p->probes, 0, keep, r);
    if (weights) eg_probes_after(p->probes, 0, keep, r);
    EG_TRY(eg_heads_measure(&r->heads, eg_probes_eval(p->probes), p->model,
                            p->pool, (int)p->sequences,
                            (uint64_t)p->cfg->run.seed, err));
    eg_heads_rank(&r->heads, p->threshold);
    /* of vectors none are measured, nor of less than two tokens said twice */
    if (eg_task_vocab(p->task) > 0 && eg_model_ctx(p->model) >= 4) {
        keep(r, "repeat_loss_first", r->heads.loss_first);
        keep(r, "repeat_loss_again", r->heads.loss_again);
    }
    if (r->lost) st = EG_FAIL(err, EG_ENOMEM, "probe: out of memory");
    if (r->bad[0])
        st = EG_FAIL(
            err, EG_EFORMAT, "%s: %s is not finite%s: the model overflows",
            p->opened.path, r->bad, weights ? "" : " with what --patch holds");
done:
    return st;
}

/* ---- the command ----------------------------------------------------------
 */

static int work(probing *p)
{
    bool hooks = cli_flag(p->args, "hooks");
    eg_err err = {0};
    eg_status st;

    if (!hooks) EG_TRY(probe_place(p, &err));
    EG_TRY(prepare(p, &err));
    if (hooks) return probe_hooks(p);
    EG_TRY(measure(p, &p->found, true, &err));
    EG_TRY(probe_patch(p, &err));
    if (p->n_held > 0) EG_TRY(measure(p, &p->patched, false, &err));
    EG_TRY(probe_write(p, &err));
done:
    if (st == EG_OK) return probe_print(p);
    probe_undo(p);
    return cli_error(st, &err);
}

static int run(probing *p)
{
    int code;

    p->threshold = 0.4;
    if (!cli_real("threshold", cli_value(p->args, "threshold"), 0, 1,
                  &p->threshold))
        return CLI_MISUSE;
    if (cli_flag(p->args, "hooks") &&
        (cli_value(p->args, "out") || cli_value(p->args, "patch") ||
         cli_flag(p->args, "json")))
        return cli_fail(CLI_MISUSE,
                        "--hooks goes without --out, --patch and --json");
    code = find(p);
    if (code != CLI_DONE) return code;
    p->sequences = p->cfg->probe.batch;
    if (!cli_int(p->args, "sequences", 1, 65536, &p->sequences))
        return CLI_MISUSE;
    code = cli_pool(p->args, &p->pool);
    return code == CLI_DONE ? work(p) : code;
}

int cmd_probe(const cli_args *a)
{
    probing p = {.args = a, .to = {.fd = -1}};
    int code;

    code = run(&p);
    eg_heads_release(&p.found.heads);
    eg_heads_release(&p.patched.heads);
    eg_free(p.found.value);
    eg_free(p.patched.value);
    eg_probes_free(p.probes);
    probe_patch_free(&p);
    eg_checkpoint_release(&p.opened);
    eg_task_free(p.task);
    eg_pool_free(p.pool);
    eg_folder_close(&p.to);
    return code;
}
