/* Corpora: what a document is, compressed files, learnt vocabularies against a
 * plain count, shards that do not depend on threads, and what is refused. */
#include "text_helper.h"

#include <sys/stat.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "engram/corpus.h"
#include "scratch.h"

static char root[64];
static eg_pool *pool;

static int set_up(void **state)
{
    (void)state;
    scratch_make(root, sizeof root);
    return eg_pool_new(&pool, 3, NULL) == EG_OK ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    eg_pool_free(pool);
    scratch_remove(root);
    return 0;
}

static const char *put(const char *name, const void *bytes, size_t n)
{
    static char path[8][128];
    static int turn;
    eg_err err = {0};

    turn = (turn + 1) % 8;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
    if (eg_file_write(path[turn], bytes, n, &err) != EG_OK)
        fail_msg("%s", err.msg);
    return path[turn];
}

static const char *put_text(const char *name, const char *text)
{
    return put(name, text, strlen(text));
}

/* A gzip member of these bytes behind what file holds. */
static size_t gzip(char *file, size_t at, size_t room, const void *bytes,
                   size_t n)
{
    z_stream z = {0};

    assert_int_equal(
        deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (const Bytef *)bytes;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)file + at;
    z.avail_out = (uInt)(room - at);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&z);
    return room - z.avail_out;
}

/* The text of a corpus as its shards have it, what is for validation behind a
 * /, and how many documents there were; or what was wrong with it. */
static const char *documents(const eg_corpus *c, double val_share)
{
    static char got[1 << 14];
    static const char vocab[] = "\n\r \"\\abcdefghijklmnopqrstuvwxyz\ufffd";
    static int turn;
    char out[96];
    eg_tokenizer *t = NULL;
    eg_tokenized info;
    eg_err err = {0};
    size_t k = 0;

    (void)snprintf(out, sizeof out, "%s/out%d", root, turn++);
    assert_int_equal(eg_tokenizer_chars(&t, vocab, sizeof vocab - 1, &err),
                     EG_OK);
    if (eg_corpus_tokenize(&info, c, t,
                           &(eg_tokenize){.out = out,
                                          .val_share = val_share,
                                          .eot = EG_EOT_NONE},
                           pool, NULL, &err) != EG_OK) {
        (void)snprintf(got, sizeof got, "%s", err.msg);
        eg_tokenizer_free(t);
        return got;
    }
    got[0] = '\0';
    for (int s = 0; s < 2; s++) {
        const char *split = s ? "val" : "train";
        eg_shards *sh;
        int32_t id;

        if (s && val_share > 0) got[k++] = '/';
        if (!eg_shards_has(out, split)) continue;
        assert_int_equal(eg_shards_open_split(&sh, out, split, 65536, &err),
                         EG_OK);
        for (int64_t i = 0; i < eg_shards_tokens(sh); i++) {
            size_t n;
            const char *b;

            assert_int_equal(eg_shards_read(sh, i, 1, &id, &err), EG_OK);
            b = eg_tokenizer_bytes(t, id, &n);
            memcpy(got + k, b, n);
            k += n;
        }
        eg_shards_free(sh);
    }
    k += (size_t)snprintf(got + k, sizeof got - k, " [%lld]",
                          (long long)info.documents);
    got[k] = '\0';
    eg_tokenizer_free(t);
    return got;
}

static const char *of_file(const char *path, eg_documents unit)
{
    return documents(&(eg_corpus){.path = &path, .n = 1, .unit = unit}, 0);
}

