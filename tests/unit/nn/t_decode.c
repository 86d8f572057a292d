/* Token by token against all at once: the logits of a decoder are those of the
 * full forward pass, of every variant of a model, whatever part of it was the
 * prompt; the same bits on any number of threads; no allocation. And sampling.
 */
#include "nn_test.h"

#include "base/array.h"
#include "engram/generate.h"
#include "kern/half.h"
#include "nn/nn.h"

#define TASK "n_ctx=24 n_triggers=3"
enum { T = 24, MOST = 8192 };

/* A sequence's tokens and logits by the ordinary forward pass. */
typedef struct whole {
    int32_t token[T];
    double *logits; /* [T, V] */
    eg_index V;
} whole;

static void keep(void *ctx, int index, int worker, const eg_acts *a)
{
    whole *w = ctx;
    eg_view v;

    (void)index;
    (void)worker;
    assert_true(eg_acts_hook(a, "logits", &v));
    assert_int_equal(v.shape[0], T);
    w->V = v.shape[1];
    assert_true(w->V <= MOST);
    memcpy(w->token, a->tokens, sizeof w->token);
    for (eg_index i = 0; i < T * w->V; i++) w->logits[i] = eg_view_at(&v, i);
}

/* Largest difference of the decoder's logits over the largest logit, with the
 * first n tokens as a prompt. */
static double difference(eg_decoder *d, const whole *w, int n)
{
    static double out[MOST];
    double worst = 0, top = 0;
    eg_err err;

    assert_int_equal(eg_decoder_prompt(d, w->token, n, &err), EG_OK);
    for (int t = n - 1;; t++) {
        assert_int_equal(eg_decoder_length(d), t + 1);
        eg_decoder_logits(d, out);
        for (eg_index i = 0; i < w->V; i++) {
            double diff = fabs(out[i] - w->logits[t * w->V + i]);

            if (!(diff <= worst)) worst = diff;
            top = fmax(top, fabs(w->logits[t * w->V + i]));
        }
        if (t == T - 1) return worst / fmax(top, 1e-30);
        assert_int_equal(eg_decoder_step(d, w->token[t + 1], &err), EG_OK);
    }
}

static double compare(const variant *v, const char *precision)
{
    setting s;
    eg_eval *e;
    eg_decoder *d;
    eg_err err;
    whole w = {.logits = calloc((size_t)T * MOST, sizeof(double))};
    double worst = 0;
    int64_t before;

    assert_non_null(w.logits);
    setting_open(&s, v, TASK, 2);
    set_fields(eg_train_fields, &s.spec.train, precision);
    set_fields(eg_model_fields, &s.spec.model,
               "dropout=0 dropout_embed=0 dropout_attn=0");
    eg_trainer *tr = trainer_open(&s);
    const eg_model *m = eg_trainer_model(tr);
    if (eg_model_vocab(m) > 0 && s.spec.model.causal) {
        if (eg_eval_new(&e, m, s.task, s.pool, "auto", 0, &err) != EG_OK)
            fail_msg("%s", err.msg);
        eg_eval_run(e, EG_TEST, 0, 0, 1, keep, &w);
        eg_eval_free(e);
        if (eg_decoder_new(&d, m, s.pool, "auto", &err) != EG_OK)
            fail_msg("%s: %s", v->name, err.msg);
        before = eg_mem_query().n_allocs;
        for (int n = 1; n <= T; n += n < 3 ? 1 : 10) {
            double one = difference(d, &w, n);

            if (!(one <= worst)) worst = one;
        }
        assert_int_equal(eg_mem_query().n_allocs, before);
        eg_decoder_free(d);
    } else {
        assert_int_equal(eg_decoder_new(&d, m, s.pool, "auto", &err),
                         EG_EINVAL);
    }
    eg_trainer_free(tr);
    setting_close(&s);
    free(w.logits);
    return worst;
}

static void test_equal(void **state)
{
    double worst = 0, worst32 = 0;

    (void)state;
    for (int k = 0; k < N_VARIANTS; k++) {
        double one = compare(&VARIANTS[k], "precision=float64");
        double two = compare(&VARIANTS[k], "precision=float32");

        if (!(one < 1e-12)) fail_msg("%s: %g", VARIANTS[k].name, one);
        if (!(two < 2e-4)) fail_msg("%s: float32, %g", VARIANTS[k].name, two);
        worst = fmax(worst, one);
        worst32 = fmax(worst32, two);
    }
    printf("  %d variants: %.1e, float32 %.1e\n", N_VARIANTS, worst, worst32);
}

