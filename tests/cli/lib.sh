# Shared by the scripts: $1 is the tool, $2 the source folder. Each runs in an
# empty folder, removed at the end.
set -u
engram=$1
source_dir=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/engram-cli-XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
n_checks=0

die() {
    echo "FAILED: $*"
    echo "--- stdout"; cat out 2>/dev/null
    echo "--- stderr"; cat err 2>/dev/null
    exit 1
}

# expect CODE STDOUT-PATTERN STDERR-PATTERN command...: extended regular
# expressions; an empty one wants an empty stream, - does not look.
expect() {
    local code=$1 want_out=$2 want_err=$3 got
    shift 3
    "$@" >out 2>err
    got=$?
    n_checks=$((n_checks + 1))
    echo "\$ ${*##*/} -> $got"
    [ "$got" = "$code" ] || die "exit code $got, expected $code: $*"
    check_stream out "$want_out" "$*"
    check_stream err "$want_err" "$*"
}

check_stream() {
    case $2 in
    -) ;;
    '') [ ! -s "$1" ] || die "std$1 is not empty: $3" ;;
    *) grep -Eq -- "$2" "$1" || die "std$1 lacks /$2/: $3" ;;
    esac
}

# same FILE FILE: byte for byte.
same() {
    n_checks=$((n_checks + 1))
    cmp "$1" "$2" || die "$1 and $2 differ"
}

# photo FOLDER: everything in it, its kind, content and where links lead.
photo() {
    (cd "$1" && find . -printf '%p %y %l %m\n' | sort &&
        find . -type f -print0 | sort -z | xargs -0r sha256sum)
}

# unchanged FOLDER PHOTO
unchanged() {
    n_checks=$((n_checks + 1))
    photo "$1" | diff "$2" - || die "$1 changed"
}

# await FILE: until it is there.
await() {
    local i
    for i in $(seq 600); do
        [ -e "$1" ] && return
        sleep 0.05
    done
    die "$1 never came"
}

# as_nobody command...: root may write anywhere.
as_nobody() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
    fi
}

# A model that trains in a moment. tiny STEPS > file
tiny() {
    cat <<YAML
run: {name: tiny}
task: {n_ctx: 32, n_triggers: 2}
model: {d_model: 16}
optim: {lr: 0.01}
train: {steps: $1, batch: 8}
probe: {every: 5, batch: 4, test: 4, snapshots: 3}
checkpoint: {every: 10, keep: 2}
YAML
}

# flip FILE BYTE: its lowest bit the other way round; a BYTE below 0 counts from
# the end.
flip() {
    local at=$2 byte
    [ "$at" -ge 0 ] || at=$(($(stat -c %s "$1") + at))
    byte=$(od -An -tu1 -j "$at" -N 1 "$1")
    printf "\\$(printf %o $((byte ^ 1)))" |
        dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

# tiny, to be killed on its way: its steps take a while on an idle machine too,
# and no checkpoint is gone before anybody looks. slower STEPS > file
slower() {
    tiny "$1" | sed 's/batch: 8}/batch: 256}/; s/keep: 2}/keep: 1000}/'
}

# kill_once TEST command...: SIGKILL as soon as the shell words TEST are true.
kill_once() {
    local test=$1
    shift
    "$@" >out 2>err &
    until eval "$test"; do
        kill -0 $! 2>/dev/null || die "ended before: $test"
        sleep 0.02
    done
    kill -KILL $!
    wait $! 2>/dev/null
}

finish() {
    echo "$n_checks checks passed"
}
