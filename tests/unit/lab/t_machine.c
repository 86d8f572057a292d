/* The machine in words, from what Linux says of it on x86-64 and on arm64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lab/lab_priv.h"

static void check_model(const char *cpuinfo, const char *want)
{
    char got[128], text[512];
    FILE *f = NULL;

    (void)snprintf(text, sizeof text, "%s", cpuinfo);
    f = fmemopen(text, strlen(text), "r");
    assert_non_null(f);
    egi_cpu_model(got, sizeof got, f);
    (void)fclose(f);
    assert_string_equal(got, want);
}

static void test_cpu_model(void **state)
{
    char got[128];

    (void)state;
    check_model("processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 143\n"
                "model name\t: Intel(R) Xeon(R) Processor\nstepping\t: 8\n",
                "Intel(R) Xeon(R) Processor");
    check_model("processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd\n"
                "CPU implementer\t: 0x41\nCPU architecture: 8\n"
                "CPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n",
                "CPU of implementer 0x41, part 0xd0c");
    check_model("processor\t: 0\nmodel name\t:\n", "");
    check_model("processor\t: 0\n", "unknown CPU");
    egi_cpu_model(got, sizeof got, NULL);
    assert_string_equal(got, "unknown CPU");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cpu_model)};
    return cmocka_run_group_tests_name("lab/t_machine", tests, NULL, NULL);
}
