#!/usr/bin/env bash
# Configures a preset of CMakePresets.json and builds targets in it:
#
#     scripts/build.sh PRESET [TARGET...]
#
# Ninja is used when present; a folder once configured keeps its generator.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
folder=build
[ "$preset" = release ] || folder=build-$preset

if [ -f "$folder/CMakeCache.txt" ]; then
    CMAKE_GENERATOR=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' \
        "$folder/CMakeCache.txt")
elif command -v ninja >/dev/null 2>&1; then
    CMAKE_GENERATOR=Ninja
else
    CMAKE_GENERATOR='Unix Makefiles'
fi
export CMAKE_GENERATOR

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
targets=(all)
[ $# -eq 0 ] || targets=("$@")
exec cmake --build "$folder" --parallel "${JOBS:-$(nproc)}" \
    --target "${targets[@]}"
