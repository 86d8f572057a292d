# Checkpoints and measurements on a logarithmic grid: where they are, which of
# them stay, and that they change nothing else.
. "$(dirname "$0")/lib.sh"

kept() { ls "$1/checkpoints" | tr -dc '0-9\n' | sort -n | tr '\n' ' '; }
steps() { sed -E 's/.*"step": ([0-9]+),.*/\1/' "$1/metrics.jsonl" | tr '\n' ' '; }
is() { # FOUND EXPECTED
    n_checks=$((n_checks + 1))
    [ "$1" = "$2" ] || die "found $1, expected $2"
}

tiny 130 >c.yaml
log='--set checkpoint.per_decade=3'
"$engram" run c.yaml --out plain -q || die plain
# shellcheck disable=SC2086 # words
"$engram" run c.yaml $log --out log -q || die log
same plain/metrics.jsonl log/metrics.jsonl
same {plain,log}/checkpoints/step-130.safetensors
is "$(kept plain)" '120 130 '
is "$(kept log)" '0 1 2 5 10 22 46 100 120 130 '
# nothing but the grid, and the last
# shellcheck disable=SC2086
"$engram" run c.yaml $log --set checkpoint.every=0 --set checkpoint.keep=1 \
    --out alone -q || die alone
is "$(kept alone)" '0 1 2 5 10 22 46 100 130 '
for f in log/checkpoints/step-{0,1,22,130}.*; do same "$f" "alone/${f#log/}"; done
# the first is the start
"$engram" run c.yaml --set train.steps=0 --out none -q || die none
same {none,log}/checkpoints/step-0.safetensors
expect 0 - 'nothing damaged' "$engram" verify log

# it goes on when it is killed, or made longer
# shellcheck disable=SC2086
kill_once '[ -e killed/checkpoints/step-46.safetensors ]' \
    "$engram" run c.yaml $log --set train.steps=1200 --out killed
"$engram" run killed --resume -q || die 'not resumed'
"$engram" run log --extend train.steps=1200 -q || die 'not extended'
is "$(kept log)" '0 1 2 5 10 22 46 100 215 464 1000 1190 1200 '
is "$(kept killed)" "$(kept log)"
for f in log/checkpoints/*; do same "$f" "killed/${f#log/}"; done
# back to the start
expect 0 finished - "$engram" run killed --resume --from 0
is "$(ls killed/checkpoints | grep -vc aside)" 13
same {log,killed}/checkpoints/step-1200.safetensors

# measurements
"$engram" run c.yaml --set probe.every=50 --set probe.per_decade=2 --out m -q ||
    die m
is "$(steps m)" '0 1 3 10 32 50 100 129 '
same {plain,m}/checkpoints/step-130.safetensors
grep '"step": 10,' m/metrics.jsonl >row
grep '"step": 10,' plain/metrics.jsonl | cmp - row || die 'another row'
kill_once 'compgen -G "n/checkpoints/step-*0.safetensors" >/dev/null' \
    "$engram" run c.yaml --set train.batch=256 --set probe.every=50 --set probe.per_decade=2 --set train.steps=900 --out n
"$engram" run n --resume -q || die 'not resumed'
is "$(steps n)" '0 1 3 10 32 50 100 150 200 250 300 316 350 400 450 500 550 600 650 700 750 800 850 899 '
finish
