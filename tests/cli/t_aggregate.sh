#!/usr/bin/env bash
# Many runs as one: settings, intervals, events, curves, power laws, of a sweep
# and of runs, as table, CSV and JSON.
. "$2/tests/cli/lib.sh"

tiny 12 >c.yaml
expect 0 - - "$engram" sweep c.yaml --grid model.d_model=16,24 \
    --grid optim.lr=0.1,0.01 --seeds 1-3 --threads 1 -q

# a sweep and its runs are the same settings; a sweep has its own order
expect 0 '^model.d_model  optim.lr  metric ' '12 runs in 4 settings' \
    "$engram" aggregate tiny -m loss
grep -q 'fewer than 5 runs: their intervals are too narrow' err || die "few"
[ "$(sed -n '2p;3p' out | awk '{print $2}' | tr '\n' ' ')" = '0.1 0.01 ' ] ||
    die "order of a sweep"
expect 0 - 'runs/tiny: 12 runs' "$engram" aggregate runs/tiny -m loss
[ "$(sed -n '2p;3p' out | awk '{print $2}' | tr '\n' ' ')" = '0.01 0.1 ' ] ||
    die "order of values"
expect 0 - - "$engram" aggregate tiny -m loss --csv -q
sort out >sweep.csv
expect 0 - - "$engram" aggregate runs/tiny -m loss --csv -q
sort out >runs.csv
same sweep.csv runs.csv

# the mean is that of the runs; JSON has every value
expect 0 - '' "$engram" aggregate tiny -m loss --json -q
awk '/"mean":/ { mean = $2 + 0 } /"value":/ { sum += $2; n++ }
    n == 3 { if (sum / 3 - mean > 1e-6 || mean - sum / 3 > 1e-6) exit 1
        rows++; n = sum = 0 }
    END { exit rows != 4 }' out || die "means"
grep -q '^model.d_model,optim.lr,metric,at,n,never,missing,mean,mean_low' \
    runs.csv || die "CSV head"

# one key alone; one run alone; curves; events; power laws
expect 0 '^optim.lr  metric  n ' '12 runs in 2 settings' \
    "$engram" aggregate tiny -m loss --by optim.lr
run=$(ls -d runs/tiny/* | head -1)
expect 0 '^loss +1 +[0-9.]+ +- +[0-9.]+ +- +-$' '1 setting with one run: no int' \
    "$engram" aggregate "$run" -m loss
expect 0 'loss +11 +6 ' '12 runs in 2' \
    "$engram" aggregate tiny -m loss --curve --by optim.lr
expect 0 'step +3 +0 +\[0, 0\] +0 ' - \
    "$engram" aggregate tiny --at 'first:loss>0' --by model.d_model --by optim.lr
expect 2 '' '--by: optim.lr is given twice' \
    "$engram" aggregate tiny --by optim.lr --by optim.lr
expect 0 'step +0 +6 +- +- +never +\[never, never\]' - \
    "$engram" aggregate tiny --at 'first:loss<0' --by optim.lr
expect 0 '^optim.lr=0.1 +loss +6 ' 'factor \* model.d_model\^slope' \
    "$engram" aggregate tiny -m loss --fit model.d_model

# what cannot be asked
expect 2 '' "no run has the metric 'lss'; did you mean 'loss'" \
    "$engram" aggregate tiny -m lss
expect 2 '' "the sweep tiny has no axis 'optim.kind'" \
    "$engram" aggregate tiny --by optim.kind
expect 2 '' 'do not differ in .optim.kind.; they differ in optim.lr, model.d_m' \
    "$engram" aggregate runs/tiny --by optim.kind
expect 2 '' "found 'first:loss'" "$engram" aggregate tiny --at first:loss
expect 2 '' "do not differ in 'model.dmodel'; did you mean" \
    "$engram" aggregate tiny --fit model.dmodel
expect 2 '' 'expected one of them' "$engram" aggregate tiny --csv --json
expect 2 '' '--at and --curve' "$engram" aggregate tiny --curve --at max
expect 2 '' 'confidence' "$engram" aggregate tiny --confidence 1.5
expect 2 '' "no run 'nobody'" "$engram" aggregate nobody

# points that are one run count once; an extended run is none of its sweep's
expect 0 - - "$engram" sweep c.yaml --runs two --seeds 5,6,5,6 --name same \
    --threads 1 -q
[ "$(ls two/tiny | wc -l)" = 2 ] || die 'not two runs'
expect 0 '^loss +2 ' '2 runs left out: another one has' \
    "$engram" aggregate same --runs two -m loss
expect 0 - - "$engram" export --to csv same --runs two --out same.csv
[ "$(cut -d, -f1 same.csv | sort -u | wc -l)" = 3 ] || die 'columns'
[ "$(cat two/tiny/*/metrics.jsonl | wc -l)" = $(($(wc -l <same.csv) - 1)) ] ||
    die 'a run was exported twice'
longer=$(ls -d two/tiny/* | head -1)
expect 0 - - "$engram" run "$longer" --extend train.steps=20 -q
expect 0 '^loss +1 ' 'another configuration now: it was extended' \
    "$engram" aggregate same --runs two -m loss
expect 0 - 'the runs of 2 of 4 points have another' \
    "$engram" export --to csv same --runs two --out one.csv
[ "$(wc -l <one.csv)" -lt "$(wc -l <same.csv)" ] || die 'still exported'

# it reads, and writes nothing
photo runs >before
expect 0 - - "$engram" aggregate tiny
unchanged runs before

# a damaged run is left out, a double is one
echo 'nonsense: 1' >"$run/config.yaml"
expect 0 - '1 run left out: .*nonsense' "$engram" aggregate runs/tiny
finish
