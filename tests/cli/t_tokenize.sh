# Text, as a user meets it: tokenized, trained on, resumed, printed; and what is
# refused.
. "$(dirname "$0")/lib.sh"

for i in $(seq 1 400); do
    echo "The $i. cat doesn't sit on mat $((i * 7 % 31)), and the dog barks."
    [ $((i % 9)) != 0 ] || echo
done >book.txt
gzip -c book.txt >book.txt.gz

expect 0 '^cats$' 'tokens of 300 .*for validation' \
    "$engram" tokenize book.txt --out cats --train-vocab 300
for f in train_000000.bin val_000000.bin corpus.json tokenizer.engram.json; do
    [ -s cats/$f ] || die "no $f"
done
# compressed, and with other threads: the same bytes
expect 0 '^zipped$' '' "$engram" tokenize book.txt.gz --out zipped -q -t 3 \
    --train-vocab 300
for f in train_000000.bin val_000000.bin tokenizer.engram.json; do
    same cats/$f zipped/$f
done
# cut otherwise before it is learnt: a number's digits are tokens by themselves
for cut in gpt2 smollm; do
    expect 0 - - "$engram" tokenize book.txt --out $cut -q --train-vocab 300 \
        --cut $cut
done
same cats/tokenizer.engram.json gpt2/tokenizer.engram.json
grep -q '"cut": "smollm"' smollm/tokenizer.engram.json || die 'the cut is lost'
grep -q '"[^"]*1[0-9]"' gpt2/tokenizer.engram.json || die 'no numbers are merged'
grep -q '"[^"]*[0-9][0-9]"' smollm/tokenizer.engram.json &&
    die 'digits are merged'
expect 2 - '--cut: gpt9: expected one of gpt2, ' "$engram" tokenize book.txt \
    --out x --cut gpt9
"$engram" tokenize --help >help
for cut in $(sed 's/.*expected one of //; s/,//g' err); do
    grep -qw "$cut" help || die "--help does not name the cut $cut"
done
expect 2 - '--cut: for a BPE that is learnt' "$engram" tokenize book.txt \
    --out x --chars --cut gpt2

# the vocabulary of one for the other, in nanoGPT's format: the same ids
expect 0 - - "$engram" tokenize book.txt --out nano --tokenizer cats \
    --shards nanogpt --json
grep -q '"d_vocab": 300' out || die 'no size in JSON'
tail -c +1025 cats/train_000000.bin | cmp - nano/train.bin || die 'other ids'

cat >lm.yaml <<'YAML'
run: {name: lm, kind: train, seed: 1}
task: {kind: text, text: cats, n_ctx: 16, window: epoch, pad_vocab: 64}
model: {d_model: 16, n_layers: 1, qk: factorised, pos: learned}
train: {steps: 8, batch: 4, freeze: []}
probe: {every: 4, batch: 4, test: 4}
checkpoint: {every: 4}
YAML
expect 0 finished - "$engram" run lm.yaml --out lm --quiet
same cats/tokenizer.engram.json lm/tokenizer.engram.json
expect 0 '^loss_test\.all ' '' "$engram" show lm
expect 0 - 'nothing damaged' "$engram" verify lm
expect 0 '^a black cat' - "$engram" generate lm --prompt 'a black cat' --tokens 5
expect 0 - - "$engram" generate lm --tokens 5
expect 0 finished - "$engram" run lm.yaml --out half --quiet --set train.steps=4
expect 0 finished - "$engram" run lm.yaml --out letters --quiet \
    --set task.text=book.txt
expect 0 'The 1. cat' '' "$engram" task lm.yaml --lines 2

# a text that is another by now, or gone: what needs it says so, and a run speaks
# with the tokenizer that it keeps
cp book.txt page.txt && cp book.txt kept.txt
expect 0 finished - "$engram" run lm.yaml --out page --quiet \
    --set task.text=page.txt --set task.pad_vocab=1
say="--prompt cat --tokens 20 --temperature 0"
expect 0 '^cat' - "$engram" generate page $say
cp out said
tr catdog togcad <kept.txt >page.txt
expect 0 '^cat' 'page.txt has changed: .* the run.s tokenizer is read' \
    "$engram" generate page $say
