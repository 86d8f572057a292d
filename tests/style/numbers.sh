#!/usr/bin/env bash
# Numbers are read and printed without the host's locale: in the library,
# strtod and its kin, the printf family where a real is printed (or the format
# comes from elsewhere), ctype.h and jansson's own readers and writers stand in
# src/base/num.c and src/base/json.c alone; the tool never sets a locale that
# would change its points.
cd "$1" || exit 1
. tests/style/lib.sh

mapfile -t sources < <(find src -name '*.[ch]' \
    ! -path src/base/num.c ! -path src/base/json.c | sort)

# A call of a name, not of one that ends in it.
uses() { # pattern files...
    local pattern=$1
    shift
    grep -nE "(^|[^A-Za-z0-9_])($pattern)\(" "$@"
}

while read -r line; do
    complain "$line: egi_strtod and egi_is_... of base/num.h take no locale"
done < <(uses 'strto(d|f|ld)|ato[fil]|atoll|is(space|alpha|alnum|digit|xdigit|upper|lower|punct|print|graph|cntrl)|to(upper|lower)|strcoll|strxfrm|strn?casecmp' "${sources[@]}")
while read -r line; do
    complain "$line: egi_json_parse and egi_json_print of base/json.h"
done < <(uses 'json_(load[a-z_]*|dump[a-z_]*)' "${sources[@]}")
while read -r line; do
    complain "$line: with a format from elsewhere, egi_v...printf of base/num.h"
done < <(uses 'v(sn|f|d|s|as)?printf' "${sources[@]}")

# Calls may run over lines: each is put on one, up to its semicolon.
while read -r line; do
    complain "$line: egi_...printf of base/num.h prints reals"
done < <(awk '
    FNR == 1 { call = "" }
    call == "" && /(^|[^A-Za-z0-9_])(sn|f|d|s|as)?(printf|scanf)\(/ {
        call = $0; at = FILENAME ":" FNR
    }
    call != "" {
        if (at != FILENAME ":" FNR) call = call $0
        if (!/;[ \t]*(}|\/\*|$)/) next
        gsub(/%%/, "", call)
        if (call ~ /%[-+ #0-9.*]*(l|L)?[aefgAEFG]/) print at
        call = ""
    }' "${sources[@]}")

while read -r line; do
    complain "$line: the tool keeps the C locale for numbers"
done < <(grep -nE 'setlocale *\( *LC_(ALL|NUMERIC)' -r cli src)
echo "${#sources[@]} files"
finish
