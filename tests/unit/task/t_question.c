/* Question formation: the grammar's probabilities and entropies, the files, and
 * the order in which training reads them. Numbers are those of the energy lab's
 * specification, from another program. */
#include "task_helper.h"

#include "task/question_file.h"
#include "task/shuffle.h"

#define SMALL                                                    \
    "kind=question_formation n_ctx=36 lines=2000 val_lines=100 " \
    "test_lines=400 gen_lines=300 "

static double fact(const eg_task *t, const char *name)
{
    eg_view v;

    assert_true(eg_task_fact(t, name, &v));
    return *(const double *)v.data;
}

static void near(const char *what, double x, double want, double tol)
{
    print_message("%-40s %.6f, expected %.6f +- %g\n", what, x, want, tol);
    assert_true(fabs(x - want) <= tol);
}

static void test_words(void **state)
{
    static const struct {
        const char *text;
        int id;
    } known[] = {
        {".", 1},          {"?", 2},        {"decl", 15},  {"do", 16},
        {"does", 17},      {"doesn't", 18}, {"don't", 19}, {"her", 23},
        {"high_five", 24}, {"newt", 28},    {"quest", 37}, {"that", 48},
        {"the", 49},       {"who", 60},     {"your", 66},  {"zebras", 68},
        {"det7", 71},      {"det36", 100},  {"det37", -1}, {"det6", -1},
        {"dets", -1},      {"walr", -1},    {"", -1}};
    char buf[16], last[16] = "";
    int n[EGI_WORD_CLASSES] = {0};
    static const int size[EGI_WORD_CLASSES] = {6, 13, 13, 9, 9, 2, 2,
                                               8, 2,  1,  1, 1, 1};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_int_equal(
            egi_question_find(known[i].text, strlen(known[i].text), 36),
            known[i].id);
    for (int id = 1; id <= EGI_WORDS; id++) {
        const char *w = egi_question_word(id, buf);

        assert_true(strcmp(last, w) < 0); /* by code point */
        (void)snprintf(last, sizeof last, "%s", w);
        n[egi_question_class(id)]++;
    }
    for (int c = 0; c < EGI_WORD_CLASSES; c++) assert_int_equal(n[c], size[c]);
    assert_string_equal(egi_question_word(100, buf), "det36");
}

/* Entropies in closed form, and by label. */
static void test_entropy(void **state)
{
    egi_grammar g;
    egi_expect e;
    double sentence = 0, tokens = 0;

    (void)state;
    egi_grammar_make(&g, EG_WEIGHTS_EFFECTIVE, 6);
    near("bare subjects", g.modifier[0][EGI_BARE], .595238, 1e-6);
    near("subjects with pp", g.modifier[0][EGI_PP], .238095, 1e-6);
    near("orc_P", g.modifier[0][EGI_ORC_P], .041667, 1e-6);
    egi_grammar_expect(&g, &e);
    for (int i = 0; i < EGI_Q_LABELS; i++) {
        tokens += e.count[i];
        if (i != EGI_Q_TAG) sentence += e.nats[i];
    }
    near("H(sentence)", sentence, 21.0956, 5e-5);
    near("H(tag)", e.nats[EGI_Q_TAG], 0.5776, 5e-5);
    near("tokens a line", tokens, 21.8516, 5e-5);
    near("nats a determiner", e.nats[EGI_Q_DET] / e.count[EGI_Q_DET], log(6),
         1e-12);
    near("nats a noun", e.nats[EGI_Q_NOUN] / e.count[EGI_Q_NOUN], log(26),
         1e-12);
    near("nats behind the tag",
         e.nats[EGI_Q_FRONT] + e.nats[EGI_Q_COPY] + e.nats[EGI_Q_END], 0, 0);
    near("halves differ by the end", e.count[EGI_Q_END], e.count[EGI_Q_TAG],
         1e-12);
    egi_grammar_make(&g, EG_WEIGHTS_PUBLISHED, 6);
    egi_grammar_expect(&g, &e);
    sentence = tokens = 0;
    for (int i = 0; i < EGI_Q_LABELS; i++) {
        tokens += e.count[i];
        sentence += e.nats[i];
    }
    near("published weights, nats a token", sentence / tokens, .98690, 5e-6);
}

