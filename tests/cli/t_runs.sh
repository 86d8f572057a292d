# engram runs with conditions, orders and columns; tags and notes.
. "$(dirname "$0")/lib.sh"

for lr in 0.01 0.05 0.2; do
    for seed in 1 2; do
        tiny 6 | sed "s/lr: 0.01/lr: $lr/; s/name: tiny/name: tiny, seed: $seed/" >c.yaml
        "$engram" run c.yaml --threads 1 -q >out 2>err || die "run $lr $seed"
    done
done
cat >th.yaml <<'YAML'
run: {name: th, kind: theory, theory: lemma2}
theory: {draws: 3}
YAML
"$engram" run th.yaml -q >out 2>err || die 'a theory'

rows() { # N, arguments: so many runs
    local n=$1
    shift
    "$engram" runs --columns id "$@" >out 2>err || die "runs $*"
    n_checks=$((n_checks + 1))
    [ "$(($(wc -l <out) - 1))" = "$n" ] || die "expected $n runs: $*"
}
rows 7
rows 6 tiny
rows 4 --where 'optim.lr > 0.01'
rows 2 --where 'optim.lr > 0.01 and seed = 2 and status = finished'
rows 2 --where 'optim.lr = 5e-2'
rows 6 --where 'loss > 0'
rows 6 --where 'last.loss > 0'
rows 1 --where 'run.theory = lemma2'
rows 1 --where 'not optim.lr'
rows 0 --where 'status = running'
rows 3 --limit 3
rows 6 --where 'probe.every = 5 and model.d_model = 16'

# an order, and what stands first
expect 0 '' '' sh -c '"$0" runs tiny --sort optim.lr:desc,seed --columns optim.lr,seed >table' "$engram"
printf '%s\n' 'optim.lr  seed' '0.2       1' '0.2       2' '0.05      1' '0.05      2' \
    '0.01      1' '0.01      2' | sed 's/ *$//' >want
sed 's/ *$//' table | diff want - || die 'the order is another'
expect 0 '"optim.lr": 0.05' '' "$engram" runs --columns optim.lr,loss,tags --json
expect 0 '"loss": null' '' "$engram" runs th --columns optim.lr,loss --json
# the same numbers as show has
id=$(ls runs/tiny | head -n 1)
loss=$("$engram" show "$id" --json | grep -E '^ *"loss": ' | tr -dc 0-9.)
"$engram" runs --where "id = $id" --columns loss --json | tr -dc 0-9. >out
[ "$(cat out)" = "$loss" ] || die "runs says $(cat out), show $loss"

# slips, with their place
expect 2 '' "where: column 6: expected a value behind '>', found the end" \
    "$engram" runs --where 'lr > '
expect 2 '' "where: column 1: no run has 'optim.lt'; did you mean 'optim.lr'" \
    "$engram" runs --where 'optim.lt > 1'
expect 2 '' "where: column 14: no run has 'los'" "$engram" runs --where 'seed > 0 and los > 1'
expect 2 '' "sort: no run has 'stat'" "$engram" runs --sort stat
expect 2 '' "expected asc or desc behind 'seed:', found 'up'" "$engram" runs --sort seed:up
expect 2 '' "columns: no run has 'nam'; did you mean 'name'" "$engram" runs --columns id,nam
expect 2 '' "expected keys with commas" "$engram" runs --columns id,,nam

# tags and notes
expect 0 '' '' "$engram" tag "$id" +good +fig-3
expect 0 'fig-3' '' "$engram" tag "$id"
rows 1 --where 'tags = good'
rows 6 --where 'not tags'
cp "runs/tiny/$id/run.json" before
expect 0 '' '' "$engram" tag "$id" +good -fig-3 -never
same before "runs/tiny/$id/run.json"
[ "$("$engram" tag "$id")" = good ] || die 'tags'
expect 0 '' '' "$engram" note "$id" 'a plateau, then "down"'
expect 0 '' '' "$engram" note "$id" second words
expect 0 'a plateau, then "down"' '' "$engram" note "$id"
expect 0 'second words' '' "$engram" show "$id"
expect 0 'good' '' "$engram" show "$id" --json
rows 1 --where 'note ~ SECOND'
rows 1 --where 'n_notes = 2'
expect 2 '' "tag 'a b': it holds a blank" "$engram" tag "$id" '+a b'
expect 2 '' "expected .TAG or -TAG, found 'good'" "$engram" tag "$id" +x good
expect 2 '' 'no run' "$engram" tag nobody +x
# twenty at once, none lost
for i in $(seq 20); do "$engram" tag "$id" "+t$i" & done
wait
[ "$("$engram" tag "$id" | wc -l)" = 21 ] || die 'a tag was lost'
n_checks=$((n_checks + 1))
# a file of that name that is not ours, and one that was edited
other=$(ls runs/tiny | tail -n 1)
echo '{"mine": 1}' >"runs/tiny/$other/notes.json"
expect 1 '' 'notes.json: expected "format"' "$engram" tag "$other" +x
[ "$(cat "runs/tiny/$other/notes.json")" = '{"mine": 1}' ] || die 'it was written over'
rm "runs/tiny/$other/notes.json"
sed -i 's/second/third/' "runs/tiny/$id/notes.json"
expect 1 '' 'notes.json: damaged or edited' "$engram" note "$id" more
rows 7 # still a list

# a run at work, and one whose process died without a word
mkdir -p work && tiny 100000 >work/c.yaml
"$engram" run work/c.yaml --threads 1 -q >out 2>err &
until rows_=$("$engram" runs --where 'status = running' --columns id 2>err | tail -n +2); [ -n "$rows_" ]; do
    kill -0 $! 2>/dev/null || die 'it ended'
    sleep 0.1
done
expect 0 '' '' "$engram" tag "$rows_" +live
rows 1 --where 'status = running and tags = live'
kill -KILL $!
wait $! 2>/dev/null
rows 1 --where 'status = killed and tags = live'
finish
