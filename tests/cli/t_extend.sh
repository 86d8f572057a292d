# A run that is made longer: what it goes on with, what it leaves behind, and
# that it is the run of that length.
. "$(dirname "$0")/lib.sh"
shim=${3:?}

run() { "$engram" run "$@" -q >out 2>err || die "run $*"; }
# alike RUN RUN: all that does not tell the time, byte for byte
alike() {
    local f
    same "$1/metrics.jsonl" "$2/metrics.jsonl"
    for f in "$1"/checkpoints/* "$1"/arrays/*; do
        case $f in */sums | *\*) ;; *) same "$f" "$2/${f#"$1/"}" ;; esac
    done
}

tiny 20 >c.yaml
run c.yaml --out short
cp -r short long
cp -r short first
expect 0 finished 'note: extended from 20 to 60 steps; the checkpoints are those' \
    "$engram" run long --extend train.steps=60 --threads 2
run c.yaml --set train.steps=60 --out whole
same whole/checkpoints/step-60.safetensors long/checkpoints/step-60.safetensors
same whole/checkpoints/step-50.safetensors long/checkpoints/step-50.safetensors
# the first part was measured at its last step, too
grep -v '"step": 19,' long/metrics.jsonl >rows
same rows whole/metrics.jsonl
[ "$(wc -l <long/metrics.jsonl)" = 14 ] || die 'not one row more'
head -n "$(wc -l <short/metrics.jsonl)" long/metrics.jsonl >rows
same rows short/metrics.jsonl
[ "$(wc -l <long/timing.jsonl)" = 14 ] || die 'rows of times'
# both configurations, and a record of both parts
same short/config.yaml long/config.1.yaml
grep -q 'steps: 60' long/config.yaml || die 'config.yaml'
grep -q 'parts: \["20"\]' long/config.yaml || die 'parts in config.yaml'
for key in '"file": "config.1.yaml"' '"steps_done": 20' '"steps": 60'; do
    grep -qF "$key" long/run.json || die "run.json lacks $key"
done
[ "$(grep -c '"version"' long/run.json)" = 3 ] || die 'not two parts'
expect 0 'whole .*long/config.1.yaml' 'nothing damaged' "$engram" verify long
# config.yaml is the whole run again
run long/config.yaml --out again
alike long again
same long/config.yaml again/config.yaml
# once more changes nothing
photo long >long.photo
expect 0 finished 'long is finished: nothing was done' \
    "$engram" run long --extend train.steps=60
expect 0 finished 'nothing was done' "$engram" run long --resume
unchanged long long.photo

# and again: of a run found by its configuration
mkdir -p r/tiny
cp -r short r/tiny/20260101-000000
run c.yaml --runs r --extend train.steps=60
run c.yaml --runs r --extend train.steps=60
run r/tiny/20260101-000000 --extend train.steps=70
[ "$(ls r/tiny)" = 20260101-000000 ] || die 'another run was begun'
run r/tiny/20260101-000000/config.yaml --out thrice
alike r/tiny/20260101-000000 thrice
same short/config.yaml r/tiny/20260101-000000/config.1.yaml
same long/config.yaml r/tiny/20260101-000000/config.2.yaml
expect 0 - 'nothing damaged' "$engram" verify r/tiny/20260101-000000
# without its record
rm r/tiny/20260101-000000/run.json
expect 0 finished 'is lost, and written anew' \
    "$engram" run r/tiny/20260101-000000 --resume --from 70
alike thrice r/tiny/20260101-000000

# a learning rate that ended with the run stays there
cos='--set optim.schedule=cosine --set optim.lr_end=0.001'
# shellcheck disable=SC2086 # words
run c.yaml $cos --out cosine
expect 0 - 'lr_end = 0.001 at step 19 and stays there; a run of 60 steps' \
    "$engram" run cosine --extend train.steps=60
tail -n 1 cosine/metrics.jsonl | grep -q '"lr": 0.001,' || die 'another rate'
# shellcheck disable=SC2086
run c.yaml $cos --set train.steps=60 --set optim.schedule_end=19 --out falls
same {cosine,falls}/checkpoints/step-60.safetensors
run cosine/config.yaml --out again2
alike cosine again2
run c.yaml --set optim.schedule=linear --out linear
expect 0 - 'so nothing more is learnt' \
    "$engram" run linear --extend train.steps=30