/* A line of text through the walk: nats of its words and tag, or -1. */
static double line_nats(const egi_grammar *g, const char *line, char *answer)
{
    egi_walk w = {.at = 0};
    int32_t half[EGI_HALF], second[EGI_SENTENCE];
    double sum = 0, one;
    char buf[16];
    size_t at = 0;

    while (*line && !w.done) {
        size_t n = strcspn(line, " ");
        int id = egi_question_find(line, n, g->n[EGI_DET]);

        if (id < 0 || w.words == EGI_HALF) return -1;
        half[w.words] = id;
        if (!egi_walk_take(g, &w, id, &one)) return -1;
        sum += one;
        line += n + (line[n] == ' ');
    }
    if (!w.done || *line) return -1;
    egi_question_answer(half, &w, second);
    for (int i = 0; i < w.words - 1; i++) {
        at += (size_t)snprintf(answer + at, 256 - at, "%s%s", i ? " " : "",
                               egi_question_word(second[i], buf));
    }
    return sum;
}

static void test_lines(void **state)
{
    static const struct {
        const char *line, *answer;
        double nats; /* is it finite; -1: no such line */
    } known[] = {
        {"my walrus does giggle . decl", "my walrus does giggle .", 0},
        {"my walrus does giggle . quest", "does my walrus giggle ?", 0},
        {"my walrus that does sleep doesn't giggle . quest",
         "doesn't my walrus that does sleep giggle ?", (double)INFINITY},
        {"my walrus that does sleep doesn't giggle . decl",
         "my walrus that does sleep doesn't giggle .", 0},
        {"the yaks near some newt don't amuse your zebras who her quail does "
         "admire . quest",
         "don't the yaks near some newt amuse your zebras who her quail does "
         "admire ?",
         0},
        {"my walrus do giggle . decl", "", -1},
        {"my walrus does amuse . decl", "", -1},
        {"my walrus that does sleep giggle . decl", "", -1},
        {"my walrus does giggle decl", "", -1},
        {"my walrus does giggle .", "", -1},
        {"my walrus does giggle . decl decl", "", -1},
        {"det7 walrus does giggle . decl", "", -1},
        {"", "", -1}};
    egi_grammar g;

    (void)state;
    egi_grammar_make(&g, EG_WEIGHTS_EFFECTIVE, 6);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char answer[256] = "";
        double nats = line_nats(&g, known[i].line, answer);

        print_message("%s: %g\n", known[i].line, nats);
        if (known[i].nats < 0) {
            assert_true(nats < 0);
            continue;
        }
        assert_string_equal(answer, known[i].answer);
        assert_int_equal(isinf(nats), isinf(known[i].nats));
        if (i < 2) /* Det, noun, no modifier, Aux, V_i, the tag */
            near("line", nats,
                 log(6) + log(26) - log(25.0 / 42) + log(2) - log(3.0 / 13) +
                     log(9) + log(2),
                 1e-12);
    }
}

/* What is drawn follows the law: the mean of -log p is the entropy, and types
 * of sentences come as often as they must. */
