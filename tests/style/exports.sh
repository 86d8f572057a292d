#!/usr/bin/env bash
# The shared library exports what the public headers promise, all of it and
# nothing else; and it calls nothing that prints, exits or keeps state.
#
#     exports.sh SOURCE_FOLDER BUILD_FOLDER
cd "$1" || exit 1
. tests/style/lib.sh
library=$2/libengram.so
[ -e "$library" ] || { echo "no $library"; exit 1; }
nm=$(sed -n 's/^CMAKE_NM:FILEPATH=//p' "$2/CMakeCache.txt") # knows the target

# Names behind EG_API: the last word before the first ( [ or ;.
promised=$(grep -hv '^#define' include/engram/*.h | tr '\n' ' ' | grep -oE 'EG_API [^;{]*;' |
    sed -E 's/^EG_API //; s/^([^([;]*)[([;].*/\1/; s/ *$//; s/.*[ *]//' |
    sort -u)
exported=$("$nm" -D --defined-only "$library" | awk '{ print $3 }' |
    sed 's/@.*//' | sort -u)
for name in $(comm -23 <(echo "$promised") <(echo "$exported")); do
    complain "$name is declared in a public header but not defined"
done
for name in $(comm -13 <(echo "$promised") <(echo "$exported")); do
    complain "$name is exported but stands in no public header"
done

# _FORTIFY_SOURCE calls printf __printf_chk.
for name in $("$nm" -D --undefined-only "$library" | awk '{ print $2 }' |
    sed -E 's/@.*//; s/^__(.*)_chk$/\1/' | sort -u); do
    case $name in
    exit | _exit | quick_exit | printf | puts | putchar | perror | rand | \
        srand | random | srandom | drand48 | system | strtok | setlocale)
        complain "the library calls $name"
        ;;
    esac
done
echo "$(echo "$promised" | wc -w) public symbols"
finish
