# Divergence, a full disk, a folder that cannot be written: a clear error, and
# the last good checkpoint stays.
. "$(dirname "$0")/lib.sh"

tiny 60 >c.yaml

# numbers that are none: stops, names the step and the tensor
expect 1 'diverged' 'diverged: step [0-9]+: .*the gradient of [A-Za-z0-9_.]+ is not finite' \
    "$engram" run c.yaml --set optim.lr=1e9 --set checkpoint.every=1 --out nan
grep -q '"status": "diverged"' nan/run.json || die 'run.json'
[ "$(ls nan/checkpoints | wc -l)" -ge 1 ] || die 'no good checkpoint was kept'

expect 1 'diverged' 'diverged' \
    "$engram" run c.yaml --set optim.lr=1e9 --out early
[ "$(ls early/checkpoints | wc -l)" = 1 ] ||
    die 'diverged before the first checkpoint, and nothing was kept'

# a finite gradient, and an update that no number holds: at a checkpoint, at the
# end, on Ctrl-C, nothing of it is kept
over=(--set init.std=W_U=1e25 --set optim.kind=adamw --set optim.lr=1e9
    --set optim.weight_decay=1e6)
for sets in train.steps=1 checkpoint.every=1; do
    expect 1 'diverged' 'diverged: step 0: its update made the weight W_U not finite' \
        "$engram" run c.yaml "${over[@]}" --set $sets --out over-$sets
    [ -z "$(ls over-$sets/checkpoints)" ] || die 'weights that are none were kept'
    grep -q '"status": "diverged"' over-$sets/run.json || die 'run.json'
done

# a batch without a position in the loss has none, which is not 0
expect 0 finished - "$engram" run c.yaml --set task.n_ctx=8 --set train.batch=1 \
    --set train.steps=20 --set probe.every=1 --out none
grep -q '"loss": [1-9]' none/metrics.jsonl || die 'no loss at all'
grep -q '"loss": 0,' none/metrics.jsonl && die 'the loss of nothing is 0'
[ "$(grep -c '"loss": ' none/metrics.jsonl)" -lt 20 ] ||
    die 'every batch has a position in the loss: nothing was tried'

# what it says to try does help
printf 'run: {name: small}\ntask: {n_ctx: 128}\ntrain: {batch: 16, steps: 60}\nprobe: {every: 60, snapshots: 0}\n' >small.yaml
expect 1 'diverged' 'try optim.lr=0.02 or optim.clip=norm' \
    "$engram" run small.yaml --out small
for set in optim.lr=0.02 optim.clip=norm; do
    expect 0 'finished' - "$engram" run small.yaml --set $set
done

# a full disk: files may not grow beyond a limit
"$engram" run c.yaml --set train.steps=20 --out full --quiet >out 2>err
size=$(stat -c %s full/checkpoints/step-20.safetensors)
rm -rf full
# the checkpoint fits, the metrics do not for long
(
    ulimit -f $((size / 1024 + 2))
    "$engram" run c.yaml --set train.steps=100000 --set probe.every=1 \
        --set probe.snapshots=0 --out full --quiet
) >out 2>err
code=$?
n_checks=$((n_checks + 1))
[ $code = 1 ] || die "full disk: exit $code, expected 1"
grep -Eq 'File too large|cannot write' err || die 'full disk: no clear error'
cat err
last=$(ls -v full/checkpoints | tail -n 1)
[ -n "$last" ] || die 'no checkpoint left'
[ "$(stat -c %s "full/checkpoints/$last")" = "$size" ] ||
    die 'the last checkpoint is not whole'
expect 0 finished - "$engram" run c.yaml \
    --set "init.from=full/checkpoints/$last" --set train.steps=2 --out on

# no room for a checkpoint at all: the earlier one stays
"$engram" run c.yaml --set train.steps=20 --out part --quiet >out 2>err
sed -i 's/"finished"/"interrupted"/' part/run.json
rm -f part/checkpoints/step-20.safetensors
cp part/checkpoints/step-10.safetensors kept
(
    ulimit -f $((size / 2048))
    "$engram" run part --resume --quiet
) >out 2>err
[ $? = 1 ] || die 'no room for a checkpoint: expected 1'
cat err
same kept part/checkpoints/step-10.safetensors
expect 0 finished - "$engram" run part --resume

# folders
touch file
expect 1 '' 'file' "$engram" run c.yaml --out file/inside
expect 1 '' . "$engram" run c.yaml --out /proc/engram
if [ "$(id -u)" != 0 ]; then
    mkdir locked && chmod a-w locked
    expect 1 '' 'locked' "$engram" run c.yaml --runs locked
fi

# checkpoints that are damaged
"$engram" run c.yaml --set train.steps=20 --out hurt --quiet >out 2>err
sed -i 's/"finished"/"interrupted"/' hurt/run.json
head -c 500 hurt/checkpoints/step-10.safetensors \
    >hurt/checkpoints/step-20.safetensors
expect 1 '' 'step-20.safetensors' "$engram" run hurt --resume
printf '\377\377\377\377\377\377\377\177{}' >bad.safetensors
expect 1 '' 'bad.safetensors' \
    "$engram" run c.yaml --set init.from=bad.safetensors
finish
