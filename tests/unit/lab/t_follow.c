/* Rows as they come: appended, cut, half written, replaced, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <math.h>
#include "engram/follow.h"
#include "scratch.h"

static char *folder;

static int make_folder(void **state)
{
    (void)state;
    folder = scratch_new();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_free(folder);
    return 0;
}

/* Writes text to the run's metrics: how as for fopen. */
static void put(const char *how, const char *text)
{
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
    f = fopen(path, how);
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

typedef struct told {
    eg_follow *f;
    char text[4096]; /* "step name=value ...\n" of each row */
    int stop;        /* refuse after so many rows; 0: none */
} told;

static eg_status tell(void *ctx, const eg_follow_row *row, eg_err *err)
{
    told *t = ctx;
    size_t n = strlen(t->text);

    if (n > sizeof t->text / 2) return EG_OK; /* of many, the first */
    n += (size_t)snprintf(t->text + n, sizeof t->text - n, "%g", row->step);
    for (int i = 0; i < row->n; i++)
        n += (size_t)snprintf(t->text + n, sizeof t->text - n, " %s=%g",
                              eg_follow_name(t->f, row->id[i]),
                              isnan(row->value[i]) ? -1 : row->value[i]);
    (void)snprintf(t->text + n, sizeof t->text - n, "\n");
    if (t->stop > 0 && --t->stop == 0)
        return EG_FAIL(err, EG_ENOMEM, "no more");
    return EG_OK;
}

static eg_follow_seen look(told *t, int64_t bytes)
{
    eg_follow_seen seen;
    eg_err err = {0};

    t->text[0] = '\0';
    if (eg_follow_look(t->f, bytes, tell, t, &seen, &err) != EG_OK)
        fail_msg("%s", err.msg);
    return seen;
}

static told begin(void)
{
    told t = {0};
    eg_err err = {0};

    assert_int_equal(eg_follow_open(&t.f, folder, EG_FOLLOW_METRICS, &err),
                     EG_OK);
    return t;
}

static void test_grows(void **state)
{
    told t = begin();

    (void)state;
    assert_int_equal(look(&t, 1 << 20).n_rows, 0); /* no file yet */
    put("a", "{\"step\":0,\"loss\":2}\n{\"step\":1,\"loss\":1}\n");
    assert_int_equal(look(&t, 1 << 20).n_rows, 2);
    assert_string_equal(t.text, "0 loss=2\n1 loss=1\n");
    assert_int_equal(look(&t, 1 << 20).n_rows, 0);
    /* half a line waits for its end, also when it comes in parts */
    put("a", "{\"step\":2,\"lo");
    assert_int_equal(look(&t, 1 << 20).n_rows, 0);
    put("a", "ss\":0.5,\"acc\":null}");
    assert_int_equal(look(&t, 1 << 20).n_rows, 0);
    put("a", "\n{\"acc\":3,\"step\":3}\n");
    assert_int_equal(look(&t, 1 << 20).n_rows, 2);
    assert_string_equal(t.text, "2 loss=0.5 acc=-1\n3 acc=3\n");
    assert_int_equal(eg_follow_rows(t.f), 4);
    assert_int_equal(eg_follow_id(t.f, "acc"), 1);
    assert_int_equal(eg_follow_id(t.f, "step"), -1);
    assert_null(eg_follow_name(t.f, 2));
    eg_follow_close(t.f);
}

static void test_damaged_lines(void **state)
{
    told t = begin();

    (void)state;
    put("w",
        "{\"step\":0,\"a\":1}\nrubbish\n{\"a\":1}\n{\"step\":1,\"a\":\"x\"}\n"
        "[1]\n{\"step\":2,\"a\":2}\n");
    assert_int_equal(look(&t, 1 << 20).n_rows, 2);
    assert_string_equal(t.text, "0 a=1\n2 a=2\n");
    assert_int_equal(eg_follow_bad(t.f), 4);
    eg_follow_close(t.f);
}

/* A run that goes back cuts its rows, and may write others in their place. */
static void test_goes_back(void **state)
{
    told t = begin();
    eg_follow_seen seen;

    (void)state;
    put("w", "{\"step\":0,\"a\":1}\n{\"step\":1,\"a\":2}\n");
    assert_int_equal(look(&t, 1 << 20).n_rows, 2);
    put("w", "{\"step\":0,\"a\":1}\n");
    seen = look(&t, 1 << 20);
    assert_true(seen.anew);
    assert_int_equal(seen.n_rows, 0);
    assert_int_equal(look(&t, 1 << 20).n_rows, 1);
    assert_int_equal(eg_follow_rows(t.f), 1);
    /* as long as before and longer, but not the same */
    put("w",
        "{\"step\":0,\"a\":7}\n{\"step\":1,\"a\":8}\n{\"step\":2,\"a\":9}\n");
    assert_true(look(&t, 1 << 20).anew);
    assert_int_equal(look(&t, 1 << 20).n_rows, 3);
    assert_string_equal(t.text, "0 a=7\n1 a=8\n2 a=9\n");
    eg_follow_close(t.f);
}

static void test_parts(void **state)
{
    told t = begin();
    eg_follow_seen seen;
    int64_t rows = 0;
    int looks = 0;

    (void)state;
    put("w", "");
    for (int i = 0; i < 40000; i += 100) {
        char lines[8000];
        size_t n = 0;

        for (int k = i; k < i + 100; k++)
            n += (size_t)snprintf(
                lines + n, sizeof lines - n,
                "{\"step\":%d,\"some_long_name_of_a_metric\":%d.25}\n", k, k);
        put("a", lines);
    }
    do {
        seen = look(&t, 1000);
        rows += seen.n_rows;
        looks++;
    } while (seen.more);
    print_message("%lld rows in %d looks\n", (long long)rows, looks);
    assert_int_equal(rows, 40000);
    assert_true(looks > 1);
    eg_follow_close(t.f);
}

/* What the receiver refuses ends the look; later rows come later. */
/* Cells by their names, whichever place they have in a row. */
static eg_status check_many(void *ctx, const eg_follow_row *row, eg_err *err)
{
    (void)err;
    assert_int_equal(row->n, 4096);
    for (int i = 0; i < row->n; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "m%d", (int)row->value[i]);
        assert_string_equal(eg_follow_name(ctx, row->id[i]), name);
        assert_int_equal(eg_follow_id(ctx, name), row->id[i]);
    }
    return EG_OK;
}

