/* engram tokenize: texts into shards of tokens. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "engram/corpus.h"

/* Options that have choices or a range; an eg_field's name is the option's with
 * _ for -. */
#define TOKENIZE_FIELDS(I, R, B, T, E, L)                             \
    E(documents, "file", "file|line|paragraph", "what a document is") \
    E(shards, "llmc", "llmc|nanogpt", "format of the shards")         \
    E(end_of_text, "after", "after|before|none", "where it stands")   \
    R(val_share, "0.05", 0, 0.9, "share of the documents")            \
    L(subsets, "[]", "shares of the training tokens")
EG_FIELDS_STRUCT(tokenize_opts, TOKENIZE_FIELDS)
#define EG_FIELDS_OWNER tokenize_opts
static EG_FIELDS_TABLE(fields, TOKENIZE_FIELDS)

const cli_option cli_tokenize_options[] = {
    {"out", 'o', "DIR", "folder for the shards, new or empty (required)"},
    {"tokenizer", 0, "FILE",
     "vocab.bpe, merges.txt, vocab.json, a .tiktoken file, one that this "
     "command wrote, or a folder with one of these"},
    {"train-vocab", 0, "N",
     "learn a byte-level BPE of N tokens from the texts (default, with 4096, "
     "where no other option says what a token is)"},
    {"cut", 0, "NAME",
     "what a learnt BPE merges within: gpt2 (default: words, numbers, "
     "punctuation), smollm (digits each by itself), gpt4, llama3, qwen2 or "
     "o200k; docs/text.md has their expressions"},
    {"chars", 0, NULL, "a token is a character"},
    {"words", 0, "N", "a token is one of the N most frequent words"},
    {"documents", 0, "UNIT",
     "a document is a file (default), a line or a paragraph; of JSON lines "
     "always a line"},
    {"key", 0, "NAME", "JSON lines: whose string is the text (default: text)"},
    {"val-share", 0, "X",
     "share of the documents for validation (default 0.05); of a single text "
     "its end"},
    {"subsets", 0, "LIST",
     "shares of the training tokens, 0.01,0.001: so large a first part of "
     "them, "
     "with all of validation, is a corpus in DIR/share-0.01 and so on"},
    {"shards", 0, "FORMAT", "llmc (default) or nanogpt"},
    {"shard-tokens", 0, "N", "tokens in one llmc file (default 2147483391)"},
    {"end-of-text", 0, "PLACE",
     "<|endoftext|> after each document (default), before it, or none"},
    {"special", 0, NULL, "<|endoftext|> in the texts is that token"},
    {"replace", 0, NULL,
     "bytes that are no UTF-8 become U+FFFD; else they are an error"},
    {"seed", 0, "N", "which documents are for validation (default 1)"},
    CLI_OPT_THREADS,
    CLI_OPT_QUIET,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_tokenize_help[] =
    "Reads texts and writes shards of tokens, with the tokenizer beside them; "
    "that\n"
    "folder is what task.text of a configuration names. A text is a file, "
    "plain, "
    "gzip\n"
    "or zstd; .jsonl files have a document a line; of a folder all texts below "
    "it are\n"
    "taken. Nothing has to be downloaded: a vocabulary is learnt from the "
    "texts "
    "unless\n"
    "one is given.\n"
    "\n"
    "  engram tokenize book.txt --out book                      BPE of 4096 "
    "tokens\n"
    "  engram tokenize corpus/ --out c50k --train-vocab 50257 --cut llama3\n"
    "  engram tokenize corpus/ --out gpt2 --tokenizer vocab.bpe\n"
    "  engram tokenize book.txt --out letters --chars --val-share 0.1\n"
    "  engram run FILE.yaml --set task.kind=text --set task.text=book\n"
    "\n"
    "The same texts give the same files for any number of threads. A "
    "compressed "
    "file\n"
    "that becomes more than 64 MiB and more than 250 times its size is "
    "refused.\n";

/* ---- news -----------------------------------------------------------------
 */

typedef struct news {
    double begun;
    const char *what;
} news;

static void tell(void *ctx, const eg_corpus_progress *c)
{
    news *n = ctx;
    bool merges = strcmp(c->what, "learning merges") == 0;
    double unit = merges ? 1 : 1e6, now = eg_clock();
    eg_progress p = {.label = c->what,
                     .step = (int64_t)((double)c->bytes / unit) - 1,
                     .n_steps = (int64_t)ceil((double)c->of_bytes / unit),
                     .unit = merges ? "token" : "MB",
                     .loss = NAN,
                     .t = NAN,
                     .tokens_per_s = NAN,
                     .eta = NAN};

    if (n->what != c->what) *n = (news){now, c->what};
    if (p.n_steps < p.step + 1) p.n_steps = p.step + 1;
    if (now - n->begun < 0.5) return;
    if (c->tokens > 0) p.tokens_per_s = (double)c->tokens / (now - n->begun);
    if (c->bytes > 0 && c->of_bytes > 0)
        p.eta = (now - n->begun) * ((double)c->of_bytes / (double)c->bytes - 1);
    cli_progress(NULL, &p);
}

/* ---- options --------------------------------------------------------------
 */

static bool read_fields(const cli_args *a, tokenize_opts *o)
{
    eg_fields_default(fields, o);
    for (const eg_field *f = fields; f->name; f++) {
        char name[32];
        const char *text;
        eg_field option = *f; /* by the name that the user wrote */
        eg_err err = {0};

        (void)snprintf(name, sizeof name, "--%s", f->name);
        option.name = name;
        for (char *c = name; *c; c++)
            if (*c == '_') *c = '-';
        text = cli_value(a, name + 2);
        if (!text || eg_field_parse(&option, o, text, &err) == EG_OK) continue;
        cli_fail(CLI_MISUSE, "%s", err.msg);
        return false;
    }
    return true;
}

/* At most one of the ways to say what a token is. */
static bool one_kind(const cli_args *a)
{
    int n = cli_flag(a, "chars");

    n += cli_value(a, "tokenizer") != NULL;
    n += cli_value(a, "train-vocab") != NULL;
    n += cli_value(a, "words") != NULL;
    if (n <= 1) return true;
    cli_fail(CLI_MISUSE, "tokenize: one of --tokenizer, --train-vocab, --chars "
                         "and --words says what a token is");
    return false;
}

/* How text is cut for the BPE that is learnt; *cut NULL: nothing is said. */
static bool read_cut(const cli_args *a, const char **cut)
{
    char known[256] = "", clean[64];
    const char *name;

    *cut = cli_value(a, "cut");
    if (!*cut) return true;
    if (cli_value(a, "tokenizer") || cli_value(a, "words") ||
        cli_flag(a, "chars")) {
        cli_fail(CLI_MISUSE, "--cut: for a BPE that is learnt, not with "
                             "--tokenizer, --chars or --words");
        return false;
    }
    for (int i = 0; (name = eg_pretokenizer_name(i, NULL)); i++) {
        size_t n = strlen(known);

        if (strcmp(name, *cut) == 0) return true;
        (void)snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "",
                       name);
    }
    (void)eg_text_clean(clean, sizeof clean, *cut);
    cli_fail(CLI_MISUSE, "--cut: %s: expected one of %s", clean, known);
    return false;
}

