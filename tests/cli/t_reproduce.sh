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

# the shipped experiments are well formed, and their ids are unique
expect 0 'birth/theory/lemma1-gradient' '' \
    "$engram" list claims --experiments "$source_dir/experiments"
expect 0 'holds .*birth/theory/lemma1-gradient$' - "$engram" reproduce \
    lemma1-gradient --experiments "$source_dir/experiments" --no-report
finish
