/* make_page OUT PATH...: the report of some runs, for the browser test. Exit
 * code 77 when this build has no plotting library. */

#include <stdio.h>
#include "engram/report.h"

int main(int argc, char **argv)
{
    eg_err err = {0};
    eg_report_opts opts = {.command = "engram reproduce <all> --quick"};

    if (argc < 3) {
        fprintf(stderr, "make_page OUT PATH...\n");
        return 2;
    }
    if (!eg_report_has_plotly()) {
        fprintf(stderr, "this build has no plotting library (npm ci)\n");
        return 77;
    }
    opts.out = argv[1];
    if (eg_report_write((const char *const *)(argv + 2), argc - 2, &opts,
                        &err) != EG_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    return 0;
}
