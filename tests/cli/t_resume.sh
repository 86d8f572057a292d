# Killed at random moments and resumed, a run ends with the same bytes.
. "$(dirname "$0")/lib.sh"

tiny 1500 >c.yaml
"$engram" run c.yaml --out whole --quiet >out 2>err || die 'the whole run'
kills=0
"$engram" run c.yaml --out parts --quiet >out 2>err &
pid=$!
until [ -e parts/run.json ]; do sleep 0.05; done # --resume wants a run
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

# a run that is finished stays as it is, to the last byte
cp -r parts before
expect 0 finished 'parts is finished: nothing was done' \
    "$engram" run c.yaml --out parts --resume
expect 0 '"status": "finished"' - "$engram" run parts --resume --json
diff -r before parts || die 'a finished run was changed'
n_checks=$((n_checks + 1))

# nothing to go on with: nothing is done, and the nearest run is named
expect 2 '' 'no run of this configuration under r ' \
    "$engram" run c.yaml --resume --runs r
[ ! -e r ] || die 'a folder was made'
expect 2 '' 'nowhere holds no run' "$engram" run c.yaml --resume --out nowhere
[ ! -e nowhere ] || die 'a folder was made'
mkdir empty
expect 2 '' 'empty holds no run' "$engram" run c.yaml --resume --out empty
[ -z "$(ls -A empty)" ] || die 'files were made'
expect 0 - - "$engram" run c.yaml --set train.steps=20 --runs r
expect 2 '' 'optim.lr: 0.01 there, 0.02 here' "$engram" run c.yaml --resume \
    --runs r --set train.steps=20 --set optim.lr=0.02 --seed 3
grep -q 'run.seed: 1 there, 3 here' err || die 'one key of two'
grep -Eq 'as it was begun: engram run r/tiny/[0-9-]+ --resume' err ||
    die 'not how to go on'
grep -q 'begin a run of this configuration: without --resume' err ||
    die 'not how to begin'
grep -Eq 'the nearest, r/tiny/[0-9-]+ .finished.' err || die 'not which run'
[ "$(ls r/tiny | wc -l)" = 1 ] || die 'a run was begun'
expect 0 finished 'nothing was done' \
    "$engram" run c.yaml --resume --runs r --set train.steps=20
expect 2 '' 'finished., has this configuration under another name' \
    "$engram" run c.yaml --resume --runs r --set train.steps=20 \
    --set run.name=other
rm r/tiny/*/run.json
expect 2 '' 'has this configuration, but no run.json' \
    "$engram" run c.yaml --resume --runs r --set train.steps=20
[ "$(ls r/tiny | wc -l)" = 1 ] || die 'a run was begun'

# another configuration is refused, with what differs
expect 2 '' 'another configuration: run.seed is 1 there and 2 here' \
    "$engram" run c.yaml --seed 2 --out parts --resume
grep -q 'as it was begun: engram run parts --resume' err || die 'no way on'
expect 2 '' 'optim.lr is 0.01 there and 0.5 here, and 1 other key differs' \
    "$engram" run c.yaml --set probe.every=7 --set optim.lr=0.5 \
    --set checkpoint.keep=5 --out parts --resume
grep -q '  probe.every: 5 there, 7 here$' err || die 'a key is not listed'
grep -q 'checkpoint.keep: 2 there, 5 here; it may change$' err ||
    die 'not which may change'
[ -e parts/lock ] && diff -r before parts || die 'a refused run was changed'

# what has no say in the results may change on the way
# (older checkpoints go as it runs: any of them will do)
kill_once 'compgen -G "other/checkpoints/step-*0.safetensors" >/dev/null' \
    "$engram" run c.yaml --out other
expect 0 finished 'note: checkpoint.keep is 5 from here on; it was 2' \
    "$engram" run c.yaml --out other --resume --set checkpoint.keep=5 \
    --set checkpoint.every=100
same whole/metrics.jsonl other/metrics.jsonl
same whole/config.yaml other/config.yaml
for f in 1500 1400; do
    [ -e other/checkpoints/step-$f.safetensors ] || die "no checkpoint $f"
done
same {whole,other}/checkpoints/step-1500.safetensors
expect 2 '' '--from goes with --resume' "$engram" run c.yaml --from 10 --out x
finish
