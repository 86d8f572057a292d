# Our headers carry plain comments whose layout matters (equations, tables of
# shapes). For Doxygen, every comment at the start of a line becomes a brief
# line and the whole text as it stands; a comment behind a member or a
# declaration becomes its brief text.
function escaped(text) {
    gsub(/[\\@<>#&%$|"]/, "\\\\&", text)
    return text
}
function flush_block(   i, text, first) {
    text = ""
    for (i = 1; i <= n; i++) {
        if (block[i] ~ /^ *$/) break
        text = text (text == "" ? "" : " ") block[i]
        if (match(text, /[.]( |$)/)) break
    }
    first = text
    if (match(first, /[.]( |$)/)) first = substr(first, 1, RSTART)
    printf "%s %s\n", file_comment ? "/** @file\n@brief" : "/** @brief",
        escaped(first)
    if (n > 1) {
        print "@verbatim"
        for (i = 1; i <= n; i++) print block[i]
        print "@endverbatim"
    }
    print "*/"
    file_comment = 0
    n = 0
}
BEGIN { file_comment = 1 }
!inside && /^\/\*/ {
    inside = 1
    n = 0
}
inside {
    line = $0
    last = line ~ /\*\//
    sub(/^\/\* ?/, "", line)
    sub(/ *\*\/.*$/, "", line)
    sub(/^ \* ?/, "", line)
    block[++n] = line
    if (last) {
        inside = 0
        while (n > 1 && block[n] ~ /^ *$/) n--
        flush_block()
    }
    next
}
{
    # A comment behind code, on one line; longer ones are left alone.
    if ($0 !~ /^ *\/\*/ && $0 !~ /^#/ && match($0, /\/\* .*\*\//)) {
        text = substr($0, RSTART + 3, RLENGTH - 5)
        print substr($0, 1, RSTART - 1) "/**< " escaped(text) "*/"
        next
    }
    print
}
