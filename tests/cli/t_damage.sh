# --resume goes on from what was written, or does nothing and says what is
# wrong and from where all is whole; --from goes back there, and the run ends
# with the same bytes as one that was left alone.
. "$(dirname "$0")/lib.sh"

# refuse STDERR-PATTERN: run d is not gone on with, and not touched.
refuse() {
    rm -rf before && cp -r d before
    expect 1 '' "$1" "$engram" run d --resume --quiet
    diff -r before d || die "a refusal changed the run: $1"
    from=$(grep -o -- '--from [0-9]*' err | head -n 1)
}

# The command that the refusal gives, carried out.
obey() {
    [ -n "$from" ] || die 'no --from'
    expect 0 finished - "$engram" run d --resume $from
}

# ---- training
tiny 1000 >c.yaml
"$engram" run c.yaml --out whole --quiet >out 2>err || die 'the whole run'
kill_once '[ "$(ls k/checkpoints 2>/dev/null | grep -c safetensors$)" = 2 ] &&
    [ "$(ls k/arrays | grep -c W_O2)" -ge 1 ]' \
    "$engram" run c.yaml --out k --quiet
rm -f k/*.tmp-* k/*/*.tmp-* # of what it was writing just then
steps=$(ls k/checkpoints | sed -n 's/step-\([0-9]*\).safetensors$/\1/p' | sort -n)
new=$(echo "$steps" | tail -n 1) old=$(echo "$steps" | tail -n 2 | head -n 1)
# killed between saving and pruning, a run leaves three
for s in $(echo "$steps" | head -n -2); do rm "k/checkpoints/step-$s.safetensors"; done
newest=d/checkpoints/step-$new.safetensors
echo "killed behind step $new, $old before it"
ends_alike() {
    for f in metrics.jsonl config.yaml arrays/sums \
        checkpoints/step-1000.safetensors; do same whole/$f d/$f; done
    for f in whole/arrays/*.npy; do same "$f" "d/arrays/${f##*/}"; done
    expect 0 - 'nothing damaged' "$engram" verify d
}
again() { rm -rf d && cp -r k d; }

again
expect 0 - 'nothing damaged' "$engram" verify d
expect 0 finished "going on from step $new" "$engram" run d --resume
ends_alike

again && flip $newest -100
refuse "step-$new.safetensors: damaged: .*; the checkpoint of step $old is whole: --resume --from $old goes"
expect 1 "damaged .*step-$new.safetensors" - "$engram" verify d
expect 2 '' 'no checkpoint of step 7; the newest is of' \
    "$engram" run d --resume --from 7
