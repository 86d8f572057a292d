# Killed at random moments and resumed, a run ends with the same bytes.
. "$(dirname "$0")/lib.sh"

tiny 1500 >c.yaml
"$engram" run c.yaml --out whole --quiet >out 2>err || die 'the whole run'
kills=0
"$engram" run c.yaml --out parts --quiet >out 2>err &
pid=$!
for i in $(seq 1 60); do
    sleep "0.$((RANDOM % 25 + 5))"
    if kill -KILL $pid 2>/dev/null; then kills=$((kills + 1)); fi
    wait $pid 2>/dev/null && break
    if [ $kills -ge 6 ]; then
        "$engram" run c.yaml --out parts --resume --quiet >out 2>err ||
            die 'the last resume'
        break
    fi
    "$engram" run c.yaml --out parts --resume --quiet >out 2>err &
    pid=$!
done
echo "$kills kills"
[ $kills -ge 2 ] || echo 'note: too fast to be killed often'
same whole/metrics.jsonl parts/metrics.jsonl
same whole/config.yaml parts/config.yaml
for f in whole/checkpoints/*; do same "$f" "parts/checkpoints/${f##*/}"; done
for f in whole/arrays/*; do same "$f" "parts/arrays/${f##*/}"; done
[ "$(ls parts/checkpoints | wc -l)" = 2 ] || die 'not two checkpoints are kept'
expect 0 '"status": "finished"' '' "$engram" show parts --json

# a resumed run that is finished already changes nothing
cp parts/metrics.jsonl before
expect 0 finished - "$engram" run c.yaml --out parts --resume
same before parts/metrics.jsonl

# resume by configuration: the newest unfinished run of it, or a new one
expect 0 finished - "$engram" run c.yaml --set train.steps=20 --resume --runs r
[ "$(ls r/tiny | wc -l)" = 1 ] || die 'expected one run'
# another configuration is refused
expect 2 '' 'another configuration' \
    "$engram" run c.yaml --seed 2 --out parts --resume
finish
