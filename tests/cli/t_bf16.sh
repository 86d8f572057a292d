# train.precision: bfloat16. The record says what computed and what rounding does
# to the metrics; the bytes are those of any number of threads, and of a run that
# was killed and went on.
. "$(dirname "$0")/lib.sh"

tiny 30 | sed 's/batch: 8}/batch: 8, precision: bfloat16}/' >c.yaml
expect 0 finished 'bfloat16' "$engram" run c.yaml --out r
grep -q '"precision": "bfloat16"' r/run.json || die 'the precision'
grep -Eq '"kernels": "[a-z0-9]+-bf16"' r/run.json || die 'the kernels'
grep -q 'precision: bfloat16' r/config.yaml || die 'the configuration'
n_checks=$((n_checks + 3))

# every loss and accuracy has its deviation, in every row, and some is not 0
python=$(command -v python3) || { finish; exit 0; }
cat >look.py <<'PY'
import json, sys
rows = [json.loads(l) for l in open(sys.argv[1])]
some = 0
for row in rows:
    for name, x in row.items():
        if name.split("_")[0] not in ("loss", "acc", "attn") or name == "loss":
            continue
        d = row["deviation." + name]
        if name.startswith("loss"):
            assert abs(d) <= 0.02 * x, (name, x, d)
            some += d != 0
assert len(rows) == 7 and some > 6, (len(rows), some)
PY
expect 0 '' '' "$python" look.py r/metrics.jsonl
expect 0 'deviation\.loss_global ' - "$engram" show r
expect 0 '"deviation.loss_global_test": ' - "$engram" show r --json
"$engram" list probes | grep -q 'deviation.<metric>' || die 'not listed'

# without them the run is the same but for those numbers
expect 0 finished - "$engram" run c.yaml --out bare --set probe.deviation=false
! grep -q deviation bare/metrics.jsonl || die 'deviations'
same r/checkpoints/step-30.safetensors bare/checkpoints/step-30.safetensors
# float32 is another run, without any
expect 0 finished - "$engram" run c.yaml --out f --set train.precision=float32
! grep -q deviation f/metrics.jsonl || die 'deviations of float32'
! cmp -s r/checkpoints/step-30.safetensors f/checkpoints/step-30.safetensors ||
    die 'nothing was rounded'

# threads, and the reference set by either of its names
expect 0 finished - "$engram" run c.yaml --out one --threads 1
same r/metrics.jsonl one/metrics.jsonl
same r/checkpoints/step-30.safetensors one/checkpoints/step-30.safetensors
expect 0 finished 'ref-bf16' "$engram" run c.yaml --out ref --kern ref
expect 0 finished 'ref-bf16' "$engram" run c.yaml --out full --kern ref-bf16
same ref/metrics.jsonl full/metrics.jsonl

# killed and resumed
slower 60 | sed 's/batch: 256}/batch: 256, precision: bfloat16}/' >s.yaml
expect 0 finished - "$engram" run s.yaml --out whole
kill_once '[ -e parts/checkpoints/step-20.safetensors ]' \
    "$engram" run s.yaml --out parts
expect 0 finished - "$engram" run parts --resume
same whole/metrics.jsonl parts/metrics.jsonl
for f in whole/checkpoints/*; do same "$f" "parts/checkpoints/${f##*/}"; done

# a set of bfloat16 products is none of float32
expect 2 '' 'ref-bf16.*train.precision: bfloat16' \
    "$engram" run f --out g --set train.precision=float32 --kern ref-bf16
expect 2 '' 'float32, float64, bfloat16|bfloat16' \
    "$engram" run c.yaml --out g --set train.precision=half
finish
