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
finish
