# Memory that runs out: whichever allocation of the process fails, alone or
# with all behind it, in engram or in a library, a command either does what it
# does undisturbed, byte for byte, or ends with status 1 and a sentence, and
# leaves no file that is half written.
#
# Some allocations are tried. With ENGRAM_NOMEM_ALL=PATTERN all of them, of the
# commands that the shell pattern matches ("runs*"), and every fault is told.
#
# The folder is copied hundreds of times: in memory, where there is a place.
[ -w /dev/shm ] && export TMPDIR=/dev/shm
. "$(dirname "$0")/lib.sh"
export LC_ALL=C
shim=${3:?}
all=${ENGRAM_NOMEM_ALL:-}

counted() {
    ENGRAM_NOMEM_COUNT=$work/count LD_PRELOAD=$shim "$@"
}

# a script may start it, and what is preloaded may come too late
[ "$(head -c 4 "$engram")" = $'\x7fELF' ] &&
    counted "$engram" list flow >out 2>err && [ "$(cat count)" -gt 0 ] || {
    echo "the allocations of this build cannot be counted"
    exit 77
}

mkdir fixture
tiny 6 >fixture/tiny.yaml
cat >fixture/flow.yaml <<'YAML'
run: {name: flow, kind: flow, seed: 1}
flow: {n: 20, d: 3, beta: 9, V: 1, times: ["0:2:0.5"]}
YAML
for i in 1 2 3 4 5 6; do
    echo 'To be, or not to be: that is the question. é'
done >fixture/text.txt
mkdir -p fixture/ex/paper
cat >fixture/ex/paper/file.yaml <<'YAML'
runs:
  one:
    run: {kind: flow, seed: 1}
    flow: {n: 20, d: 3, beta: 9, V: 1, times: ["0:2:0.5"]}
    quick: {seeds: 1-2}
claims:
  - id: few
    source: nowhere
    statement: few clusters
    measure: final(one.components)
    expected: ">= 1"
    reason: a test
    control: none, because it is a test
YAML
cd fixture || exit 1
for f in tiny flow; do
    "$engram" run $f.yaml --threads 1 --runs runs -q >../out 2>../err ||
        die "cannot run $f.yaml"
done
"$engram" run tiny.yaml --threads 1 --out ended -q >../out 2>../err ||
    die 'cannot run tiny.yaml'
# a run of which half is done
cut="tiny.yaml --set train.steps=40 --set checkpoint.keep=9 --threads 1 -q"
# shellcheck disable=SC2086 # words
counted "$engram" run $cut --out whole >../out 2>../err || die "cannot run $cut"
# shellcheck disable=SC2086
ENGRAM_NOMEM=$(($(cat ../count) * 4 / 5))+ LD_PRELOAD=$shim "$engram" run $cut \
    --out cut >../out 2>../err && die "not cut"
[ -e cut/checkpoints/step-10.safetensors ] || die "cut too early"
[ ! -e cut/checkpoints/step-40.safetensors ] || die "cut too late"
rm -r whole
cd ..

