# Two processes never write one run directory.
. "$(dirname "$0")/lib.sh"

tiny 100000 >c.yaml
"$engram" run c.yaml --out one --quiet >/dev/null 2>&1 &
pid=$!
for i in $(seq 1 100); do [ -s one/metrics.jsonl ] && break; sleep 0.05; done
expect 1 '' "$pid" "$engram" run c.yaml --out one --resume
expect 1 '' "$pid" "$engram" run c.yaml --out one
expect 0 '"status": "running"' '' "$engram" show one --json
expect 0 '^tiny +one +running' '' "$engram" runs tiny --runs .
kill -KILL $pid
wait $pid 2>/dev/null
expect 0 '"status": "killed"' '' "$engram" show one --json
expect 0 '^tiny +one +killed' '' "$engram" runs tiny --runs .
expect 2 '' 'already holds a run' "$engram" run c.yaml --out one
finish
