#!/usr/bin/env bash
# Dependencies point one way:
#     base <- {kern, text <- task} <- {nn, memory, flow} <- {mesa, energy, models} <- probe <- {lens, lab} <- report <- watch <- cli
# A file includes its own module's headers and those of modules below it; the
# tool includes public headers and its own.
cd "$1" || exit 1
. tests/style/lib.sh

declare -A floor=([base]=0 [kern]=1 [text]=1 [task]=2 [nn]=3 [memory]=3 [flow]=3
    [mesa]=4 [energy]=4 [models]=4 [probe]=5 [lens]=6 [lab]=6 [report]=7 [watch]=8 [cli]=9)
declare -A home
while read -r module headers; do
    for h in $headers; do home[engram/$h.h]=$module; done
done <tests/style/headers.txt

for path in include/engram/*.h; do
    header=${path#include/}
    [ "$header" = engram/engram.h ] || [ -n "${home[$header]-}" ] ||
        complain "$path: name its module in tests/style/headers.txt"
done

check() { # file module included
    local target=${home[$3]-}
    [ -n "$target" ] || target=${3%%/*}
    [ "$target" != "$2" ] || return 0
    if [ "$target" = "$3" ]; then
        return 0 # no folder in its name: a neighbour, or generated
    elif [ -z "${floor[$target]-}" ]; then
        complain "$1: includes $3, which is no module's"
    elif [ "$2" = cli ] && [ "${3%%/*}" != engram ]; then
        complain "$1: the tool includes $3; it sees public headers only"
    elif [ "${floor[$target]}" -ge "${floor[$2]}" ]; then
        complain "$1: $2 looks up to $target ($3)"
    fi
}

while IFS=: read -r file included; do
    case $file in
    include/engram/engram.h) continue ;;
    include/engram/*) module=${home[${file#include/}]-} ;;
    src/*) module=${file#src/} module=${module%%/*} ;;
    cli/*) module=cli ;;
    esac
    [ -n "$module" ] && check "$file" "$module" "$included"
done < <(grep -HoE '^ *# *include "[^"]+"' -r include src cli \
    --include='*.[ch]' | sed -E 's/# *include "([^"]+)"/\1/; s/: */:/')
finish
