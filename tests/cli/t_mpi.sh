#!/usr/bin/env bash
# Ranks of one training run: the same bytes for 1, 2 and 4 of them as without
# MPI, whatever stops them, and with another number of them afterwards.
. "$2/tests/cli/lib.sh"

command -v mpirun >/dev/null || { echo "no mpirun here"; exit 77; }
[ -e "${engram%/*}/engram-mpi.so" ] || { echo "built without MPI"; exit 77; }
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_mpi_yield_when_idle=1
start="mpirun --oversubscribe --bind-to none -n"
ranks() { $start "$@"; } # N command...
ranks 2 true 2>err || { echo "mpirun starts nothing here: $(cat err)"; exit 77; }

# all_same DIR DIR: metrics and every checkpoint
all_same() {
    same "$1/metrics.jsonl" "$2/metrics.jsonl"
    for f in "$1"/checkpoints/*; do same "$f" "$2/checkpoints/${f##*/}"; done
}

tiny 20 >sgd.yaml
sed 's/^optim:.*/optim: {kind: adamw, lr: 0.01, clip: norm, clip_at: 0.1}/
    s/^model:.*/model: {d_model: 16, n_heads: 2, qk: factorised, mlp: relu}/' \
    sgd.yaml >adamw.yaml
sed 's/^optim:.*/optim: {kind: adam, lr: 0.01, clip: value, clip_at: 0.01}/
    s/^model:.*/model: {d_model: 16, mixer: [linear, mesa], qk: factorised}/
    s/batch: 8/batch: 9, slots: 5/' sgd.yaml >mixers.yaml
sed 's/batch: 8/batch: 8, precision: float64, loss: all/' sgd.yaml >double.yaml
# alike NAME RANKS...: against a run without MPI
alike() {
    local c=$1
    expect 0 finished - "$engram" run $c.yaml --out $c-0 -q --threads 1
    for n in "${@:2}"; do
        expect 0 finished - ranks $n "$engram" run $c.yaml --out $c-$n -q \
            --threads $((n == 3 ? 2 : 1))
        [ "$(grep -c finished out)" = 1 ] || die "more than one rank talks"
        all_same $c-0 $c-$n
    done
}
alike sgd 1 2 4
alike adamw 4
alike mixers 3
alike double 2

# a profile is of rank 0, and says so
expect 0 finished - ranks 2 "$engram" run sgd.yaml --out profile -q --threads 1 --set train.profile=true
grep -q '"ranks": 2' profile/arrays/profile.json || die 'a profile that does not say of how many ranks'
same sgd-0/metrics.jsonl profile/metrics.jsonl
expect 0 - - "$engram" report profile --svg figures
grep -q 'where the time goes in one of 2 ranks' figures/*-profile.svg || die 'the figure does not say so'

# begin: many steps on 2 ranks, which have come to a checkpoint
tiny 200 | sed 's/every: 5,/every: 20,/; s/every: 10, keep: 2/every: 5, keep: 99/
    s/batch: 8/batch: 96/; s/n_ctx: 32/n_ctx: 64/' >long.yaml
begin() { # options...
    rm -rf run
    $start 2 "$engram" run long.yaml --out run --threads 1 -q "$@" \
        >out 2>err &
    job=$!
    await run/checkpoints/step-5.safetensors
}
# the ranks' own processes
members() { pgrep -P "$job"; }
# goes_on: resumed with 4 ranks and with none, it comes to the bytes of a run
# that nobody stopped
expect 0 finished - "$engram" run long.yaml --out plain -q --threads 1
goes_on() {
    rm -rf other
    cp -r run other
    [ ! -e run/checkpoints/step-200.safetensors ] || die "not stopped"
    expect 0 finished - ranks 4 "$engram" run run --resume -q --threads 1
    expect 0 finished - "$engram" run other --resume -q --threads 1
    all_same plain run
    all_same plain other
}

# mpirun gives them so long to save
export OMPI_MCA_odls_base_sigkill_timeout=5
begin
kill -TERM "$(members | tail -1)"
wait $job
code=$?
[ $code = 130 ] || die "SIGTERM to a rank: exit $code"
grep -q 'interrupted' out || die "not said"
grep -q '"status": "interrupted"' run/run.json || die "not recorded"
goes_on

begin --set train.steps=100000 # mpirun takes its time to pass it on
kill -TERM $job
wait $job && die "SIGTERM to mpirun is no failure"
grep -q '"status": "interrupted"' run/run.json || die "SIGTERM: not saved"

# a rank that dies ends them all; what was saved is gone on from
begin
kill -KILL "$(members | tail -1)"
wait $job
code=$?
[ $code != 0 ] || die "a lost rank is no failure"
grep -q 'exited on signal 9' err || die "mpirun says nothing"
[ -z "$(members)" ] || die "a rank is left"
goes_on

# what cannot be shared, and what goes wrong on one rank alone; mpirun waits as
# long as it does for everybody, twice
unset OMPI_MCA_odls_base_sigkill_timeout
expect 1 '' '2 ranks can share a training run alone' ranks 2 "$engram" run \
    "$source_dir/experiments/flow/sphere.yaml" --out f
expect 2 '' '4 ranks cannot share the 3 slots .*start 3 at most' ranks 4 \
    "$engram" run sgd.yaml --set train.slots=3 --out f
expect 2 '' '2 ranks cannot share the 1 slot .*start 1 at most' ranks 2 \
    "$engram" run sgd.yaml --set train.slots=1 --out f
expect 2 '' 'the one slot in which this model .*set train.slots=2 .each slot [0-9]+ MiB' \
    ranks 2 "$engram" run sgd.yaml --set model.d_model=1280 --out f
expect 2 '' "did you mean" ranks 2 "$engram" run sgd.yaml --set train.step=3
[ "$(grep -c 'did you mean' err)" = 1 ] || die "said by more than one"
expect 2 '' 'sgd-0' ranks 2 "$engram" run sgd.yaml --out sgd-0
[ ! -e f ] || die "left a folder behind"
expect 1 '' 'gone.yaml' mpirun --oversubscribe -n 1 "$engram" run sgd.yaml \
    --out f : -n 1 "$engram" run gone.yaml --out f
expect 2 '' 'rank 1: expected what rank 0 trains' mpirun --oversubscribe -n 1 \
    "$engram" run sgd.yaml --out g : -n 1 "$engram" run adamw.yaml --out g
expect 1 '' 'started as one of 2 ranks, which would all do the same' \
    ranks 2 env ENGRAM_MPI=/nonexistent "$engram" run sgd.yaml --out h
expect 0 'training on several ranks +Open MPI' - "$engram" doctor
expect 0 'training on several ranks .*: training on several ranks is not there' - \
    env ENGRAM_MPI=/nonexistent "$engram" doctor
finish