obey
[ -e $newest.aside ] || die 'the damaged checkpoint is gone'
ends_alike
again && head -c 500 k/${newest#d/} >$newest
refuse "step-$new.safetensors: .*--from $old "
again && flip $newest -100 && flip d/checkpoints/step-$old.safetensors -100
refuse "step-$new.*; --resume --from 0 begins anew"
obey
ends_alike
again && cp d/checkpoints/step-$old.safetensors $newest
refuse "step-$new.safetensors: expected step $new, found $old; .*--from $old "

# rows of metrics and of timing that the newest checkpoint counts on
again && sed -i '2s/"loss": [0-9]/"loss": 9/' d/metrics.jsonl
refuse 'metrics.jsonl: line 2 is not what was written; --resume --from 0 begins'
obey
ends_alike
row=$((new / 5)) # the last one, of a measurement every 5 steps
again && sed -i "${row}s/}/]/" d/metrics.jsonl
refuse "metrics.jsonl: line $row is not what was written; .*--from $old "
obey
ends_alike
again && sed -i "${row}d" d/metrics.jsonl # by another row, if there was one
refuse "metrics.jsonl: (line $row is not what was written|1 of its $row rows are lost)"
again && sed -i '1s/step/stup/' d/timing.jsonl
refuse 'timing.jsonl: line 1 is not what was written'
again && sed -i '2,$d' d/metrics.jsonl
refuse 'metrics.jsonl: [0-9]+ of its [0-9]+ rows are lost, from line 2 on'
for file in metrics.jsonl timing.jsonl; do
    again && : >d/$file
    refuse "$file: [0-9]+ of its [0-9]+ rows are lost, from line 1 on"
    again && rm d/$file
    refuse "$file is lost, with [0-9]+ rows; --resume --from 0 begins anew"
    again && rm d/$file d/$file.sums
    refuse "$file is lost, with [0-9]+ rows; --resume --from 0 begins anew"
done
obey
ends_alike
again && rm d/metrics.jsonl.sums
refuse 'metrics.jsonl.sums is lost or damaged: nothing says'
expect 0 finished - "$engram" run d --resume --from $new # as they are
ends_alike
again && echo rubbish >d/timing.jsonl.sums
refuse 'timing.jsonl.sums is lost or damaged: nothing says'

# the configuration
again && sed -i 's/lr: 0.01/lr: 0.02/' d/config.yaml
refuse 'config.yaml was changed after the run began: put it back'
expect 1 '' 'changed after the run began, optim.lr is 0.02 there and 0.01 here' \
    "$engram" run c.yaml --out d --resume
expect 0 - 'config.yaml: damaged or edited' "$engram" show d
rm d/run.json
refuse 'config.yaml was changed after the run began'
again && echo '# a remark' >>d/config.yaml
refuse 'config.yaml was changed after the run began'

# of an engram before checksums: gone on with, row by row as far as they read as
# rows, to the same bytes (its checkpoints say no version)
old() {
    again
    rm -f d/*.sums d/arrays/*sums
    sed -i '/^  "files": {/,/^  },\{0,1\}$/d; /"checksum"/d' d/run.json
    sed -i '$!N; s/,\n}/\n}/; P; D' d/run.json
    for f in d/checkpoints/*; do
        LC_ALL=C sed -i 's/"version":"2"/"curious":"2"/; s/engram.xxh128/somebodys.sum/' "$f"
    done
}
old
expect 0 'unchecked .*d/metrics.jsonl' 'nothing damaged' "$engram" verify d
expect 0 finished "going on from step $new" "$engram" run d --resume
ends_alike
old && sed -i '2s/}/]/' d/metrics.jsonl
refuse 'metrics.jsonl: line 2 is no row of numbers; --resume --from 0 begins'
old && rm d/timing.jsonl
refuse 'timing.jsonl is lost'
again && rm -f d/*.sums d/arrays/*sums # but run.json knows better
refuse 'metrics.jsonl.sums is lost or damaged'

# what is not needed to go on is said
again && rm d/run.json
expect 0 finished 'note: d/run.json is lost' "$engram" run d --resume
ends_alike
again && sed -i 's/"threads": [0-9]*/"threads": 99/' d/run.json
expect 0 finished 'note: d/run.json: damaged or edited' "$engram" run d --resume
ends_alike
again && flip d/arrays/memory_W_O2.0.npy -1
expect 0 finished 'note: d/arrays/memory_W_O2.0.npy: damaged' \
    "$engram" run d --resume
grep -q 'note: .*memory_W_O2.0.npy: damaged' d/log || die 'not in the log'
expect 1 'damaged .*d/arrays/memory_W_O2.0.npy' - "$engram" verify d

# checkpoints that were interrupted at, and are gone
again
env --default-signal=INT "$engram" run d --resume >out 2>err &
until grep -q resumed d/run.json && [ "$(ls d/checkpoints | sort -V | tail -n 1)" \
    != "step-$new.safetensors" ]; do sleep 0.02; done
kill -INT $!
wait $!
rm -rf k && cp -r d k
new=$(ls k/checkpoints | grep -o '[0-9]*' | sort -n | tail -n 1)
again && rm d/checkpoints/step-$new.safetensors
expect 0 finished "note: d: the checkpoint of step $new is lost; going on from" \
    "$engram" run d --resume
ends_alike
again && rm d/checkpoints/*
refuse "the checkpoint of step $new is lost, and there is no other; --resume --from 0"
obey
ends_alike

# ---- a flow
cat >f.yaml <<'YAML'
run: {name: f, kind: flow, seed: 7}
flow: {n: 256, d: 8, beta: 4, bins: 20, times: ["0:9:0.25"], delta: 1.0, method: rk4, h: 0.005}
YAML
rm -rf whole k
"$engram" run f.yaml --out whole --quiet >out 2>err || die 'the whole flow'
kill_once '[ "$(cat k/arrays/t.npy.sums 2>/dev/null | wc -l)" -gt 20 ]' \
    "$engram" run f.yaml --out k --quiet
flow_alike() {
    for f in metrics.jsonl arrays/sums arrays/x.npy arrays/t.npy \
        arrays/hist.npy arrays/merges.npy; do same whole/$f d/$f; done
    expect 0 - 'nothing damaged' "$engram" verify d
    [ "$(ls d/arrays)" = "$(ls whole/arrays)" ] || die 'files are left over'
}
again
expect 0 - 'nothing damaged' "$engram" verify d
expect 0 finished 'going on from time' "$engram" run d --resume
flow_alike
bytes=$((256 * 8 * 8))
for file in x t hist; do
    again
    case $file in
    x) flip d/arrays/x.npy.part $((256 + 12 * bytes + 5)) ;;
    t) flip d/arrays/t.npy.part $((256 + 12 * 8 + 5)) ;;
    hist) flip d/arrays/hist.npy.part $((256 + 12 * 160 + 5)) ;;
    esac
    refuse "arrays/$file.npy.part: row 12 is not what was written; all is whole up to time 12: --resume --from 12 goes"
    expect 1 "damaged .*$file.npy.part +row 12" - "$engram" verify d
done
expect 2 '' 'expected to go on from time 0 to 12, which are whole, found 13' \
    "$engram" run d --resume --from 13
obey
flow_alike
again && truncate -s $((256 + 5 * bytes)) d/arrays/x.npy.part
refuse 'arrays/x.npy.part: [0-9]+ of its [0-9]+ rows are lost, from row 5 on; .*--from 5 '
again && rm d/arrays/x.npy.part d/arrays/x.npy.sums
refuse 'arrays/x.npy is lost; --resume --from 0 begins anew'
again && rm d/arrays/merges.npy.part d/arrays/merges.npy.sums
refuse 'arrays/merges.npy is lost; --resume --from 0 begins anew'
obey
flow_alike
again && rm d/arrays/x.npy.sums
refuse 'arrays/x.npy.sums is lost or damaged: nothing says'
again && rm d/metrics.jsonl
refuse 'metrics.jsonl is lost, with [0-9]+ rows; --resume --from 0 begins anew'
again && rm d/metrics.jsonl*
refuse 'metrics.jsonl is lost, with [0-9]+ rows; --resume --from 0 begins anew'
again && : >d/metrics.jsonl
refuse 'metrics.jsonl: [0-9]+ of its [0-9]+ rows are lost'
obey
flow_alike
again && sed -i '4s/"energy": [0-9]/"energy": 7/' d/metrics.jsonl
refuse 'metrics.jsonl: line 4 is not what was written; all is whole up to time 3: .*--from 3 '
obey
flow_alike

finish
