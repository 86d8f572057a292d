/* engram bench energy: what the energy lab spends its time on, verified, then
 * timed beside its limit: a token of GPT-2 small's shape, of which every weight
 * is read once; exact nearest neighbours, of which all products are computed;
 * and a text in tokens. */
#include "cli.h"
#include "bench_sets.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "bench_out.h"
#include "engram/bench.h"
#include "engram/generate.h"
#include "engram/mem.h"
#include "engram/neighbours.h"

enum { ROUNDS = 7, CTX = 256, PROMPT = 64, TOKENS = 16 };
enum { MOST_ROUNDS = (CTX - PROMPT) / TOKENS };
enum { ROWS = 12288, WIDTH = 768, CHECKED = 24 };

typedef struct row {
    char what[24], shape[48];
    const char *unit;
    double rate, limit, share, error;
    double rates[MOST_ROUNDS],
        shares[MOST_ROUNDS]; /* of which these are medians */
    int n;
    bool verified;
} row;

typedef struct listing {
    cli_listing rows;
    eg_figures figures;
    int n_wrong;
    int n_rounds; /* of a token, of a text; 0: ROUNDS, 3 */
    bool turns;   /* a round waits for a line */
} listing;

static void add_figure(eg_figures *f, row *r)
{
    char name[sizeof((eg_figure *)0)->name];

    snprintf(name, sizeof name, "%s, %s", r->what, r->shape);
    eg_figure_share(eg_figures_add(f, name, r->unit, false, r->rates, r->n),
                    r->limit, r->shares, r->n);
}

static void add_row(listing *l, row *r)
{
    if (!r->verified) l->n_wrong++;
    add_figure(&l->figures, r);
    if (l->rows.json) {
        cli_json_add(l->rows.json,
                     json_pack("{s:s, s:s, s:f, s:s, s:f, s:f, s:f, s:b}",
                               "what", r->what, "shape", r->shape, "rate",
                               r->rate, "unit", r->unit, "limit", r->limit,
                               "share", r->share, "error", r->error, "verified",
                               r->verified));
        return;
    }
    cli_table_cell(l->rows.table, "%s", r->what);
    cli_table_cell(l->rows.table, "%s", r->shape);
    cli_table_cell(l->rows.table, "%.4g %s", r->rate, r->unit);
    if (r->limit > 0)
        cli_table_cell(l->rows.table, "%.4g", r->limit);
    else
        cli_table_cell(l->rows.table, "-");
    if (r->limit > 0)
        cli_table_cell(l->rows.table, "%.0f %%", 100 * r->share);
    else
        cli_table_cell(l->rows.table, "-");
    cli_table_cell(l->rows.table, "%.1e", r->error);
    cli_table_cell(l->rows.table, "%s", r->verified ? "yes" : "WRONG");
}

/* ---- a token ---------------------------------------------------------------
 */

/* Largest difference of logits behind a prompt from those of its tokens one by
 * one, over the largest logit. */
static eg_status stepwise(double *error, eg_decoder *d, const int32_t *token,
                          double *a, double *b, int V, eg_err *err)
{
    double top = 0;
    eg_status st;

    EG_TRY(eg_decoder_prompt(d, token, PROMPT, err));
    eg_decoder_logits(d, a);
    EG_TRY(eg_decoder_prompt(d, token, PROMPT / 2, err));
    for (int i = PROMPT / 2; i < PROMPT; i++)
        EG_TRY(eg_decoder_step(d, token[i], err));
    eg_decoder_logits(d, b);
    *error = 0;
    for (int i = 0; i < V; i++) {
        top = fmax(top, fabs(a[i]));
        if (!(fabs(a[i] - b[i]) <= *error)) *error = fabs(a[i] - b[i]);
    }
    *error /= top;
done:
    return st;
}

/* Rates of rounds of tokens, each beside all threads reading W_E, which
 * another program's turn has no time for. */
static eg_status rounds(row *r, const listing *l, eg_decoder *d,
                        const eg_model *m, eg_pool *pool, eg_err *err)
{
    eg_view e = eg_model_view(m, eg_model_find(m, "W_E"));
    double *rate = r->rates, *share = r->shares, limit[MOST_ROUNDS];
    eg_status st = EG_OK;

    r->n = l->n_rounds ? l->n_rounds : ROUNDS;
    if (l->turns) cli_tell_seconds(0);
    for (int i = 0; i < r->n; i++) {
        double start;

        if (l->turns) EG_TRY(cli_await_round(i, r->n, err));
        start = eg_clock();
        for (int k = 0; k < TOKENS; k++)
            EG_TRY(eg_decoder_step(d, k * 997, err));
        rate[i] = TOKENS / (eg_clock() - start);
        if (l->turns) {
            cli_tell_seconds(1 / rate[i]);
            continue;
        }
        limit[i] = 1e9 / (double)eg_decoder_reads(d) *
                   eg_bench_read_threads(e.data, e.shape[0] * e.shape[1], pool);
        share[i] = rate[i] / limit[i];
    }
    r->rate = cli_median(rate, r->n);
    if (l->turns) goto done;
    r->limit = cli_median(limit, r->n);
    r->share = cli_median(share, r->n);
done:
    return st;
}