same said out
for c in "probe page" "lens page" "export page --out exported" "task page" \
    "dump page --out dumped"; do
    expect 1 '' 'run.inputs: page.txt has changed: expected task.text=' "$engram" $c
done
expect 0 - - "$engram" probe page --set task.text=kept.txt
cp out measured
expect 0 - - "$engram" probe page --set task.text=page.txt
cmp -s measured out && die 'the letters of the text, and not of the model'
printf '\342\202\254\n' | cat - kept.txt >euro.txt
expect 2 '' 'the vocabulary of .* characters does not have it' \
    "$engram" probe page --set task.text=euro.txt
rm page.txt
expect 0 '^cat' 'page.txt: No such file' "$engram" generate page $say
same said out
expect 1 '' 'page.txt: No such file' "$engram" probe page

# first parts as corpora of their own: a smaller one is the beginning of a larger,
# tests read the same, and a run on one is that with task.share
expect 0 '^part/share-0.05$' 'share-0.2: ' "$engram" tokenize book.txt \
    --out part --tokenizer cats --subsets 0.05,0.2
same part/train_000000.bin cats/train_000000.bin
for f in part part/share-0.2; do
    tail -c +1025 part/share-0.05/train_000000.bin >begin
    tail -c +1025 $f/train_000000.bin | head -c "$(stat -c %s begin)" |
        cmp - begin || die "share-0.05 is not the beginning of $f"
done
for f in val_000000.bin tokenizer.engram.json; do
    same part/$f part/share-0.2/$f
    same part/$f part/share-0.05/$f
done
grep -q '"share": 0.05$' part/share-0.05/corpus.json || die 'no share'
expect 0 finished - "$engram" run lm.yaml --out shared --quiet \
    --set task.share=0.2
expect 0 finished - "$engram" run lm.yaml --out subset --quiet \
    --set task.text=part/share-0.2
same shared/metrics.jsonl subset/metrics.jsonl
cmp -s shared/metrics.jsonl lm/metrics.jsonl && die 'a share is the whole'
expect 0 '"out": "nparts/share-0.2"' - "$engram" tokenize book.txt \
    --out nparts --tokenizer cats --shards nanogpt --subsets 0.2 --json
tail -c +1025 part/share-0.2/train_000000.bin | cmp - nparts/share-0.2/train.bin ||
    die 'other ids in the format of nanoGPT'
same nano/val.bin nparts/share-0.2/val.bin
expect 0 - - "$engram" tokenize book.txt --out pieces --tokenizer cats \
    --shard-tokens 100 --subsets 0.2 -q
[ -s pieces/share-0.2/train_000001.bin ] || die 'one shard of more than 100 ids'
expect 0 finished - "$engram" run lm.yaml --out pieced --quiet \
    --set task.text=pieces/share-0.2
same shared/metrics.jsonl pieced/metrics.jsonl
expect 2 '' 'subsets: subset 0.1 is there twice' "$engram" tokenize book.txt \
    --out s --subsets 0.1,0.10
expect 2 '' 'subsets: .*less than 1, found 1' "$engram" tokenize book.txt \
    --out s --subsets 1
expect 2 '' 'share-1e-06: of [0-9]* tokens' "$engram" tokenize book.txt \
    --out s --subsets 0.5,1e-6 -q
expect 2 '' '^engram: --val-share: expected a number from 0 to 0.9, found' \
    "$engram" tokenize book.txt --out s --val-share -1
expect 2 '' 'the part for validation' "$engram" tokenize book.txt --out s \
    --subsets 0.5 --val-share 0 -q
[ ! -e s ] || die 'subsets that failed left files'

# nothing is written over, and nothing stays of what failed
photo cats >cats.photo
expect 2 '' 'cats is not empty' "$engram" tokenize book.txt --out cats -q
unchanged cats cats.photo
printf 'good text \377' >broken.txt
expect 1 '' 'broken.txt: byte 10: .*tokenize --replace reads' "$engram" tokenize broken.txt --out b -q
expect 0 '^b$' - "$engram" tokenize broken.txt --out b --replace --chars
: >empty.txt
expect 2 '' 'empty.txt: the corpus has no text' \
    "$engram" tokenize empty.txt --out e -q
