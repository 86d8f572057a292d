# Little address space, few processes: everything ends soon, with its work done
# or with a sentence and status 1.
. "$(dirname "$0")/lib.sh"

# An emulator and the address sanitizer reserve address space of their own.
head -c 4 "$engram" | grep -q ELF && ! grep -q __asan_init "$engram" || {
    echo "not a program whose address space can be limited"
    exit 77
}
ulimit -c 0

# limited KIND LIMIT command...: in a shell with that limit and no files but the
# three; a program that spins is killed and seen by its status.
limited() {
    timeout -s KILL 60 bash -c "for f in {3..19}; do eval \"exec \$f>&-\"; done
        ulimit $1 $2 || exit 77; shift 2; exec \"\$@\"" \
        limited "$@"
}

# either KIND LIMIT command...: done, or status 1 and a sentence.
either() {
    local got
    limited "$@" >out 2>err
    got=$?
    n_checks=$((n_checks + 1))
    echo "ulimit $1 $2: ${*:4} -> $got"
    case $got in
    0) ;;
    1) cat out err | grep -Eq "engram: .|^BAD" || die "status 1 without a word" ;;
    *) die "exit code $got: $*" ;;
    esac
}

tiny 6 >tiny.yaml
cat >rank.yaml <<'YAML'
run: {name: rank, kind: theory, theory: low_rank, seed: 1}
theory: {steps: 20}
YAML
experiments=$source_dir/experiments

expect 0 '^engram [0-9]' '' limited -v 100000 "$engram" version
for kb in 20000 40000 100000 200000 300000 400000 1000000; do
    expect 0 '^engram [0-9]' '' limited -v $kb "$engram" version
    either -v $kb "$engram" list flow
    either -v $kb "$engram" doctor --experiments "$experiments"
    either -v $kb "$engram" run tiny.yaml --out "tiny$kb"
    either -v $kb "$engram" run rank.yaml --out "rank$kb"
    either -v $kb "$engram" list claims --experiments "$experiments"
done
expect 1 '' 'LAPACK: .*address space' \
    limited -v 100000 "$engram" run rank.yaml -q --out small

# What a run takes is what was announced, within 15 %, be it small.
foreseen() { # configuration option...
    expect 0 - 'peak memory' "$engram" run "$@" --out "foreseen$n_checks"
    grep 'peak memory' err | tr -d , | awk '{ share = $6 / $3 }
        END { exit !(share > 0.85 && share < 1.15) }' ||
        die "not what was announced: $*"
}
if ! grep -q __tsan_init "$engram"; then
    foreseen tiny.yaml --threads 1
    foreseen tiny.yaml --threads 4
    foreseen tiny.yaml --set model.d_model=64 --set task.n_ctx=64
    # with what LAPACK keeps for itself
    sed 's/^task.*/task: {kind: linear, dim: 8, n_ctx: 32}/
        s/^probe.*/probe: {every: 5, positions: [16], linear: [next]}/' \
        tiny.yaml >probed.yaml
    foreseen probed.yaml --threads 1
    # with what a search for nearest neighbours takes while it goes on
    foreseen tiny.yaml --threads 2 --set probe.radius=3000 \
        --set model.d_model=128 --set train.steps=1
fi

# Whatever it is that cannot be loaded is named, and what package has it.
mkdir broken
: >broken/liblapacke.so.3
expect 1 '' 'need LAPACK: .*liblapacke\.so\.3.*package liblapacke' \
    env LD_LIBRARY_PATH=broken "$engram" run rank.yaml -q --out absent
expect 1 'BAD.*liblapacke' - env LD_LIBRARY_PATH=broken \
    "$engram" doctor --experiments "$experiments"
expect 0 - '' env LD_LIBRARY_PATH=broken "$engram" run tiny.yaml -q --out plain

# Eigenvalues bring no threads along.
if command -v strace >/dev/null && strace -o trace true 2>/dev/null; then
    expect 0 - - strace -f -o trace -e trace=clone,clone3 \
        "$engram" run rank.yaml -q --threads 1 --out traced
    ! grep -q CLONE_THREAD trace || die "a thread was made: $(cat trace)"
fi

# A limit of file sizes is an error of writing, for every command: with a
# sentence, and nothing half written stays.
"$engram" run tiny.yaml -q --out r >out 2>err
head -c 4000 "$source_dir/README.md" >text
for kb in 0 1; do
    for words in 'probe r --out' 'report r --out' 'dump tiny.yaml -q --out' \
        'stats text --out'; do
        timeout -s KILL 60 bash -c 'ulimit -f "$1"; shift; exec "$@"' limited \
            $kb "$engram" $words f$kb 2>&1 >/dev/null | cat >said
        code=${PIPESTATUS[0]}
        echo "ulimit -f $kb: $words -> $code"
        n_checks=$((n_checks + 1))
        [ "$code" = 1 ] || die "exit code $code: $words"
        grep -Eq '^engram: .*File too large' said || die "no reason: $(cat said)"
        [ -z "$(find . -name '*.tmp-*')" ] || die 'a half written file stayed'
        rm -rf f$kb
    done
done

# What cannot be looked into is not said to be absent.
expect 1 '' 'Too many open files' limited -n 4 "$engram" probe r
expect 1 - 'Too many open files' limited -n 4 "$engram" verify r
expect 1 '' 'checkpoints: Too many open files' limited -n 5 "$engram" probe r

# Processes of a user: those of root are not counted.
unprivileged=()
if [ "$(id -u)" -eq 0 ]; then
    unprivileged=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    "${unprivileged[@]}" test -x "$engram" -a -r "$source_dir" || {
        echo "note: the tool cannot be run by another user here"
        finish
        exit
    }
fi
mkdir open
chmod 777 . open
alone() { # limit command...: not under the limit itself is what sets it
    timeout -s KILL 60 "${unprivileged[@]}" \
        bash -c 'ulimit -u "$1" && shift && exec "$@"' alone "$@"
}
expect 0 '^engram [0-9]' '' alone 1 "$engram" version
expect 0 - - alone 1 "$engram" run tiny.yaml --out open/few
grep -q ', 1 threads' err || die "not on one thread"
expect 1 '' 'cannot start thread 1 of 4' \
    alone 1 "$engram" run tiny.yaml --threads 4 --out open/many
expect 1 - 'fork: ' alone 1 "$engram" sweep tiny.yaml --seeds 0-1 \
    --runs open/runs
expect 0 - '' alone 1 "$engram" run rank.yaml -q --out open/rank
finish
