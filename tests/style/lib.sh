# What the style tests share: complain, and end with the right status.
complaints=0
complain() {
    printf '%s\n' "$*"
    complaints=$((complaints + 1))
}
finish() {
    [ "$complaints" -eq 0 ] && exit 0
    echo "$complaints findings"
    exit 1
}
