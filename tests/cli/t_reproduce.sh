# Claims end to end on tiny runs: verdicts, controls, sharing, JSON, exit codes.
. "$(dirname "$0")/lib.sh"

mkdir -p e/paper
tiny 20 >e/paper/tiny.yaml
cat >e/paper/small.yaml <<'YAML'
title: small
runs:
  a: {base: tiny.yaml, seeds: 1-2}
  b: {base: a, optim: {lr: 0}}
  same_as_a: {base: tiny.yaml, seeds: [1, 2]}
  fewer_of_three: {base: tiny.yaml, train: {batch: 3}, seeds: [1, 2, 3]}
  others: {base: tiny.yaml, train: {batch: 3}, seeds: [2, 3]}
  broken: {base: tiny.yaml, optim: {lr: 1e9}, seeds: 1}
curves:
  flat: {step: [0, 19], value: [4.5, 4.5]}
claims:
  - id: falls
    source: test
    statement: the loss falls
    measure: final(a.loss_in_context_test) - first(a.loss_in_context_test)
    expected: "< 0"
    reason: a test
    control: {a: b}
    full: {expected: "< -100"}
  - id: shared
    source: test
    statement: equal configurations are one run
    measure: final(a.loss) - final(same_as_a.loss)
    expected: 0
    reason: a test
  - id: wrong
    source: test
    statement: "a statement that is wrong: the loss rises"
    measure: final(a.loss) - first(a.loss)
    expected: "> 0"
    reason: a test
    expect: refuted
  - id: near
    source: test
    statement: the curve
    measure: gap(b.loss, flat)
    expected: <= 1
    reason: a test
    profiles: [quick]
  - id: fails
    source: test
    statement: something that does not hold
    measure: final(a.loss)
    expected: "< 0"
    reason: a test
    profiles: [full]
  - id: weak-control
    source: test
    statement: the control passes too
    measure: final(a.loss)
    expected: "> 0"
    reason: a test
    control: {a: b}
    profiles: [full]
  - id: no-metric
    source: test
    statement: a metric that is not there is no refutation
    measure: final(a.nothing)
    expected: "> 0"
    reason: a test
    expect: refuted
    profiles: [full]
  - id: first-seeds
    source: test
    statement: two seeds are compared with the first two of three
    measure: first(a.loss) - first(fewer_of_three.loss)
    expected: "< 100"
    reason: a test
    profiles: [full]
  - id: other-seeds
    source: test
    statement: different seeds are not compared
    measure: first(a.loss) - first(others.loss)
    expected: "< 100"
    reason: a test
    profiles: [full]
  - id: diverges
    source: test
    statement: a run that diverges
    measure: final(broken.loss)
    expected: "> 0"
    reason: a test
    profiles: [full]
YAML
expect 0 '3 hold, 1 refuted as expected, 0 fail' '\[4/4\]' \
    "$engram" reproduce --experiments e --no-report
expect 0 '"verdict": "refuted"' - \
    "$engram" reproduce small --experiments e --no-report --json --reuse
grep -q 'reused' err || die '--reuse trained again'
for key in id source statement verdict measured expected tolerance seeds \
    seconds run; do
    [ "$(grep -c "^      \"$key\":" out)" = 4 ] || die "JSON lacks $key"
done
# a claim of several keeps its exit code
expect 0 '1 hold, 0 refuted' - \
    "$engram" reproduce falls --experiments e --no-report
expect 1 'fails .*paper/small/fails' - \
    "$engram" reproduce paper --full --experiments e --no-report --reuse
grep -q 'fails .*paper/small/falls' out || die 'the full profile has its own terms'
grep -q 'distinguishes nothing' out || die 'a control that passes must fail a claim'
grep -Eq 'fails .*paper/small/no-metric' out || die 'a missing metric is no refutation'
grep -Eq 'diverges: .*diverged' out || die 'divergence is not told'
grep -Eq 'holds .*\(2\) .*paper/small/first-seeds' out || die 'the seeds that both have'
grep -Eq 'other-seeds: .*pair seeds 1 and 2' out || die 'seeds that do not pair'
expect 2 '' "did you mean 'falls'" "$engram" reproduce fals --experiments e
expect 0 'paper/small/shared' '' "$engram" list claims --experiments e
n=$(ls -d runs/reproduce/*/* | wc -l)
[ "$n" -ge 3 ] || die 'results are not kept'
[ -s "$(ls -d runs/reproduce/all/*/claims.json | head -n 1)" ] || die claims.json

# controls: a changed run, another measure, none; and events that never happen
mkdir -p c/paper
tiny 20 >c/paper/tiny.yaml
cat >c/paper/kinds.yaml <<'YAML'
title: kinds of controls
runs:
  a: {base: tiny.yaml, seeds: 1-2}
  still: {base: a, optim: {lr: 0}}
