#!/usr/bin/env bash
# Every public header compiles alone, as C17 and as C++17, without a warning;
# engram.h includes all the others.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0
checked=0
warnings='-Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror'

compile() { # compiler language standard header
    # shellcheck disable=SC2086
    printf '#include "%s"\n' "$4" |
        "$1" -x "$2" -std="$3" $warnings -fsyntax-only -Iinclude - ||
        { echo "$4 does not compile alone as $2" >&2; failed=1; }
    checked=$((checked + 1))
}

cxx=$(command -v c++ || command -v g++ || command -v clang++) || {
    echo "no C++ compiler; sudo apt-get install g++" >&2
    exit 77
}
for path in include/engram/*.h; do
    header=${path#include/}
    compile cc c c17 "$header"
    compile "$cxx" c++ c++17 "$header"
    [ "$header" = engram/engram.h ] ||
        grep -qxF "#include \"$header\"" include/engram/engram.h ||
        { echo "engram.h does not include $header" >&2; failed=1; }
done
echo "$checked compilations of public headers"
exit $failed
