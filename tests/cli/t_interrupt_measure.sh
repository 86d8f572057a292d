# Ctrl-C while a model is measured: the measuring is given up, and a run that
# goes on has the rows and weights of one that nobody stopped.
. "$(dirname "$0")/lib.sh"

# nearly all of the time is spent on the test batch, behind an update
tiny 3 | sed 's/every: 5, batch: 4, test: 4, snapshots: 3/every: 1, batch: 4, test: 60000, snapshots: 0/
    s/every: 10, keep: 2/every: 2, keep: 9/' >c.yaml
start=${EPOCHREALTIME/[.,]/}
"$engram" run c.yaml --out whole --threads 2 -q >out 2>err || die 'the whole run'
# a third of the time that the whole run takes, in seconds
third=$(printf '%07d' $(((${EPOCHREALTIME/[.,]/} - start) / 3)))
third=${third%??????}.${third: -6}
rows=$(wc -l <whole/metrics.jsonl)
[ "$rows" = 3 ] || die "$rows rows"

# stop AFTER: asks a run to stop as soon as that file is there and a little time
# has gone; what it leaves is told.
stop() {
    await "$1"
    sleep "$third"
    kill -INT $pid
    wait $pid
    code=$?
    n_checks=$((n_checks + 1))
    [ $code = 130 ] || die "exit $code, expected 130"
}
waits=0
for round in 1 2 3 4; do
    rm -rf part
    env --default-signal=INT "$engram" run c.yaml --out part --threads 2 -q >out 2>err &
    pid=$!
    stop part/log
    grep -q '"status": "interrupted"' part/run.json || die 'run.json'
    kept=$(ls part/checkpoints) && [ -n "$kept" ] || die 'no checkpoint'
    expect 0 - - "$engram" verify part --strict
    # once more, behind the next row or in its middle
    grep -ql '"memo":' part/checkpoints/* && waits=$((waits + 1))
    env --default-signal=INT "$engram" run part --resume --threads 2 -q >out 2>err &
    pid=$!
    sleep "$third"
    kill -INT $pid
    wait $pid
    code=$?
    [ $code = 130 ] || [ $code = 0 ] || die "exit $code, expected 130"
    grep -ql '"memo":' part/checkpoints/* && waits=$((waits + 1))
    [ $code = 0 ] || expect 0 finished - "$engram" run part --resume --threads 2
    same whole/metrics.jsonl part/metrics.jsonl
    for f in whole/checkpoints/*; do same "$f" "part/checkpoints/${f##*/}"; done
    expect 0 - - "$engram" verify part --strict
    [ $waits -lt 2 ] || break
done
echo "$waits rows waited in a checkpoint"
[ $waits -ge 1 ] || die 'no measuring was given up'
finish
