# engram gc: a list at first; then what engram made, and nothing else.
. "$(dirname "$0")/lib.sh"

run() { # NAME steps, more
    tiny "$2" | sed "s/name: tiny/name: $1/; s/keep: 2/keep: 9/" >c.yaml
    "$engram" run c.yaml --threads 1 -q "${@:3}" >out 2>err
}
run done 40 || die 'a run'
run kept 40 || die 'a run'
run bad 40 || die 'a run'
run nan 40 --set optim.lr=1e9 && die 'it did not diverge'
"$engram" runs --where 'status = diverged' --columns name | grep -q nan || die 'not diverged'
"$engram" tag kept +keep || die tag
done=$(echo runs/done/*) kept=$(echo runs/kept/*) bad=$(echo runs/bad/*) nan=$(echo runs/nan/*)
echo '{' >"$bad/run.json"
touch "$done/run.json.tmp-1-2" "$done/arrays/x.npy.tmp-7-1" "$done/notes.txt.tmp-1-2"
touch -d '2 hours ago' "$done/run.json.tmp-1-2" "$done/notes.txt.tmp-1-2"
echo mine >"$bad/mine.txt"
echo precious >victim
ln -s "$work/victim" "$done/checkpoints/step-1.safetensors"
ln -s "$work/victim" "$nan/log.npy"

photo runs | grep -v catalogue >before
expect 0 "checkpoints .*$done/checkpoints/step-10" 'can be freed: --yes' "$engram" gc
cp out list
photo runs | grep -v catalogue | diff before - || die 'a list changed something'
grep -q "temporary .*$done/run.json.tmp-1-2" list || die 'no temporary file'
grep -q "$bad" list && die 'a damaged run is listed'
grep -q "diverged .*$nan" list || die 'no diverged run'
grep -Eq "kept|step-40|x.npy.tmp|notes.txt|step-1\.safe" list && die "too much: $(cat list)"
expect 0 '"removed": false' '' "$engram" gc --json -q
[ "$("$engram" gc checkpoints --keep 2 -q | tail -n +2 | wc -l)" = 2 ] || die '--keep'
[ "$("$engram" gc checkpoints --where 'name = kept' -q | wc -l)" = 0 ] || die 'keep'
expect 2 '' "found 'runs'" "$engram" gc runs
expect 2 '' "where: column 1: no run has 'nam'" "$engram" gc --where 'nam = x'
expect 2 '' 'keep: expected a whole number from 1' "$engram" gc --keep 0

# a run at work
run work 40 || die 'a run'
work_run=$(echo runs/work/*)
sed -i 's/"status": "finished"/"status": "diverged"/' "$work_run/run.json"
(flock 9; sleep 60) 9<>"$work_run/lock" &
holder=$!
until ! flock -n "$work_run/lock" true; do sleep 0.05; done
expect 0 . 'MiB freed' "$engram" gc diverged --yes
kill $holder
[ -d "$work_run" ] || die 'a run at work was removed'
[ ! -e "$nan/config.yaml" ] && [ ! -d "$nan/checkpoints" ] || die 'the diverged run stays'
[ -L "$nan/log.npy" ] || die 'a link was removed'
[ "$(cat "$bad/mine.txt")" = mine ] || die "a file of the user's was removed"
[ -e "$bad/config.yaml" ] && [ -e "$bad/checkpoints/step-40.safetensors" ] || die "left: $(ls "$bad")"
expect 2 '' 'found .damaged' "$engram" gc damaged
[ -e "$kept/checkpoints/step-10.safetensors" ] || die 'a run that is kept lost something'

# nobody can begin to work on a run that is emptied: its lock is made first
run open 40 --set optim.lr=1e9 && die 'it did not diverge'
open=$(echo runs/open/*)
rm "$open/lock" "$done/lock"
ln -s nowhere/lock "$open/lock"
"$engram" gc -q >list
grep -q "$done/checkpoints/step-10" list || die 'a run without a lock is not listed'
grep -q "$open" list && die 'a run with a lock that nobody can take is listed'
[ ! -e "$done/lock" ] || die 'a list made a lock'

expect 0 . 'MiB freed' "$engram" gc --yes
[ -e "$open/config.yaml" ] && [ -e "$open/run.json" ] || die 'a run whose lock cannot be made lost something'
[ -f "$done/lock" ] || die 'a run was emptied without its lock'
rm -r runs/open
n_checks=$((n_checks + 5))
[ "$(ls "$done/checkpoints")" = "step-1.safetensors
step-40.safetensors" ] || die "left: $(ls "$done/checkpoints")"
[ ! -e "$done/run.json.tmp-1-2" ] || die 'the temporary file stays'
[ -e "$done/notes.txt.tmp-1-2" ] && [ -e "$done/arrays/x.npy.tmp-7-1" ] || die 'too much'
[ "$(cat victim)" = precious ] || die 'through a link'
rm "$done/checkpoints/step-1.safetensors" "$done/arrays/x.npy.tmp-7-1" "$done/notes.txt.tmp-1-2"
expect 0 - 'nothing damaged' "$engram" verify "$done"
n_checks=$((n_checks + 12))

# what must stay: another run's start, notes, what cannot be read, other programs' folders
run from 40 || die 'a run'
from=$(echo runs/from/*)
run next 20 --set init.from="$from/checkpoints/step-10.safetensors" || die 'a run that begins with weights'
run sweepish 40 --set optim.lr=1e9 && die 'it did not diverge'
said=$(echo runs/sweepish/*)
"$engram" note sweepish 'my own words' || die note
run edited 40 --set optim.lr=1e9 && die 'it did not diverge'
edited=$(echo runs/edited/*)
"$engram" tag edited +keep && echo >>"$edited/notes.json"
mkdir -p runs/tool/exp runs/tool/other
echo 'user: yes' | tee runs/tool/exp/config.yaml >runs/tool/other/config.yaml
echo '{"status": "diverged"}' >runs/tool/exp/run.json
touch runs/tool/exp/log runs/tool/other/lock
run odd 40 || die 'a run'
odd=$(echo runs/odd/*)
mkdir "$odd/checkpoints/step-999.safetensors"
ln -s nowhere "$odd/checkpoints/step-888.safetensors"
touch "$odd/checkpoints/step-99999999999999999999.safetensors" "$odd/checkpoints/step-777.safetensors"
touch -d '2 hours ago' runs/catalogue.sqlite.tmp-mine
photo runs/tool >before
"$engram" gc --yes >out 2>err || die "gc: $(cat err)"
photo runs/tool | diff before - || die "another program's folder"
[ -e "$from/checkpoints/step-10.safetensors" ] || die 'weights that another run begins with'
[ ! -e "$from/checkpoints/step-20.safetensors" ] || die 'a checkpoint stays'
[ -e "$said/config.yaml" ] && [ -e "$edited/config.yaml" ] || die 'a run that its user spoke of'
[ -e "$odd/checkpoints/step-40.safetensors" ] || die 'a name took the place of a checkpoint'
[ -e runs/catalogue.sqlite.tmp-mine ] || die "the user's"
n_checks=$((n_checks + 7))
rm -r runs/tool "$odd"

# a sweep: all its runs, and none of them lost
tiny 4 >c.yaml
"$engram" sweep c.yaml --name lr --grid optim.lr=0.01,0.02 --seeds 1-2 --threads 1 -q >out 2>err ||
    die 'a sweep'
expect 0 - 'sweep lr: 4 of 4 points have ended, 0 are open' "$engram" verify lr
expect 0 - 'in 4 runs, nothing damaged' "$engram" verify lr
gone=$("$engram" runs --where 'sweep = lr and point = 2' --columns dir | tail -n 1)
rm -r "runs/${gone#runs/}"
expect 1 - 'the runs of 1 points are lost' "$engram" verify lr
finish
