/* Statuses, sentences and assertions. */
#include <signal.h>
#include <sys/wait.h>

#include "base/check.h"

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(eg_status_name(EG_OK), "ok");
    assert_string_equal(eg_status_name(EG_ENOMEM), "out of memory");
    assert_string_equal(eg_status_name(EG_EBUSY), "in use by another process");
    assert_string_equal(eg_status_name((eg_status)99), "unknown status");
}

static void test_fail_records_sentence_and_place(void **state)
{
    eg_err err = {0};
    eg_status st = EG_FAIL(&err, EG_ESHAPE, "W_Q: expected %d, found %d", 4, 5);

    (void)state;
    check_failed(st, EG_ESHAPE, &err, "W_Q: expected 4, found 5");
    assert_non_null(strstr(err.where, "t_status.c:"));
    assert_int_equal(EG_FAIL(NULL, EG_EIO, "nobody listens"), EG_EIO);
    st = EG_FAIL(&err, EG_ENOMEM, "%d tokens", 4);
    check_failed(st, EG_ENOMEM, &err, "out of memory: 4 tokens");
    st = EG_FAIL(&err, EG_ENOMEM, "no memory for %d tokens", 4);
    check_failed(st, EG_ENOMEM, &err, "no memory for 4 tokens");
    assert_int_equal(err.msg[0], 'n');
}

static void test_long_sentences_are_cut(void **state)
{
    eg_err err = {0};
    char longer[2 * sizeof err.msg];

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(EG_FAIL(&err, EG_EINVAL, "%s", longer), EG_EINVAL);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
}

static void test_assert_aborts(void **state)
{
    int status = 0;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr)) _exit(0);
        EG_ASSERT(1 + 1 == 3);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_fail_records_sentence_and_place),
        cmocka_unit_test(test_long_sentences_are_cut),
        cmocka_unit_test(test_assert_aborts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
