/* Task text: windows of a text and of shards, where they begin, what is kept
 * apart for tests, and what is refused. */
#include "task_helper.h"

#include <sys/stat.h>
#include <unistd.h>

#include "engram/corpus.h"
#include "scratch.h"

enum { T = 8, N_IDS = 1000, N_TRAIN = 20 * T + 5, N_VAL = 10 * T + 1 };

static char root[64];

/* Shards whose ids say where they stand: i for training, 900 - i for tests. */
static void write_shards(const char *folder)
{
    eg_folder f;
    eg_err err = {0};

    assert_int_equal(eg_folder_make(&f, folder, &err), EG_OK);
    for (int s = 0; s < 2; s++) {
        eg_shard_writer *w;

        assert_int_equal(eg_shard_writer_new(&w, &f, s ? "val" : "train",
                                             EG_SHARD_LLMC, N_IDS, 50, &err),
                         EG_OK);
        for (int32_t i = 0; i < (s ? N_VAL : N_TRAIN); i++) {
            int32_t id = s ? 900 - i : i;

            assert_int_equal(eg_shard_write(w, &id, 1, &err), EG_OK);
        }
        assert_int_equal(eg_shard_writer_end(w, &err), EG_OK);
        eg_shard_writer_free(w);
    }
    eg_folder_close(&f);
}

static int set_up(void **state)
{
    char folder[96];

    (void)state;
    scratch_make(root, sizeof root);
    (void)snprintf(folder, sizeof folder, "%s/shards", root);
    write_shards(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(root);
    return 0;
}

static const char *sets(const char *more)
{
    static char text[512];

    (void)snprintf(text, sizeof text,
                   "kind=text n_ctx=%d text=%s/shards tokenizer=%d %s", T, root,
                   N_IDS, more);
    return text;
}

/* The place of the window, whose ids must be those that stand there. */
static int place(const eg_task *t, eg_split split, uint64_t step,
                 uint32_t index, eg_seq *s)
{
    int sign = split == EG_TEST ? -1 : 1, first;

    eg_task_sequence(t, split, step, index, s);
    first = s->tokens[0];
    for (int i = 0; i < T; i++) {
        assert_int_equal(s->tokens[i], first + sign * i);
        assert_int_equal(s->targets[i], first + sign * (i + 1));
        assert_int_equal(s->labels[i], 0);
    }
    return split == EG_TEST ? 900 - first : first;
}

static void test_random(void **state)
{
    eg_task *t = task_make(sets(""), 5);
    eg_seq s = seq_make(T), again = seq_make(T);
    bool seen[N_TRAIN] = {false};
    int n = 0;

    (void)state;
    assert_int_equal(eg_task_vocab(t), N_IDS);
    for (uint64_t step = 0; step < 400; step++)
        for (uint32_t i = 0; i < 4; i++)
            seen[place(t, i < 3 ? EG_TRAIN : EG_PROBE, step, i, &s)] = true;
    for (int i = 0; i < N_TRAIN; i++) n += seen[i];
    assert_int_equal(n, N_TRAIN - T); /* every place at which one fits */
    (void)place(t, EG_TRAIN, 7, 3, &s);
    (void)place(t, EG_TRAIN, 8, 3, &again);
    assert_memory_not_equal(s.tokens, again.tokens, T * sizeof *s.tokens);
    (void)place(t, EG_TRAIN, 7, 3, &again);
    assert_memory_equal(s.tokens, again.tokens, T * sizeof *s.tokens);
    seq_free(&s);
    seq_free(&again);
    eg_task_free(t);
}

/* The test batch has each of its windows once, whatever the seed and step. */
static void test_tests(void **state)
{
    eg_task *t = task_make(sets(""), 5), *u = task_make(sets(""), 6);
    eg_seq s = seq_make(T);
    bool seen[10] = {false};

    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        int at = place(t, EG_TEST, 3, i, &s);

        assert_int_equal(at % T, 0);
        assert_false(seen[at / T]);
        seen[at / T] = true;
        assert_int_equal(place(u, EG_TEST, 9, i, &s), at);
        assert_int_equal(place(t, EG_TEST, 0, i + 10, &s), at);
    }
    seq_free(&s);
    eg_task_free(t);
    eg_task_free(u);
}

/* An epoch of 20 windows, in steps of 3: each once, then in another order. */
static void test_epochs(void **state)
{
    eg_task *t = task_make(sets("window=epoch"), 5);
    eg_seq s = seq_make(T);
    int order[2][20], changed = 0;

    (void)state;
    eg_task_set_batch(t, 3);
    for (int e = 0; e < 2; e++) {
        bool seen[20] = {false};

        for (int i = 0; i < 20; i++) {
            int g = 20 * e + i;
            int at = place(t, EG_TRAIN, (uint64_t)g / 3, (uint32_t)g % 3, &s);

            assert_int_equal(at % T, 0);
            assert_false(seen[at / T]);
            seen[at / T] = true;
            order[e][i] = at / T;
        }
    }
    for (int i = 0; i < 20; i++) changed += order[0][i] != order[1][i];
    assert_true(changed > 10);
    seq_free(&s);
    eg_task_free(t);
}