static void test_draws(void **state)
{
    enum { N = 20000 };
    eg_task *task = task_make(SMALL "lines_from=law probe_set=fresh", 3);
    double nats[36], mean = 0, square = 0, tokens = 0, rate;
    int64_t after[3] = {0}, verb[2] = {0}, det[6] = {0};
    static const double law[3] = {.595238, .238095, .166667};
    double uniform[6], intransitive[2] = {3.0 / 13, 10.0 / 13};
    double chi2 = 0, df = 0;
    eg_seq s;

    (void)state;
    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    for (uint32_t i = 0; i < N; i++) {
        double sum = 0;

        eg_task_sequence(task, i % 2 ? EG_TRAIN : EG_PROBE, i, i, &s);
        assert_true(eg_task_nats(task, s.targets, nats));
        assert_int_equal(s.tokens[0], EGI_LINE_START);
        for (int t = 0; t < 36; t++) {
            int c = egi_question_class(s.targets[t]), id = s.targets[t];

            if (id < 0) break;
            assert_true(t == 35 || s.tokens[t + 1] == id);
            sum += nats[t];
            tokens += 1;
            if (s.labels[t] == EGI_Q_AFTER_SUBJECT)
                after[c == EGI_PREP ? 1 : c == EGI_REL ? 2 : 0]++;
            if (s.labels[t] == EGI_Q_VERB) verb[c == EGI_TRANSITIVE]++;
            if (s.labels[t] == EGI_Q_DET)
                for (int k = 0; k < 6; k++)
                    det[k] += (const int[]){23, 26, 32, 46, 49, 66}[k] == id;
        }
        mean += sum / N;
        square += sum * sum / N;
    }
    rate = fact(task, "rate");
    near("nats a line", mean, 21.6732, 4 * sqrt((square - mean * mean) / N));
    near("tokens a line", tokens / N, 21.8516, .2);
    near("rate", rate, .99183, 5e-6);
    for (int i = 0; i < 6; i++) uniform[i] = 1.0 / 6;
    chi2_add(&chi2, &df, after, law, 3, N);
    chi2_add(&chi2, &df, verb, intransitive, 2, N);
    chi2_add(&chi2, &df, det, uniform, 6,
             (double)(det[0] + det[1] + det[2] + det[3] + det[4] + det[5]));
    printf("chi2 %.2f, df %g\n", chi2, df);
    assert_true(fabs(chi2_z(chi2, df)) < 3.719);
    eg_seq_release(&s);
    eg_task_free(task);
}

/* Sequences of a set, as bytes to compare. */
static int32_t *whole_set(const eg_task *task, int set, int64_t n)
{
    int32_t *all = eg_calloc((size_t)n * 36, sizeof *all);
    eg_seq s;

    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    for (int64_t i = 0; i < n; i++) {
        eg_task_line(task, set, i, &s);
        memcpy(all + i * 36, s.targets, 36 * sizeof *all);
    }
    eg_seq_release(&s);
    return all;
}

static int by_line(const void *a, const void *b)
{
    return memcmp(a, b, 36 * sizeof(int32_t));
}

static int64_t repeats(int32_t *all, int64_t n)
{
    int64_t same = 0;

    qsort(all, (size_t)n, 36 * sizeof *all, by_line);
    for (int64_t i = 1; i < n; i++)
        same += by_line(all + 36 * (i - 1), all + 36 * i) == 0;
    return same;
}

/* The default files: what the specification's own simulation and the released
 * data show of them. */
static void test_files(void **state)
{
    eg_task *task = task_make("kind=question_formation n_ctx=36", 1);
    int64_t decl = 0, five = 0, five_test = 0, n = 111000, size = 0, words = 0;
    int32_t *all = eg_calloc((size_t)n * 36, sizeof *all), *part;
    const char *name;

    (void)state;
    for (int set = EG_SET_TRAIN; set <= EG_SET_TEST; set++) {
        int64_t lines;

        assert_true(eg_task_set(task, set, &name, &lines));
        part = whole_set(task, set, lines);
        memcpy(all + size * 36, part, (size_t)lines * 36 * sizeof *all);
        size += lines;
        eg_free(part);
    }
    assert_int_equal(size, n);
    for (int64_t i = 0; i < n; i++) {
        int tag = 0;

        while (egi_question_class(all[36 * i + tag]) < EGI_DECL) tag++;
        if (i < 20000) {
            decl += egi_question_class(all[36 * i + tag]) == EGI_DECL;
            five += tag == 5;
            words += 2 * tag + 1;
        }
        five_test += i >= 101000 && tag == 5;
    }
    /* standard errors by the law of a draw */
    near("decl of 20,000", (double)decl, 11715, 4 * 70);
    near("sentences of five words", (double)five, 2158, 4 * 45);
    near("of the test lines", (double)five_test, 80, 4 * 10);
    near("words a line", (double)words / 20000, 21.16, 4 * .05);
    near("rate of training", fact(task, "rate_train"), .9973, 4 * .0002);
    near("rate of test", fact(task, "rate_test"), 1.0002, 4 * .0008);
    near("rate of val", fact(task, "rate_val"), .9990, 4 * .0019);
    assert_int_equal(repeats(all, n), 0);
    eg_free(all);
    eg_task_free(task);
}

