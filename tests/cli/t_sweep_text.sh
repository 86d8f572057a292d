# Runs on a text are known by what is in it: taken over by a sweep when it is the
# same, under whatever name, and not when it has changed.
. "$(dirname "$0")/lib.sh"

cat >c.yaml <<YAML
run: {name: prose}
task: {kind: text, text: a.txt, n_ctx: 16}
model: {d_model: 8}
optim: {lr: 0.01}
train: {steps: 4, batch: 4}
probe: {every: 2, batch: 2, test: 2}
checkpoint: {every: 2, keep: 9}
YAML
for i in $(seq 60); do echo "To be, or not to be: that is the question. $i"; done >a.txt
n_runs() {
    n_checks=$((n_checks + 1))
    [ "$(ls runs/prose | wc -l)" = "$1" ] || die "$(ls runs/prose | wc -l) runs, expected $1"
}
sweep() { "$engram" sweep c.yaml --seeds 1-2 --threads 1 "$@"; }

expect 0 'seed=2 +finished' 'sweep prose: 2 points, 0 of them finished' sweep
n_runs 2
expect 0 - 'sweep prose-2: 2 points, 2 of them finished \(2 in runs from before' sweep
cp a.txt b.txt
expect 0 - 'sweep prose-3: 2 points, 2 of them finished' sweep --set task.text=b.txt
n_runs 2
# a tokenizer is a file that is read, too
run=$(echo runs/prose/* | cut -d' ' -f1)
tokenizer=$run/tokenizer.engram.json
[ -f "$tokenizer" ] || die "no tokenizer in $run"
cp "$tokenizer" t.engram.json
expect 0 - 'sweep prose-4: 2 points, 0 of them finished' sweep --set task.tokenizer=t.engram.json
expect 0 - 'sweep prose-5: 2 points, 2 of them finished' sweep --set task.tokenizer="$tokenizer"
n_runs 4
# shards: a folder by what a run may read there
"$engram" tokenize a.txt --out shards --chars >out 2>err ||
    die 'shards'
expect 0 - 'sweep prose-6: 2 points, 0 of them finished' sweep --set task.text=shards
touch shards/README
expect 0 - 'sweep prose-7: 2 points, 2 of them finished' sweep --set task.text=shards
n_runs 6

# another text under the old name, of the same length and time
cp -p a.txt old.txt
sed -i 's/question. 7$/question! 7/' a.txt
touch -r old.txt a.txt
expect 0 - 'sweep prose-8: 2 points, 0 of them finished' sweep
n_runs 8
# nor does a run go on with another text; another file may be named
sum=$(sed -n 's/.*"\{0,1\}\(task.text=[0-9a-f]*\).*/\1/p' "$run/config.yaml")
[ ${#sum} = 42 ] || die "run.inputs: '$sum'"
expect 1 '' "run.inputs: a.txt has changed: expected $sum, found" \
    "$engram" run "$run/config.yaml" --out again
cp old.txt a.txt
expect 0 finished - "$engram" run "$run/config.yaml" --out again --threads 1
same "$run/metrics.jsonl" again/metrics.jsonl
expect 0 finished - "$engram" run "$run/config.yaml" --out other --threads 1 --set task.text=shards/../b.txt
same "$run/metrics.jsonl" other/metrics.jsonl

# weights at which hooks are held, under one name and another
cp "$run/checkpoints/step-2.safetensors" w.safetensors
clamped() { sweep --set "train.clamp=[blocks.0.hook_attn_out=$1@3]" "${@:2}"; }
expect 0 - 'sweep prose-9: 2 points, 0 of them finished' clamped w.safetensors
cp w.safetensors v.safetensors
expect 0 - 'sweep prose-10: 2 points, 2 of them finished' clamped v.safetensors
run=$(dirname "$(grep -l 'train.clamp=' runs/prose/*/config.yaml | head -n 1)")
cp "$run/checkpoints/step-4.safetensors" w.safetensors
expect 0 - 'sweep prose-11: 2 points, 0 of them finished' clamped w.safetensors
expect 0 - 'sweep prose-12: 2 points, 0 of them finished' sweep --set \
    'train.clamp=[blocks.0.hook_attn_out=v.safetensors@2]'
n_runs 14
expect 1 '' 'a file of train.clamp has changed: expected train.clamp=' \
    "$engram" run "$run" --resume --from 2

# a folder of texts is what is in them, also below
mkdir -p texts/more && cp b.txt texts/a.txt && cp b.txt texts/more/b.txt
folder() { sweep --set task.text="$1" --set task.val_share=0; }
expect 0 - 'sweep prose-13: 2 points, 0 of them finished' folder texts
cp -r texts moved && cp b.txt moved/no-text
expect 0 - 'sweep prose-14: 2 points, 2 of them finished' folder moved
run=$(dirname "$(grep -l 'text: texts' runs/prose/*/config.yaml | head -n 1)")
sed -i 's/question. 7$/question! 7/' texts/more/b.txt
expect 0 - 'sweep prose-15: 2 points, 0 of them finished' folder texts
n_runs 18
expect 1 '' 'run.inputs: texts has changed' "$engram" run "$run" --resume --from 2
finish
