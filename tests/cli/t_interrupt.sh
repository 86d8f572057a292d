# Ctrl-C finishes the step, saves, exits 130; resuming ends the same.
. "$(dirname "$0")/lib.sh"

tiny 3000 >c.yaml
"$engram" run c.yaml --out whole --quiet >out 2>err || die 'the whole run'
for signal in INT TERM; do
    rm -rf part
    # a background job of a script ignores SIGINT: ask for the default again
    env --default-signal=INT "$engram" run c.yaml --out part >out 2>err &
    pid=$!
    for i in $(seq 1 100); do
        [ -s part/metrics.jsonl ] && break
        sleep 0.05
    done
    kill -$signal $pid
    wait $pid
    code=$?
    n_checks=$((n_checks + 1))
    [ $code = 130 ] || die "SIG$signal: exit $code, expected 130"
    grep -q -- --resume err || die 'nothing says how to go on'
    grep -q '"status": "interrupted"' part/run.json || die 'run.json'
    [ "$(ls part/checkpoints | wc -l)" -ge 1 ] || die 'no checkpoint'
    expect 0 finished 'going on from step' "$engram" run part --resume
    same whole/metrics.jsonl part/metrics.jsonl
    same whole/checkpoints/step-3000.safetensors \
        part/checkpoints/step-3000.safetensors
done

# a reproduction that was stopped goes on by --reuse: finished runs are taken,
# the stopped one is resumed, and no run is made twice
mkdir -p e/paper
mv c.yaml e/paper/long.yaml
tiny 20 >e/paper/tiny.yaml
cat >e/paper/two.yaml <<'YAML'
runs:
  first: {base: tiny.yaml}
  second: {base: long.yaml}
claims:
  - {id: a, source: s, statement: t, measure: final(first.loss), expected: "> 0", reason: r}
  - {id: b, source: s, statement: t, measure: final(second.loss), expected: "> 0", reason: r}
YAML
env --default-signal=INT "$engram" reproduce --experiments e --no-report \
    >out 2>err &
pid=$!
for i in $(seq 1 100); do
    [ -n "$(find runs/paper-two-second -name metrics.jsonl -size +0 2>/dev/null)" ] && break
    sleep 0.05
done
kill -INT $pid
wait $pid
code=$?
n_checks=$((n_checks + 1))
[ $code = 130 ] || die "reproduce: exit $code, expected 130"
expect 0 '2 hold' '\[1/2\] .*reused' \
    "$engram" reproduce --experiments e --no-report --reuse
for run in first second; do
    [ "$(ls -d runs/paper-two-$run/* | wc -l)" = 1 ] || die "$run ran twice"
done
grep -q '"resumed": 1' runs/paper-two-second/*/run.json || die 'not resumed'
same whole/metrics.jsonl "$(ls runs/paper-two-second/*/metrics.jsonl)"
finish
