/* Stores and cues: what is read is what was written, parts are put where they
 * belong, and every failed allocation ends cleanly. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "energy/picture.h"
#include "engram/file.h"
#include "engram/mem.h"
#include "engram/recall.h"

static void write_file(const char *path, const char *text)
{
    assert_int_equal(eg_file_write(path, text, strlen(text), NULL), EG_OK);
}

static void read_store(eg_store *s, const char *path)
{
    eg_store_opts o = {.code = 16, .seed = 3};
    eg_err err = {0};

    if (eg_store_read(s, &path, 1, &o, &err) != EG_OK) fail_msg("%s", err.msg);
}

static void check_text(const eg_store *s, const double *x,
                       const unsigned char *known, const char *want)
{
    char *text = NULL;

    assert_int_equal(eg_store_text(&text, s, x, known, 64, NULL), EG_OK);
    assert_string_equal(text, want);
    eg_free(text);
}

static void test_lines(void **state)
{
    eg_store s;
    eg_cue c;
    eg_index placed = 0;

    (void)state;
    write_file("t_recall.txt",
               "na\xc3\xafve \xe2\x82\xac 5\r\n\nabc\xf0\x9f\x99\x82\n");
    read_store(&s, "t_recall.txt");
    assert_int_equal(s.d, 2);
    assert_int_equal(s.width, 9);
    assert_int_equal(s.n, 9 * 16);
    check_text(&s, s.pattern, NULL, "na\xc3\xafve \xe2\x82\xac 5");
    check_text(&s, s.pattern + s.n, NULL, "abc\xf0\x9f\x99\x82");
    assert_int_equal(eg_cue_read(&c, &s, "v? \xe2\x82\xac", -1, &placed, NULL),
                     EG_OK);
    assert_int_equal(placed, 3);
    check_text(&s, c.x, c.known, "???v? \xe2\x82\xac??");
    eg_cue_hide(&c, &s, EG_HIDE_END, .5, 1);
    check_text(&s, c.x, c.known, "???v?????");
    eg_cue_release(&c);
    assert_int_equal(eg_cue_read(&c, &s, "abc", 7, &placed, NULL), EG_EINVAL);
    assert_int_equal(eg_cue_stored(&c, &s, 2, NULL), EG_EINVAL);
    assert_int_equal(eg_cue_stored(&c, &s, 1, NULL), EG_OK);
    eg_cue_hide(&c, &s, EG_HIDE_START, .3, 1);
    check_text(&s, c.x, c.known, "???\xf0\x9f\x99\x82");
    assert_int_equal(eg_cue_fill(&c, &s, 0, NULL), EG_OK);
    for (eg_index j = 0; j < 16; j++)
        assert_true(c.x[j] == (s.pattern[j] + s.pattern[s.n + j]) / 2);
    eg_cue_release(&c);
    eg_store_release(&s);
}

static void test_pictures(void **state)
{
    static const double want[] = {1, -1, -1, 1, 1, -1};
    static const char p5[] = "P5 2 2 510\n\0\0\1\376\0\377\0\1";
    egi_pictures p;

    (void)state;
    assert_int_equal(
        egi_picture_parse(&p, "P1 3 2 1 0 0\n#c\n110", 20, "t", NULL), EG_OK);
    assert_memory_equal(p.value, want, sizeof want);
    eg_free(p.value);
    assert_int_equal(egi_picture_parse(&p, "P4 3 2\n\x80\xc0", 9, "t", NULL),
                     EG_OK);
    assert_memory_equal(p.value, want, sizeof want);
    eg_free(p.value);
    assert_int_equal(egi_picture_parse(&p, p5, sizeof p5 - 1, "t", NULL),
                     EG_OK);
    assert_true(p.value[0] == 1 && p.value[1] == -1 && p.value[2] == 0);
    eg_free(p.value);
    assert_int_equal(egi_art_parse(&p, "#..\n##\n", 7, "t", NULL), EG_OK);
    assert_memory_equal(p.value, want, sizeof want);
    eg_free(p.value);
    assert_int_equal(egi_art_parse(&p, "#?\n\n\n.\n#\n", 9, "t", NULL), EG_OK);
    assert_int_equal(p.n, 2);
    assert_int_equal(p.height, 2);
    assert_true(isnan(p.value[1]) && p.value[6] == 1 && p.value[7] == -1);
    eg_free(p.value);
}

/* Every allocation failing in turn. */
static void test_out_of_memory(void **state)
{
    const char *path = "t_recall.txt";
    eg_store_opts o = {0};
    int64_t live = eg_mem_query().live_bytes;
    eg_status st = EG_ENOMEM;
    int n = 0;

    (void)state;
    write_file(path, "one line\nanother\n");
    while (st != EG_OK) {
        eg_store s = {0};
        eg_cue c = {0};
        eg_index placed;
        char *text = NULL;
        eg_err err = {0};

        eg_mem_fail_after(++n);
        st = eg_store_read(&s, &path, 1, &o, &err);
        if (st == EG_OK) st = eg_cue_read(&c, &s, "line", -1, &placed, &err);
        if (st == EG_OK) st = eg_store_text(&text, &s, c.x, NULL, 9, &err);
        eg_mem_fail_after(0);
        assert_true(st == EG_OK || st == EG_ENOMEM);
        eg_free(text);
        eg_cue_release(&c);
        eg_store_release(&s);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
    printf("%d allocations, each made to fail\n", n - 1);
    assert_true(n > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines),
                                       cmocka_unit_test(test_pictures),
                                       cmocka_unit_test(test_out_of_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