/* The generalisation set: number and polarity of its auxiliaries, its shares.
 */
static void test_general(void **state)
{
    eg_task *task = task_make(SMALL "gen_lines=3000", 1);
    int64_t object_clause = 0, intransitive = 0, pp = 0, src_t = 0, n = 3000;
    int32_t *all = whole_set(task, EG_SET_GEN, n);
    double nats[36];

    (void)state;
    for (int64_t i = 0; i < n; i++) {
        const int32_t *w = all + 36 * i;
        int aux[3] = {0}, n_aux = 0, t = 0, last = 0;

        assert_true(eg_task_nats(task, w, nats));
        for (; egi_question_class(w[t]) < EGI_DECL; t++) {
            int c = egi_question_class(w[t]);

            if (c == EGI_AUX_S || c == EGI_AUX_P) aux[n_aux++] = w[t];
            if (n_aux == 2 && c == EGI_PREP) pp++;
            if (n_aux == 2 && (c == EGI_INTRANSITIVE || c == EGI_TRANSITIVE))
                last = c;
        }
        assert_int_equal(egi_question_class(w[t]), EGI_QUEST);
        assert_true(isinf(nats[t])); /* never in training */
        assert_int_equal(n_aux, 2);
        assert_int_equal(egi_question_class(w[2]), EGI_REL);
        assert_int_equal(egi_question_class(aux[0]),
                         egi_question_class(aux[1]));
        assert_true(aux[0] != aux[1]);
        assert_int_equal(w[t + 1], aux[1]); /* the main one moves */
        object_clause += egi_question_class(w[3]) == EGI_DET;
        src_t += egi_question_class(w[4]) == EGI_TRANSITIVE;
        intransitive += last == EGI_INTRANSITIVE;
    }
    assert_int_equal(object_clause, 1000);
    near("V_i", (double)intransitive, 1800, 4 * sqrt(.24 * 3000));
    near("t-pp", (double)pp, 600, 4 * sqrt(.16 * 3000));
    near("src_t of 2000", (double)src_t, 1000, 4 * sqrt(.25 * 2000));
    assert_int_equal(repeats(all, n), 0);
    eg_free(all);
    eg_task_free(task);
}