static bool read_subsets(const tokenize_opts *o, double share[EG_SUBSETS])
{
    eg_err err = {0};

    for (int i = 0; i < o->subsets.n && i < EG_SUBSETS; i++)
        if (!cli_real("subsets", o->subsets.item[i], 0, 1, &share[i]))
            return false;
    if (eg_subsets_check(share, o->subsets.n, &err) == EG_OK) return true;
    cli_fail(CLI_MISUSE, "--subsets: %s", err.msg);
    return false;
}

static eg_status get_tokenizer(eg_tokenizer **t, const cli_args *a,
                               const eg_corpus *c, const eg_bpe_train *learnt,
                               int64_t words, eg_pool *pool,
                               const eg_corpus_watch *watch, eg_err *err)
{
    eg_status st;

    if (cli_value(a, "tokenizer"))
        return eg_tokenizer_open(t, cli_value(a, "tokenizer"), err);
    st = eg_corpus_again(c, "without --tokenizer its tokens are learnt first",
                         err);
    if (st != EG_OK) return st;
    if (cli_flag(a, "chars"))
        return eg_tokenizer_learn(t, c, EG_TOKENIZER_CHAR, 0, err);
    if (words > 0)
        return eg_tokenizer_learn(t, c, EG_TOKENIZER_WORD, (int)words, err);
    return eg_tokenizer_train(t, c, learnt, pool, watch, err);
}

/* ---- results --------------------------------------------------------------
 */

static json_t *subset_json(const char *out, double share, int64_t train)
{
    json_t *j = json_object();
    char name[EG_SUBSET_NAME], path[4096];

    eg_subset_name(name, share);
    (void)snprintf(path, sizeof path, "%s/%s", out, name);
    cli_json_set(j, "out", cli_json_string(path));
    cli_json_set(j, "share", json_real(share));
    cli_json_set(j, "train_tokens",
                 json_integer(eg_subset_tokens(train, share)));
    return j;
}