# another set of kernels is said, and then nothing of bits
grep -q '"kernels": "' long/run.json || die 'no kernels'
[ "$(grep -c '"kernels": ' long/run.json)" = 3 ] || die 'not of both parts'
for how in '--extend train.steps=60' --resume; do
    rm -rf kern
    cp -r short kern
    sed -i 's/"kernels": "[^"]*"/"kernels": "another"/' kern/run.json
    [ "$how" != --resume ] ||
        sed -i 's/"status": "finished"/"status": "running"/' kern/run.json
    # shellcheck disable=SC2086
    expect 0 - 'kernels [a-z0-9_]+ from here on; they were another: the last' \
        "$engram" run kern $how
    if grep -q 'bit for bit' err; then die 'bits are claimed'; fi
done

# what is refused, and leaves everything as it was
photo first >first.photo
refuse() { # PATTERN words...
    expect 2 '' "$1" "$engram" run "${@:2}"
    unchanged first first.photo
}
refuse 'train.steps: expected more than the 20 that the run has, found 10' \
    first --extend train.steps=10
refuse "expected train.steps=VALUE, found 'optim.lr=1': any other key" \
    first --extend optim.lr=1
refuse "steps: expected a whole number from 0" first --extend train.steps=x
refuse "expected train.steps=VALUE, found 'train.steps'" \
    first --extend train.steps
refuse 'from and --extend' first --resume --from 10 --extend train.steps=60
refuse 'another configuration: run.seed is 1 there and 4 here' \
    c.yaml --seed 4 --out first --extend train.steps=60
grep -q 'begin a run of this configuration: without --extend, in' err ||
    die 'which option?'
refuse 'to make it longer: engram run first --extend train.steps=60' \
    c.yaml --set train.steps=60 --out first --resume
refuse 'no run of this configuration' c.yaml --runs nowhere \
    --extend train.steps=60
refuse 'nowhere holds no run .*; without --extend one begins' c.yaml --out nowhere --extend train.steps=60
expect 2 '' 'train.parts: expected whole numbers from 1 to 19, ascending' \
    "$engram" run c.yaml --set train.parts=20 --out none
echo mine >first/config.1.yaml
photo first >first.photo
expect 2 '' 'config.1.yaml is in the way' \
    "$engram" run first --extend train.steps=60
cp -r short edited
sed -i 's/lr: 0.01/lr: 0.02/' edited/config.yaml
expect 1 '' 'config.yaml was changed after the run began' \
    "$engram" run edited --extend train.steps=60
cp -r long edited2
sed -i 's/lr: 0.01/lr: 0.02/' edited2/config.yaml
expect 1 'damaged.*edited2/config.yaml' - "$engram" verify edited2
cp -r short bad
flip bad/checkpoints/step-20.safetensors -9
expect 1 '' 'step of 10 is whole|checkpoint of step 10 is whole' \
    "$engram" run bad --extend train.steps=60

# stopped wherever it may be, an extension is gone on with by either word
cut_at() { # N: of a copy of short, all allocations fail from the N-th on
    rm -rf w
    cp -r short w
    ENGRAM_NOMEM=$1+ LD_PRELOAD=$shim "$engram" run w --extend train.steps=60 \
        --threads 1 -q >out 2>err && die "allocation $1 is not needed"
}
switched() { grep -q 'steps: 60' w/config.yaml; }
recorded() { grep -q config.1.yaml w/run.json; }
windows=0
after_cut() {
    cut_at "$1"
    if switched && ! recorded; then windows=$((windows + 1)); fi
    expect 0 - - "$engram" verify w
    if switched; then
        run w "${@:2}"
    else
        run w --extend train.steps=60
    fi
    alike long w
}
if [ "$(head -c 4 "$engram")" = $'\x7fELF' ]; then
    cp -r short w
    ENGRAM_NOMEM_COUNT=$work/count LD_PRELOAD=$shim "$engram" run w \
        --extend train.steps=60 --threads 1 -q >out 2>err || die 'counted'
    old=1 new=$(($(cat count) - 20))
    for i in 9 8 7 6 5; do after_cut $((new * i / 10)) --resume; done
    # between two allocations, the configuration is there and its record is not
    while [ $((new - old)) -gt 1 ]; do
        i=$(((old + new) / 2))
        cut_at $i
        if switched; then new=$i; else old=$i; fi
    done
    after_cut "$old" --resume
    after_cut "$new" --resume
    after_cut "$new" --extend train.steps=60
    after_cut $((new + 2)) --extend train.steps=60
    echo "$windows times between config.yaml and run.json"
    [ $windows -gt 0 ] || die 'never'
