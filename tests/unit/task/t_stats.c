/* Character statistics: the facts of the specification, measuring, the file
 * form, and what is refused. */
#include "task_helper.h"
#include "engram/file.h"
#include "task/alias.h"
#include "task/sha256.h"
#include "task/stats.h"
#include <sys/stat.h>
#include <unistd.h>

static const char text_path[] = "t_stats.tmp.txt";
static const char json_path[] = "t_stats.tmp.json";

static double entropy(const double *p, eg_index n)
{
    double h = 0;

    for (eg_index i = 0; i < n; i++)
        if (p[i] > 0) h -= p[i] * log(p[i]);
    return h;
}

/* Section 1.1. */
static void test_facts(void **state)
{
    static const char top[] = " etoahsrni\nldum";
    static const double top_p[] = {.15232, .08482, .06008, .05899, .04976,
                                   .04600, .04455, .04383, .04351, .04083,
                                   .03586, .02989, .02811, .02383, .01994};
    eg_task *task = task_make("", 1);
    const double *pi_u = eg_task_unigram(task), *pi_b = eg_task_bigram(task);
    double cond = 0, repeat = 0, mass = 0;
    eg_index v = eg_task_vocab(task);
    int nonzero = 0;

    (void)state;
    assert_int_equal(v, 65);
    for (int i = 0; i < v; i++) {
        double sum = 0;

        for (int j = 0; j < v; j++) {
            nonzero += pi_b[i * v + j] > 0;
            sum += pi_b[i * v + j];
        }
        assert_true(fabs(sum - 1) < 1e-14);
        cond += pi_u[i] * entropy(pi_b + i * v, v);
        repeat += pi_u[i] * pi_b[i * v + i];
    }
    printf("H(pi_u) %.4f, mean H(pi_b) %.5f, ln 65 %.5f, non-zero %d, "
           "repeats %.4f\n",
           entropy(pi_u, v), cond, log(65), nonzero, repeat);
    assert_true(fabs(entropy(pi_u, v) - 3.3128) < .5e-4);
    assert_true(fabs(cond - 2.45257) < .5e-5);
    assert_true(fabs(repeat - .0247) < .5e-4);
    assert_int_equal(nonzero, 1403);
    for (int k = 0; k < 15; k++) {
        int at = 0, above = 0;

        while (eg_task_symbol(task, at) != top[k]) at++;
        for (int j = 0; j < v; j++) above += pi_u[j] > pi_u[at];
        assert_int_equal(above, k);
        assert_true(fabs(pi_u[at] - top_p[k]) < .5e-5);
        mass += pi_u[at];
        if (k == 9) assert_true(fabs(mass - .6247) < .5e-4);
    }
    assert_int_equal(eg_task_symbol(task, 0), '\n');
    assert_int_equal(eg_task_symbol(task, 9), '3');
    assert_int_equal(eg_task_symbol(task, 13), 'A');
    assert_int_equal(eg_task_symbol(task, 64), 'z');
    eg_task_free(task);
}

/* The shipped file is what measuring the text gives, byte for byte. */
static void test_shipped_is_measured(void **state)
{
    static const char text[] = EG_SHARED_DIR "/data/tinyshakespeare.txt";
    static const char shipped[] =
        EG_SOURCE_DIR "/data/tinyshakespeare.stats.json";
    eg_err err = {0};
    egi_stats s;
    char *a = NULL, *b = NULL;
    size_t na = 0, nb = 0;

    (void)state;
    if (access(text, R_OK) != 0) {
        printf("no %s\n", text);
        skip();
    }
    assert_int_equal(egi_stats_load(&s, "tinyshakespeare", &err), EG_OK);
    assert_int_equal(eg_stats_measure(text, json_path, s.source, &err), EG_OK);
    assert_int_equal(eg_file_read(&a, &na, json_path, 1 << 20, &err), EG_OK);
    assert_int_equal(eg_file_read(&b, &nb, shipped, 1 << 20, &err), EG_OK);
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na);
    assert_int_equal(egi_stats_shipped[0].size, nb);
    assert_memory_equal(egi_stats_shipped[0].bytes, b, nb);
    eg_free(a);
    eg_free(b);
    egi_stats_release(&s);
    remove(json_path);
}

