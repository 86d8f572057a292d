/* The grammar against the released lines of question formation, where they are
 * (folder data/question_formation of ENGRAM_SHARED): every line parses, and
 * choices come as often as the law has them. */
#include "task_helper.h"

#include "engram/file.h"
#include "task/question_grammar.h"

typedef struct seen {
    int64_t lines, quest, tokens;
    double nats;
    int64_t word[EGI_WORD_CLASSES][16]; /* by class, in order of id */
    /* Modifier of the subject, bare, pp, clause; of the object likewise, behind
     * V_i. */
    int64_t type[3][4];
} seen;

static int place(const egi_grammar *g, int class, int id)
{
    int k = 0;

    while (g->word[class][k] != id) k++;
    return k;
}

/* "sentence tag<TAB>answer"; the line's words are counted. */
static void one_line(const egi_grammar *g, char *line, seen *s)
{
    char *tab = strchr(line, '\t'), *save = NULL;
    int32_t half[EGI_HALF] = {0}, answer[EGI_SENTENCE];
    int subject = 0, object = 0, n = 0;
    egi_walk w = {.at = 0};
    char want[256] = "", buf[16];
    double nats, sum = 0;
    size_t at = 0;

    assert_non_null(tab);
    *tab = '\0';
    for (char *t = strtok_r(line, " ", &save); t;
         t = strtok_r(NULL, " ", &save)) {
        int id = egi_question_find(t, strlen(t), 6), c, label;

        assert_true(id > 0 && n < EGI_HALF && !w.done);
        c = egi_question_class(id);
        label = egi_walk_label(&w);
        if (label == EGI_Q_AFTER_SUBJECT)
            subject = c == EGI_PREP ? 1 : c == EGI_REL ? 2 : 0;
        if (label == EGI_Q_AFTER_OBJECT)
            object = c == EGI_PREP ? 2 : c == EGI_REL ? 3 : 1;
        s->word[c][place(g, c, id)]++;
        if (!egi_walk_take(g, &w, id, &nats))
            fail_msg("line %lld: no sentence at '%s'", (long long)s->lines, t);
        sum += nats;
        half[n++] = id;
    }
    assert_true(w.done && n > 0);
    egi_question_answer(half, &w, answer);
    for (int i = 0; i < n - 1; i++) {
        at += (size_t)snprintf(want + at, sizeof want - at, "%s%s",
                               i ? " " : "", egi_question_word(answer[i], buf));
    }
    assert_string_equal(tab + 1, want);
    s->lines++;
    s->nats += sum;
    s->tokens += 2 * (int64_t)n;
    s->quest += egi_question_class(half[n - 1]) == EGI_QUEST;
    s->type[subject][object]++;
}

static seen read_file(const egi_grammar *g, const char *name)
{
    const char *shared = getenv("ENGRAM_SHARED");
    char path[1024], *text, *save = NULL;
    seen s = {.lines = 0};
    size_t size;
    eg_err err = {0};

    (void)snprintf(path, sizeof path, "%s/data/question_formation/%s",
                   shared ? shared : EG_SHARED_DIR, name);
    if (!eg_file_exists(path)) {
        print_message("skipped: no %s; ENGRAM_SHARED says where the released "
                      "lines are\n",
                      path);
        exit(77);
    }
    if (eg_file_read(&text, &size, path, 1 << 26, &err) != EG_OK)
        fail_msg("%s", err.msg);
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        one_line(g, line, &s);
    eg_free(text);
    print_message("%s: %lld lines, %lld questions, %lld tokens, %.5f nats a "
                  "token\n",
                  name, (long long)s.lines, (long long)s.quest,
                  (long long)s.tokens, s.nats / (double)s.tokens);
    return s;
}

static void add(seen *to, const seen *s)
{
    for (int c = 0; c < EGI_WORD_CLASSES; c++)
        for (int k = 0; k < 16; k++) to->word[c][k] += s->word[c][k];
    for (int k = 0; k < 12; k++)
        to->type[k / 4][k % 4] += s->type[k / 4][k % 4];
}

static void test_released(void **state)
{
    static const struct {
        const char *name;
        int64_t lines, words;
        double rate;
    } file[] = {{"question.train.first20000", 20000, 423932, .99346},
                {"question.val", 1000, 22448, .99760},
                {"question.test.iid", 10000, 223748, 1.00170}};
    double chi2 = 0, df = 0, even[16];
    egi_grammar g;
    seen all = {.lines = 0}, one;

    (void)state;
    egi_grammar_make(&g, EG_WEIGHTS_EFFECTIVE, 6);
    for (int i = 0; i < 3; i++) {
        one = read_file(&g, file[i].name);
        assert_int_equal(one.lines, file[i].lines);
        assert_int_equal(one.tokens, file[i].words + file[i].lines);
        assert_true(fabs(one.nats / (double)one.tokens - file[i].rate) < 6e-6);
        add(&all, &one);
    }
    one = read_file(&g, "question.gen");
    assert_int_equal(one.quest, 10000);
    assert_int_equal(one.tokens, 225962 + 10000);
    assert_int_equal(one.type[2][0] + one.type[2][1] + one.type[2][2], 10000);
    assert_true(isinf(one.nats)); /* training has no such question */
    add(&all, &one);
    /* words are even in their class */
    for (int c = 0; c < EGI_STOP; c++) {
        double n = 0;

        for (int k = 0; k < g.n[c]; k++) {
            n += (double)all.word[c][k];
            even[k] = 1.0 / g.n[c];
        }
        chi2_add(&chi2, &df, all.word[c], even, g.n[c], n);
    }
    printf("words in their classes: chi2 %.1f, df %.0f\n", chi2, df);
    assert_true(fabs(chi2_z(chi2, df)) < 3.719);
}

/* Short sentences come again and are dropped, so that the law of one half of
 * the sentence shows where the other half is long: two draws of it hardly
 * agree. */
static void test_weights(void **state)
{
    static const char *const file[] = {"question.train.first20000",
                                       "question.val", "question.test.iid"};
    seen all = {.lines = 0}, one;
    int64_t verb[4] = {0}, subject[3] = {0};
    double object[4], chi2 = 0, df = 0, n = 0;
    egi_grammar g;

    (void)state;
    egi_grammar_make(&g, EG_WEIGHTS_EFFECTIVE, 6);
    for (int i = 0; i < 3; i++) {
        one = read_file(&g, file[i]);
        add(&all, &one);
    }
    for (int v = 0; v < 4; v++) verb[v] = all.type[1][v] + all.type[2][v];
    for (int k = 0; k < 3; k++) subject[k] = all.type[k][2] + all.type[k][3];
    object[0] = g.intransitive;
    object[1] = (1 - g.intransitive) * g.modifier[1][EGI_BARE];
    object[2] = (1 - g.intransitive) * g.modifier[1][EGI_PP];
    object[3] = 1 - object[0] - object[1] - object[2];
    for (int v = 0; v < 4; v++) n += (double)verb[v];
    chi2_add(&chi2, &df, verb, object, 4, n);
    printf("verb and object, %g lines: chi2 %.2f, df %g\n", n, chi2, df);
    n = (double)(subject[0] + subject[1] + subject[2]);
    object[0] = g.modifier[0][EGI_BARE];
    object[1] = g.modifier[0][EGI_PP];
    object[2] = 1 - object[0] - object[1];
    chi2_add(&chi2, &df, subject, object, 3, n);
    printf("and subject, %g lines: chi2 %.2f, df %g\n", n, chi2, df);
    assert_true(chi2_z(chi2, df) < 3.719);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_released),
                                       cmocka_unit_test(test_weights)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
