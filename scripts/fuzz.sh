#!/usr/bin/env bash
# Runs every fuzz target of a build folder for a while, from its corpus, as
# many at a time as there are cores; what it finds new stays in the build
# folder, a crash is kept and named.
#
#     scripts/fuzz.sh FOLDER SECONDS
set -u
cd "$(dirname "$0")/.." || exit 1
folder=$1 seconds=$2

fuzz() { # program
    local name=${1##*/fuzz_} status=0
    mkdir -p "$folder/fuzz/new/$name" "$folder/fuzz/crash"
    "$1" -max_total_time="$seconds" -print_final_stats=1 \
        -artifact_prefix="$folder/fuzz/crash/$name-" \
        "$folder/fuzz/new/$name" "tests/fuzz/corpus/$name" \
        >"$folder/fuzz/$name.log" 2>&1 || {
        status=1
        tail -n 30 "$folder/fuzz/$name.log"
    }
    echo "$name: $(awk '/number_of_executed_units/ { print $2 }' \
        "$folder/fuzz/$name.log") inputs"
    return $status
}
export -f fuzz
export folder seconds

mapfile -t programs < <(find "$folder/tests" -maxdepth 1 -name 'fuzz_*' -type f |
    sort)
[ ${#programs[@]} -gt 0 ] || { echo "no fuzz targets in $folder" >&2; exit 1; }
printf '%s\0' "${programs[@]}" |
    xargs -0 -n 1 -P "${JOBS:-$(nproc)}" bash -c 'fuzz "$1"' fuzz
status=$?
echo "${#programs[@]} fuzz targets, $([ $status -eq 0 ] && echo no || echo some)" \
    "with findings"
exit $status