/* An epoch is every line once, in an order that seed and epoch choose. */
static void test_epochs(void **state)
{
    eg_task *task = task_make(SMALL, 7), *other = task_make(SMALL, 8);
    int32_t *file = whole_set(task, EG_SET_TRAIN, 2000), *seen;
    int64_t in_place = 0, as_other = 0;
    eg_seq s, o;

    (void)state;
    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    assert_int_equal(eg_seq_new(&o, task, NULL), EG_OK);
    eg_task_set_batch(task, 8);
    eg_task_set_batch(other, 8);
    seen = eg_calloc((size_t)4000 * 36, sizeof *seen);
    for (eg_index k = 0; k < 4000; k++) {
        uint64_t step = (uint64_t)k / 8;
        uint32_t i = (uint32_t)k % 8;

        eg_task_sequence(task, EG_TRAIN, step, i, &s);
        eg_task_sequence(other, EG_TRAIN, step, i, &o);
        memcpy(seen + 36 * k, s.targets, 36 * sizeof *seen);
        in_place += by_line(s.targets, file + 36 * (k % 2000)) == 0;
        as_other += by_line(s.targets, o.targets) == 0;
        eg_task_sequence(task, EG_TRAIN, step, i, &o);
        assert_int_equal(by_line(s.targets, o.targets), 0);
    }
    print_message("in the file's place: %lld, in the other seed's: %lld\n",
                  (long long)in_place, (long long)as_other);
    assert_true(in_place < 12 && as_other < 12);
    for (eg_index epoch = 0; epoch < 2; epoch++) {
        qsort(seen + epoch * 2000 * 36, 2000, 36 * sizeof *seen, by_line);
        if (epoch == 0) qsort(file, 2000, 36 * sizeof *file, by_line);
        assert_memory_equal(seen + epoch * 2000 * 36, file,
                            (size_t)2000 * 36 * sizeof *file);
    }
    eg_free(seen);
    eg_free(file);
    eg_seq_release(&s);
    eg_seq_release(&o);
    eg_task_free(task);
    eg_task_free(other);
}

static void test_shuffle(void **state)
{
    static const uint64_t sizes[] = {1, 2, 3, 7, 16, 17, 1000, 4097};
    int64_t first[16] = {0};
    double law[16], chi2 = 0, df = 0;

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        uint64_t n = sizes[k];
        bool *hit = eg_calloc(n, sizeof *hit);

        for (uint64_t i = 0; i < n; i++) {
            uint64_t j = egi_shuffle_at(k, n, i);

            assert_true(j < n && !hit[j]);
            hit[j] = true;
        }
        eg_free(hit);
    }
    /* by keys, every place is as likely as any other */
    for (uint64_t key = 0; key < 16000; key++)
        first[egi_shuffle_at(key, 16, key % 3)]++;
    for (int i = 0; i < 16; i++) law[i] = 1.0 / 16;
    chi2_add(&chi2, &df, first, law, 16, 16000);
    chi2_check("shuffle", chi2, df);
}

/* The control: with 36 determiners each costs twice as much, nothing else does.
 * A line has one of the subject, one of each modifier but Rel Aux V_i, and the
 * same of ten objects in thirteen. */
static void test_determiners(void **state)
{
    eg_task *task = task_make(SMALL "determiners=36", 1);
    double subject = 1 + (20 + 3.5 + 7) / 84, object = 1 + (3 + 1 + 1) / 10.0;

    (void)state;
    assert_int_equal(eg_task_vocab(task), 101);
    near("rate", fact(task, "rate"),
         .9918331 + (subject + object * 10 / 13) * log(6) / 21.851648, 2e-6);
    eg_task_free(task);
}

static void test_bad_options(void **state)
{
    static const char *const sets[][2] = {
        {"kind=question_formation n_ctx=35",
         "task.n_ctx: expected at least 36, the longest line, found 35"},
        {SMALL "gen_lines=0", "task.test_set: gen: expected a set with lines, "
                              "found task.gen_lines: 0"},
        {SMALL "probe_set=val val_lines=0", "task.val_lines: 0"},
        {SMALL "lines_from=law probe_set=train",
         "task.probe_set: train: expected a set with lines"},
        {"lines=5", "task.lines: an option of kind question_formation"}};

    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        task_refused(sets[i][0], sets[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),       cmocka_unit_test(test_entropy),
        cmocka_unit_test(test_lines),       cmocka_unit_test(test_draws),
        cmocka_unit_test(test_files),       cmocka_unit_test(test_general),
        cmocka_unit_test(test_epochs),      cmocka_unit_test(test_shuffle),
        cmocka_unit_test(test_determiners), cmocka_unit_test(test_bad_options)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
