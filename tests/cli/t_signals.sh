# What asks a run to end saves it; what is ignored stays ignored; the processes
# of a sweep end with their parent.
. "$(dirname "$0")/lib.sh"

tiny 1000000 >c.yaml
signals='INT TERM HUP USR1 USR2 XCPU'
asked=$(echo $signals | tr ' ' ,)

# until FILE...: waits until all have rows
until_rows() {
    for i in $(seq 1 400); do
        # shellcheck disable=SC2012
        [ "$(ls "$@" 2>/dev/null | wc -l)" = $# ] &&
            [ -z "$(find "$@" -size 0)" ] && return
        sleep 0.05
    done
    die "nothing was measured: $*"
}
# is PATTERN FILE...: all of them say so
is() {
    local want=$1 f
    shift
    n_checks=$((n_checks + 1))
    for f in "$@"; do
        grep -q "\"status\": \"$want\"" "$f" || die "$f: $(grep status "$f")"
    done
}

children_of() {
    grep -l "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status 2>/dev/null |
        sed 's|/proc/||; s|/status||'
}

for signal in $signals; do
    env --default-signal=$asked "$engram" run c.yaml --out $signal \
        >out 2>err &
    pid=$!
    until_rows $signal/metrics.jsonl
    kill -$signal $pid
    wait $pid
    code=$?
    n_checks=$((n_checks + 1))
    [ $code = 130 ] || die "SIG$signal: exit $code, expected 130"
    grep -q "interrupted by SIG$signal; .*--resume" err || die "SIG$signal"
    is interrupted $signal/run.json
    ls $signal/checkpoints/step-*.safetensors >/dev/null || die 'not saved'
    # ignored when it begins, it does nothing; another one still ends the run
    env --default-signal=$asked --ignore-signal=$signal \
        "$engram" run c.yaml --out ignored-$signal >out 2>err &
    pid=$!
    until_rows ignored-$signal/metrics.jsonl
    kill -$signal $pid
    sleep 0.1
    is running ignored-$signal/run.json
    [ $signal = TERM ] && kill -HUP $pid || kill -TERM $pid
    wait $pid
    code=$?
    n_checks=$((n_checks + 1))
    [ $code = 130 ] || die "SIG$signal ignored: exit $code"
    is interrupted ignored-$signal/run.json
done

# sent again and again, as batch systems and `timeout` do, the run is saved
timeout -s TERM 1 "$engram" run c.yaml --out limited >out 2>err
n_checks=$((n_checks + 1))
is interrupted limited/run.json
env --default-signal=$asked "$engram" run c.yaml --out many >out 2>err &
pid=$!
until_rows many/metrics.jsonl
for i in 1 2 3 4 5 6; do kill -XCPU $pid; kill -TERM $pid; kill -HUP $pid; done
wait $pid
[ $? = 130 ] || die 'signals sent again'
is interrupted many/run.json
# the limit of processor time itself
(
    ulimit -S -t 1
    exec "$engram" run c.yaml --out cpu --threads 1 >out 2>err
)
[ $? = 130 ] || die "ulimit -t: $(cat err)"
is interrupted cpu/run.json
# nohup, and a shell's background
nohup "$engram" run c.yaml --out hup >out 2>err &
pid=$!
until_rows hup/metrics.jsonl
kill -HUP $pid
sleep 0.1
is running hup/run.json
kill -TERM $pid
wait $pid
is interrupted hup/run.json

# a flow and a sweep of flows end the same way
printf 'run: {name: long, kind: flow}\nflow: {n: 1000, d: 5, beta: 2, times: ["0:100:0.02"], method: rk4, h: 0.01}\n' >flow.yaml
env --default-signal=$asked "$engram" run flow.yaml --out flow >out 2>err &
pid=$!
until_rows flow/metrics.jsonl
kill -USR1 $pid
wait $pid
[ $? = 130 ] || die 'a flow'
is interrupted flow/run.json

# sweep SIGNAL KIND: to the parent alone; what runs is saved and ends
sweep_ends() {
    rm -rf runs
    env --default-signal=$asked "$engram" sweep $2.yaml --seeds 1-5 --jobs 2 \
        --threads 1 >out 2>err &
    pid=$!
    for i in $(seq 1 400); do
        [ "$(ls runs/*/*/metrics.jsonl 2>/dev/null | wc -l)" = 2 ] && break
        sleep 0.05
    done
    until_rows runs/*/*/metrics.jsonl
    children=$(children_of $pid)
    kill -$1 $pid
    wait $pid
    code=$?
    n_checks=$((n_checks + 1))
}
for signal in INT TERM HUP USR1; do
    sweep_ends $signal c
    [ $code = 130 ] || die "sweep, SIG$signal: exit $code"
    is interrupted runs/*/*/run.json
    [ "$(ls -d runs/tiny/* | wc -l)" = 2 ] || die 'another point was begun'
    [ "$(grep -c 'seed=[12]  *interrupted ' out)" = 2 ] || die 'no report'
    grep -q "interrupted by SIG$signal, 2 of 5 points begun" err || die err
    for child in $children; do
        kill -0 $child 2>/dev/null && die "process $child is still there"
    done
done
sweep_ends TERM flow
[ $code = 130 ] || die "sweep of flows: exit $code"
is interrupted runs/*/*/run.json
# a parent that is killed leaves no orphans
for kind in c flow; do
    sweep_ends KILL $kind
    for i in $(seq 1 400); do
        left=0
        for child in $children; do kill -0 $child 2>/dev/null && left=1; done
        [ $left = 0 ] && break
        sleep 0.05
    done
    [ $left = 0 ] || die "orphans: $children"
    is interrupted runs/*/*/run.json
done

# a process that dies is reported with the reason, and the others go on
tiny 3000 >c.yaml
rm -rf runs
"$engram" sweep c.yaml --seeds 1-2 --jobs 2 --threads 1 >out 2>err &
pid=$!
for i in $(seq 1 400); do
    child=$(children_of $pid | head -n 1)
    [ -n "$child" ] && break
    sleep 0.01
done
kill -KILL $child
wait $pid
code=$?
n_checks=$((n_checks + 1))
[ $code = 1 ] || die "a process died: exit $code"
grep -q '^engram: seed=1: its process was ended by signal 9 (Killed)' err ||
    die 'no reason'
grep -q 'seed=2  *finished' out || die 'the other point'
grep -q '1 of 2 points failed' err || die 'no sum'
finish