static void test_documents(void **state)
{
    char file[4096];
    const char *path;
    size_t n;

    (void)state;
    path = put_text("a.txt", "ab\r\ncd\n\n\nef\ngh\n");
    assert_string_equal(of_file(path, EG_DOCUMENT_FILE),
                        "ab\r\ncd\n\n\nef\ngh\n [1]");
    assert_string_equal(of_file(path, EG_DOCUMENT_LINE), "abcdefgh [4]");
    assert_string_equal(of_file(path, EG_DOCUMENT_PARAGRAPH),
                        "ab\r\ncdef\ngh [2]");
    path = put_text("b.jsonl", "{\"text\": \"ab\"}\n\n{\"id\": 1, \"text\": "
                               "\"c\\nd\"}\r\n{\"text\": \"\"}\n");
    assert_string_equal(of_file(path, EG_DOCUMENT_FILE), "abc\nd [2]");
    path = put_text("c.jsonl", "{\"text\": \"ab\"}\n{\"txt\": \"ab\"}\n");
    assert_non_null(
        strstr(of_file(path, EG_DOCUMENT_FILE), "line 2: expected"));
    path = put_text("d.jsonl", "{\"text\": \"ab}\n");
    assert_non_null(strstr(of_file(path, EG_DOCUMENT_FILE), "line 1, column"));
    /* U+0000 is a character, in strings; names have none */
    path = put_text("n.jsonl", "{\"x\": \"\\u0000\", \"text\": \"ab\"}\n");
    assert_string_equal(of_file(path, EG_DOCUMENT_FILE), "ab [1]");
    path = put_text("n.jsonl", "{\"x\\u0000\": 1, \"text\": \"ab\"}\n");
    assert_non_null(strstr(of_file(path, EG_DOCUMENT_FILE),
                           "line 1, column 2: expected a name without"));
    path = put_text("n.jsonl", "{\"text\": \"\\ud800\"}\n");
    assert_non_null(
        strstr(of_file(path, EG_DOCUMENT_FILE), "expected a character"));
    path = put_text("e.txt", "");
    assert_non_null(strstr(of_file(path, EG_DOCUMENT_FILE), "has no text"));
    path = put_text("f.txt", "ab\xff");
    assert_non_null(strstr(of_file(path, EG_DOCUMENT_FILE), "byte 2: begins"));
    assert_string_equal(
        documents(&(eg_corpus){.path = &path, .n = 1, .replace = true}, 0),
        "ab\ufffd [1]");

    /* two gzip members, as cat makes of two files */
    n = gzip(file, 0, sizeof file, "ab\n", 3);
    n = gzip(file, n, sizeof file, "cd\n", 3);
    path = put("g.txt.gz", file, n);
    assert_string_equal(of_file(path, EG_DOCUMENT_LINE), "abcd [2]");
    path = put("h.txt.gz", file, n - 5);
    assert_non_null(strstr(of_file(path, EG_DOCUMENT_LINE), "ends in the"));
    file[20] ^= 0x55;
    path = put("i.txt.gz", file, n);
    assert_non_null(strstr(of_file(path, EG_DOCUMENT_LINE), "damaged gzip"));
    n = ZSTD_compress(file, sizeof file, "ab\ncd\n", 6, 3);
    path = put("j.txt.zst", file, n);
    assert_string_equal(of_file(path, EG_DOCUMENT_LINE), "abcd [2]");
    path = put("k.txt.zst", file, n - 2);
    assert_non_null(strstr(of_file(path, EG_DOCUMENT_LINE), "ends in the"));
}

/* Files of a folder in the order of their paths; hidden ones and links are left
 * out. */
static void test_folder(void **state)
{
    char folder[96], path[128];
    const char *p = folder;

    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/tree", root);
    (void)snprintf(path, sizeof path, "%s/b", folder);
    assert_int_equal(eg_mkdirs(path, NULL), EG_OK);
    (void)put_text("tree/c.txt", "c");
    (void)put_text("tree/b/x.md", "x");
    (void)put_text("tree/a.jsonl", "{\"text\": \"a\"}");
    (void)put_text("tree/.hidden.txt", "h");
    (void)put_text("tree/z.bin", "z");
    assert_string_equal(documents(&(eg_corpus){.path = &p, .n = 1}, 0),
                        "axc [3]");
    (void)snprintf(folder, sizeof folder, "%s/tree/none", root);
    assert_int_equal(eg_mkdirs(folder, NULL), EG_OK);
    assert_non_null(strstr(documents(&(eg_corpus){.path = &p, .n = 1}, 0),
                           "no file in this folder"));
}

