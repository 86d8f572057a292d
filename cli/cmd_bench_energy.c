/* engram bench energy: what the energy lab spends its time on, verified, then
 * timed beside its limit: a token of GPT-2 small's shape, of which every weight
 * is read once; exact nearest neighbours, of which all products are computed;
 * and a text in tokens. */
#include "cli.h"
#include "bench_sets.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "bench_energy.h"
#include "bench_out.h"
#include "engram/bench.h"
#include "engram/tokenizer.h"
#include "engram/mem.h"
#include "engram/neighbours.h"

enum { ROWS = 12288, WIDTH = 768, CHECKED = 24 };

static void add_figure(eg_figures *f, energy_row *r)
{
    char name[sizeof((eg_figure *)0)->name];

    snprintf(name, sizeof name, "%s, %s", r->what, r->shape);
    eg_figure_share(eg_figures_add(f, name, r->unit, false, r->rates, r->n),
                    r->limit, r->shares, r->n);
}

void cli_energy_add(energy_listing *l, energy_row *r)
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
    if (r->limit > 0) {
        cli_table_cell(l->rows.table, "%.4g", r->limit);
        cli_table_cell(l->rows.table, "%.0f %%", 100 * r->share);
    } else {
        cli_table_cell(l->rows.table, "-");
        cli_table_cell(l->rows.table, "-");
    }
    cli_table_cell(l->rows.table, "%.1e", r->error);
    cli_table_cell(l->rows.table, "%s", r->verified ? "yes" : "WRONG");
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

static eg_status bench_neighbours(energy_listing *l, eg_pool *pool,
                                  const char *kern, eg_err *err)
{
    energy_row r = {.what = "neighbours", .unit = "GFLOP/s"};
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
    cli_energy_add(l, &r);
done:
    eg_free(x);
    return st;
}

/* ---- a text ----------------------------------------------------------------
 */

static eg_status bench_text(energy_listing *l, const char *vocabulary,
                            const char *file, eg_err *err)
{
    energy_row r = {.what = "tokenize", .unit = "MB/s a thread"};
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
    cli_energy_add(l, &r);
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

static eg_status measure(energy_listing *l, const cli_args *a, eg_pool *pool,
                         eg_err *err)
{
    const char *kern = cli_value(a, "kern"), *text = cli_value(a, "text");
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_status st;

    if (!cfg) return EG_FAIL(err, EG_ENOMEM, "a configuration");
    if (!kern) kern = "auto";
    EG_TRY(gpt2(cfg, err));
    if (!l->turns || !text)
        EG_TRY(cli_energy_tokens(l, &cfg->model, pool, kern, err));
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
    energy_listing l = {.turns = cli_flag(a, "turns")};
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
    if (!cli_int(a, "rounds", 1, ENERGY_ROUNDS, &n_rounds)) return CLI_MISUSE;
    l.n_rounds = (int)n_rounds;
    code = cli_pool(a, &pool);
    if (code != CLI_DONE) return code;
    set = eg_kern_pick(cli_value(a, "kern"));
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
