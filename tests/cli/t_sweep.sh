# Sweeps as objects: plan, queue, several workers, killed ones, what is known.
. "$(dirname "$0")/lib.sh"

# states NAME: "status run tries" of each point
states() {
    "$engram" sweep "$@" --json -q >points.json 2>err || true
    grep -Eo '"(tries|status|run)": "?[^",}]*' points.json | sed 's/.*: "*//' |
        paste - - -
}

tiny 4 >c.yaml

# ---- before it runs ---------------------------------------------------------
expect 0 '^points +12, all of which can run' 'estimate' "$engram" sweep c.yaml \
    --grid optim.lr=0.001:0.1:3log --grid model.d_model=16,24 --seeds 0-1 --dry-run
grep -Eq '^optim.lr +3: 0.001, 0.01, 0.1$' out || die 'the axis'
grep -Eq '^memory +up to [0-9]+ MiB' out || die 'memory'
grep -Eq '^time +about' out || die 'time'
expect 0 '"seconds_estimated": [0-9.]+' - "$engram" sweep c.yaml --seeds 1-3 \
    --dry-run --json
expect 0 '^time +not known' '' "$engram" sweep \
    "$source_dir/experiments/flow/sphere.yaml" --grid flow.beta=1,2 --dry-run
expect 2 '' '4 of 6 points cannot run; nothing was run' "$engram" sweep c.yaml \
    --grid model.n_heads=2,3,5 --seeds 1-2
grep -q '^engram: model.n_heads=5 seed=2: model.n_heads: 5 does not divide' err ||
    die 'which point'
expect 2 '' '^engram: kernel set "magic" is unknown' "$engram" sweep \
    "$source_dir/experiments/flow/sphere.yaml" --grid flow.beta=1,2 --kern magic
expect 2 '' 'optim.lr: expected positive ends' "$engram" sweep c.yaml \
    --grid optim.lr=0:1:3log
for dry in --dry-run ''; do
    expect 2 '' 'expected seeds or an axis run.seed, found both' "$engram" \
        sweep c.yaml --grid run.seed=1,2 --seeds 3-4 $dry
done
expect 2 '' 'run.name: .*is the folder of the sweeps' "$engram" sweep c.yaml \
    --set run.name=sweeps
expect 2 '' "sweep: '--resume'|sweep --resume: expected a sweep below runs/sweeps" \
    "$engram" sweep c.yaml --resume
expect 2 '' 'sweep --retry: expected the name of a sweep' \
    "$engram" sweep c.yaml --retry
expect 2 '' '--journal: expected auto, wal or rollback' \
    "$engram" sweep c.yaml --journal fast
[ ! -e runs ] || [ -z "$(ls runs/tiny 2>/dev/null)" ] ||
    die 'something was run for nothing'
rm -rf runs

# ---- in YAML ------------------------------------------------------------------
mkdir conf
tiny 4 >conf/base.yaml
printf 'base: base.yaml\ntrain: {batch: 4}\nsweep: {name: y, grid: {optim.lr: [0.1, 0.2]}, seeds: 0-1}\n' \
    >conf/s.yaml
expect 0 'optim.lr=0.2 seed=1 +finished' 'sweep y: 4 points' \
    "$engram" sweep conf/s.yaml
expect 0 'optim.lr=0.3 seed=7 +finished' 'sweep y2: 1 points' "$engram" sweep \
    conf/s.yaml --grid optim.lr=0.3 --seeds 7 --name y2
grep -q '^  batch: 4' runs/sweeps/y2/base.yaml || die 'not over the base'
expect 2 '' 'this file is a sweep: `engram sweep` runs it' \
    "$engram" run conf/s.yaml
expect 2 '' 'there is a sweep y already' "$engram" sweep conf/s.yaml
expect 2 '' 'y is there and goes on as it is: expected no --grid' \
    "$engram" sweep y --grid optim.lr=1
rm -rf runs

# ---- what has been run is known ---------------------------------------------------
expect 0 'run ' - "$engram" run c.yaml --seed 3
expect 0 'seed=3 +finished' \
    'sweep tiny: 4 points, 1 of them finished \(1 in runs from before\)' \
    "$engram" sweep c.yaml --seeds 2-5
[ "$(ls runs/tiny | wc -l)" = 4 ] || die 'the run from outside was run again'
expect 0 - 'sweep tiny-2: 4 points, 4 of them finished' \
    "$engram" sweep c.yaml --seeds 2-5
