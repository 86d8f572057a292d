#!/usr/bin/env bash
# Runs every fuzz target of a build folder for a while, from its corpus; what
# it finds new stays in the build folder, a crash is kept and named.
#
#     scripts/fuzz.sh FOLDER SECONDS
set -u
cd "$(dirname "$0")/.." || exit 1
folder=$1 seconds=$2 failed=0 ran=0
for program in "$folder"/tests/fuzz_*; do
    [ -x "$program" ] || continue
    name=${program##*/fuzz_}
    mkdir -p "$folder/fuzz/new/$name" "$folder/fuzz/crash"
    "$program" -max_total_time="$seconds" -print_final_stats=1 \
        -artifact_prefix="$folder/fuzz/crash/$name-" \
        "$folder/fuzz/new/$name" "tests/fuzz/corpus/$name" \
        >"$folder/fuzz/$name.log" 2>&1 || {
        failed=$((failed + 1))
        tail -n 30 "$folder/fuzz/$name.log"
    }
    echo "$name: $(awk '/number_of_executed_units/ { print $2 }' \
        "$folder/fuzz/$name.log") inputs"
    ran=$((ran + 1))
done
echo "$ran fuzz targets, $failed with findings"
[ "$ran" -gt 0 ] && [ "$failed" -eq 0 ]