else
    echo 'note: allocations of this build cannot be made to fail'
fi

# killed on the way, before and after the end of the first part
slower 300 >k.yaml
kill_once '[ -e k/checkpoints/step-100.safetensors ]' \
    "$engram" run k.yaml --out k
kill_once '[ -e k/checkpoints/step-200.safetensors ]' \
    "$engram" run k --extend train.steps=900
expect 0 'killed|interrupted|running' - "$engram" show k
kill_once '[ -e k/checkpoints/step-600.safetensors ]' \
    "$engram" run k --extend train.steps=900
run k --resume --threads 2
run k/config.yaml --out k2
alike k k2
grep -q '"steps_done": 900' k/run.json || die 'not done'
expect 0 - 'nothing damaged' "$engram" verify k

# a flow goes on to later times
cat >f.yaml <<'YAML'
run: {name: flow, kind: flow, seed: 1}
flow: {n: 20, d: 3, beta: 9, V: 1, times: ["0:2:0.5"]}
YAML
run f.yaml --out f
cp -r f f1
expect 0 finished 'the integrator starts afresh at the last time' \
    "$engram" run f --extend flow.times=0:5:0.5
head -n 5 f/metrics.jsonl >rows
same rows f1/metrics.jsonl
[ "$(wc -l <f/metrics.jsonl)" = 11 ] || die 'not all times'
same f1/config.yaml f/config.1.yaml
run f/config.yaml --out f2
alike f f2
expect 0 - 'nothing damaged' "$engram" verify f
longer='f2w --extend flow.times=0:5:0.5 --threads 1'
cut_flow() { # N: as cut_at
    rm -rf f2w
    cp -r f1 f2w
    # shellcheck disable=SC2086 # words
    ENGRAM_NOMEM=$1 LD_PRELOAD=$shim "$engram" run $longer -q >out 2>err
}
if [ "$(head -c 4 "$engram")" = $'\x7fELF' ]; then
    cp -r f1 f2w
    # shellcheck disable=SC2086
    ENGRAM_NOMEM_COUNT=$work/count LD_PRELOAD=$shim "$engram" run $longer \
        -q >out 2>err || die 'counted'
    n=$(cat count) cuts=0
    for i in $(seq $((n / 4)) $((n / 24)) "$n"); do
        cut_flow "$i+" && continue
        cuts=$((cuts + 1))
        expect 0 - - "$engram" verify f2w
        # shellcheck disable=SC2086
        run $longer
        alike f f2w
    done
    echo "a flow was cut $cuts times"
    [ $cuts -gt 9 ] || die 'not cut'
fi
# a range that passes where another ended is there but for rounding, and what
# the run has stays: 1.2 and not 12 times 0.1
run f.yaml --set flow.times=0:1.2:0.1 --out f3
head -n 13 f3/metrics.jsonl >rows3
run f3 --extend flow.times=0:2:0.1,3,4:5:0.5
grep -q 'times: \["0:1.2:0.1", "1.2:2:0.1", "3", "4:5:0.5"\]' f3/config.yaml ||
    die 'not the times of before and those behind them'
head -n 13 f3/metrics.jsonl | cmp - rows3 || die 'other rows'
[ "$(wc -l <f3/metrics.jsonl)" = 25 ] || die 'not all times'
expect 0 finished 'nothing was done' \
    "$engram" run f3 --extend flow.times=0:2:0.1,3,4:5:0.5
run f3 --extend flow.times=0:2:0.1,3,4:6:0.5
expect 0 - - "$engram" verify f3
photo f1 >f1.photo
for t in '0:1:0.5 expected more than the 5 times' \
    '0:5:0.25 found 0.25 in place of 0.5' 'x.npy found a file'; do
    expect 2 '' "${t#* }" "$engram" run f1 --extend "flow.times=${t%% *}"
    unchanged f1 f1.photo
done
expect 2 '' 'expected flow.times=VALUE' "$engram" run f1 --extend train.steps=9
printf 'run: {name: t, kind: theory, theory: lemma2}\ntheory: {draws: 1}\n' \
    >t.yaml
expect 2 '' 'kind theory has no end' \
    "$engram" run t.yaml --extend train.steps=9
finish