# tree FOLDER: its files with their sums, without what tells the time or is at
# work until a run ends. Names of run directories are their times.
tree() {
    (cd "$1" && find . -type f ! -name log ! -name run.json ! -name '*sums' \
        ! -name 'timing.jsonl*' ! -name lock ! -name '*.part' \
        ! -name 'catalogue.sqlite*' ! -name sweep.json \
        ! -name 'queue.sqlite*' ! -name claims.json ! -name '*.html' \
        -exec cksum {} +
    for page in "$1"/*.html; do
        [ ! -f "$page" ] || echo "$page" "$(sed -E \
            's/"generated":"[^"]*"//; s/[0-9]{8}-[0-9]{6}//g' "$page" | cksum)"
    done) | sed -E 's/[0-9]{8}-[0-9]{6}(-[0-9]+)?/ID/g' | sort
}
tree fixture >fixture.tree

# What a command printed, without times of day and durations.
said() {
    sed -E 's/[0-9]{8}-[0-9]{6}(-[0-9]+)?/ID/g
        s/"(seconds|memory_peak_bytes)": [-+.0-9e]+/"\1": 0/' out
}

# attempt N command...: in a copy of the fixture; what is left is in tree.N
attempt() {
    local n=$1 status
    shift
    rm -rf copy
    cp -r fixture copy
    # not into timeout, which would fail first
    (cd copy && timeout 60 env ENGRAM_NOMEM="$n" LD_PRELOAD="$shim" "$engram" \
        "$@" >../out 2>../err </dev/null)
    status=$?
    tree copy >tree
    return $status
}

# One number is tried; the undisturbed command left whole.out and whole.tree.
try() {
    local n=$1 status
    shift
    attempt "$n" "$@"
    status=$?
    n_checks=$((n_checks + 1))
    case $status in
    0)
        said | cmp -s - whole.out || fault "allocation $n: other output: $*"
        cmp -s tree whole.tree || fault "allocation $n: other files: $*
$(diff tree whole.tree)"
        ;;
    1)
        cat out err | grep -q memory ||
            fault "allocation $n: status 1 without a word: $*"
        # rows of a run that failed are the first ones of a whole one
        sort -u tree | comm -23 - fine.tree | grep -v 'metrics\.jsonl$' >half &&
            fault "allocation $n: half written: $(cat half): $*"
        ;;
    *) fault "allocation $n: status $status: $*" ;;
    esac
}

n_faults=0
fault() {
    [ -n "$all" ] || die "$@"
    n_faults=$((n_faults + 1))
    echo "FAULT $*"
    head -c 600 err
}

first=8 more=8
fails() { # command...
    local n step
    # shellcheck disable=SC2254 # it is a pattern
    [ -z "$all" ] || case "$*" in $all) ;; *) return ;; esac
    ENGRAM_NOMEM_COUNT=$work/count attempt 0 "$@" || die "undisturbed: $*"
    said >whole.out
    cp tree whole.tree
    sort -u fixture.tree whole.tree >fine.tree
    n=$(cat count)
    step=$(((n - first) / more + 1))
    [ -z "$all" ] || step=1
    echo "$*: $n allocations"
    for ((i = 1; i <= n; i += i < first ? 1 : step)); do
        try "$i" "$@"
        try "$i+" "$@"
    done
}

fails runs --runs runs
fails runs --runs runs --json
fails runs --runs runs --rebuild
fails show tiny --runs runs
fails show flow --runs runs --json
fails verify --runs runs
fails report runs --out page.html -q
fails report tiny flow --runs runs --svg figures -q
fails dump tiny.yaml --step 2 --threads 1 --out dump -q
fails probe cut --threads 1 --sequences 8 --out probed --json -q
fails generate cut --threads 1 --tokens 4 -q
fails show --program tiny.yaml --json
fails stats text.txt --out text.stats -q
# one job: beside another, a run that is stopped leaves what it had by then
fails sweep flow.yaml --seeds 0-1 --jobs 1 --threads 1 --runs new --json -q
fails reproduce paper --experiments ex --runs new --threads 1 --no-report -q
fails run tiny.yaml --threads 1 --out new -q
fails run tiny.yaml --threads 1 --runs runs --resume -q
fails run cut --threads 1 --resume -q
fails list --experiments ex --json
fails list claims --experiments ex
first=3 more=5
fails run ended --threads 1 --extend train.steps=9 -q
fails export ended --to engram --out weights -q
fails task tiny.yaml --lines 3
fails tokenize text.txt --out shards --subsets 0.5,0.2 -q
fails recall text.txt --cue 'To be'
fails recall text.txt --cue 'To be' --json -q
fails man --out man
fails doctor --experiments ex
[ $n_faults -eq 0 ] || die "$n_faults faults"
finish
