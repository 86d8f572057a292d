# engram sql: one SELECT over the runs, and nothing else; engram compare.
. "$(dirname "$0")/lib.sh"

for seed in 1 2 2; do
    tiny 6 | sed "s/name: tiny/name: tiny, seed: $seed/" >c.yaml
    "$engram" run c.yaml --threads 1 -q >out 2>err || die "run $seed"
done
mapfile -t id < <("$engram" runs --sort start,id --columns id | tail -n +2)
sum() { find runs -type f -exec cksum {} + | grep -v catalogue | sort; }
sum >before

expect 0 '^config ' '' "$engram" sql --schema
expect 0 '^finished +3' '' "$engram" sql 'SELECT status, count(*) FROM runs GROUP BY 1'
expect 0 '"n": 3' '' "$engram" sql 'SELECT count(*) AS n FROM runs' --json
expect 0 '^0.01,6$' '' "$engram" sql --csv \
    "SELECT DISTINCT config ->> '\$.optim.lr', config ->> '\$.train.steps' FROM runs"
expect 0 '^2 +2' '' "$engram" sql \
    "SELECT value, count(*) FROM config WHERE key = 'run.seed' GROUP BY value HAVING count(*) > 1"
expect 0 '"same": 1' '' "$engram" sql --json "SELECT count(*) = 1 AS same FROM (SELECT DISTINCT
    a.value = b.last ->> '\$.loss' FROM last a JOIN runs b USING (dir) WHERE metric = 'loss')"
printf 'a,b\n"x,""y""",\n' >want
"$engram" sql --csv "SELECT 'x,\"y\"' AS a, NULL AS b" >got || die csv
same want got
expect 0 '' 'no rows' "$engram" sql 'SELECT * FROM runs WHERE 0'
expect 0 '^id,b$' '' "$engram" sql --csv 'SELECT id, 1 AS b FROM runs WHERE 0'
expect 0 '^dir' '' "$engram" sql 'SELECT * FROM runs'

# what is no SELECT, or more than one, or wrong
for bad in 'DELETE FROM runs' 'DROP TABLE runs' "ATTACH 'x.db' AS x" 'PRAGMA user_version' \
    'CREATE TABLE t (a)' "VACUUM INTO 'x.db'" "UPDATE runs SET name = 'x'" 'BEGIN' \
    'SELECT 1; DROP TABLE runs' 'INSERT INTO runs (name) VALUES (1)' \
    "SELECT load_extension('x')" 'PRAGMA writable_schema=1'; do
    expect 2 '' 'sql: ' "$engram" sql "$bad"
done
expect 2 '' "column 8: no such column: nme" "$engram" sql 'SELECT nme FROM runs'
expect 2 '' 'syntax error' "$engram" sql 'SELECT FROM'
expect 2 '' 'expected SELECT, found none' "$engram" sql ' -- nothing'
expect 2 '' 'expected a SELECT, or --schema' "$engram" sql
expect 1 '' 'given up: it takes too long' "$engram" sql --seconds 0.2 \
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n'
[ ! -e x.db ] || die 'a file was made'
sum | diff before - || die 'a run was changed'
# a catalogue that somebody filled with a view of his own is not asked
rm runs/catalogue.sqlite
echo junk >runs/catalogue.sqlite
expect 0 '^3$' '' "$engram" sql --csv 'SELECT count(*) FROM runs'

# compare
expect 0 'run.seed +1 +2' '' "$engram" compare "${id[0]}" "${id[1]}"
expect 0 'loss .*at [0-9]' '' "$engram" compare "${id[0]}" "${id[1]}"
expect 0 'equal metrics: [0-9]+, at every step' '' "$engram" compare "${id[1]}" "${id[2]}"
expect 0 'the same configuration' '' "$engram" compare "${id[1]}" "${id[2]}"
expect 0 '"equal_metrics": true' '' "$engram" compare "${id[1]}" "${id[2]}" --json
expect 0 '"equal_metrics": false' '' "$engram" compare "${id[@]}" --json
# one value changed is found, at its step
cp -r "runs/tiny/${id[2]}" other
sed -Ei '2s/"loss": [0-9.e+-]+/"loss": 77/' other/metrics.jsonl
step=$(sed -n 2p other/metrics.jsonl | grep -oE '"step": [0-9]+' | tr -dc 0-9)
expect 0 "^loss .* at $step" '' "$engram" compare "runs/tiny/${id[2]}" other
expect 2 '' 'no run' "$engram" compare "${id[0]}" nobody
expect 2 '' 'expected RUN RUN' "$engram" compare "${id[0]}"
finish
