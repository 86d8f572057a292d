#!/usr/bin/env bash
# A program outside the tree builds on the installed library, found by
# pkg-config and by find_package, with the shared and with the static library;
# the whole installation is moved first.
#
#     scripts/consumer.sh BUILD_FOLDER
set -eu
cd "$(dirname "$0")/.."
build=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$build" --prefix "$scratch/first" >"$scratch/log"
mv "$scratch/first" "$scratch/moved"
prefix=$scratch/moved
pc=$(find "$prefix" -name engram.pc)
lib=$(dirname "$(find "$prefix" -name libengram.so)")
expected=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt")

check() { # way program
    local said
    said=$(LD_LIBRARY_PATH=$lib "$2")
    [ "${said%%:*}" = "engram $expected" ] ||
        { echo "$1: expected 'engram $expected', found '$said'" >&2; exit 1; }
    echo "consumer by $1: $said"
}

export PKG_CONFIG_PATH=${pc%/*}
# shellcheck disable=SC2046
cc -std=c17 tests/consumer/consumer.c -o "$scratch/by-pc" \
    $(pkg-config --cflags --libs engram)
check pkg-config "$scratch/by-pc"
flags=$(pkg-config --cflags --static --libs engram)
# shellcheck disable=SC2086
cc -std=c17 tests/consumer/consumer.c -o "$scratch/by-pc-static" \
    ${flags/-lengram/$lib/libengram.a}
check 'pkg-config, static' "$scratch/by-pc-static"

cmake -S tests/consumer -B "$scratch/cmake" -DCMAKE_PREFIX_PATH="$prefix" \
    >>"$scratch/log"
cmake --build "$scratch/cmake" >>"$scratch/log"
check find_package "$scratch/cmake/consumer"
check 'find_package, static' "$scratch/cmake/consumer_static"
