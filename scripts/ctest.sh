#!/usr/bin/env bash
# Runs the tests of a build folder and sums them up:
#
#     scripts/ctest.sh FOLDER [ctest arguments]
#
# Talk goes to stderr. stdout gets the number of single cases inside the unit
# test programs, a line `failed: NAME` for each test that did, then, as its last
# line, `N passed, N failed, N skipped`: tests as ctest counts them, a skipped one
# being a test that cannot run here and says so (status 77).
set -u
folder=$1
shift
# one more than there are cores: some tests wait for others' processes
export CTEST_PARALLEL_LEVEL=${JOBS:-$(($(nproc) + 1))}
ctest --test-dir "$folder" --output-on-failure --output-junit ctest.xml \
    --no-tests=error "$@" >&2
status=$?

# Cases that cmocka reports, from the log of this run.
awk '/^\[  PASSED  \] [0-9]+ test/ { passed += $4 }
     /^\[  FAILED  \] [0-9]+ test/ { failed += $4 }
     /^\[  SKIPPED \] [0-9]+ test/ { skipped += $4 }
     END { printf "cases in unit tests: %d passed, %d failed, %d skipped\n",
           passed, failed, skipped }' "$folder/Testing/Temporary/LastTest.log"

# A test without a program is "notrun" too, but without the skip code: failed.
awk -v status=$status '
    /<testcase /            { state = "failed"
                              name = $0
                              sub(/^.*<testcase name="/, "", name)
                              sub(/".*/, "", name) }
    /<testcase .*status="run"/    { state = "passed" }
    /<skipped message="SKIP_RETURN_CODE=77"/ { state = "skipped" }
    /<\/testcase>/          { count[state]++
                              if (state == "failed") print "failed: " name }
    END {
        if (status && !count["failed"]) count["failed"] = 1
        printf "%d passed, %d failed, %d skipped\n", count["passed"],
            count["failed"], count["skipped"]
        exit count["failed"] > 0
    }' "$folder/ctest.xml"