/* Large enough that threads share products, heads and the vocabulary. */
static const variant WIDE = {
    "wide",
    "d_model=264 d_mlp=1100 n_heads=4 n_kv_heads=2 qk=factorised norm=pre "
    "norm_kind=rms mlp=swiglu pos=rotary attn_bias=true mlp_bias=true",
    "loss=all"};

/* Logits behind `more` greedy tokens, on so many threads. */
static void play(double *out, int32_t *said, int threads, int more)
{
    static const int32_t prompt[] = {5, 1, 4, 1, 5, 9, 2, 6, 5, 3};
    eg_sample_opts greedy = {.temperature = 0, .top_p = 1};
    double *work = calloc((size_t)2 * MOST, sizeof *work);
    setting s;
    eg_decoder *d;
    eg_err err;

    assert_non_null(work);
    setting_open(&s, &WIDE, "n_ctx=300 n_triggers=3", threads);
    eg_trainer *tr = trainer_open(&s);
    const eg_model *m = eg_trainer_model(tr);
    assert_int_equal(eg_decoder_new(&d, m, s.pool, "auto", &err), EG_OK);
    assert_true(eg_decoder_bytes(d) > eg_decoder_reads(d));
    assert_int_equal(eg_decoder_prompt(d, prompt, 10, &err), EG_OK);
    for (int i = 0; i < more; i++) {
        eg_decoder_logits(d, out);
        said[i] = eg_sample(out, eg_model_vocab(m), &greedy, NULL, work);
        assert_int_equal(eg_decoder_step(d, said[i], &err), EG_OK);
    }
    eg_decoder_logits(d, out);
    /* a token that there is none of changes nothing */
    assert_int_equal(eg_decoder_step(d, eg_model_vocab(m), &err), EG_EINVAL);
    assert_int_equal(eg_decoder_step(d, -1, &err), EG_EINVAL);
    assert_int_equal(eg_decoder_prompt(d, prompt, 0, &err), EG_EINVAL);
    assert_int_equal(eg_decoder_length(d), more + 10);
    eg_decoder_free(d);
    eg_trainer_free(tr);
    setting_close(&s);
    free(work);
}

static void test_threads(void **state)
{
    static double one[MOST], more[MOST];
    static int32_t said[2][280];

    (void)state;
    play(one, said[0], 1, 280);
    for (int threads = 2; threads < 5; threads++) {
        memset(more, 0, sizeof more);
        play(more, said[1], threads, 280);
        assert_memory_equal(said[0], said[1], sizeof said[0]);
        assert_memory_equal(one, more, sizeof one);
    }
}

/* Weights that are all of 16 bits are read in these: half the bytes, and the
 * same bits as those of float32, whose copies they are, with every set. */
static void narrow_logits(double *out, eg_decoder *d, bool on, int64_t *reads)
{
    static const int32_t prompt[] = {5, 1, 4, 1, 5, 9, 2, 6, 5, 3};
    eg_err err;

    eg_decoder_narrow(d, on);
    *reads = eg_decoder_reads(d);
    assert_int_equal(eg_decoder_prompt(d, prompt, 10, &err), EG_OK);
    for (int i = 0; i < 20; i++)
        assert_int_equal(eg_decoder_step(d, i * 7 % 60, &err), EG_OK);
    eg_decoder_logits(d, out);
}

static float to_half(float x, egi_half_form form)
{
    eg_dtype t = form == EGI_BFLOAT16 ? EG_BF16 : EG_F16;

    return egi_half_wide(egi_half_bits(x, t), form);
}

static void test_narrow(void **state)
{
    static double wide[MOST], half[MOST];
    setting s;
    eg_decoder *d;
    eg_err err;
    const char *kern;

    (void)state;
    setting_open(&s, &WIDE, "n_ctx=64 n_triggers=3", 2);
    eg_trainer *tr = trainer_open(&s);
    const eg_model *m = eg_trainer_model(tr);
    for (int form = EGI_WHOLE; form <= EGI_FLOAT16; form++) {
        for (int i = 0; i < m->n_tensors && form != EGI_WHOLE; i++) {
            float *x = egi_param(m, i);

            for (eg_index k = 0; k < m->tensor[i].size; k++)
                x[k] = to_half(x[k], (egi_half_form)form);
        }
        for (int k = 0; (kern = eg_kern_name(k)); k++) {
            int64_t reads[2];

            if (eg_decoder_new(&d, m, s.pool, kern, &err) != EG_OK)
                fail_msg("%s", err.msg);
            narrow_logits(half, d, true, &reads[0]);
            narrow_logits(wide, d, false, &reads[1]);
            if (form == EGI_WHOLE)
                assert_int_equal(reads[0], reads[1]);
            else
                assert_int_equal(2 * reads[0], reads[1]);
            assert_memory_equal(half, wide,
                                (size_t)eg_model_vocab(m) * sizeof *half);
            eg_decoder_free(d);
        }
    }
    eg_trainer_free(tr);
    setting_close(&s);
}

