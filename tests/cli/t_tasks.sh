# Kinds of task, as a user meets them: chains and linear systems train, resume,
# are probed, dumped and reported; options and groups of another kind are named.
. "$(dirname "$0")/lib.sh"

cat >chains.yaml <<'YAML'
run: {name: chains, kind: train, seed: 1}
task: {kind: markov, n_ctx: 24, n_states: 4}
model: {d_model: 16, qk: factorised, pos: rotary}
train: {steps: 8, batch: 8}
probe: {every: 4, batch: 4, test: 4, snapshots: 2}
checkpoint: {every: 4}
YAML
sed 's/name: chains/name: systems/; s/kind: markov.*}/kind: linear, n_ctx: 24, dim: 3}/
     s/rotary/learned/' chains.yaml >systems.yaml
for f in chains systems; do
    expect 0 finished - "$engram" run $f.yaml --out $f --quiet
    expect 0 '^loss\.all ' '' "$engram" show $f
    expect 0 - 'nothing damaged' "$engram" verify $f
    # the same file runs again; half of it goes on to the same bytes
    expect 0 finished - "$engram" run $f/config.yaml --out $f-again --quiet
    same $f/checkpoints/step-8.safetensors $f-again/checkpoints/step-8.safetensors
    same $f/config.yaml $f-again/config.yaml
    expect 0 html '' "$engram" report $f --out $f.html -q
    expect 0 - - "$engram" dump $f.yaml --step 2 --out $f-dump -q
    expect 0 '^loss\.all .*' - "$engram" probe $f/checkpoints/step-8.safetensors $f.yaml
done
grep -q 'n_triggers\|n_states' systems/config.yaml && die 'options of other tasks'
for a in tokens labels logits; do [ -s chains-dump/$a.npy ] || die "no $a"; done
for a in inputs labels target_vectors outputs; do [ -s systems-dump/$a.npy ] || die "no $a"; done
cmp -s systems-dump/outputs.npy systems-dump/target_vectors.npy && die "predictions are the targets"
[ ! -e systems-dump/tokens.npy ] || die 'tokens of vectors'
[ -s systems/arrays/demo_inputs.npy ] || die 'no demo sequence'

expect 0 '^loss\.later ' '' "$engram" show chains
expect 0 '^loss_test\.over ' '' "$engram" show systems
expect 0 'linear: over ' '' "$engram" list groups
expect 0 'task: markov ' '' "$engram" list tasks
sed 's/dim: 3/dim: 3, n_triggers: 5/' systems.yaml >bad.yaml
expect 2 '' 'bad.yaml:2:.*n_triggers: an option of kind bigram, and task.kind is linear' \
    "$engram" run bad.yaml --out bad
expect 2 '' 'task.n_states: an option of kind markov, and task.kind is linear' \
    "$engram" run systems.yaml --set task.n_states=4 --out bad
expect 2 '' "train.loss: expected a group of the task, all, under, over, found 'later'" \
    "$engram" run systems.yaml --set train.loss=later --out bad
expect 2 '' 'model.tied: a head is tied to embeddings, and the task gives vectors' \
    "$engram" run systems.yaml --set model.tied=true --out bad
expect 2 '' 'model.input: identity needs model.d_model = the 3 entries of the task.s inputs, found 16' \
    "$engram" run systems.yaml --set model.input=identity --out bad
expect 2 '' 'model.readout: first needs model.d_model of at least the 3 entries of the task.s targets, found 2' \
    "$engram" run systems.yaml --set model.readout=first --set model.d_model=2 --out bad
expect 2 '' 'model.input: identity is of vectors, and the task gives tokens' \
    "$engram" run chains.yaml --set model.input=identity --out bad
expect 2 '' 'task.bound: an option of kind linear, and task.kind is nonlinear' \
    "$engram" run systems.yaml --set task.kind=nonlinear --set task.bound=3 --out bad
expect 2 '' 'probe.positions: expected 1 to 24, found .25.' \
    "$engram" run systems.yaml --set 'probe.positions=[1, 25]' --out bad

# Prompts: a model that has learnt plain pairs gets an end mark, which alone is
# trained; its own tensors stay as they are. Then a prefix, the mark held.
sed 's/name: chains/name: pairs/; s/kind: markov.*}/kind: regression, n_ctx: 24, dim: 3}/
     s/rotary/learned/' chains.yaml >pairs.yaml
expect 0 finished - "$engram" run pairs.yaml --out pairs --quiet
weights=pairs/checkpoints/step-8.safetensors
expect 1 '' 'W_eos: expected \[1,3\], found no such tensor' \
    "$engram" run pairs.yaml --set task.format=eos --set init.from=$weights --out eos
expect 2 '' "init.fresh: no tensor matches 'W_eos'" \
    "$engram" run pairs.yaml --set init.from=$weights --set 'init.fresh=[W_eos]' --out eos
only='train.freeze=[W_in, W_out, W_pos, "blocks.*"]'
expect 0 finished - "$engram" run pairs.yaml --set task.format=eos --set init.from=$weights \
    --set 'init.fresh=[W_eos]' --set "$only" --out eos --quiet
expect 0 finished - "$engram" run pairs.yaml --set task.format=prefix --set task.n_prefix=4 \
    --set init.from=eos/checkpoints/step-8.safetensors --set 'init.fresh=[W_prefix]' \
    --set "${only%]}, W_eos]" --out prefix --quiet
last() { grep -o "\"norm.$2\":[^,}]*" $1/metrics.jsonl | tail -1; }
first() { grep -o "\"norm.$2\":[^,}]*" $1/metrics.jsonl | head -1; }
[ -n "$(first eos W_eos)" ] && [ "$(first eos W_eos)" != "$(last eos W_eos)" ] ||
    die 'the end mark is not trained'
[ -n "$(first prefix W_prefix)" ] && [ "$(first prefix W_prefix)" != "$(last prefix W_prefix)" ] ||
    die 'the prefix is not trained'
finish
