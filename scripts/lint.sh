#!/usr/bin/env bash
# Zero findings: clang-format, cppcheck, clang-tidy.
#
#     scripts/lint.sh [--shallow] [FILE.c ...]     default: every C file of ours
#
# --shallow: without clang's analyzer and cppcheck, which take most of the time.
set -u
cd "$(dirname "$0")/.." || exit 1
options=() shallow=false batch=1
if [ "${1-}" = --shallow ]; then
    # -w: without its analyzer clang warns as well, of what gcc does not
    options=("--checks=-clang-analyzer-*" --extra-arg=-w)
    shallow=true batch=16
    shift
fi
jobs=${JOBS:-$(nproc)}
failed=0
step() {
    echo "lint: $1 ($SECONDS s)" >&2
}
if [ $# -gt 0 ]; then
    files=("$@")
else
    mapfile -t files < <(find src cli tests bench -name '*.c' | sort)
fi

step clang-format
mapfile -t shaped < <(
    if [ $# -gt 0 ]; then printf '%s\n' "$@"; else
        find include src cli tests bench -name '*.[ch]' | sort
    fi
)
clang-format --dry-run -Werror "${shaped[@]}" || failed=1

# readdir_r, which it asks for, is deprecated by glibc.
if ! $shallow; then
    step cppcheck
    cppcheck --quiet --error-exitcode=1 --std=c11 --library=posix -j "$jobs" \
        --enable=warning,performance,portability --inline-suppr \
        --suppress=missingIncludeSystem --suppress=readdirCalled \
        --suppress=duplicateAssignExpression \
        --include=scripts/cppcheck.h -I include -I src -I cli -I tests/unit \
        "${files[@]}" || failed=1
fi

# clang-tidy looks at what this build compiles: configuring makes the list of
# commands, and what is generated (embedded data) has to be there. A file that is
# compiled several times, in either precision or into several programs, is looked
# at once. With the analyzer one file a process: clang 14's check of va_list
# takes those of a file before for its own.
step clang-tidy
scripts/build.sh check eg_report >/dev/null || exit 1
mkdir -p build-check/lint
commands=build-check/lint/compile_commands.json
awk '/^\{/ { entry = "" }
     /^[{} ]/ { sub(/^},/, "}"); entry = entry "\n" $0 }
     /^  "file":/ { file = $0 }
     /^}/ && !seen[file]++ { printf "%s%s", n++ ? "," : "[", entry }
     END { print "\n]" }' build-check/compile_commands.json >$commands
for file in "${files[@]}"; do
    grep -qF "\"file\": \"$PWD/$file\"" $commands && printf '%s\0' "$file"
done | xargs -0 -r -n "$batch" -P "$jobs" sh -c '
    out=$(clang-tidy --quiet -p build-check/lint "$@" 2>/dev/null) || {
        printf "%s\n" "$out"; exit 1; }' tidy "${options[@]}" || failed=1
step done
exit $failed