/* Of 5,000 names the first 4,096, and no others for them. */
static void test_thousands(void **state)
{
    enum { NAMES = 5000, ROWS = 20, SIZE = ROWS * NAMES * 16 };
    char *text = malloc(SIZE);
    told t = begin();
    eg_follow_seen seen;
    size_t n = 0;

    (void)state;
    assert_non_null(text);
    for (int r = 0; r < ROWS; r++) {
        n += (size_t)snprintf(text + n, SIZE - n, "{\"step\": %d", r);
        for (int i = 0; i < NAMES; i++) {
            int k = i < 4096 && r % 2 ? 4095 - i : i;

            n += (size_t)snprintf(text + n, SIZE - n, ", \"m%d\": %d", k, k);
        }
        n += (size_t)snprintf(text + n, SIZE - n, "}\n");
    }
    put("w", text);
    assert_int_equal(
        eg_follow_look(t.f, INT64_MAX / 2, check_many, t.f, &seen, NULL),
        EG_OK);
    assert_int_equal(seen.n_rows, ROWS);
    assert_int_equal(eg_follow_id(t.f, "m4096"), -1);
    eg_follow_close(t.f);
    free(text);
}

static void test_refused(void **state)
{
    told t = begin();
    eg_follow_seen seen;
    eg_err err = {0};

    (void)state;
    put("w",
        "{\"step\":0,\"a\":1}\n{\"step\":1,\"a\":2}\n{\"step\":2,\"a\":3}\n");
    t.stop = 2;
    assert_int_equal(eg_follow_look(t.f, 1 << 20, tell, &t, &seen, &err),
                     EG_ENOMEM);
    assert_string_equal(t.text, "0 a=1\n1 a=2\n");
    eg_follow_close(t.f);
}

/* Nothing is read through a link. */
static void test_link(void **state)
{
    told t = begin();
    eg_follow_seen seen;
    eg_err err = {0};
    char path[256];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
    (void)unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(eg_follow_look(t.f, 1 << 20, tell, &t, &seen, &err),
                     EG_EIO);
    print_message("%s\n", err.msg);
    (void)unlink(path);
    eg_follow_close(t.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows),     cmocka_unit_test(test_damaged_lines),
        cmocka_unit_test(test_goes_back), cmocka_unit_test(test_parts),
        cmocka_unit_test(test_thousands), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_link),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
