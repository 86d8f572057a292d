# Bad configurations: file, line, column and the nearest key; exit 1 or 2.
. "$(dirname "$0")/lib.sh"

tiny 3 >good.yaml
printf 'optim:\n  lr: 0.1\n  momentun: 0.5\n' >bad.yaml
expect 2 '' "bad.yaml:3:3: unknown key 'momentun'; did you mean 'momentum'" \
    "$engram" run bad.yaml
printf 'train:\n  steps: soon\n' >bad.yaml
expect 2 '' 'bad.yaml:2:10: steps: expected a whole number' \
    "$engram" run bad.yaml
printf 'a: [1\n' >bad.yaml
expect 1 '' 'bad.yaml:' "$engram" run bad.yaml
: >bad.yaml
expect 1 '' 'bad.yaml' "$engram" run bad.yaml
expect 1 '' 'nowhere.yaml' "$engram" run nowhere.yaml
expect 2 '' "did you mean 'optim.lr'" "$engram" run good.yaml --set optim.lrr=1
expect 2 '' 'section.key=value' "$engram" run good.yaml --set nonsense
expect 2 '' 'expected one of' "$engram" run good.yaml --set optim.kind=magic
expect 2 '' 'no kernel|unknown or does not run' \
    "$engram" run good.yaml --kern magic
expect 2 '' "did you mean 'lemma2'" \
    "$engram" run good.yaml --set run.kind=theory --set run.theory=lema2
expect 2 '' "'[a-z_0-9]*' is measured twice at 16: expected lists of section theory" \
    "$engram" run good.yaml --set run.kind=theory --set run.theory=orthogonality \
    --set theory.dims=[16,24,16] --set theory.draws=1 --out again
grep -q 'measured twice' again/run.json || die 'the record does not say why'

# impossible sizes
for s in task.n_triggers=65 model.n_heads=3 task.n_ctx=1 train.batch=0 \
    model.d_model=0 probe.every=0 train.freeze=W_X; do
    "$engram" run good.yaml --set $s >out 2>err
    code=$?
    n_checks=$((n_checks + 1))
    case $code in 1 | 2) ;; *) die "$s: exit $code" ;; esac
    [ -s err ] || die "$s: no message"
    head -n 1 err
done

# what is wrong before the first step leaves no run behind
for s in run.kind=train run.kind=theory run.kind=flow; do
    "$engram" run good.yaml --set $s --set run.theory=lemma2 --out kept \
        --set model.n_heads=3 --set theory.dims=-1 --set flow.times=a >out 2>err
    [ $? -ne 0 ] || die "$s: was taken"
done
expect 2 '' 'does not divide' "$engram" run good.yaml --set model.n_heads=3 \
    --out kept
[ ! -e kept ] || die 'a run that never began left its folder'
[ ! -e runs ] || die 'a run that never began left the folder of its name'
mkdir kept
expect 1 '' 'nowhere' "$engram" run good.yaml --set init.from=nowhere --out kept
[ -d kept ] && [ -z "$(ls -A kept)" ] || die 'not as it was'
expect 0 finished - "$engram" run good.yaml --out kept

# a run stays below its folder
for name in ../../evil . .. a/../b /tmp/evil a//b ''; do
    expect 2 '' "run.name: expected the name of a folder below runs" \
        "$engram" run good.yaml --set "run.name=$name"
done
for name in .hidden a/.b a/b/c; do # where no run is looked for
    expect 2 '' 'run.name: expected one or two folders' \
        "$engram" run good.yaml --set "run.name=$name"
done
expect 2 '' 'folder of runs' "$engram" run good.yaml --runs ''
expect 0 finished - "$engram" run good.yaml --set run.name=a/b..c

expect 2 '' 'model.mixer: expected 1 item .* for each of the 2 blocks, found 0' \
    "$engram" run good.yaml --set 'model.mixer=[]' --out a/empty

# more than any machine has
expect 1 '' 'would take [0-9.]+ GiB' "$engram" run good.yaml \
    --set task.n_ctx=1048576
expect 1 '' 'would take [0-9]{4,}.[0-9] GiB' "$engram" run \
    good.yaml --set model.d_model=16384 --set model.n_layers=64 \
    --set model.mlp=relu --set model.d_mlp=65536
expect 1 '' 'diverged at step' "$engram" dump good.yaml --step 90 --out d \
    --set optim.lr=1e9

# corpora
: >empty.txt
expect 2 '' 'empty' "$engram" stats empty.txt --out e.stats
[ ! -e e.stats ] || die 'statistics of nothing were written'
"$engram" stats "$source_dir/docs/concepts.md" --out r.stats --quiet >out 2>err ||
    die 'stats of a text'
gzip -c "$source_dir/docs/concepts.md" >concepts.md.gz
expect 0 z.stats - "$engram" stats concepts.md.gz --out z.stats \
    --provenance "$source_dir/docs/concepts.md"
same r.stats z.stats
expect 0 'finished' - "$engram" run good.yaml --set task.stats=r.stats
head -c 100 r.stats >cut.stats
"$engram" run good.yaml --set task.stats=cut.stats >out 2>err
case $? in 1 | 2) ;; *) die 'truncated statistics were taken' ;; esac

# runs that are not there, records that are damaged
expect 2 '' "no run 'nothing'" "$engram" show nothing
dir=$(ls -d runs/tiny/* | tail -n 1)
printf '{"step": 0, "loss": ' >"$dir/metrics.jsonl"
expect 0 - - "$engram" show tiny
echo 'not json' >"$dir/metrics.jsonl"
expect 1 '' 'metrics.jsonl:1' "$engram" show tiny
echo '[' >"$dir/run.json"
expect 1 '' 'run.json' "$engram" show tiny

# experiments
mkdir -p e/p
printf 'runs:\n  a: {run: {kind: theory, theory: lemma2}}\nclaims:\n  - id: x\n    source: s\n    statement: t\n    measure: final(b.accuracy)\n    expected: 1\n    reason: r\n' >e/p/f.yaml
expect 2 '' "f.yaml:7:14: no run 'b'" "$engram" reproduce --experiments e
sed -i 's/final(b/finl(a/' e/p/f.yaml
expect 2 '' 'f.yaml:7:14: measure: column 1' "$engram" reproduce --experiments e
sed -i 's/finl(a/final(a/; s/expected: 1/expected: about 1/' e/p/f.yaml
expect 2 '' 'f.yaml:8:15: expected' "$engram" reproduce --experiments e
sed -i 's/expected: about 1/expectd: 1/' e/p/f.yaml
expect 2 '' "f.yaml:8:5: unknown key 'expectd'; did you mean 'expected'" \
    "$engram" reproduce --experiments e
finish
