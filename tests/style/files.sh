#!/usr/bin/env bash
# Cheap rules of the house: short files, no leftovers, no path of one machine.
cd "$1" || exit 1
. tests/style/lib.sh

mapfile -t sources < <(find include src cli tests bench \
    \( -name '*.c' -o -name '*.h' \) 2>/dev/null | sort)
for f in "${sources[@]}"; do
    lines=$(wc -l <"$f")
    [ "$lines" -le 600 ] ||
        complain "$f: $lines lines; one idea a file, 600 at most"
done

while read -r line; do
    complain "leftover: $line"
done < <(grep -nE '\b(TO''DO|FIX''ME|XX''X|HA''CK)\b' "${sources[@]}")

# No absolute path of a home, a scratch folder or a work folder.
while read -r line; do
    complain "path of one machine: $line"
done < <(grep -rnIE '["'"'"' =(](/work/|/home/|/root/|/Users/|/mnt/)' \
    include src cli tests bench cmake docs experiments scripts .ci Makefile \
    CMakeLists.txt README.md 2>/dev/null | grep -v '^tests/style/files.sh')
finish