static eg_status bench_tokens(listing *l, const eg_config *cfg, eg_pool *pool,
                              const char *kern, eg_err *err)
{
    eg_io io = {.n_ctx = CTX, .d_vocab = 50257};
    row r = {.what = "token", .unit = "tokens/s"};
    eg_model *m = NULL;
    eg_decoder *d = NULL;
    double *logits = eg_calloc(2 * (size_t)io.d_vocab, sizeof *logits);
    int32_t token[PROMPT];
    eg_status st;

    for (int i = 0; i < PROMPT; i++) token[i] = i * 7919 % io.d_vocab;
    if (!logits) {
        st = EG_FAIL(err, EG_ENOMEM, "logits");
        goto done;
    }
    EG_TRY(eg_model_new(&m, &cfg->model, io, EG_FLOAT32, 1, err));
    EG_TRY(eg_decoder_new(&d, m, pool, kern, err));
    EG_TRY(stepwise(&r.error, d, token, logits, logits + io.d_vocab, io.d_vocab,
                    err));
    r.verified = r.error < 1e-4;
    snprintf(r.shape, sizeof r.shape, "GPT-2 small, %.0f MB, at %d to %d",
             1e-6 * (double)eg_decoder_reads(d), PROMPT,
             PROMPT + (l->n_rounds ? l->n_rounds : ROUNDS) * TOKENS);
    EG_TRY(rounds(&r, l, d, m, pool, err));
    add_row(l, &r);
done:
    eg_decoder_free(d);
    eg_model_free(m);
    eg_free(logits);
    return st;
}

/* ---- nearest neighbours ----------------------------------------------------
 */

static double nearest(const float *x, int i)
{
    double best = HUGE_VAL;

    for (int j = 0; j < ROWS; j++) {
        double sum = 0;

        for (int k = 0; k < WIDTH && j != i; k++) {
            double d = (double)x[(eg_index)i * WIDTH + k] -
                       (double)x[(eg_index)j * WIDTH + k];

            sum += d * d;
        }
        if (j != i && sum < best) best = sum;
    }
    return sqrt(best);
}

static eg_status bench_neighbours(listing *l, eg_pool *pool, const char *kern,
                                  eg_err *err)
{
    row r = {.what = "neighbours", .unit = "GFLOP/s"};
    eg_neighbours_spec spec = {
        .m = ROWS, .n = WIDTH, .pool = pool, .kern = kern};
    float *x = eg_calloc((size_t)ROWS * WIDTH, sizeof *x);
    eg_rng rng = eg_rng_make(1, EG_RNG_USER, 0, 0);
    double *rate = r.rates, *share = r.shares, limit[3];
    double flop = (double)ROWS * ROWS * WIDTH;
    eg_status st = EG_OK;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "%d vectors", ROWS);
    for (eg_index i = 0; i < (eg_index)ROWS * WIDTH; i++)
        x[i] = (float)eg_rng_normal(&rng);
    spec.x = x;
    snprintf(r.shape, sizeof r.shape, "%d vectors of %d", ROWS, WIDTH);
    for (int i = 0; i < 3; i++) {
        eg_neighbours found = {0};
        double start = eg_clock();

        EG_TRY(eg_neighbours_find(&found, &spec, err));
        rate[i] = 1e-9 * flop / (eg_clock() - start);
        limit[i] = eg_bench_peak_threads(kern, false, pool, 0.1);
        share[i] = rate[i] / limit[i];
        for (int k = 0; k < CHECKED && i == 0; k++) {
            int at = k * (ROWS / CHECKED);
            double true_one = nearest(x, at);

            r.error =
                fmax(r.error, fabs(found.distance[at] - true_one) / true_one);
        }
        eg_neighbours_release(&found);
    }
    r.n = 3;
    r.verified = r.error < 1e-12;
    r.rate = cli_median(rate, 3);
    r.limit = cli_median(limit, 3);
    r.share = cli_median(share, 3);
    add_row(l, &r);
done:
    eg_free(x);
    return st;
}

/* ---- a text ----------------------------------------------------------------
 */