expect 0 - 'sweep tiny-3: 4 points, 0 of them finished;' \
    "$engram" sweep c.yaml --seeds 2-5 --anew
[ "$(ls runs/tiny | wc -l)" = 8 ] || die '--anew'
# two points of one configuration are one run
expect 0 'finished' 'sweep tiny-4: 2 points' \
    "$engram" sweep c.yaml --grid optim.lr=0.07,0.070 --seeds 1
[ "$(ls runs/tiny | wc -l)" = 9 ] || die 'the same was run twice'
# a finished run that is damaged is none
id=$(sed -n 's/^ *"id": "\(.*\)",/\1/p' runs/tiny/*/run.json | head -n 1)
flip "runs/tiny/$id/metrics.jsonl" 20
expect 0 - 'sweep tiny-5: 1 points, [01] of them finished' \
    "$engram" sweep c.yaml --seeds 3
rm -rf runs

# ---- failures are kept, and tried again ----------------------------------------------
tiny 6000 >long.yaml
"$engram" sweep long.yaml --set checkpoint.every=50 --seeds 1-2 --jobs 2 \
    --threads 1 --name f >out 2>err &
pid=$!
for i in $(seq 400); do
    [ "$(ls -d runs/tiny/*/checkpoints/step-*.safetensors 2>/dev/null |
        cut -d / -f 3 | sort -u | wc -l)" = 2 ] && break
    sleep 0.05
done
child=$(grep -l "^PPid:[[:space:]]*$pid\$" /proc/[0-9]*/status 2>/dev/null |
    sed 's|/proc/||; s|/status||' | head -n 1)
kill -KILL "$child"
wait $pid
[ $? = 1 ] || die 'a point that failed'
grep -q '1 of 2 points failed; once more: --retry' err || die 'no word of --retry'
expect 1 ' failed ' - "$engram" sweep f
expect 0 'seed=1 +finished' - "$engram" sweep f --retry
[ "$(grep -c ' finished ' out)" = 2 ] || die 'not both'
[ "$(ls runs/tiny | wc -l)" = 2 ] || die 'another run was made'
grep -q '"resumed": 1' runs/tiny/*/run.json || die 'not from its checkpoint'
rm -rf runs

# ---- four workers on one queue ---------------------------------------------------------
tiny 1 >one.yaml
for journal in wal rollback; do
    "$engram" sweep one.yaml --set probe.snapshots=0 --seeds 0-24 --jobs 1 \
        --grid optim.lr=0.1:0.2:4 --name four --journal $journal -q >out 2>err &
    await runs/sweeps/four/sweep.json
    for k in 1 2 3; do
        "$engram" sweep four --journal $journal --jobs 1 -q >out$k 2>err$k &
    done
    wait
    n_checks=$((n_checks + 3))
    [ -z "$(cat err err1 err2 err3)" ] || die "errors: $(cat err err1 err2 err3)"
    [ "$(ls runs/tiny | wc -l)" = 100 ] || die "$(ls runs/tiny | wc -l) runs"
    [ "$(states four | sort -u | grep -c '^finished.runs/tiny/.*.1$')" = 100 ] ||
        die "$(states four)"
    rm -rf runs
done

# ---- killed again and again -------------------------------------------------------------
tiny 60 >k.yaml
expect 0 - - "$engram" sweep k.yaml --grid optim.lr=0.01,0.02 --seeds 0-5 \
    --name ref --runs whole
start="k.yaml --grid optim.lr=0.01,0.02 --seeds 0-5 --name ref --jobs 3"
for i in 1 2 3 4 5; do
    setsid "$engram" sweep $start >out 2>err &
    sleep "0.$((RANDOM % 5))$((RANDOM % 10))"
    if [ $((i % 2)) = 1 ]; then # all of them, or the parent alone
        kill -KILL -- -$! 2>/dev/null
    else
        kill -KILL $! 2>/dev/null
    fi
    wait $! 2>/dev/null
    [ -e runs/sweeps/ref/sweep.json ] && start="ref --jobs 3"
    [ -e runs/sweeps/ref/sweep.json ] || rm -rf runs
done
"$engram" sweep $start >out 2>err ||
    die "not all are finished: $("$engram" sweep ref --json -q | grep reason)"
n_checks=$((n_checks + 1))
[ "$(grep -c ' finished ' out)" = 12 ] || die 'not all are finished'
grep -Ei 'lock|busy|malformed' err && die 'a lock error was shown'
point_dirs() {
    "$engram" sweep ref --runs "$1" --json -q | sed -n 's/.*"run": "\(.*\)".*/\1/p'
}
[ "$(point_dirs runs | sort -u | wc -l)" = 12 ] || die 'two points share a run'
paste <(point_dirs whole) <(point_dirs runs) >pairs
while read -r a b; do same "$a/metrics.jsonl" "$b/metrics.jsonl"; done <pairs
[ "$(wc -l <pairs)" = 12 ] || die "$(cat pairs)"
[ "$(grep -l '"status": "finished"' runs/tiny/*/run.json | wc -l)" = 12 ] ||
    die 'another set of results'