static int print_json(const eg_tokenized *i, const eg_tokenizer *t,
                      const eg_tokenize *how)
{
    json_t *j = json_object(), *subsets = json_array();
    char sum[33];

    eg_tokenizer_sum(t, sum);
    cli_json_set(j, "out", cli_json_string(how->out));
    cli_json_set(j, "d_vocab", json_integer(eg_tokenizer_vocab(t)));
    cli_json_set(j, "tokenizer", json_string(sum));
    cli_json_set(j, "documents", json_integer(i->documents));
    cli_json_set(j, "bytes", json_integer(i->bytes));
    cli_json_set(j, "train_tokens", json_integer(i->train));
    cli_json_set(j, "val_tokens", json_integer(i->val));
    for (int k = 0; k < how->n_subsets; k++)
        cli_json_add(subsets, subset_json(how->out, how->subset[k], i->train));
    cli_json_set(j, "subsets", subsets);
    return cli_print_json(j);
}

static int print(const cli_args *a, const eg_tokenized *i,
                 const eg_tokenizer *t, const eg_tokenize *how, double seconds)
{
    int64_t all = i->train + i->val;

    cli_progress_end();
    cli_say("%lld document%s, %.1f MB: %lld tokens of %d (%.2f bytes each), "
            "%lld for training, %lld for validation; %.1f s",
            (long long)i->documents, i->documents == 1 ? "" : "s",
            (double)i->bytes / 1e6, (long long)all, eg_tokenizer_vocab(t),
            (double)i->bytes / (double)all, (long long)i->train,
            (long long)i->val, seconds);
    if (cli_flag(a, "json")) return print_json(i, t, how);
    cli_print("%s", how->out);
    for (int k = 0; k < how->n_subsets; k++) {
        char name[EG_SUBSET_NAME];

        eg_subset_name(name, how->subset[k]);
        cli_say("%s: %lld tokens for training", name,
                (long long)eg_subset_tokens(i->train, how->subset[k]));
        cli_print("%s/%s", how->out, name);
    }
    return CLI_DONE;
}

int cmd_tokenize(const cli_args *a)
{
    int64_t vocab = 4096, words = 0, most = 0, seed = 1;
    tokenize_opts o;
    double share[EG_SUBSETS] = {0};
    news n = {0, NULL};
    eg_corpus_watch watch = {tell, cli_stop, &n};
    eg_corpus c = {.path = (const char *const *)a->word,
                   .n = a->n_words,
                   .key = cli_value(a, "key"),
                   .replace = cli_flag(a, "replace")};
    eg_tokenize how = {.out = cli_value(a, "out"),
                       .special = cli_flag(a, "special")};
    eg_tokenized info;
    eg_bpe_train learnt = {0};
    eg_tokenizer *t = NULL;
    eg_pool *pool = NULL;
    eg_err err = {0};
    eg_status st;
    double begun = eg_clock();
    int code;

    if (!how.out)
        return cli_fail(CLI_MISUSE, "tokenize: --out DIR says where to write");
    if (!one_kind(a) || !read_fields(a, &o) || !read_subsets(&o, share) ||
        !read_cut(a, &learnt.cut) ||
        !cli_int(a, "train-vocab", 257, EG_MOST_IDS, &vocab) ||
        !cli_int(a, "words", 1, EG_MOST_IDS - 3, &words) ||
        !cli_int(a, "shard-tokens", 1, EG_SHARD_MOST, &most) ||
        !cli_int(a, "seed", 0, INT64_MAX, &seed))
        return CLI_MISUSE;
    learnt.d_vocab = (int)vocab;
    c.unit = (eg_documents)o.documents;
    how.format = (eg_shard_format)o.shards;
    how.eot = (eg_eot)o.end_of_text;
    how.val_share = o.val_share;
    how.most = most;
    how.seed = (uint64_t)seed;
    how.subset = share;
    how.n_subsets = o.subsets.n;
    code = cli_pool(a, &pool);
    if (code != CLI_DONE) return code;
    cli_catch_signals();
    st = get_tokenizer(&t, a, &c, &learnt, words, pool, &watch, &err);
    if (st == EG_OK && cli_value(a, "train-vocab") &&
        eg_tokenizer_vocab(t) < vocab)
        cli_warn(NULL, "no pair of tokens is there twice any more: the "
                       "vocabulary is smaller than was asked for");
    if (st == EG_OK)
        st = eg_corpus_tokenize(&info, &c, t, &how, pool, &watch, &err);
    if (st == EG_OK)
        code = print(a, &info, t, &how, eg_clock() - begun);
    else if (cli_stop(NULL))
        code = cli_fail(CLI_INTERRUPTED, "%s", err.msg);
    else
        code = cli_error(st, &err);
    cli_progress_end();
    eg_tokenizer_free(t);
    eg_pool_free(pool);
    return code;
}