/* As llm.c: batch * T on at each step; what is left of 20 windows is not read.
 */
static void test_sequential(void **state)
{
    eg_task *t = task_make(sets("window=sequential"), 5);
    eg_seq s = seq_make(T);

    (void)state;
    eg_task_set_batch(t, 3);
    for (int step = 0; step < 14; step++)
        for (int i = 0; i < 3; i++)
            assert_int_equal(
                place(t, EG_TRAIN, (uint64_t)step, (uint32_t)i, &s),
                (step % 6 * 3 + i) * T);
    seq_free(&s);
    eg_task_free(t);
}

/* A share is the first part; a vocabulary is padded. */
static void test_share(void **state)
{
    eg_task *t = task_make(sets("share=0.3 pad_vocab=64"), 5);
    eg_seq s = seq_make(T);
    int last = 0;

    (void)state;
    assert_int_equal(eg_task_vocab(t), 1024);
    for (uint64_t step = 0; step < 500; step++) {
        int at = place(t, EG_TRAIN, step, 0, &s);

        if (at > last) last = at;
    }
    assert_int_equal(last, 3 * N_TRAIN / 10 - T - 1);
    seq_free(&s);
    eg_task_free(t);
}

/* A text by itself: characters, its end for tests. */
static void test_file(void **state)
{
    char path[96], text[512];
    eg_task *t;
    eg_seq s = seq_make(T);
    const char *name, letters[] = "abcdefghijklmnopqrstuvwxy ";
    int64_t lines;
    char word[EG_TASK_WORD];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/letters.txt", root);
    for (int i = 0; i < 500; i++) text[i] = letters[i % 26];
    assert_int_equal(eg_file_write(path, text, 500, NULL), EG_OK);
    (void)snprintf(text, sizeof text, "kind=text n_ctx=8 text=%s val_share=0.2",
                   path);
    t = task_make(text, 1);
    assert_int_equal(eg_task_vocab(t), 26);
    assert_non_null(eg_task_tokenizer(t));
    assert_string_equal(eg_task_word(t, 1, word), "a");
    assert_true(eg_task_set(t, 0, &name, &lines));
    assert_int_equal(lines, (415 - 1) / 8); /* up to the space behind 400 */
    assert_true(eg_task_set(t, 1, &name, &lines));
    assert_int_equal(lines, (85 - 1) / 8);
    eg_task_line(t, 1, 0, &s);
    assert_int_equal(s.tokens[0], 0); /* the space */
    assert_int_equal(s.tokens[1], 1);
    assert_int_equal(eg_task_trouble(t, NULL), EG_OK);
    eg_task_free(t);
    seq_free(&s);
}

static void refused(const char *more, eg_status want, const char *part)
{
    eg_task_opts o = task_opts(more);
    eg_task *t;
    eg_err err = {0};
    eg_status st = eg_task_new(&t, &o, 1, &err);

    print_message("%s\n", err.msg);
    assert_int_equal(st, want);
    assert_null(t);
    assert_non_null(strstr(err.msg, part));
}

static void test_refused(void **state)
{
    char text[256];

    (void)state;
    refused("kind=text", EG_EINVAL, "task.text: is empty");
    refused("kind=text text=nowhere", EG_EIO, "No such file");
    refused("kind=text tokenizer=1", EG_EINVAL, "task.text: is empty");
    (void)snprintf(text, sizeof text, "kind=text text=%s/shards", root);
    refused(text, EG_EFORMAT, "no tokenizer in this folder");
    refused(sets("share=0.01"), EG_EINVAL, "1 tokens for training");
    refused(sets("n_ctx=100"), EG_EINVAL, "81 tokens for the test batch");
    (void)snprintf(text, sizeof text,
                   "kind=text n_ctx=8 text=%s/shards tokenizer=899", root);
    refused(text, EG_EFORMAT, "id 900 at place 0");
}

/* A shard that shrinks is told, and is no crash. */
static void test_trouble(void **state)
{
    char folder[96], file[128], text[256];
    eg_task *t;
    eg_seq s = seq_make(T);
    eg_err err = {0};

    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/cut", root);
    write_shards(folder);
    (void)snprintf(text, sizeof text,
                   "kind=text n_ctx=%d text=%s tokenizer=%d window=sequential",
                   T, folder, N_IDS);
    t = task_make(text, 1);
    (void)snprintf(file, sizeof file, "%s/train_000000.bin", folder);
    assert_int_equal(truncate(file, 1024 + 2 * 20), 0);
    (void)place(t, EG_TRAIN, 1, 0, &s);
    assert_int_equal(eg_task_trouble(t, &err), EG_OK);
    eg_task_sequence(t, EG_TRAIN, 2, 0, &s);
    assert_int_equal(s.tokens[0], 0);
    assert_int_equal(eg_task_trouble(t, &err), EG_EFORMAT);
    print_message("%s\n", err.msg);
    assert_non_null(strstr(err.msg, "no id 20"));
    eg_task_free(t);
    seq_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),  cmocka_unit_test(test_tests),
        cmocka_unit_test(test_epochs),  cmocka_unit_test(test_sequential),
        cmocka_unit_test(test_share),   cmocka_unit_test(test_file),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_trouble)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