/* The end of a single text, at a space; of many documents some. */
static void test_validation(void **state)
{
    char lines[8000];
    const char *path = put_text("v.txt", "ab cd ef gh ij kl mn op qr st"), *got;
    size_t n = 0, bar;

    (void)state;
    assert_string_equal(documents(&(eg_corpus){.path = &path, .n = 1}, 0.25),
                        "ab cd ef gh ij kl mn op/ qr st [1]");
    for (int i = 0; i < 2000; i++) {
        lines[n++] = (char)('a' + i % 26);
        lines[n++] = '\n';
    }
    path = put("w.txt", lines, n);
    got = documents(
        &(eg_corpus){.path = &path, .n = 1, .unit = EG_DOCUMENT_LINE}, 0.25);
    bar = strcspn(got, "/");
    print_message("%zu of 2000 for training, expected 1500\n", bar);
    assert_in_range(bar, 1500 - 78, 1500 + 78); /* 4 standard deviations */
}

/* 70 MB of one letter in 70 kB. */
static void test_bomb(void **state)
{
    size_t n = (size_t)70 << 20;
    char *letters = malloc(n), file[1 << 17];
    const char *path;
    size_t k;

    (void)state;
    memset(letters, 'a', n);
    k = gzip(file, 0, sizeof file, letters, n);
    free(letters);
    path = put("bomb.txt.gz", file, k);
    assert_non_null(strstr(of_file(path, EG_DOCUMENT_FILE), "times as many"));
    assert_non_null(strstr(documents(&(eg_corpus){.path = &path,
                                                  .n = 1,
                                                  .most_ratio = 1e6,
                                                  .most_bytes = 1 << 20},
                                     0),
                           "more than 1048576 bytes of text"));
}

/* ---- a learnt vocabulary --------------------------------------------------
 */

enum { TEXT = 6000 };

static void make_text(char text[TEXT])
{
    eg_rng rng = eg_rng_make(3, EG_RNG_USER, 0, 0);

    for (int i = 0; i < TEXT - 1; i++)
        text[i] = "aaabbcd   \n"[eg_rng_below(&rng, 11)];
    text[TEXT - 1] = '\0';
}

/* The best pair by counting all of them again: in each piece, which here is a
 * run of letters with a space before it, or white space. */
static bool best_pair(int32_t ids[TEXT], const bool starts[TEXT], int n,
                      int32_t best[2])
{
    static int64_t count[512][512];
    int64_t most = 1;

    memset(count, 0, sizeof count);
    for (int i = 0; i + 1 < n; i++)
        if (!starts[i + 1]) count[ids[i]][ids[i + 1]]++;
    /* a run of three equal ones has two pairs; both count, as here */
    for (int32_t a = 0; a < 512; a++)
        for (int32_t b = 0; b < 512; b++)
            if (count[a][b] > most) {
                most = count[a][b];
                best[0] = a;
                best[1] = b;
            }
    return most > 1;
}

