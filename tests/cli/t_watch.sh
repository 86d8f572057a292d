# engram watch and engram top: what is told of runs as they run, and that
# looking changes nothing.
. "$(dirname "$0")/lib.sh"

"$engram" doctor --experiments "$source_dir/experiments" >out 2>err
grep -q 'live page' out || die 'doctor does not speak of the live page'

# ---- top
expect 0 '0 running, 0 in all' '' "$engram" top
expect 0 '"runs": \[\]' '' "$engram" top --json
[ -z "$(ls -A | grep -v '^out$\|^err$')" ] || die "something was made: $(ls)"
tiny 1000000 >c.yaml
env --default-signal=INT,TERM "$engram" run c.yaml --threads 1 -q >run.out \
    2>run.err &
pid=$!
for i in $(seq 600); do
    [ -s "$(echo runs/tiny/*/timing.jsonl)" ] && break
    sleep 0.05
done
id=$(cd runs && echo tiny/*)
expect 0 "1 running, 1 in all" '' "$engram" top
grep -q "^$id .*/1000000 .*loss [0-9.]" out || die 'the run is not told'
expect 0 "\"id\": \"$id\"" '' "$engram" top --once --json
for word in '"steps": 1000000' '"metric": "loss"' '"status": "running"'; do
    grep -q "$word" out || die "no $word"
done
grep -Eq '"steps_per_s": [0-9.]+' out || die 'no speed'
grep -Eq '"eta": [0-9.]+' out || die 'no ETA'
expect 0 '1 running' '' "$engram" top tiny
expect 0 '1 running' '' "$engram" top other
grep -q "^$id" out && die 'a run of another name is told'
expect 2 '' "expected a number from 0.1 to 3600" "$engram" top --every 0
# on a terminal it is drawn until Ctrl-C, which ends it cleanly
if command -v script >/dev/null; then
    n_checks=$((n_checks + 1))
    TERM=xterm timeout -s INT 3 script -qec \
        "stty cols 120 rows 20; exec '$engram' top --every 0.5" /dev/null \
        >out 2>err </dev/null
    [ "$(grep -c 'running, 1 in all' out)" -ge 2 ] || die 'not drawn anew'
fi

# ---- watch
if ! "$engram" watch --port 70000 >out 2>err; then
    grep -q 'from 1 to 65535' err || die 'the port'
fi
if ! grep -q 'by libmicrohttpd' <("$engram" doctor 2>/dev/null); then
    expect 1 '' 'install libmicrohttpd' "$engram" watch
    kill -TERM $pid
    wait $pid
    echo "skipped: no libmicrohttpd"
    finish
    exit 0
fi
expect 2 '' "no run 'nothing'" "$engram" watch nothing

# served WORD...: engram watch in the background, its address in $address
served() {
    rm -f address
    env --default-signal=INT,TERM "$engram" watch "$@" >address 2>talk &
    server=$!
    for i in $(seq 400); do
        [ -s address ] && break
        kill -0 $server 2>/dev/null || die "ended: $(cat talk)"
        sleep 0.05
    done
    address=$(cat address)
    [[ $address =~ ^http://127\.0\.0\.1:[0-9]+/[0-9a-f]{32}/$ ]] ||
        die "address: $address"
    port=${address#http://127.0.0.1:}
    port=${port%%/*}
}
# told PATH: what is told there, by bash alone
told() {
    exec 8<>"/dev/tcp/127.0.0.1/$port" || die 'no connection'
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' \
        "/${address#http://*/}$1" "$port" >&8
    cat <&8
    exec 8>&-
}
# until_told PATH PATTERN
until_told() {
    local i
    n_checks=$((n_checks + 1))
    for i in $(seq 400); do
        told "$1" >out
        grep -Eq -- "$2" out && return
        sleep 0.05
    done
    die "never told at $1: $2"
}
served "$id"
token=${address%/}
token=${token##*/}
until_told api/runs "\"open\":\"$id\""
grep -q '"running":1' out || die 'it runs'
until_told "api/curves?run=$id" '"loss":\[\[[0-9]'
until_told "api/run?run=$id" '"panels"'
until_told "api/maps?run=$id" '"maps":\[\{"name"'
# the token of another time opens nothing
n_checks=$((n_checks + 2))
(address=http://127.0.0.1:$port/00000000000000000000000000000000/ && told '' >out)
grep -q '^HTTP/1.1 403' out || die 'another token'
grep -q "$token" out && die 'the token is told'
# Ctrl-C ends it, and the run goes on
kill -INT $server
wait $server
[ $? = 0 ] || die "exit code of the server: $(cat talk)"
kill -0 $pid || die 'the run has ended'
# not two at a port
served --port "$port" tiny
expect 1 '' 'cannot listen on 127.0.0.1:[0-9]+: Address already in use' \
    "$engram" watch --port "$port"
until_told api/runs '"open":"tiny"'
# a run that ends says so
kill -TERM $pid
wait $pid
until_told api/runs '"status":"interrupted"'
kill -TERM $server
wait $server
[ $? = 0 ] || die 'SIGTERM'


# ---- a sweep
env --default-signal=INT,TERM "$engram" sweep c.yaml --name two --seeds 1-2 \
    --jobs 1 --threads 1 -q >run.out 2>run.err &
pid=$!
for i in $(seq 600); do
    "$engram" top >out 2>err
    grep -q '^sweep two .* 0/2 points .*1 running' out && break
    sleep 0.05
done
expect 0 '^sweep two .* 0/2 points .*1 running' '' "$engram" top
expect 0 '"points": 2' '' "$engram" top --json
served two
until_told api/runs '"open":"sweeps/two"'
until_told api/sweeps '"sweeps":\["two"\]'
until_told api/sweep?sweep=two '"points":\[\[1,1,"tiny/[0-9-]*",[0-9.]+\],\[0,2,"",null\]\]'
told api/sweep?sweep=../two >out
grep -q '^HTTP/1.1 404' out || die 'a sweep that is not listed'
# who looks writes nothing into a run
photo=$(photo runs/tiny | grep -v 'metrics\|timing\|checkpoints\|arrays\|log\|run.json\|lock')
until_told api/runs '"running":1'
[ "$photo" = "$(photo runs/tiny |
    grep -v 'metrics\|timing\|checkpoints\|arrays\|log\|run.json\|lock')" ] ||
    die 'something was written'
kill -TERM $server $pid
wait $server $pid
# runs that lie elsewhere are named by their folder
mkdir -p far && mv "runs/$id" far/lone
expect 2 '' 'does not lie in runs' "$engram" watch far/lone
finish
