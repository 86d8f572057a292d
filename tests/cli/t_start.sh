# What a run starts from: weights, frozen tensors, and a run that makes no step.
. "$(dirname "$0")/lib.sh"

tiny 4 >c.yaml

# README: fewer blocks than the file's patterns name
"$engram" run "$source_dir/experiments/birth/basic.yaml" --set model.n_layers=1 \
    --set run.name=one-layer --set train.steps=2 --set train.batch=4 \
    --set probe.batch=2 --set probe.test=2 --out one >out 2>err ||
    die 'one layer of basic.yaml'
grep -q 'note: train.freeze: no block for blocks.1.attn.W_V; the model has block 0 alone' err ||
    die 'no note of the block that is not there'
grep -q 'note: train.freeze: no block for blocks.1.attn.W_V' one/log ||
    die 'no note in the log'
# its saved configuration is a file again
expect 0 dumped 'note: train.freeze: no block' "$engram" dump one --out dumped
# typed, the same is a mistake; a name that no block has always is
expect 2 '' 'no block for blocks.4.attn.W_V; the model has blocks 0 to 1' \
    "$engram" run c.yaml --set 'train.freeze=[blocks.4.attn.W_V]' --out no
expect 2 '' "no tensor matches 'blocks.1.attn.W_KQ'; did you mean" \
    "$engram" run c.yaml --set 'train.freeze=[blocks.1.attn.W_KQ]' --out no
for steps in ' 1' +1 1x -1; do # whole numbers are digits
    expect 2 '' "train.freeze: expected NAME or NAME@STEP, found 'W_E@" \
        "$engram" run c.yaml --set "train.freeze=[\"W_E@$steps\"]" --out no
    expect 2 '' "train.clamp: .*hook_embed@" \
        "$engram" run c.yaml --set "train.clamp=[\"hook_embed@$steps\"]" --out no
done
expect 2 '' "--threads: expected a whole number from .*, found ' 1'" \
    "$engram" run c.yaml --threads ' 1' --out no
sed 's/batch: 8/batch: 8, freeze: [blocks.7.attn.W_KQ]/' c.yaml >misspelt.yaml
expect 2 '' "no tensor matches 'blocks.7.attn.W_KQ'" \
    "$engram" run misspelt.yaml --out no
[ ! -e no ] || die 'a run that never began left its folder'

# three blocks are no start for two, unless that is wanted
expect 0 finished - "$engram" run c.yaml --set model.n_layers=3 --out three
from=three/checkpoints/step-4.safetensors
expect 1 '' '3 tensors are not of this model .init.allow_extra: true or --allow-extra leaves them out.: blocks.2.attn.W_QK .1,16,16., .*blocks.2.attn.W_O .1,16,16.' \
    "$engram" run c.yaml --set init.from=$from --out two
expect 1 '' 'not of this model' "$engram" dump c.yaml --set init.from=$from --out d
expect 0 finished 'note: three.*: left out 3 tensors: blocks.2' \
    "$engram" run c.yaml --set init.from=$from --set init.allow_extra=true \
    --set train.steps=0 --out two
grep -q 'note: three.*: left out 3 tensors: blocks.2' two/log || die 'no note'

# no step: one row, of the start, and the same as the first row of a run
[ "$(wc -l <two/metrics.jsonl)" = 1 ] || die 'no step: not one row'
expect 0 finished - "$engram" run c.yaml --set train.steps=0 --out zero
expect 0 finished - "$engram" run c.yaml --set train.steps=1 --out first
before() { grep -o '"step": 0, "loss_global".*"grad_norm": [^,]*' "$1"; }
before zero/metrics.jsonl >zero.row
before first/metrics.jsonl >first.row
[ -s zero.row ] || die 'a run of no steps measured nothing'
same zero.row first.row
grep -q '"recall_W_O2"' zero/metrics.jsonl || die 'no probes of the weights'
expect 0 'loss' - "$engram" show zero
finish