claims:
  - id: changed
    source: test
    statement: the loss falls, unless nothing is learnt
    measure: final(a.loss_in_context_test) - first(a.loss_in_context_test)
    expected: "< 0"
    reason: a test
    control: {a: {optim: {lr: 0}, seeds: 1}}
  - id: same-change
    source: test
    statement: the same configuration is not run again
    measure: first(a.loss_in_context_test) - final(a.loss_in_context_test)
    expected: "> 0"
    reason: a test
    control: {a: {optim: {lr: 0}, seeds: 1}}
  - id: measured
    source: test
    statement: the test loss, not its square
    measure: final(a.loss_in_context_test) / final(a.loss_in_context_test)
    expected: 1
    reason: a test
    control: {measure: final(a.loss_in_context_test)}
  - id: none
    source: test
    statement: nothing to compare with
    measure: final(a.loss)
    expected: "> 0"
    reason: a test
    control: none, because any program would do
  - id: corrected
    source: test
    statement: "wrong: without learning the loss falls"
    measure: first(still.loss_in_context_test) - final(still.loss_in_context_test)
    expected: "> 0"
    reason: a test
    expect: refuted
    control: {still: a}
  - id: not-corrected
    source: test
    statement: "wrong: without learning the loss falls"
    measure: first(still.loss_in_context_test) - final(still.loss_in_context_test)
    expected: "> 0"
    reason: a test
    expect: refuted
    control: {still: {task: {n_triggers: 1}}}
  - id: unmeasured
    source: test
    statement: a control that is no number is none
    measure: fall(a.loss_in_context_test, 4.6) - 100
    expected: "< 0"
    reason: a test
    control: {a: still, measure: "fall(a.loss_in_context_test, -1)"}
  - id: dies
    source: test
    statement: nor one whose run fails
    measure: first(a.loss) * 0
    expected: 0
    reason: a test
    control: {a: {optim: {lr: 1e9}}}
  - id: never
    source: test
    statement: a second event that never happens is no order
    measure: fall(a.loss, 1000) - fall(still.loss, -1)
    expected: "< 0"
    reason: a test
    control: none, because this is the control
  - id: asked
    source: test
    statement: unless it is asked for
    measure: never_falls(still.loss, -1)
    expected: 1
    reason: a test
    full: {control: {measure: "never_rises(still.loss, 0)"}}
YAML
expect 1 '5 hold, 1 refuted as expected, 4 fail' '\[8/8\]' \
    "$engram" reproduce kinds --experiments c --no-report
for line in 'holds .* 0 +paper/kinds/changed' \
    'holds .* 4\.[0-9]+ +paper/kinds/measured' 'holds .* none +paper/kinds/none' \
    'refuted .*paper/kinds/corrected' 'fails .*paper/kinds/not-corrected' \
    'not-corrected: the control gives 0: the statement holds there neither' \
    'unmeasured: control: a.loss_in_context_test never falls to -1' \
    'dies: control: .*diverged' 'never: still.loss never falls to -1' \
    'holds .*paper/kinds/asked'; do
    grep -Eq "$line" out || die "no line $line"
done
[ -d runs/paper-kinds-a-control-changed ] || die 'the folder of a control'
expect 0 'paper/kinds/asked' '' "$engram" list --no-control --experiments c
grep -q '10 claims: 7 with a control, 2 say why there is none, 1 lack' out ||
    die 'the counts of controls'
[ "$(wc -l <out)" = 2 ] || die 'list --no-control lists others'
expect 2 '' 'no-control is about claims' "$engram" list tasks --no-control

# what no control is
bad_control() { # TEXT PATTERN
    sed "s/control: .*/control: $1/; /full:/d" c/paper/kinds.yaml >bad/p/k.yaml
    expect 2 '' "$2" "$engram" list claims --experiments bad
}
mkdir -p bad/p
cp c/paper/tiny.yaml bad/p
bad_control none "none, because ...' and why, found 'none'"
bad_control 'none, because so' "found 'none, because so'"
bad_control '{}' 'expected .run: run that takes its place.'
bad_control '[a, still]' 'found a list'
bad_control '{a: stil}' "no run 'stil' in this file; did you mean 'still'"
bad_control '{still: a}' "the measure reads no run 'still'"
bad_control '{a: {optim: {lrr: 0}}}' "k.yaml:12:27: unknown key 'lrr'; did you mean 'lr'"
bad_control '{a: {}}' 'sections to change in a'
bad_control '{measure: "fnal(a.loss)"}' 'measure: column 1'
sed 's/still/measure/' c/paper/kinds.yaml >bad/p/k.yaml
expect 2 '' "k.yaml:4:3: no run can be named 'measure'" \
    "$engram" list claims --experiments bad

# many files are read by threads; the first of those that are wrong is named
mkdir -p many/p
cp c/paper/tiny.yaml many/p
for i in $(seq 10 49); do
    sed "s/id: /&f$i-/" c/paper/kinds.yaml >"many/p/k$i.yaml"
done
expect 0 'p/k49/f49-asked' '' "$engram" list claims --experiments many
grep -q '^400 claims: ' out || die 'claims of 40 files'
grep -Eo 'p/k[0-9]+/' out | uniq | sort -c || die 'not in the order of names'
sed -i 's/still/measure/' many/p/k41.yaml many/p/k23.yaml
expect 2 '' "k23.yaml:4:3: no run can be named 'measure'" \
    "$engram" list claims --experiments many

# the shipped experiments are well formed, and their ids are unique
expect 0 'birth/theory/lemma1-gradient' '' \
    "$engram" list claims --experiments "$source_dir/experiments"
expect 0 'holds .*birth/theory/lemma1-gradient$' - "$engram" reproduce \
    lemma1-gradient --experiments "$source_dir/experiments" --no-report
finish
