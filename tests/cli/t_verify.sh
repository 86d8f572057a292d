# What is damaged is noticed: by verify, show and report in a finished run, by
# --resume in one that was killed, which says from where all is whole.
. "$(dirname "$0")/lib.sh"
export E="$engram"

whole() { expect 0 '' 'nothing damaged' sh -c '"$E" verify "$@" >table' - "$@"; }
damaged() { # PATTERN RUN: the one line of the table that is not whole
    "$engram" verify "$2" >table 2>err
    [ $? = 1 ] || die "verify $2: not 1"
    n_checks=$((n_checks + 1))
    grep -Eq "^damaged .*$1" table || { cat table; die "verify lacks /$1/"; }
    grep -Eq 'damaged$' err || die 'no word on stderr'
}

tiny 20 >c.yaml
"$engram" run c.yaml --out t --quiet >out 2>err || die 'a run'
cat >f.yaml <<'YAML'
run: {name: f, kind: flow, seed: 7}
flow: {n: 12, d: 3, beta: 4, bins: 20, times: ["0:8:0.2"]}
YAML
"$engram" run f.yaml --out f --quiet >out 2>err || die 'a flow'
"$engram" run c.yaml --set run.kind=theory --out x >out 2>err # misuse
cat >th.yaml <<'YAML'
run: {name: th, kind: theory, theory: lemma2}
theory: {draws: 3}
YAML
"$engram" run th.yaml --out th --quiet >out 2>err || die 'a theory'
whole t f th
cp -r t before
"$engram" verify t >out 2>err
diff -r t before || die 'verify changed a run'
expect 0 '"damaged": 0' '' "$engram" verify t --json --quiet
# the same list, by a program that is not ours
if command -v xxhsum >/dev/null; then
    (cd t/arrays && xxhsum -c sums) >out 2>err || die 'xxhsum does not agree'
    n_checks=$((n_checks + 1))
fi

# one bit of anything
for file in run.json config.yaml metrics.jsonl timing.jsonl arrays/sums \
    arrays/pattern_L0.0.npy arrays/memory_W_O2.20.npy arrays/log_bigram.npy \
    checkpoints/step-10.safetensors checkpoints/step-20.safetensors; do
    for at in 100 -3; do
        rm -rf d && cp -r t d
        flip d/$file $at
        damaged "d/$file +[a-z]|d/$file +1" d
    done
    rm -rf d && cp -r t d && rm d/$file
    case $file in
    *step-10*) whole d ;; # an older one may go
    *) damaged "d/$file" d ;;
    esac
done
for file in arrays/x.npy arrays/t.npy arrays/hist.npy arrays/merges.npy; do
    rm -rf d && cp -r f d
    flip d/$file -1
    damaged "d/$file +expected|d/$file" d
done
# a last row that is gone, a row that is doubled
rm -rf d && cp -r t d && sed -i '$d' d/metrics.jsonl && damaged metrics.jsonl d
rm -rf d && cp -r t d && tail -n 1 t/metrics.jsonl >>d/metrics.jsonl &&
    damaged metrics.jsonl d

# show and report say so too, and show what there is
rm -rf d && cp -r t d && sed -i '2s/"loss": [0-9.]*/"loss": 9/' d/metrics.jsonl
expect 0 '^loss' 'metrics.jsonl: .*expected' "$engram" show d
expect 0 '"loss"' 'metrics.jsonl: .*expected' "$engram" show d --json
expect 0 'p.html' 'metrics.jsonl: .*expected' "$engram" report d --out p.html
grep -q 'metrics.jsonl: .*damaged or edited' p.html || die 'not in the page'
expect 0 - 'metrics.jsonl: .*expected' "$engram" report d --svg s
rm -rf d && cp -r t d && flip d/arrays/pattern_L0.0.npy -1
expect 0 'p.html' 'pattern_L0.0.npy: .*expected' \
    "$engram" report d --out p.html
rm -rf d && cp -r t d && rm d/arrays/pattern_L0.0.npy
expect 0 'p.html' 'arrays/pattern_L0.0.npy is lost' \
    "$engram" report d --out p.html
rm -rf d && cp -r f d && flip d/arrays/x.npy -1
expect 0 'p.html' 'x.npy: .*expected' "$engram" report d --out p.html
rm -rf d && cp -r t d && echo '# mine' >>d/config.yaml
expect 0 - 'config.yaml: .*expected' "$engram" show d
rm -rf d && cp -r t d && sed -i 's/"seed": 1/"seed": 2/' d/run.json
expect 0 - 'run.json: .*checksum' "$engram" show d
expect 1 '' 'is finished, but run.json' "$engram" run d --resume
for run in t f; do
    expect 0 - '' "$engram" show $run
    expect 0 - '' "$engram" report $run --out p.html
done

# of an engram before checksums: read as ever, and said to be unchecked
rm -rf d && cp -r t d && rm d/arrays/sums
python_free_strip() { # files and checksum out of run.json
    sed -i '/^  "files": {/,/^  },\{0,1\}$/d; /"checksum"/d' d/run.json
    sed -i '$!N; s/,\n}/\n}/; P; D' d/run.json
}
python_free_strip
expect 0 'unchecked .*d/metrics.jsonl' 'nothing damaged' "$engram" verify d
expect 0 - '' "$engram" show d
finish