static int join(int32_t ids[TEXT], bool starts[TEXT], int n,
                const int32_t pair[2], int32_t id)
{
    int k = 0;

    for (int i = 0; i < n; i++) {
        bool both = i + 1 < n && !starts[i + 1] && ids[i] == pair[0] &&
                    ids[i + 1] == pair[1];

        starts[k] = starts[i];
        ids[k++] = both ? id : ids[i];
        i += both;
    }
    return k;
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

/* Where pieces begin, by what gpt2 means for letters, spaces and line ends. */
static void mark_starts(bool starts[TEXT], const char *text)
{
    for (int i = 0; text[i]; i++) {
        bool letter = is_letter(text[i]),
             before = i > 0 && is_letter(text[i - 1]);
        bool last = !letter && is_letter(text[i + 1]);

        starts[i] =
            i == 0 || (letter ? !before && text[i - 1] != ' ' : before || last);
    }
}

static void test_learning(void **state)
{
    static char text[TEXT];
    static int32_t ids[TEXT];
    static bool starts[TEXT];
    enum { VOCAB = 330 };
    const char *path;
    eg_corpus c = {.path = &path, .n = 1};
    eg_tokenizer *t = NULL;
    eg_err err = {0};
    int n = TEXT - 1;

    (void)state;
    make_text(text);
    path = put_text("learn.txt", text);
    if (eg_tokenizer_train(&t, &c, &(eg_bpe_train){.d_vocab = VOCAB}, pool,
                           NULL, &err) != EG_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(eg_tokenizer_vocab(t), VOCAB);
    mark_starts(starts, text);
    for (int i = 0; i < n; i++) ids[i] = eg_tokenizer_id(t, &text[i], 1);
    for (int32_t id = 256; id < VOCAB - 1; id++) {
        int32_t best[2] = {0, 0};
        char both[600];
        size_t a, b;
        const char *s;

        assert_true(best_pair(ids, starts, n, best));
        s = eg_tokenizer_bytes(t, best[0], &a);
        memcpy(both, s, a);
        s = eg_tokenizer_bytes(t, best[1], &b);
        memcpy(both + a, s, b);
        if (eg_tokenizer_id(t, both, a + b) != id)
            fail_msg("merge %d: expected '%.*s' from %d %d, found it as %d",
                     (int)id - 256, (int)(a + b), both, (int)best[0],
                     (int)best[1], (int)eg_tokenizer_id(t, both, a + b));
        n = join(ids, starts, n, best, id);
    }
    /* what is left is what the tokenizer makes of the text */
    {
        eg_ids got = {0};

        assert_int_equal(eg_tokenizer_encode(t, text, TEXT - 1, 0, &got, &err),
                         EG_OK);
        assert_int_equal(got.n, n);
        assert_memory_equal(got.id, ids, (size_t)n * sizeof *ids);
        eg_ids_release(&got);
    }
    eg_tokenizer_free(t);
}

/* One thread and three: the same vocabulary, the same shards. */
static void test_threads(void **state)
{
    enum { BIG = 3 << 20 };
    char *text = malloc(BIG);
    eg_rng rng = eg_rng_make(9, EG_RNG_USER, 0, 0);
    const char *path;
    eg_corpus c = {.path = &path, .n = 1, .unit = EG_DOCUMENT_PARAGRAPH};
    char sum[2][33], out[2][96];
    eg_pool *alone;
    eg_err err = {0};

    (void)state;
    for (int i = 0; i < BIG; i++)
        text[i] = "eetaoinshrdlu   \n\n,"[eg_rng_below(&rng, 19)];
    path = put("big.txt", text, BIG);
    free(text);
    assert_int_equal(eg_pool_new(&alone, 1, &err), EG_OK);
    for (int i = 0; i < 2; i++) {
        eg_tokenizer *t;
        eg_tokenized info;
        eg_pool *p = i ? pool : alone;

        (void)snprintf(out[i], sizeof out[i], "%s/threads%d", root, i);
        assert_int_equal(eg_tokenizer_train(&t, &c,
                                            &(eg_bpe_train){.d_vocab = 400}, p,
                                            NULL, &err),
                         EG_OK);
        eg_tokenizer_sum(t, sum[i]);
        if (eg_corpus_tokenize(
                &info, &c, t,
                &(eg_tokenize){.out = out[i], .most = 100000, .val_share = 0.1},
                p, NULL, &err) != EG_OK)
            fail_msg("%s", err.msg);
        eg_tokenizer_free(t);
    }
    assert_string_equal(sum[0], sum[1]);
    for (int k = 0; k < 3; k++) {
        static const char *const names[] = {
            "train_000000.bin", "train_000003.bin", "val_000000.bin"};
        char *bytes[2], file[128];
        size_t n[2];

        for (int i = 0; i < 2; i++) {
            (void)snprintf(file, sizeof file, "%s/%s", out[i], names[k]);
            assert_int_equal(
                eg_file_read(&bytes[i], &n[i], file, 1 << 24, &err), EG_OK);
        }
        assert_int_equal(n[0], n[1]);
        assert_memory_equal(bytes[0], bytes[1], n[0]);
        eg_free(bytes[0]);
        eg_free(bytes[1]);
    }
    eg_pool_free(alone);
}

/* A document of many parts has the ids of the whole: it is cut where a piece
 * ends, among runs of blanks of all kinds. */
static void test_parts(void **state)
{
    static const char *const some[] = {
        "a", "b ", "  ", " \n", "\u2003", "\u00a0 ", "\u3000\n", "\u00e9"};
    enum { BIG = 5 << 18 };
    char *text = malloc(BIG + 8);
    size_t n = 0;
    eg_rng rng = eg_rng_make(11, EG_RNG_USER, 0, 0);
    const char *path;
    eg_corpus c = {.path = &path, .n = 1};
    eg_tokenizer *t;
    eg_ids got[2] = {{0}, {0}}, want = {0};
    eg_tokenized info;
    eg_err err = {0};

    (void)state;
    while (n < BIG) {
        const char *s = some[eg_rng_below(&rng, 8)];

        while (*s) text[n++] = *s++;
    }
    path = put("parts.txt", text, n);
    assert_int_equal(eg_tokenizer_train(&t, &c, &(eg_bpe_train){.d_vocab = 500},
                                        pool, NULL, &err),
                     EG_OK);
    assert_int_equal(eg_tokenizer_encode(t, text, n, 0, &want, &err), EG_OK);
    for (int i = 0; i < 2; i++) {
        eg_tokenize how = {.val_share = i ? 0.3 : 0, .eot = EG_EOT_NONE};

        got[0].n = got[1].n = 0;
        assert_int_equal(eg_corpus_encode(got, &info, &c, t, &how, pool, &err),
                         EG_OK);
        assert_int_equal(got[0].n + got[1].n, want.n);
        assert_memory_equal(got[0].id, want.id, got[0].n * sizeof *want.id);
        if (i)
            assert_memory_equal(got[1].id, want.id + got[0].n,
                                got[1].n * sizeof *want.id);
    }
    eg_ids_release(&got[0]);
    eg_ids_release(&got[1]);
    eg_ids_release(&want);
    eg_tokenizer_free(t);
    free(text);
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

/* Stopped, or into a folder with something in it: nothing is left or lost. */
static void test_nothing_lost(void **state)
{
    const char *path = put_text("n.txt", "some text here");
    eg_corpus c = {.path = &path, .n = 1};
    eg_corpus_watch watch = {.stop = at_once};
    eg_tokenizer *t;
    eg_tokenized info;
    char out[96];
    eg_tokenize how = {.out = out};
    eg_err err = {0};

    (void)state;
    (void)snprintf(out, sizeof out, "%s/stopped", root);
    assert_int_equal(eg_tokenizer_learn(&t, &c, EG_TOKENIZER_CHAR, 0, &err),
                     EG_OK);
    assert_int_equal(eg_corpus_tokenize(&info, &c, t, &how, pool, &watch, &err),
                     EG_EBUSY);
    assert_false(eg_file_exists(out));
    (void)snprintf(out, sizeof out, "%s", root);
    assert_int_equal(eg_corpus_tokenize(&info, &c, t, &how, pool, NULL, &err),
                     EG_EINVAL);
    print_message("%s\n", err.msg);
    assert_true(eg_file_exists(path));
    eg_tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),  cmocka_unit_test(test_folder),
        cmocka_unit_test(test_validation), cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_learning),   cmocka_unit_test(test_threads),
        cmocka_unit_test(test_parts),      cmocka_unit_test(test_nothing_lost)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