expect 2 '' 'empty.txt: the corpus has no text' \
    "$engram" tokenize empty.txt --out e -q --chars
[ ! -e e ] || die 'an empty folder stayed'
# a vocabulary that is none: by its name
echo nonsense | tee v.tiktoken >v.json
expect 1 '' 'v.tiktoken: line 1: expected a token in base64' \
    "$engram" tokenize book.txt --out e -q --tokenizer v.tiktoken
expect 1 '' 'v.json: line 1, column 1' \
    "$engram" tokenize book.txt --out e -q --tokenizer v.json
head -c 100 book.txt.gz >cut.txt.gz
expect 1 '' 'cut.txt.gz: ends in the middle' \
    "$engram" tokenize cut.txt.gz --out c -q
expect 2 '' 'out DIR says where' "$engram" tokenize book.txt
expect 2 '' 'one of --tokenizer' "$engram" tokenize book.txt --out x --chars \
    --words 9
expect 2 '' "task.text: .*tokens for training; a sequence of task.n_ctx 1048576" \
    "$engram" run lm.yaml --out big --set task.n_ctx=1048576 --quiet
[ ! -e big ] || die 'a run that could not begin'
# the run says its tokens as text, and ids that only pad as numbers
expect 0 '^The cat' '12 tokens in' "$engram" generate lm --prompt 'The cat' \
    --tokens 12
expect 0 '"text": "<\|endoftext\|>' - "$engram" generate lm --tokens 3 --json
# a limit that is never reached costs no memory: a GiB is all there is (where
# that is enough to begin with; sanitizers want more)
if (ulimit -v 1048576 && "$engram" task lm.yaml --lines 1) >out 2>err; then
    (ulimit -v 1048576 && "$engram" generate lm --tokens 1000000000 -t 1 \
        --prompt 'The cat' --stop ' ') >out 2>err || die 'a large limit'
fi
# a text to stop at need not be whole tokens
expect 0 '^The cat' - "$engram" generate lm --prompt 'The cat' --tokens 9 \
    --temperature 0 -q
expect 0 '^The cat' '^[123] tokens in' "$engram" generate lm --tokens 9 \
    --prompt 'The cat' --temperature 0 --stop "$(head -c 10 out | tail -c 3)"
expect 0 '^310' - "$engram" generate lm --ids 310 --tokens 3
expect 2 '' 'numbers from 0 to 319' "$engram" generate lm --ids 320

# documents are apart: no word is of two
printf 'one two\none two\nthree one\n' >lines.txt
expect 0 '^words$' - "$engram" tokenize lines.txt --out words --words 10 \
    --documents line --val-share 0
grep -q '"two"' words/tokenizer.engram.json || die 'no word "two"'
grep -q 'twoone' words/tokenizer.engram.json && die 'a word of two documents'

# a pipe is read once, and says so where that is too little
expect 2 '' 'stdin: is a pipe' "$engram" tokenize /dev/stdin \
    --out p -q < <(cat book.txt)
[ ! -e p ] || die 'a pipe left a folder'
expect 2 '' 'is a pipe.*validation' "$engram" tokenize \
    /dev/stdin --out p -q --tokenizer cats < <(cat book.txt)
[ ! -e p ] || die 'a pipe left a folder'
expect 0 '^p$' '' "$engram" tokenize /dev/stdin --out p -q \
    --tokenizer cats --val-share 0 < <(cat book.txt)
expect 0 '^q$' '' "$engram" tokenize book.txt --out q -q --tokenizer cats \
    --val-share 0
same p/train_000000.bin q/train_000000.bin

head -c 1500 cats/train_000000.bin >cats/train_000000.bin.cut
mv cats/train_000000.bin.cut cats/train_000000.bin
expect 1 '' 'its header says' "$engram" run lm.yaml --out x --quiet
finish
