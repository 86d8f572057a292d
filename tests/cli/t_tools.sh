# sweep, runs, show, dump, report, list, doctor.
. "$(dirname "$0")/lib.sh"

tiny 10 >c.yaml
expect 0 'optim.lr=0.1 seed=2 +finished' - \
    "$engram" sweep c.yaml --grid optim.lr=0.1,0.2 --seeds 1-2 --jobs 2
[ "$(ls runs/tiny | wc -l)" = 4 ] || die 'expected four runs'
expect 2 '' 'n_heads=3 seed=1: .*does not divide' \
    "$engram" sweep c.yaml --grid model.n_heads=1,3 --seeds 1 --runs other
[ ! -e other ] || die 'something was made for points that cannot run'
expect 2 '' 'section.key=a,b,c' "$engram" sweep c.yaml --grid nonsense
expect 2 '' "did you mean 'optim.lr'" "$engram" sweep c.yaml --grid optim.l=1,2
expect 2 '' '--seeds: seed: expected a whole number from 0 to 9007199254740992, found .x' \
    "$engram" sweep c.yaml --seeds x
expect 2 '' 'expected seeds such as 3, 0-9' "$engram" sweep c.yaml --seeds 9-3

expect 0 'tiny .*finished' '' "$engram" runs
expect 0 '"runs": \[' '' "$engram" runs tiny --json
rm runs/catalogue.sqlite
expect 0 'tiny .*finished' '4 runs found' "$engram" runs --rebuild
"$engram" runs >whole
for text in '' garbage-garbage-garb; do # the catalogue is only an index
    printf '%s' "$text" >runs/catalogue.sqlite
    expect 0 'tiny .*finished' '' "$engram" runs
    same whole out
    printf '%s' "$text" >runs/catalogue.sqlite
    expect 0 'tiny .*finished' '4 runs found' "$engram" runs --rebuild
    same whole out
done
rm runs/catalogue.sqlite
expect 0 'tiny .*finished' '' "$engram" runs tiny
same whole out
mkdir none
expect 0 '^name' 'no runs under none' "$engram" runs --runs none
expect 0 '"runs": \[\]' - "$engram" runs --runs none --json
[ -z "$(ls none)" ] || die 'a folder without runs is not left alone'
expect 0 'acc_in_context' '' "$engram" show tiny
id=$(ls runs/tiny | head -n 1)
expect 0 "runs/tiny/$id" '' "$engram" show "$id"
expect 0 "runs/tiny/$id" '' "$engram" show "tiny/$id"

expect 0 'cpu_seconds_per_step' - "$engram" bench mesa --json --rounds 1 \
    --steps 1 --batch 2 --only hybrid
expect 0 '^layer: .* in ops mesa and linatt$' - "$engram" bench mesa \
    --rounds 1 --steps 1 --batch 2 --only layer
expect 0 '^mesa1: .* but for drawing these$' - "$engram" bench mesa \
    --rounds 1 --steps 1 --batch 2 --only mesa1
expect 2 '' 'expected layer, mesa1, lsa6, softmax7 or hybrid, found .x.' \
    "$engram" bench mesa --only x
expect 0 'linear +blocks.1.attn.hook_q' '' "$engram" show --program c.yaml --plain
expect 0 'subset +taken .*what only the loss reads' '' \
    "$engram" show --program c.yaml
expect 0 '"madds_forward": [1-9]' '' "$engram" show --program c.yaml --json
# steps with a hook that is held take no shortcut, and that is what is shown
expect 0 ' off  .* train.clamp  ' '' "$engram" show --program c.yaml \
    --set 'train.clamp=[blocks.1.attn.hook_z]'
grep -Eq '^[0-9]+ +product |  taken ' out && die 'a shortcut is shown that no step takes'
expect 2 '' 'expected train, which has a program, found flow' "$engram" show \
    --program "$source_dir/experiments/flow/sphere.yaml"
expect 2 '' '--plain and --set go with --program' "$engram" show tiny --plain

expect 0 dump '' "$engram" dump c.yaml --step 3 --out dump
for f in tokens targets labels logits loss weight.W_E grad.blocks.1.attn.W_O \
    blocks.0.attn.hook_pattern blocks.0.attn.hook_attn_scores \
    blocks.1.hook_resid_post; do
    [ -s "dump/$f.npy" ] || die "dump lacks $f.npy"
done
[ -s dump/config.yaml ] && [ -s dump/index.json ] || die 'dump lacks records'

expect 0 'page.html' - "$engram" report tiny --out page.html
grep -qi '<html' page.html || die 'not a page'
expect 0 'ok' - "$engram" doctor --experiments "$source_dir/experiments"
expect 0 '"checks"' - "$engram" doctor --json \
    --experiments "$source_dir/experiments"
expect 0 'recall_W_O2' '' "$engram" list probes
expect 0 'lemma2' '' "$engram" list theories --json
expect 0 'tokens_per_s' - "$engram" bench birth --json --rounds 1 --steps 1 \
    --batch 2 --set model.d_model=16 --set task.n_ctx=16
expect 0 'linear +blocks.1.attn.hook_q +backward .* [0-9.]+ %' '' \
    "$engram" bench --profile c.yaml --steps 2
expect 0 '"of_peak": 0' '' "$engram" bench --profile c.yaml --steps 2 --json
expect 2 '' 'run.kind: expected train, which has operations, found flow' \
    "$engram" bench --profile "$source_dir/experiments/flow/sphere.yaml"
# an option that would do nothing is refused
for words in 'birth --profile c.yaml:--profile goes in the place' \
    '--profile c.yaml --rounds 1:--rounds does nothing with --profile' \
    '--profile c.yaml --batch 4:--batch does nothing' \
    '--only x:--only does nothing with birth; it goes with kernels mesa scaling$' \
    'full --trained all:--trained does nothing with full' \
    'kernels --set run.seed=2:--set does nothing with kernels' \
    'flow --batch 3:--batch does nothing with flow' \
    'foo --only x:.foo. is not one of'; do
    expect 2 '' "bench: ${words#*:}" "$engram" bench ${words%%:*}
done
expect 0 finished - "$engram" run c.yaml --set train.profile=true --out timed
grep -q '"direction": "backward"' timed/arrays/profile.json || die 'no profile'
expect 0 'arrays/profile.json' - "$engram" verify timed
"$engram" run c.yaml --out plain >out 2>err
same timed/metrics.jsonl plain/metrics.jsonl
finish
