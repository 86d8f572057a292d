# A small stack (ulimit -s) is enough for every command and kernel set.
. "$(dirname "$0")/lib.sh"

# An emulator and the address sanitizer take stack of their own.
head -c 4 "$engram" | grep -q ELF && ! grep -q __asan_init "$engram" || {
    echo "not a program whose stack can be limited"
    exit 77
}
ulimit -s 64 2>/dev/null || { echo 'the stack cannot be limited'; exit 77; }
ulimit -c 0
experiments=$source_dir/experiments
tiny 6 >c.yaml
printf 'run: {name: ring, kind: flow}\nflow: {n: 64, d: 3, beta: 2, times: [0, 1, 2]}\n' >ring.yaml
printf 'run: {name: rank, kind: theory, theory: low_rank}\ntheory: {steps: 20}\n' >rank.yaml

sets=$("$engram" doctor | sed -n 's/.*kernel sets, best first *//p' | tr , ' ')
[ -n "$sets" ] || die 'no kernel sets'
for set in $sets; do
    expect 0 finished - "$engram" run c.yaml --kern "$set" --threads 3 \
        --set model.d_model=96 --set model.mlp=relu --set model.norm=pre
done
expect 0 finished - "$engram" run c.yaml --set train.precision=float64
expect 0 finished - "$engram" run ring.yaml --threads 3
for space in euclidean rescaled; do
    expect 0 finished - "$engram" run ring.yaml --set flow.space=$space
done
expect 0 finished - "$engram" run ring.yaml --set flow.method=bdf
expect 0 finished - "$engram" run rank.yaml
expect 0 finished - "$engram" sweep c.yaml --seeds 1-4 --jobs 2
expect 0 finished - "$engram" runs
expect 0 finished - "$engram" runs --rebuild --json
expect 0 loss - "$engram" show tiny
expect 0 report.html - "$engram" report tiny ring rank --out report.html
expect 0 figures - "$engram" report tiny ring rank --svg svg
expect 0 dump - "$engram" dump c.yaml --step 2 --out dump
expect 0 stats - "$engram" stats "$source_dir/docs/formats.md" --out t.stats
for command in '' help 'help config' 'help --markdown' 'list flow' \
    'completion bash' 'version' 'man --out man' \
    "list claims --experiments $experiments" \
    "doctor --experiments $experiments" \
    'bench birth --rounds 1 --steps 1 --batch 2 --set model.d_model=16'; do
    # shellcheck disable=SC2086
    expect 0 . - "$engram" $command
done
mkdir -p e/p
cp c.yaml e/p/c.yaml
printf 'runs: {r: {base: c.yaml}}\nclaims:\n  - {id: x, source: s, statement: t, measure: final(r.loss), expected: "> 0", reason: r, control: "none, because nothing is tried"}\n' >e/p/f.yaml
expect 0 '1 hold' - "$engram" reproduce --experiments e
expect 2 '' 'no command' "$engram" nonsense

# signals reach it, and the processes of a sweep
tiny 1000000 >c.yaml
env --default-signal=INT,TERM "$engram" sweep c.yaml --set run.name=long \
    --seeds 1-3 --jobs 2 --threads 1 >out 2>err &
pid=$!
for i in $(seq 1 400); do
    [ "$(ls runs/long/*/metrics.jsonl 2>/dev/null | wc -l)" = 2 ] && break
    sleep 0.05
done
kill -TERM $pid
wait $pid
code=$?
n_checks=$((n_checks + 1))
[ $code = 130 ] || die "sweep: exit $code, expected 130"
[ "$(grep -l interrupted runs/long/*/run.json | wc -l)" = 2 ] ||
    die 'not saved'
finish