static void write_text(const void *bytes, size_t n)
{
    FILE *f = fopen(text_path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* Measures a text and makes a task of it. */
static eg_task *task_of_text(const char *text, const char *more)
{
    char sets[300];
    eg_err err = {0};

    write_text(text, strlen(text));
    if (eg_stats_measure(text_path, json_path, "a \"test\"", &err) != EG_OK)
        fail_msg("%s", err.msg);
    (void)snprintf(sets, sizeof sets, "stats=%s n_triggers=1 %s", json_path,
                   more);
    return task_make(sets, 1);
}

static void test_small_text(void **state)
{
    /* a before b before e-acute before a smiley; all four UTF-8 lengths need
     * a character of three bytes too */
    eg_task *t = task_of_text("b\xc3\xa9"
                              "ab\xe2\x82\xac\xf0\x9f\x98\x80"
                              "ba",
                              "");
    const double *u = eg_task_unigram(t), *b = eg_task_bigram(t);
    const int32_t codes[] = {'a', 'b', 0xe9, 0x20ac, 0x1f600};

    (void)state;
    assert_int_equal(eg_task_vocab(t), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(eg_task_symbol(t, i), codes[i]);
    assert_true(fabs(u[0] - 2.0 / 8) < 1e-15);
    assert_true(fabs(u[1] - 3.0 / 8) < 1e-15);
    assert_true(fabs(b[1 * 5 + 0] - 1.0 / 3) < 1e-15);
    assert_true(fabs(b[1 * 5 + 2] - 1.0 / 3) < 1e-15);
    assert_true(fabs(b[0 * 5 + 1] - 1) < 1e-15);
    assert_true(fabs(b[4 * 5 + 1] - 1) < 1e-15);
    eg_task_free(t);
}

/* The last character occurs once: it is followed by the unigram law. */
static void test_no_successor(void **state)
{
    eg_task *t = task_of_text("ababz", "n_ctx=50");
    const double *u = eg_task_unigram(t), *b = eg_task_bigram(t);
    eg_seq s = seq_make(50);
    int after[3] = {0};

    (void)state;
    for (int j = 0; j < 3; j++) assert_true(b[2 * 3 + j] == u[j]);
    for (uint32_t i = 0; i < 2000; i++) {
        eg_task_sequence(t, EG_TRAIN, 0, i, &s);
        for (int k = 0; k < 50; k++)
            if (s.labels[k] == 0 && s.tokens[k] == 2) after[s.targets[k]]++;
    }
    printf("after z: %d a, %d b, %d z, expected 2 : 2 : 1\n", after[0],
           after[1], after[2]);
    for (int j = 0; j < 3; j++) {
        int n = after[0] + after[1] + after[2];

        assert_true(n > 1000);
        assert_true(fabs(after[j] - n * u[j]) <
                    4 * sqrt(n * u[j] * (1 - u[j])));
    }
    seq_free(&s);
    eg_task_free(t);
}

static void refuse_text(const char *what, const void *bytes, size_t n,
                        const char *word)
{
    eg_err err = {0};
    eg_status st;

    write_text(bytes, n);
    remove(json_path);
    st = eg_stats_measure(text_path, json_path, NULL, &err);
    printf("%s\n  -> %s\n", what, err.msg);
    assert_int_not_equal(st, EG_OK);
    assert_non_null(strstr(err.msg, word));
    assert_int_not_equal(access(json_path, F_OK), 0);
}

static void test_bad_texts(void **state)
{
    static char big[70000 * 4];
    eg_err err = {0};
    size_t n = 0;

    (void)state;
    refuse_text("empty", "", 0, "empty");
    refuse_text("one character", "aaaa", 4, "only character is U+0061");
    refuse_text("stray byte", "abc\x80x", 5, "byte 3");
    refuse_text("overlong", "ab\xc0\xaf", 4, "byte 2");
    refuse_text("overlong, three bytes", "\xe0\x80\xaf", 3, "byte 0");
    refuse_text("surrogate", "a\xed\xa0\x80", 4, "byte 1");
    refuse_text("beyond U+10FFFF", "a\xf4\x90\x80\x80", 5, "byte 1");
    refuse_text("cut short", "ab\xe2\x82", 4, "cut short at byte 2");
    refuse_text("broken sequence",
                "ab\xe2"
                "b",
                4, "byte 2");
    memset(big, 'a', 65535); /* across the reader's 64 KiB chunks */
    big[65535] = '\xe2';
    big[65536] = '(';
    refuse_text("at a chunk's edge", big, 65537, "byte 65535");
    for (int c = 0x10000; c < 0x10000 + 65537; c++) {
        big[n++] = (char)(0xf0 | c >> 18);
        big[n++] = (char)(0x80 | (c >> 12 & 63));
        big[n++] = (char)(0x80 | (c >> 6 & 63));
        big[n++] = (char)(0x80 | (c & 63));
    }
    refuse_text("65,537 symbols", big, n, "65536 distinct");
    assert_int_equal(eg_stats_measure("/nonexistent", json_path, NULL, &err),
                     EG_EIO);
    printf("no file\n  -> %s\n", err.msg);
    remove(text_path);
}

#define HEAD "{\"format\": \"engram-stats\", \"version\": 1, "

static void refuse_json(const char *json, const char *word)
{
    egi_stats s;
    eg_err err = {0};
    int64_t live = eg_mem_query().live_bytes;

    if (egi_stats_parse(&s, json, strlen(json), "x.json", &err) == EG_OK)
        fail_msg("accepted: %s", json);
    printf("%s\n  -> %s\n", json, err.msg);
    assert_non_null(strstr(err.msg, word));
    assert_null(s.symbol);
    assert_int_equal(eg_mem_query().live_bytes, live);
}

static void test_bad_json(void **state)
{
    static const char good[] =
        HEAD "\"length\": 5, \"symbols\": [97,98], \"unigram\": [3,2], "
             "\"bigram\": [[0,1,1,1],[0,1,1,1]]}";
    egi_stats s;
    eg_err err = {0};

    (void)state;
    if (egi_stats_parse(&s, good, strlen(good), "good", &err) != EG_OK)
        fail_msg("%s", err.msg);
    egi_stats_release(&s);
    refuse_json("", "x.json:1");
    refuse_json("[1,", "x.json:1");
    refuse_json("[]", "not character statistics");
    refuse_json("{\"format\": \"engram-stats\", \"version\": 2}", "version");
    refuse_json(HEAD "\"colour\": 1}", "unknown key \"colour\"");
    refuse_json(HEAD "\"length\": 1, \"length\": 2}", "uplicate");
    refuse_json(HEAD "\"symbols\": 3}", "\"symbols\": expected an array");
    refuse_json(HEAD "\"sha256\": 3}", "sha256");
#define BODY(len, sym, uni, big)                                        \
    HEAD "\"length\": " len ", \"symbols\": " sym ", \"unigram\": " uni \
         ", \"bigram\": " big "}"
    refuse_json(BODY("0", "[]", "[]", "[]"), "corpus is empty");
    refuse_json(BODY("4", "[97]", "[4]", "[[0,3]]"), "1 symbol only");
    refuse_json(BODY("-1", "[97,98]", "[3,2]", "[[],[]]"), "length");
    refuse_json(BODY("1e3", "[97,98]", "[3,2]", "[[],[]]"), "length");
    refuse_json(BODY("5", "[97,98]", "[3]", "[[],[]]"), "1 unigram");
    refuse_json(BODY("5", "[98,97]", "[3,2]", "[[],[]]"), "ascend");
    refuse_json(BODY("5", "[97,55296]", "[3,2]", "[[],[]]"), "no Unicode");
    refuse_json(BODY("5", "[97,98]", "[3,0]", "[[],[]]"), "unigram[1]");
    refuse_json(BODY("5", "[97,98]", "[3,3]", "[[],[]]"), "unigram[1]");
    refuse_json(BODY("6", "[97,98]", "[3,2]", "[[],[]]"), "sum to 5");
    refuse_json(BODY("5", "[97,98]", "[3,2]", "[[0,1,1],[]]"), "bigram[0]");
    refuse_json(BODY("5", "[97,98]", "[3,2]", "[[0,1,2,1],[]]"), "bigram[0]");
    refuse_json(BODY("5", "[97,98]", "[3,2]", "[[1,1,0,1],[]]"), "ascending");
    refuse_json(BODY("5", "[97,98]", "[3,2]", "[[0,1,1,0],[]]"), "bigram[0]");
    refuse_json(BODY("5", "[97,98]", "[3,2]", "[[0,4],[]]"), "bigram[0]");
    refuse_json(BODY("5", "[97,98]", "[3,2]", "[[0,1],[0,1,1,1]]"),
                "bigram[0] sums to 1");
    refuse_json(BODY("5", "[97,98]", "[3,2]", "[[0,1,1,2],[0,2]]"),
                "as many as");
    refuse_json(BODY("5", "[97,98]", "[3,2]", "[[0,3],[0,1]]"),
                "token 0 is second in 4");
}

/* Every prefix and every one-byte change of a good file: no crash, no leak,
 * and whatever is accepted makes sense. */
static void test_damaged_json(void **state)
{
    static const char good[] =
        BODY("5", "[97,98]", "[3,2]", "[[0,1,1,1],[0,1,1,1]]");
    int64_t live = eg_mem_query().live_bytes;
    int accepted = 0, tried = 0;

    (void)state;
    for (size_t n = 0; n < sizeof good - 1; n++) {
        egi_stats s;

        assert_int_not_equal(egi_stats_parse(&s, good, n, "x", NULL), EG_OK);
        for (const char *c = "0129-[]{},\" x"; *c; c++) {
            char bad[sizeof good];

            memcpy(bad, good, sizeof good);
            bad[n] = *c;
            tried++;
            if (egi_stats_parse(&s, bad, sizeof good - 1, "x", NULL) != EG_OK)
                continue;
            accepted++;
            assert_int_equal(egi_stats_check(&s, "x", NULL), EG_OK);
            egi_stats_release(&s);
        }
    }
    printf("%d damaged files, %d harmless\n", tried, accepted);
    assert_int_equal(eg_mem_query().live_bytes, live);
    assert_true(accepted > 0 && accepted < tried / 4);
}

static void test_provenance(void **state)
{
    char longer[300];
    egi_stats s;
    eg_err err = {0};

    (void)state;
    write_text("abc", 3);
    assert_int_equal(eg_stats_measure(text_path, json_path, NULL, &err), EG_OK);
    assert_int_equal(egi_stats_load(&s, json_path, &err), EG_OK);
    assert_string_equal(s.source, text_path);
    assert_string_equal(s.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a3961"
                                  "77a9cb410ff61f20015ad"); /* FIPS 180-4 */
    egi_stats_release(&s);
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(eg_stats_measure(text_path, json_path, longer, &err),
                     EG_EINVAL);
    printf("%s\n", err.msg);
    remove(text_path);
    remove(json_path);
}

/* FIPS 180-4 examples: two blocks, and a million a's in uneven pieces. */
static void test_sha256(void **state)
{
    static const char two[] =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    unsigned char a[997];
    egi_sha256 s;
    char hex[65];
    int left = 1000000;

    (void)state;
    egi_sha256_init(&s);
    egi_sha256_add(&s, (const unsigned char *)two, sizeof two - 1);
    egi_sha256_hex(&s, hex);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167"
                             "f6ecedd419db06c1");
    memset(a, 'a', sizeof a);
    egi_sha256_init(&s);
    for (; left > 0; left -= 997)
        egi_sha256_add(&s, a, left < 997 ? (size_t)left : 997);
    egi_sha256_hex(&s, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e"
                             "046d39ccc7112cd0");
}

/* The mass of every outcome, read off the table. */
static void test_alias_exact(void **state)
{
    static const int64_t weight[7] = {1, 1000000, 3, 999, 5, 5, 12345678};
    egi_alias_cell cell[7];
    int64_t work[14];
    double mass[7] = {0}, total = 0, worst = 0;

    (void)state;
    egi_alias_fill(cell, NULL, weight, 7, work);
    for (int i = 0; i < 7; i++) {
        total += (double)weight[i];
        mass[cell[i].self] += cell[i].keep * 0x1p-32 / 7;
        mass[cell[i].other] += (1 - cell[i].keep * 0x1p-32) / 7;
    }
    for (int i = 0; i < 7; i++)
        worst = fmax(worst, fabs(mass[i] - (double)weight[i] / total));
    printf("largest error of a probability %.2e\n", worst);
    assert_true(worst < 0x1p-32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_shipped_is_measured),
        cmocka_unit_test(test_small_text),
        cmocka_unit_test(test_no_successor),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_damaged_json),
        cmocka_unit_test(test_provenance),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_alias_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
