# engram task: sequences as text. Files of question formation, whose lines are
# those that training reads; other kinds; what is asked for wrongly.
. "$(dirname "$0")/lib.sh"

q="task.lines=500"
expect 0 train.txt '' "$engram" task question-formation --set $q --out train.txt
[ "$(wc -l <train.txt)" = 500 ] || die 'lines of the training file'
[ "$(sort -u train.txt | wc -l)" = 500 ] || die 'a line twice'
# decl: the same again; quest: the main auxiliary to the front, ? for the stop
awk -F'\t' '$1 ~ / decl$/ { if ($1 != $2 " decl") exit 1; d++ }
    $1 ~ / quest$/ {
        split($2, w, " ")
        s = substr($2, length(w[1]) + 2); sub(/ \?$/, "", s)
        t = $1; sub(/ \. quest$/, "", t)
        i = index(t, " " w[1] " ")
        ok = 0
        while (i) { # one of the auxiliaries that look like it has gone
            if (substr(t, 1, i) substr(t, i + length(w[1]) + 2) == s) ok = 1
            n = index(substr(t, i + 1), " " w[1] " ")
            i = n ? i + n : 0
        }
        if (!ok) { print; exit 1 }
        q++
    }
    END { if (d < 200 || q < 150) exit 1 }' train.txt || die 'a line that is none'
expect 0 - '' "$engram" task question_formation --set $q --lines 20
head -20 train.txt >head.txt
same out head.txt
expect 0 - '' "$engram" task question-formation --set $q --lines 3 --ids
[ "$(wc -l <out)" = 3 ] && grep -Eqv '^70 [0-9 ]+ 69$' out && die 'numbers of tokens'
expect 0 '	[a-z.'"'"' ]* \?$' '' "$engram" task question-formation --set $q --split gen --lines 5
expect 0 - '' "$engram" task question-formation --set $q --split fresh --lines 0
expect 0 '^rate  *0\.991833' '' "$engram" task question-formation --set $q --facts
expect 0 '^rate  *1\.198213' '' "$engram" task question-formation --set $q --set task.determiners=36 --facts
expect 0 '"first": *\{' '' "$engram" task question-formation --set $q --facts --json
expect 0 noise_floor '' "$engram" task linear --facts
expect 0 - '' "$engram" task markov --lines 2 --split test
[ "$(wc -l <out)" = 2 ] || die 'chains'

printf 'run: {seed: 3}\ntask: {kind: markov, n_ctx: 12}\n' >chains.yaml
expect 0 '^[0-2]( [0-2]){12}$' '' "$engram" task chains.yaml --lines 4
expect 2 '' 'train.txt: is there already' \
    "$engram" task question-formation --set $q --out train.txt
expect 2 '' "no kind of task and no configuration; did you mean 'markov'" "$engram" task markow
expect 2 '' "no split 'nowhere'; expected one of train, " \
    "$engram" task question-formation --split nowhere
expect 2 '' "no split 'tst'; did you mean 'test'" \
    "$engram" task question-formation --set $q --split tst
expect 2 '' 'expected at most 1000, all that val has, found 2000; --set task.val_lines=2000' \
    "$engram" task question-formation --set $q --split val --lines 2000
expect 2 '' 'expected a task of tokens, found linear' "$engram" task linear
expect 2 '' 'task.n_ctx: expected at least 36' \
    "$engram" task question-formation --set $q --set task.n_ctx=30
expect 1 '' 'no/such' "$engram" task question-formation --set $q --out no/such/file

# It trains, and the lines it is probed with have the floor beside the loss.
cat >run.yaml <<'YAML'
run: {name: questions, seed: 1}
task: {kind: question_formation, n_ctx: 36, lines: 300}
model: {d_model: 16, qk: factorised, pos: sinusoidal}
train: {steps: 8, batch: 8}
probe: {every: 4, batch: 8, test: 8, train: 8, snapshots: 2}
checkpoint: {every: 4}
YAML
expect 0 finished - "$engram" run run.yaml --out run --quiet
expect 0 '^floor_train\.first ' '' "$engram" show run
expect 0 '^memorised ' '' "$engram" show run
expect 0 html '' "$engram" report run --out run.html -q
expect 0 finished - "$engram" run run/config.yaml --out again --quiet --threads 1
same run/checkpoints/step-8.safetensors again/checkpoints/step-8.safetensors
expect 0 '^loss\.second .*' - "$engram" probe run/checkpoints/step-8.safetensors run.yaml
finish
