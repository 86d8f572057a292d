#!/usr/bin/env bash
# make check: set up, build with warnings as errors, run every test. The last
# line is `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/.." || exit 1
start=$SECONDS
scripts/setup.sh build report check || exit
ready=$SECONDS
if ! scripts/build.sh check; then
    echo "the build failed" >&2
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
built=$SECONDS
scripts/ctest.sh build-check >build-check/summary.txt
status=$?
sed '$d' build-check/summary.txt
echo "set-up $((ready - start)) s, build $((built - ready)) s," \
    "tests $((SECONDS - built)) s"
tail -n 1 build-check/summary.txt
exit $status
