# bench --out and --compare: a run end to end, and files that were made here.
. "$(dirname "$0")/lib.sh"

small='--rounds 5 --steps 1 --batch 2 --threads 1'
expect 0 'tokens/s' '3 figures in a.json' "$engram" bench birth $small \
    --set model.d_model=256 --set task.n_ctx=32 --out a.json
grep -q '"format": "engram bench 1"' a.json || die 'no format in a.json'
grep -q '"clock_source"' a.json || die 'no machine in a.json'
# so small a model may take no memory that the process has not: then 2, and 1 unknown
expect 0 '0 slower, 0 faster, [23] the same' '' "$engram" bench --compare a.json a.json
expect 0 'gemm' '[0-9]+ figures in k.json' "$engram" bench kernels \
    --only 'gemm_packed NN M 64 N 64 K 64' --out k.json
grep -q '"share_low"' k.json || die 'no quartiles of the share'
expect 0 'ms' 'figures in p.json' "$engram" bench --profile \
    "$source_dir/experiments/birth/basic.yaml" --set train.batch=2 --steps 2 \
    --threads 1 --out p.json
grep -q 'backward"' p.json || die 'no op in p.json'

# in turns: a line of seconds when warm, one behind every line that comes in
turns="birth --turns --rounds 2 --steps 1 --batch 2 --threads 1
    --set model.d_model=16 --set task.n_ctx=32"
printf '\n\n\n' >lines
expect 0 'tokens/s' '' "$engram" bench $turns <lines
[ "$(grep -Ec '^[0-9]+\.[0-9]{6}$' out)" = 3 ] || die 'not three lines'
printf '\n' >lines
expect 1 - 'expected 2 lines of standard input, found 1' \
    "$engram" bench $turns --json <lines
expect 2 '' 'turns does nothing with kernels' "$engram" bench kernels --turns

# the machine's own rates, and as a gauge of it in turns
expect 0 '^multiply-adds, float32 +[0-9.]+ ' '[23] figures in l.json' "$engram" \
    bench limits --rounds 1 --threads 2 --out l.json
printf '\n' >lines
expect 0 'multiply-adds, float64' '' "$engram" bench limits --turns --rounds 1 \
    --threads 1 <lines
[ "$(grep -Ec '^([0-9.]+ ){2}[0-9.]+$' out)" = 2 ] || die 'not two lines'
expect 1 - 'expected 2 lines of standard input, found 1' \
    "$engram" bench limits --turns --rounds 2 --threads 1 <lines

# many small runs at once: the model that takes least
expect 0 '^small +1 +[0-9]+ +100 %.*[0-9]' '[0-9]+ figures in s.json' "$engram" \
    bench scaling --only small --rounds 1 --threads 1,2 --out s.json
grep -Eq '^small +128 +- +- +- +[0-9]+ ' out || die '128 threads are not simulated'
grep -q 'small, 16 threads, simulated' s.json || die 'nor written'
expect 2 '' 'rising, such as 1,2,4, found .2,1.' "$engram" bench scaling \
    --threads 2,1
expect 2 '' 'rising, such as 1,2,4, found .1,.' "$engram" bench scaling \
    --only small --threads 1,
expect 2 '' 'expected birth, full, gpt2 or small, found .x.' "$engram" bench \
    scaling --only x --threads 1

# what got slower, among figures whose noise does not hang on this machine
python=$(command -v python3) || { echo 'no python3 here'; exit 77; }
"$python" - <<'P'
import json
f = json.load(open("a.json"))
for r in f["figures"]:
    r["median"] = r["median"] or 4096
    r["low"], r["high"] = .99 * r["median"], 1.01 * r["median"]
json.dump(f, open("quiet.json", "w"), indent=1)
for name, factor in (("slow", .5), ("fast", 2)):
    f = json.load(open("quiet.json"))
    r = f["figures"][0]
    for key in ("median", "low", "high", "best"):
        r[key] *= factor
    json.dump(f, open(name + ".json", "w"))
f["commit"] = "\x1b[2J\nfake"
f["machine"]["cpu"] = "another\x1b[31m"
del f["figures"][1:]
f["figures"][0].update(limit=2, share=.25, share_low=.25, share_high=.25)
json.dump(f, open("other.json", "w"))
P
expect 1 '1 slower, 0 faster, 2 the same' '' "$engram" bench --compare quiet.json slow.json
grep -Eq 'training step +tokens/s .* 0\.500 .*slower' out || die 'not the step'
expect 0 '0 slower, 1 faster, 2 the same' '' "$engram" bench --compare quiet.json fast.json
expect 1 '"slower": 1' '' "$engram" bench --compare quiet.json slow.json --json
"$engram" bench --compare quiet.json other.json >out 2>err
grep -Fq '\x1b[2J\nfake' out || die 'no commit'
grep -q "$(printf '\033')" out && die 'what the file says reaches the terminal'
grep -q 'other machines: shares' out || die 'other machines are not said'
grep -Eq 'memory taken .*gone' out || die 'what only one file has is not said'

echo '{}' >no.json
expect 1 '' "no.json: no file of .engram bench --out.: .*found none" \
    "$engram" bench --compare no.json a.json
expect 1 '' 'none.json' "$engram" bench --compare a.json none.json
expect 2 '' 'of one benchmark, found birth and kernels' \
    "$engram" bench --compare a.json k.json
expect 2 '' '--out does nothing with --compare' \
    "$engram" bench --compare a.json a.json --out c.json
expect 2 '' '--rounds does nothing with --compare' \
    "$engram" bench --compare a.json a.json --rounds 3
expect 2 '' 'expected --profile or --compare, found both' \
    "$engram" bench --compare a.json a.json --profile c.yaml
expect 2 '' '--compare A is followed by B' "$engram" bench --compare a.json
expect 2 '' 'no.json is there and was not written by engram' \
    "$engram" bench birth $small --out no.json
same no.json <(echo '{}')
echo "$n_checks checks"
