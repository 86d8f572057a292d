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

# nothing is written over, and nothing stays of what failed
photo cats >cats.photo
expect 2 '' 'cats is not empty' "$engram" tokenize book.txt --out cats -q
unchanged cats cats.photo
printf 'good text \377' >broken.txt
expect 1 '' 'broken.txt: byte 10' "$engram" tokenize broken.txt --out b -q
expect 0 '^b$' - "$engram" tokenize broken.txt --out b --replace --chars
: >empty.txt
expect 2 '' 'empty.txt: the corpus has no text' \
    "$engram" tokenize empty.txt --out e -q
[ ! -e e ] || die 'an empty folder stayed'
head -c 100 book.txt.gz >cut.txt.gz
expect 1 '' 'cut.txt.gz: ends in the middle' \
    "$engram" tokenize cut.txt.gz --out c -q
expect 2 '' 'out DIR says where' "$engram" tokenize book.txt
expect 2 '' 'one of --tokenizer' "$engram" tokenize book.txt --out x --chars \
    --words 9
expect 2 '' "task.text: .*tokens for training; a sequence of task.n_ctx 1048576" \
    "$engram" run lm.yaml --out big --set task.n_ctx=1048576 --quiet
[ ! -e big ] || die 'a run that could not begin'
head -c 1500 cats/train_000000.bin >cats/train_000000.bin.cut
mv cats/train_000000.bin.cut cats/train_000000.bin
expect 1 '' 'its header says' "$engram" run lm.yaml --out x --quiet
finish
