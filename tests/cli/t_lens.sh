# lens: one page and its numbers, of a run, of a file, of every checkpoint.
. "$(dirname "$0")/lib.sh"

tiny 30 >c.yaml
expect 0 - - "$engram" run c.yaml --out r --set checkpoint.every=10 \
    --set checkpoint.keep=9
w=r/checkpoints/step-30.safetensors

photo r >before
expect 0 '^lens.html$' - "$engram" lens r --sequences 16
unchanged r before # a lens reads
grep -q '"engram_lens": 1' lens.json || die 'no data beside the page'
grep -q '<meta name="generator" content="engram">' lens.html || die 'no page'
grep -q '"step": 30' lens.json || die 'not the newest checkpoint'
for lens in birth mesa flow energy; do
    grep -q "\"$lens\": {" lens.json || die "no lens $lens"
done
expect 0 '^lens.html$' - "$engram" lens r --sequences 16 # replaces its own

# the same by file and configuration, and whatever the threads
seen() { sed -n '/"seen"/,$p' "$1"; }
seen lens.json >whole
for words in "$w c.yaml" "r c.yaml --threads 1"; do
    expect 0 '^o.html$' - "$engram" lens $words --sequences 16 --out o.html
    seen o.json >other
    same whole other
done
expect 0 '"copying": ' - "$engram" lens r --sequences 16 --json

# over time: three checkpoints, the last one in full
expect 0 '^t.html$' - "$engram" lens r --sequences 16 \
    --over-time --out t.html
[ "$(grep -c '^   "step": ' t.json)" = 3 ] || die 'expected three moments'
[ "$(grep -c '"patterns": ' t.json)" = 1 ] || die 'expected one moment in full'

# a text of one's own, in the task's characters
for i in $(seq 20); do echo 'Who is there? Nay, answer me: stand, and unfold yourself.'; done >mine.txt
expect 0 '^m.html$' - "$engram" lens r --text mine.txt --sequences 16 \
    --out m.html
grep -q '"text": "mine.txt"' m.json || die 'the text is not named'
printf 'caf\303\251 %.0s' $(seq 40) >accents.txt
expect 0 - '40 characters that the task does not have are left out' \
    "$engram" lens r --text accents.txt --sequences 16 --out a.html
gzip -c accents.txt >accents.txt.gz
expect 0 - '40 characters that the task does not have are left out' \
    "$engram" lens r --text accents.txt.gz --sequences 16 --out z.html
seen a.json >whole
seen z.json >other
same whole other

# a model of text: the task's own tokenizer reads another one
sed 's/n_ctx: 32, n_triggers: 2/kind: text, text: mine.txt, n_ctx: 32/' c.yaml \
    >text.yaml
expect 0 - - "$engram" run text.yaml --out t
echo 'stand and answer: who is there? unfold me' >short.txt
for i in 1 2 3; do cat short.txt; done >other.txt
expect 0 '^x.html$' - "$engram" lens t --text other.txt --sequences 16 \
    --out x.html
grep -q 'answer: who is' x.json || die 'no text in the neighbours'
{ cat other.txt && printf '\303\251!'; } | gzip -c >other.txt.gz
expect 0 - '2 characters that the tokenizer does not have are left out' \
    "$engram" lens t --text other.txt.gz --sequences 16 --out z.html
seen x.json >whole
seen z.json >other
same whole other
expect 0 '^x.html$' - "$engram" lens t --sequences 16 --out x.html

# Ctrl-C ends with what was seen of earlier checkpoints, of which there may be
# none yet; the file is whole or not there
: >err # what the command before said is no news of this one
env --default-signal=INT "$engram" lens r --sequences 80000 --over-time \
    --out stop.html >out 2>err &
pid=$!
for i in $(seq 400); do
    grep -q 'step [0-9]*/100' err && break
    sleep 0.02
done
kill -INT $pid
wait $pid
code=$?
n_checks=$((n_checks + 1))
[ $code = 130 ] || die "SIGINT: exit $code, expected 130"
grep -q 'stopped by SIGINT after [0-2] of 3 checkpoints' err ||
    die 'nothing says that it was stopped'
[ ! -e stop.html ] || grep -q '"engram_lens": 1' stop.json || die 'no data'

# what is refused, and what is not lost
expect 2 '' 'has 5 tokens; expected 33' "$engram" lens r --out n.html \
    --text <(printf hello)
: >empty.txt
printf '\303\251\303\251' >strange.txt
for run in r t; do
    expect 2 '' 'empty.txt: the corpus has no text' \
        "$engram" lens $run --out n.html --text empty.txt
    expect 2 '' 'strange.txt has nothing that the model has tokens for' \
        "$engram" lens $run --out n.html --text strange.txt
done
[ ! -e n.html ] || die 'a page of a text that there is not'
printf 'a\377b' >bad.txt
expect 1 '' 'bad.txt: byte 1: begins no character of UTF-8' "$engram" lens r --text bad.txt
expect 1 '' 'none.txt' "$engram" lens r --text none.txt
expect 2 '' 'ends with .html' "$engram" lens r --out page
cp "$w" w.safetensors
expect 2 '' 'expected a CONFIG' "$engram" lens w.safetensors
expect 2 '' '--over-time: expected a run' "$engram" lens "$w" c.yaml --over-time
expect 2 '' '--sequences: expected a whole number from 8' \
    "$engram" lens r --sequences 7
expect 2 '' "no run 'nothing'" "$engram" lens nothing
echo mine >k.html
expect 2 '' 'k.html' "$engram" lens r --sequences 16 --out k.html
[ "$(cat k.html)" = mine ] || die 'another file was replaced'
echo mine >j.json
expect 2 '' 'j.json' "$engram" lens r --sequences 16 --out j.html
[ "$(cat j.json)" = mine ] || die 'another file was replaced'
[ ! -e j.html ] || die 'a page without its data'
expect 1 '' 'none.json' "$engram" lens t --text other.txt --tokenizer none.json

# shards called as the run that reads them: the run is meant
mkdir named
echo shard >named/train_000000.bin
expect 0 - - "$engram" run c.yaml --set run.name=named
expect 0 '^named.html$' - "$engram" lens named --sequences 16 --out named.html
expect 0 - - "$engram" generate named --tokens 3
expect 0 - - "$engram" report named
rm -r runs/named
expect 2 '' 'named' "$engram" report named
finish
