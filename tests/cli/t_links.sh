# Runs that begin with the weights of other runs of their experiment.
. "$(dirname "$0")/lib.sh"

mkdir -p e/paper
tiny 20 >e/paper/tiny.yaml
cat >e/paper/links.yaml <<'YAML'
title: links
runs:
  first: {base: tiny.yaml, probe: {every: 1}, seeds: 1-2}
  still: {base: first, train: {steps: 0}, init: {from: first}}
  earlier: {base: still, init: {from: first@10}}
  cold: {base: still, init: {from: ""}}
  third: {base: still, init: {from: still}}
  one: {base: still, seeds: 2, init: {from: alone}}
  alone: {base: first, seeds: 2}
claims:
  - id: last
    source: test
    statement: a run of no steps is where the other ended
    measure: final(still.loss_in_context_test) - final(first.loss_in_context_test)
    expected: 0
    reason: the same weights
    control: {still: cold}
  - id: earlier
    source: test
    statement: or where it was
    measure: at(earlier.loss_in_context_test, 0) - at(first.loss_in_context_test, 9)
    expected: 0
    reason: the same weights
    control: {earlier: {init: {from: first}}}
  - id: chain
    source: test
    statement: and so on
    measure: final(third.loss_in_context_test) - final(first.loss_in_context_test)
    expected: 0
    reason: the same weights
    control: {third: cold}
  - id: seeds
    source: test
    statement: seed 2 alone
    measure: final(one.loss_in_context_test) - final(alone.loss_in_context_test)
    expected: 0
    reason: the same weights
    control: {one: {init: {from: ""}}}
YAML
reproduce() {
    "$engram" reproduce --experiments e --quick --no-report --quiet "$@"
}
n_runs() {
    local dirs=(runs/paper-links-"$2"/*/)
    n_checks=$((n_checks + 1))
    [ "${#dirs[@]}" = "$1" ] || die "${#dirs[@]} runs of $2, expected $1"
}

expect 0 '^4 hold' - reproduce links
n_runs 2 first  # one a seed: `alone` is its second
n_runs 2 still
n_runs 1 one
sum=$(sed -n 's/.*"init.from=\([0-9a-f]*\)".*/\1/p' runs/paper-links-third/*/config.yaml)
[ ${#sum} = 65 ] || die "run.inputs: '$sum'"

# reused: nothing is run again; with new weights of the same bytes neither
photo runs/paper-links-third >third
expect 0 '^4 hold' - reproduce links --reuse
unchanged runs/paper-links-third third
rm -r runs/paper-links-still
expect 0 '^4 hold' - reproduce links --reuse
unchanged runs/paper-links-third third

# stopped: the first is gone on with, then what reads it
rm -r runs
sed -i 's/^train: .*/train: {steps: 1000, batch: 8}/' e/paper/tiny.yaml
sed -i 's/first@10/first@990/; s/test, 9)/test, 989)/' e/paper/links.yaml
kill_once '[ -e runs/paper-links-first/*/checkpoints/step-20.safetensors ]' \
    "$engram" reproduce --experiments e --quick --no-report --quiet links/earlier
expect 0 '^1 hold' - reproduce links/earlier --reuse
n_runs 2 first
grep -q '"resumed": 1' runs/paper-links-first/*/run.json || die "not resumed"

# the run alone: its configuration says which weights it had
first=$(echo runs/paper-links-first/*/ | cut -d' ' -f1)
one=$(grep -l "$first" runs/paper-links-earlier/*/config.yaml | head -1)
expect 0 finished - "$engram" run "$one" --out again --quiet
same "${one%/*}/metrics.jsonl" again/metrics.jsonl
cp "$first/checkpoints/step-1000.safetensors" "$first/checkpoints/step-990.safetensors"
expect 1 '' 'step-990.safetensors has changed: expected init.from=[0-9a-f]{32}, found' \
    "$engram" run "$one" --out other --quiet
expect 2 '' "run.inputs: expected the checksum of a file that this run reads" \
    "$engram" run e/paper/tiny.yaml --set 'run.inputs=[init.from=12]' --out x

# what cannot be is said when the file is read
bad() { # WORD PATTERN
    sed "s/from: first}/from: $1}/" e/paper/links.yaml >e/paper/bad.yaml
    expect 2 '' "bad.yaml:[0-9]+:.*$2" reproduce bad
    rm e/paper/bad.yaml
}
bad first@7 "init.from: run 'first' keeps no checkpoint of step 7 .*every 10, checkpoint.keep 2"
bad first@980 'keeps no checkpoint of step 980'
bad first@5000 'keeps no checkpoint of step 5000'
bad frist "no run 'frist' in this file; did you mean 'first'"
bad first@last "no run 'first@last' in this file"
bad third 'more than 8 runs in a chain, or a circle'
sed 's/{base: first, seeds: 2}/{base: first, seeds: 1-3}/' e/paper/links.yaml >e/paper/bad.yaml
sed -i 's/seeds: 2, init/seeds: 2-3, init/' e/paper/bad.yaml
expect 2 '' "init.from: run 'alone' has other seeds" reproduce bad
rm e/paper/bad.yaml
finish