rm -rf runs whole

# ---- on a cluster -------------------------------------------------------------------------
mkdir bin "it's here"
cat >bin/sbatch <<'SH'
#!/bin/sh
cp "$1" submitted.sh && pwd && echo "Submitted batch job 7"
SH
chmod +x bin/sbatch
cd "it's here" || exit 1
expect 0 '^runs/sweeps/a b/slurm.sh$' 'hand it to Slurm' "$engram" sweep \
    ../c.yaml --seeds 1-9 --name 'a b' --slurm 4 --jobs 1 --threads 2 \
    --sbatch --time=4:00:00 --sbatch '--partition=long'
[ "$(ls runs)" = sweeps ] || die 'something was run'
for line in '--job-name=engram-a-b' '--array=0-3' '--cpus-per-task=2' \
    '--signal=B:TERM@60' '--time=4:00:00' '--partition=long'; do
    grep -qx -- "#SBATCH $line" 'runs/sweeps/a b/slurm.sh' || die "no $line"
done
# the script itself, as a task would run it, from somewhere else
(cd / && sh "$work/it's here/runs/sweeps/a b/slurm.sh") >../log 2>&1 || die "$(cat ../log)"
expect 0 'seed=9 +finished' '9 of them finished' "$engram" sweep 'a b'
expect 0 'Submitted batch job 7' - env PATH="$work/bin:$PATH" "$engram" sweep \
    ../c.yaml --seeds 20-21 --name sub --slurm 4 --submit
grep -q 'array=0-1$' runs/sweeps/sub/submitted.sh || die 'more tasks than points'
expect 1 - 'there is no program sbatch' env PATH=/nowhere "$engram" sweep sub \
    --slurm 2 --submit
expect 2 '' 'expected an option of sbatch' "$engram" sweep ../c.yaml --slurm 2 \
    --sbatch 'time=1'
expect 2 '' '--submit and --sbatch go with --slurm' "$engram" sweep sub --submit
cd ..

# ---- by rank ----------------------------------------------------------------------------------
# as a launcher would start them: the first makes the sweep, the others find it
rank() {
    env OMPI_COMM_WORLD_SIZE=3 OMPI_COMM_WORLD_RANK="$1" \
        OMPI_COMM_WORLD_LOCAL_SIZE=3 OMPI_MCA_orte_hnp_uri=77 "$engram" sweep \
        one.yaml --set probe.snapshots=0 --seeds 0-29 --runs ranks
}
rank 1 >out1 2>err1 &
rank 2 >out2 2>err2 &
sleep 0.3
expect 0 'seed=29 +finished' 'sweep tiny: 30 points' rank 0
wait
n_checks=$((n_checks + 3))
[ -z "$(cat out1 out2 err1 err2)" ] || die "$(cat out1 out2 err1 err2)"
[ "$(ls ranks/sweeps)" = tiny ] || die 'more than one sweep'
[ "$(ls ranks/tiny | wc -l)" = 30 ] || die "$(ls ranks/tiny | wc -l) runs"
if command -v mpirun >/dev/null && mpirun --version | grep -q 'Open MPI'; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    expect 0 'seed=29 +finished' 'sweep tiny: 30 points' mpirun --oversubscribe \
        -n 4 "$engram" sweep one.yaml --set probe.snapshots=0 --seeds 0-29 \
        --runs mpi
    [ "$(grep -c ' finished ' out)" = 30 ] || die 'the table, once'
    [ "$(ls mpi/sweeps)" = tiny ] || die 'more than one sweep'
    [ "$(ls mpi/tiny | wc -l)" = 30 ] || die "$(ls mpi/tiny | wc -l) runs"
else
    echo 'no mpirun of Open MPI: not tried'
fi

finish
