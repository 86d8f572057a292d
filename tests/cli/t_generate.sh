# A model goes on: the same text of the same seed on any number of threads, as
# characters or numbers; ends where it is told; misuse is named.
. "$(dirname "$0")/lib.sh"

tiny 20 >tiny.yaml
expect 0 - - "$engram" run tiny.yaml -q --out tiny
w=tiny/checkpoints/step-20.safetensors

expect 0 - '80 tokens in .* tokens/s' "$engram" generate tiny --tokens 80 --threads 1
cp out one
expect 0 - - "$engram" generate $w tiny.yaml --tokens 80 --threads 3
same one out
expect 0 - '' "$engram" generate tiny --tokens 80 --seed 2 -q
cmp -s one out && die 'the seed makes no difference'
expect 0 '^To be, or' - "$engram" generate tiny --prompt 'To be, or' --top-k 5 --tokens 70
expect 0 - - "$engram" generate tiny --prompt 'a' --temperature 0 --tokens 40
cp out greedy
expect 0 - - "$engram" generate tiny --prompt 'a' --top-k 1 --tokens 40 --seed 9
same greedy out

# JSON says the same
expect 0 '"ids"' '' "$engram" generate tiny --tokens 80 --json -q
python3 - 2>/dev/null <<'PY' && die 'JSON differs'
import json, sys
o = json.load(open("out"))
sys.exit(open("one").read() == o["text"] + "\n" and len(o["ids"]) == 80)
PY

# it ends behind a text
letter=$(tail -c +2 greedy | head -c 1)
expect 0 - '1 tokens in' "$engram" generate tiny --prompt 'a' --temperature 0 --stop "$letter"
expect 2 '' 'both' "$engram" generate tiny --prompt a --ids 1
expect 2 '' 'prompt is empty' "$engram" generate tiny --prompt ''
expect 2 '' "none of the model's" "$engram" generate tiny --prompt 'a→b'
expect 2 '' 'numbers from 0 to' "$engram" generate tiny --ids '1 99999'
expect 2 '' 'numbers from 0 to' "$engram" generate tiny --ids '1 two'
expect 2 '' '^engram: --top-p: expected a number' "$engram" generate tiny --top-p 2
expect 2 '' '^engram: --stop: expected numbers' "$engram" generate tiny --ids 1 --stop x
expect 2 '' 'tokens' "$engram" generate tiny --tokens 0
expect 1 '' 'expected \[' "$engram" generate $w tiny.yaml --set model.d_model=8

# statistics of one's own may be gone, or others: the run keeps the characters
printf 'who is there? nay, answer me: stand, and unfold yourself.' >play
expect 0 - - "$engram" stats play --out play.stats
expect 0 - - "$engram" run tiny.yaml -q --out own --set task.stats=play.stats
expect 0 '^who is' '' "$engram" generate own --prompt 'who is' -q --tokens 30
cp out said
printf 'xyz zxy' >play
expect 0 - - "$engram" stats play --out play.stats
expect 0 - 'play.stats has changed.*tokenizer is read' \
    "$engram" generate own --prompt 'who is' --tokens 30
same said out
rm play.stats
expect 0 - 'nor a file.*tokenizer is read' \
    "$engram" generate own --prompt 'who is' --tokens 30
same said out
expect 2 '' 'play.stats' "$engram" probe own

# tokens that are no characters are numbers; vectors cannot be said
sed 's/^task.*/task: {kind: markov, n_ctx: 24, n_states: 4}/' tiny.yaml >chains.yaml
expect 0 - - "$engram" run chains.yaml -q --out chains
expect 0 '^1 2( [0-3]){50}$' - "$engram" generate chains --ids '[1, 2]' --tokens 50
expect 2 '' 'neither characters' "$engram" generate chains --prompt 'a'
sed 's/^task.*/task: {kind: linear, n_ctx: 24, dim: 3}/' tiny.yaml >systems.yaml
expect 0 - - "$engram" run systems.yaml -q --out systems
expect 2 '' 'vectors' "$engram" generate systems

expect 2 '' 'goes with --vocabulary' "$engram" bench energy --text tiny.yaml
expect 2 '' 'rounds: expected .* from 1 to 12' "$engram" bench energy --rounds 13
# in turns a line is a round, here of the text alone, whose bytes are the check
expect 0 - - "$engram" tokenize tiny.yaml --out letters --chars -q
printf '\n\n' >lines
expect 0 '"verified": true' '' "$engram" bench energy --turns --rounds 2 --json \
    --text tiny.yaml --vocabulary letters/tokenizer.engram.json <lines
[ "$(grep -Ec '^[0-9]+\.[0-9]{6}$' out)" = 3 ] || die 'not three lines'
grep -q '"what": "token"' out && die 'a token in the turn of a text'
expect 1 - 'expected 3 lines of standard input, found 0' "$engram" bench energy --turns \
    --text tiny.yaml --vocabulary letters/tokenizer.engram.json </dev/null
expect 2 '' 'it goes with energy' "$engram" bench flow --text tiny.yaml
echo "$n_checks checks"
finish
