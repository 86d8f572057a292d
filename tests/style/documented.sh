#!/usr/bin/env bash
# Every EG_API declaration is documented: the block of lines it stands in (no
# blank line between) begins with a comment, or its own line ends with one.
cd "$1" || exit 1
. tests/style/lib.sh

for f in include/engram/*.h; do
    while read -r line; do complain "$line"; done < <(awk '
        function judge() {
            if (pending != "" && !documented) print pending
            pending = ""
        }
        /^[ \t]*$/     { judge(); block = 0; next }
        /\/\*/         { block = 1 }
        /^EG_API /     {
            judge()
            documented = block || /\/\*/
            pending = FILENAME ":" FNR ": without a comment: " $0
        }
        pending != "" && /\/\*/ { documented = 1 }
        /;/            { judge() }
        END            { judge() }' "$f")
done
finish