/* A full context forgets its older half: the logits are those of the rest as a
 * prompt. */
static void test_window(void **state)
{
    static const variant plain = {"plain", "pos=learned norm=pre", "loss=all"};
    static double a[MOST], b[MOST];
    setting s;
    eg_decoder *d;
    eg_err err;
    int32_t token[3 * T];
    int n = 1;

    (void)state;
    setting_open(&s, &plain, TASK, 1);
    eg_trainer *tr = trainer_open(&s);
    assert_int_equal(
        eg_decoder_new(&d, eg_trainer_model(tr), s.pool, "auto", &err), EG_OK);
    for (int i = 0; i < 3 * T; i++) token[i] = i * 7 % 60;
    assert_int_equal(eg_decoder_prompt(d, token, 1, &err), EG_OK);
    for (; n < 3 * T; n++)
        assert_int_equal(eg_decoder_step(d, token[n], &err), EG_OK);
    eg_decoder_logits(d, a);
    n = eg_decoder_length(d);
    printf("  %d tokens, %d in the window\n", 3 * T, n);
    assert_true(n >= T / 2 && n <= T);
    assert_int_equal(
        eg_decoder_prompt(d, token + ((eg_index)3 * T - n), n, &err), EG_OK);
    eg_decoder_logits(d, b);
    for (int i = 0; i < 65; i++) assert_true(fabs(a[i] - b[i]) < 1e-5);
    /* of a longer prompt its end counts */
    assert_int_equal(eg_decoder_prompt(d, token, (eg_index)3 * T, &err), EG_OK);
    assert_int_equal(eg_decoder_length(d), T);
    eg_decoder_free(d);
    eg_trainer_free(tr);
    setting_close(&s);
}

/* Shares of draws against what the options leave of a distribution. */
static void shares(const char *options, const double want[5])
{
    static const double logits[5] = {1, 3, 2, 3, -1};
    enum { DRAWS = 20000 };
    eg_sample_opts o;
    double work[10];
    int seen[5] = {0};

    eg_fields_default(eg_sample_fields, &o);
    set_fields(eg_sample_fields, &o, options);
    for (int i = 0; i < DRAWS; i++) {
        eg_rng rng = eg_rng_make(3, EG_RNG_USER, (uint64_t)i, 0);

        seen[eg_sample(logits, 5, &o, &rng, work)]++;
    }
    for (int i = 0; i < 5; i++) {
        double got = (double)seen[i] / DRAWS;

        if (want[i] <= 0) assert_int_equal(seen[i], 0);
        if (fabs(got - want[i]) > 5 * sqrt(want[i] * (1 - want[i]) / DRAWS))
            fail_msg("%s: token %d in %.4f, expected %.4f", options, i, got,
                     want[i]);
    }
}

static void test_sample(void **state)
{
    const double e = exp(1), all = e + 2 * e * e * e + e * e + 1 / e;
    const double two[5] = {0, .5, 0, .5, 0}, one[5] = {0, 1, 0, 0, 0};
    const double each[5] = {e / all, e * e * e / all, e * e / all,
                            e * e * e / all, 1 / e / all};
    const double three = 2 * e + 1;
    const double best[5] = {0, e / three, 1 / three, e / three, 0};
    const double bad[3] = {NAN, 1, NAN}, none[2] = {NAN, NAN};
    eg_sample_opts o;
    double work[10];

    (void)state;
    shares("temperature=1", each);
    shares("temperature=0", one);
    shares("top_k=2", two);
    shares("top_k=1", one);
    shares("top_k=3", best);
    shares("top_p=0.5", two);
    shares("top_p=0", one);
    shares("top_k=3 top_p=0.8", two); /* of what top_k leaves: .84 */
    eg_fields_default(eg_sample_fields, &o);
    for (uint64_t i = 0; i < 50; i++) {
        eg_rng rng = eg_rng_make(3, EG_RNG_USER, i, 0);

        assert_int_equal(eg_sample(bad, 3, &o, &rng, work), 1);
        assert_int_equal(eg_sample(none, 2, &o, &rng, work), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),  cmocka_unit_test(test_threads),
        cmocka_unit_test(test_narrow), cmocka_unit_test(test_window),
        cmocka_unit_test(test_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
