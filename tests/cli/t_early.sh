# A run that ends before its time: where its rule says, in its record with the
# reason, and the same however it was stopped and resumed.
. "$(dirname "$0")/lib.sh"

tiny 300 >c.yaml
run() { "$engram" run "$@" -q >out 2>err || die "run $*"; }
# value NAME STEP of the run whole
value() {
    grep "\"step\": $2," whole/metrics.jsonl |
        sed -E "s/.*\"$1\": ([^,}]+).*/\1/"
}
rule() { # RULE [more]: options of a rule on loss_global_test
    printf -- '--set train.stop=%s --set train.stop_metric=loss_global_test ' "$1"
    shift
    for s; do printf -- '--set train.stop_%s ' "$s"; done
}

run c.yaml --out whole
# below what it is at step 100: there, or at the first row before that is
below=$(value loss_global_test 100)
first=$(for s in $(seq 0 5 295); do
    awk -v a="$(value loss_global_test "$s")" -v b="$below" -v s="$s" \
        'BEGIN { if (a < b) print s }'
done | head -n 1)
# shellcheck disable=SC2046 # words
run c.yaml $(rule below "value=$below") --out below
grep -q "finished: stopped early after $((first + 1)) steps: loss_global_test is .* below" \
    out || die "not after step $first"
head -n "$(wc -l <below/metrics.jsonl)" whole/metrics.jsonl >rows
same rows below/metrics.jsonl
tail -n 1 below/metrics.jsonl | grep -q "\"step\": $first," || die 'another step'
[ -e below/checkpoints/step-$((first + 1)).safetensors ] || die 'no checkpoint'
ls below/arrays | grep -q "\.$((first + 1))\.npy" || die 'no last snapshot'
grep -q '"status": "finished"' below/run.json || die 'status'
tr -d '\n ' <below/run.json | grep -Eq \
    '"stopped_early":\{"metric":"loss_global_test","step":'$first',"value":' ||
    die 'not in the record'
grep -q "\"steps_done\": $((first + 1))" below/run.json || die 'steps_done'
expect 0 'stopped early after' 'below is finished: nothing was done' \
    "$engram" run below --resume
expect 0 'reason +stopped early after' - "$engram" show below
expect 0 - 'nothing damaged' "$engram" verify below
expect 0 - - "$engram" report below --out p.html
grep -q 'stopped early after' p.html || die 'not on the page'
expect 2 '' 'stopped early, by train.stop, and would do so again' \
    "$engram" run below --extend train.steps=400

# patience: against a count made here from all rows
lowest() { # PATIENCE DELTA AT_LEAST
    for s in $(seq 0 5 295) 299; do echo "$s $(value loss_global_test "$s")"; done |
        awk -v p="$1" -v d="$2" -v a="$3" '
            NR == 1 || $2 < best - d { best = $2; since = 0; next }
            ++since >= p && $1 + 1 >= a { print $1; exit }'
}
for try in '3 0.05 0' '2 0.02 0' '2 0.02 150'; do
    read -r p d a <<<"$try"
    at=$(lowest "$p" "$d" "$a")
    [ -n "$at" ] || die "no rule: $try"
    echo "patience $p, $d, at least $a: step $at"
    rm -rf low
    # shellcheck disable=SC2046
    run c.yaml $(rule lowest "patience=$p" "min_delta=$d" "at_least=$a") \
        --out low --threads 2
    tail -n 1 low/metrics.jsonl | grep -q "\"step\": $at," ||
        die "not at $at: $(cat out)"
    head -n "$(wc -l <low/metrics.jsonl)" whole/metrics.jsonl >rows
    same rows low/metrics.jsonl
done
# a rule that is never met changes nothing
# shellcheck disable=SC2046
run c.yaml $(rule above value=100) --out never
same {whole,never}/metrics.jsonl
same {whole,never}/checkpoints/step-300.safetensors
grep -q stopped_early never/run.json && die 'stopped early'

# what only the last step has is measured where the run ends
# shellcheck disable=SC2046
run c.yaml $(rule below "value=$below") --set probe.llc=4 \
    --set probe.llc_every=1000 --out llc
tail -n 1 llc/metrics.jsonl | grep -q '"llc": ' || die 'not measured'
[ "$(grep -c '"llc": ' llc/metrics.jsonl)" = 2 ] || die 'measured in between'

# killed wherever, it ends where it would have ended; a longer run with a rule
slower 3000 >k.yaml
slow=$(rule lowest patience=6 min_delta=0.01 at_least=700)
# shellcheck disable=SC2086
run k.yaml $slow --out k
steps=$(grep -o '"steps_done": [0-9]*' k/run.json | grep -o '[0-9]*$')
echo "ends after $steps steps"
[ "$steps" -lt 3000 ] || die 'it did not end early'
for at in 50 400; do
    rm -rf kk
    # shellcheck disable=SC2086
    kill_once "[ -e kk/checkpoints/step-$at.safetensors ]" \
        "$engram" run k.yaml $slow --out kk
    run kk --resume
    same {k,kk}/metrics.jsonl
    same {k,kk}/checkpoints/step-"$steps".safetensors
done
# killed behind its last checkpoint, before the record
rm -rf kk
cp -r k kk
sed 's/"status": "finished"/"status": "running"/' k/run.json >kk/run.json
expect 0 "stopped early after $steps steps" - "$engram" run kk --resume --from "$steps"
same {k,kk}/metrics.jsonl
# shellcheck disable=SC2086
run k.yaml $slow --set train.steps=300 --out ext
run ext --extend train.steps=3000
same {k,ext}/checkpoints/step-"$steps".safetensors
grep -q "stopped early after $steps steps" ext/run.json || die 'extended'

# the row at the end of a part is no measurement of the longer run: never
# better by so much, it ends at the third one, steps 0 4 8 12
never=$(rule lowest patience=3 min_delta=100)
# shellcheck disable=SC2086
run c.yaml $never --set probe.every=4 --set train.steps=40 --out from0
# shellcheck disable=SC2086
run c.yaml $never --set probe.every=4 --set train.steps=10 --out from10
run from10 --extend train.steps=40
for r in from0 from10; do
    grep -q 'stopped early after 13 steps' $r/run.json || die "$r ended elsewhere"
done
same from0/checkpoints/step-13.safetensors from10/checkpoints/step-13.safetensors
grep -v '"step": 9,' from10/metrics.jsonl >rows
same rows from0/metrics.jsonl
run from10/config.yaml --out again
same from10/metrics.jsonl again/metrics.jsonl

# what cannot be meant
expect 2 '' 'train.stop_metric: is set, but train.stop' \
    "$engram" run c.yaml --set train.stop_metric=loss_global_test --out x
expect 2 '' 'train.stop_value: is set, but train.stop' \
    "$engram" run c.yaml --set train.stop_value=3 --out x
expect 2 '' 'train.stop: expected a metric in train.stop_metric, found none' \
    "$engram" run c.yaml --set train.stop=below --out x
# shellcheck disable=SC2046
expect 2 '' "'los_global_test' is not measured at the first step; did you mean 'loss_global_test'" \
    "$engram" run c.yaml $(rule below) --set train.stop_metric=los_global_test --out x2
finish