static eg_status bench_text(listing *l, const char *vocabulary,
                            const char *file, eg_err *err)
{
    row r = {.what = "tokenize", .unit = "MB/s a thread"};
    eg_tokenizer *t = NULL;
    eg_encoder *e = NULL;
    eg_ids ids = {0};
    char *text = NULL, *back = NULL;
    size_t size = 0, n = 0;
    double *rate = r.rates;
    eg_status st;

    EG_TRY(eg_tokenizer_open(&t, vocabulary, err));
    EG_TRY(eg_file_read(&text, &size, file, (int64_t)1 << 28, err));
    r.n = l->n_rounds ? l->n_rounds : 3;
    if (l->turns) cli_tell_seconds(0);
    for (int i = 0; i < r.n; i++) { /* each with nothing seen before */
        double start, seconds;

        eg_encoder_free(e);
        e = NULL;
        ids.n = 0;
        EG_TRY(eg_encoder_new(&e, t, err));
        if (l->turns) EG_TRY(cli_await_round(i, r.n, err));
        start = eg_clock();
        EG_TRY(eg_encode(e, text, size, EG_ENCODE_REPLACE, &ids, err));
        seconds = eg_clock() - start;
        rate[i] = 1e-6 * (double)size / seconds;
        if (l->turns) cli_tell_seconds(seconds);
    }
    EG_TRY(eg_tokenizer_decode(t, ids.id, ids.n, false, &back, &n, err));
    r.verified = n == size && memcmp(back, text, n) == 0;
    r.error = r.verified ? 0 : 1;
    r.rate = cli_median(rate, r.n);
    snprintf(r.shape, sizeof r.shape, "%.1f MB, %d ids", 1e-6 * (double)size,
             eg_tokenizer_vocab(t));
    add_row(l, &r);
done:
    eg_encoder_free(e);
    eg_ids_release(&ids);
    eg_tokenizer_free(t);
    eg_free(text);
    eg_free(back);
    return st;
}

/* ---- all of them -----------------------------------------------------------
 */

/* The model that `bench gpt2` trains. */
static eg_status gpt2(eg_config *cfg, eg_err *err)
{
    const cli_bench_set *s = cli_bench_sets;

    while (strcmp(s->bench, "gpt2") != 0) s++;
    return cli_bench_config(cfg, s, err);
}

static eg_status measure(listing *l, const cli_args *a, eg_pool *pool,
                         eg_err *err)
{
    const char *kern = cli_value(a, "kern"), *text = cli_value(a, "text");
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_status st;

    if (!cfg) return EG_FAIL(err, EG_ENOMEM, "a configuration");
    if (!kern) kern = "auto";
    EG_TRY(gpt2(cfg, err));
    if (!l->turns || !text) EG_TRY(bench_tokens(l, cfg, pool, kern, err));
    if (!l->turns) EG_TRY(bench_neighbours(l, pool, kern, err));
    if (text) EG_TRY(bench_text(l, cli_value(a, "vocabulary"), text, err));
done:
    eg_free(cfg);
    return st;
}

int cmd_bench_energy(const cli_args *a)
{
    static const char *const head[] = {"what",  "shape", "rate",    "limit",
                                       "share", "error", "verified"};
    listing l = {.turns = cli_flag(a, "turns")};
    int64_t n_rounds = 0;
    const eg_kern_f32 *set;
    eg_pool *pool = NULL;
    eg_err err = {0};
    eg_status st;
    int code;

    if (!cli_value(a, "text") != !cli_value(a, "vocabulary"))
        return cli_fail(CLI_MISUSE,
                        "bench: --text goes with --vocabulary, and it with "
                        "--text");
    if (!cli_int(a, "rounds", 1, MOST_ROUNDS, &n_rounds)) return CLI_MISUSE;
    l.n_rounds = (int)n_rounds;
    code = cli_pool(a, &pool);
    if (code != CLI_DONE) return code;
    set = eg_kern_pick(cli_value(a, "kern") ? cli_value(a, "kern") : "auto");
    eg_figures_begin(&l.figures, "energy", set ? set->name : "none",
                     eg_pool_size(pool));
    cli_listing_begin(&l.rows, a, head, 7);
    st = measure(&l, a, pool, &err);
    if (st != EG_OK) {
        cli_listing_drop(&l.rows);
        code = cli_error(st, &err);
    } else if (l.rows.json) {
        code = cli_print_json(json_pack(
            "{s:s, s:i, s:s, s:s, s:s, s:o}", "bench", "energy", "threads",
            eg_pool_size(pool), "kernels", l.figures.kernels, "version",
            eg_version(), "commit", eg_commit(), "rows", l.rows.json));
    } else {
        code = cli_table_print(l.rows.table);
    }
    eg_pool_free(pool);
    if (code == CLI_DONE && l.n_wrong > 0)
        code = cli_fail(CLI_FAILED, "%d results are wrong", l.n_wrong);
    return cli_figures_end(&l.figures, a, code);
}
