#!/usr/bin/env bash
# What is installed is hardened (cmake/harden.cmake): the tool and the shared
# library, as the linker left them.
#
#     hardened.sh SOURCE_FOLDER BUILD_FOLDER
cd "$1" || exit 1
. tests/style/lib.sh
readelf=$(sed -n 's/^CMAKE_READELF:FILEPATH=//p' "$2/CMakeCache.txt")
[ -x "$readelf" ] || { echo "no readelf"; exit 77; }

# wants FILE WHAT PATTERN OPTION...: readelf's lines have the pattern
wants() {
    "$readelf" "${@:4}" "$1" 2>/dev/null | grep -Eq -- "$3" ||
        complain "$1: $2"
}

for file in "$2/engram" "$2/libengram.so"; do
    [ -e "$file" ] || { complain "no $file"; continue; }
    wants "$file" 'not position-independent' 'Type: *DYN' -hW
    wants "$file" 'no read-only relocations' GNU_RELRO -lW
    wants "$file" 'symbols are bound late' '\(FLAGS_1\).*NOW' -dW
    wants "$file" 'an executable stack' 'GNU_STACK .* RW +0x' -lW
    wants "$file" 'no canaries' '__stack_chk_fail' --dyn-syms -W
    wants "$file" 'no checked copies' '__[a-z]*_chk(@|$| )' --dyn-syms -W
done
# Whether the whole is marked as well is the C library's start code's affair.
if grep -q '^ENGRAM_HAS_\(fcf\|mbranch\)_.*:INTERNAL=1' "$2/CMakeCache.txt"; then
    objects=$("$readelf" -nW "$2/libengram.a" | grep -c '^File:')
    marked=$("$readelf" -nW "$2/libengram.a" | grep -Ec 'IBT, SHSTK|BTI, PAC')
    [ "$objects" -gt 0 ] && [ "$marked" -eq "$objects" ] ||
        complain "jump targets are marked in $marked of $objects objects"
fi
wants "$2/engram" 'not position-independent' '\(FLAGS_1\).*PIE' -dW
finish
