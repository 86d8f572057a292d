# A user's own flow: a good run, its files, stopping and going on, threads, and
# every input that is bad or strange.
. "$(dirname "$0")/lib.sh"

# shape FILE SHAPE: what the header of a .npy says, and that the data fill it.
shape() {
    n_checks=$((n_checks + 1))
    head -c 256 "$1" | tr '\0' ' ' | grep -aqF "'shape': ($2)" ||
        die "$1: $(head -c 256 "$1" | strings), expected ($2)"
    [ "$(stat -c %s "$1")" = "$3" ] || die "$1: expected $3 bytes"
}

# the examples run; what they leave has the documented form
flow=$source_dir/experiments/flow
expect 0 'components +1' '64 tokens in d = 3, 151 times' \
    "$engram" run "$flow/sphere.yaml" --out sphere
shape sphere/arrays/x.npy '151, 64, 3' $((256 + 151 * 64 * 3 * 8))
shape sphere/arrays/t.npy '151,' $((256 + 151 * 8))
shape sphere/arrays/hist.npy '151, 100' $((256 + 151 * 100 * 8))
[ "$(wc -l <sphere/metrics.jsonl)" = 151 ] || die 'not a row a time'
[ -z "$(ls sphere/arrays | grep part)" ] || die 'unfinished arrays'
expect 0 'field evaluations' '' "$engram" show sphere
grep -q ' [1-9][0-9]* tokens/s' out || die 'no speed of a flow'
expect 0 '"kind": "flow"' '' "$engram" show sphere --json
expect 0 '"solver_steps"' - "$engram" run "$flow/circle.yaml" --json
expect 0 'flow-circle .*301/301 .* [1-9][0-9]* *$' '' "$engram" runs # its speed
expect 0 'hull' - "$engram" run "$flow/polytope.yaml"
expect 0 'method: bdf' '' "$engram" list flow
expect 0 'flow: tokens as particles' '' "$engram" help config
"$engram" completion bash | grep -q 'flow.x0=' || die 'completion lacks flow'

# the resolved configuration runs again to the same bytes, with any threads
for t in 1 3; do
    "$engram" run sphere/config.yaml --out again$t --threads $t --quiet \
        >out 2>err || die 'the resolved configuration'
    for f in config.yaml metrics.jsonl arrays/x.npy arrays/merges.npy; do
        same sphere/$f again$t/$f
    done
done

# --kern is heard, and what goes on with another set says so
expect 2 '' 'kernel set "none" is unknown' "$engram" run "$flow/circle.yaml" \
    --kern none --out none
[ ! -e none ] || die 'a directory for a set that is none'
"$engram" run "$flow/sphere.yaml" --kern generic --out plain --quiet \
    >out 2>err || die 'a flow with generic kernels'
grep -q '"kernels": "generic"' plain/run.json || die 'kernels of a flow'
expect 0 finished 'kernels ref from here on; they were generic' "$engram" run \
    plain --extend flow.times=0:15.2:0.1 --kern ref
rm -r plain/arrays
expect 1 '' 'engram: plain/arrays/x.npy is lost; --resume --from 0' "$engram" \
    run plain --extend flow.times=0:15.4:0.1
expect 0 finished - "$engram" run plain --resume --from 0

# Ctrl-C saves and exits 130; --resume ends the same
printf 'run: {name: long, kind: flow}\nflow: {n: 1500, d: 5, beta: 2, times: ["0:4:0.02"], method: rk4, h: 0.01}\n' >long.yaml
env --default-signal=INT "$engram" run long.yaml --out part >out 2>err &
pid=$!
for i in $(seq 1 200); do
    [ -s part/metrics.jsonl ] && [ "$(wc -l <part/metrics.jsonl)" -ge 16 ] && break
    sleep 0.05
done
kill -INT $pid
wait $pid
code=$?
n_checks=$((n_checks + 1))
[ $code = 130 ] || die "exit $code, expected 130"
n=$(wc -l <part/metrics.jsonl)
shape part/arrays/x.npy "$n, 1500, 5" $((256 + n * 1500 * 5 * 8))
grep -q '"status": "interrupted"' part/run.json || die 'run.json'
# killed while it goes on, it leaves nothing that looks finished
"$engram" run part --resume --quiet >out 2>err &
pid=$!
for i in $(seq 1 200); do
    [ "$(wc -l <part/metrics.jsonl)" -ge $((n + 8)) ] && break
    sleep 0.05
done
kill -KILL $pid
wait $pid 2>/dev/null
[ ! -e part/arrays/x.npy ] || die 'a killed run left x.npy'
sed 's/0:4:/0:0.8:/' long.yaml >short.yaml # the first of the times, whole
"$engram" run short.yaml --out short --quiet >out 2>err || die short

# tokens of one's own: from the folder of the configuration, or from here
mkdir mine
printf '1,0\n0,1\n0.6,0.8\n' >mine/x.csv
printf '3,4\n0,2\n' >x.csv
printf 'run: {kind: flow}\nflow: {x0: x.csv, times: [0, 1]}\n' >mine/c.yaml
expect 0 finished '3 tokens in d = 2' "$engram" run mine/c.yaml --out own
ls own/arrays | grep -q '^x-[0-9a-f]*\.csv$' || die 'the input is not kept'
expect 2 '' 'token 0.*normalise' \
    "$engram" run mine/c.yaml --set flow.x0=x.csv --out refused
[ ! -e refused ] || die 'a refused run left a folder'
expect 0 finished '2 of 2 tokens normalised' "$engram" run mine/c.yaml \
    --set flow.x0=x.csv --set flow.units=normalise --out made
mv own moved
expect 0 finished - "$engram" run moved/config.yaml --out moved2
same moved/arrays/x.npy moved2/arrays/x.npy

# tokens of a model, at a hook point
tiny 3 >tiny.yaml
expect 0 dump '' "$engram" dump tiny.yaml --step 2 --out dump
expect 0 finished '32 tokens in d = 16' "$engram" run mine/c.yaml \
    --set 'flow.x0=dump/blocks.0.hook_resid_post.npy[3]' \
    --set flow.units=normalise --out model
expect 1 '' 'no entry 8, the axis has 8' "$engram" run mine/c.yaml \
    --set 'flow.x0=dump/blocks.0.hook_resid_post.npy[8]'

# bad files
refuse() { # PATTERN CONTENT
    printf "$2" >mine/x.csv
    "$engram" run mine/c.yaml --out bad >out 2>err
    code=$?
    n_checks=$((n_checks + 1))
    case $code in 1 | 2) ;; *) die "exit $code for $2" ;; esac
    grep -Eq -- "$1" err || die "stderr lacks /$1/ for $2"
    tail -n 1 err
    [ ! -e bad/arrays/x.npy ] && [ ! -e bad/arrays/t.npy ] ||
        die "half a result for $2"
    rm -rf bad
}
refuse 'nan|finite|number' '1,0\nnan,1\n'
refuse 'zero' '1,0\n0,0\n'
refuse 'expected|columns' '1,0\n0,1,0\n'
refuse 'number|expected' '1,0\n0,one\n'
refuse 'x0|empty|expected' ''
rm mine/x.csv
expect 1 '' 'flow.x0: .*mine/x.csv' "$engram" run mine/c.yaml
printf '1,0\n0,1\n0.6,0.8\n' >mine/x.csv
printf '1,0,0\n0,1,0\n' >q.csv
expect 1 '' 'Q.*expected \[2,2\], found \[2,3\]' \
    "$engram" run mine/c.yaml --set flow.Q=q.csv --out badq
printf '1\n1\n' >m.csv
expect 1 '' 'mass.*expected \[3,1\]' \
    "$engram" run mine/c.yaml --set flow.mass=m.csv --out badm
expect 2 '' "flow.mass: expected a .npy or .csv" \
    "$engram" run mine/c.yaml --set flow.mass=heavy
[ ! -e badq ] || die 'half a result'

# equal numbers in another shape are another file
npy() { # FILE SHAPE BYTES: zeros as NumPy writes them
    printf '\223NUMPY\001\000v\000%-117s\n' \
        "{'descr': '<f8', 'fortran_order': False, 'shape': ($2), }" >"$1"
    head -c "$3" /dev/zero >>"$1"
}
mkdir u v
npy u/p.npy '2, 3' 48
npy v/p.npy '3, 2' 48
expect 0 finished - "$engram" run mine/c.yaml --set flow.ffn=tanh \
    --set flow.w=u/p.npy --set flow.a=v/p.npy --out shapes
[ "$(ls shapes/arrays | grep -c '^p-')" = 2 ] || die 'shapes share a name'

# a file of the user is named as the user knows it
expect 1 '' '^engram: Q: [^ ]*/q.csv: expected' \
    "$engram" run mine/c.yaml --set flow.Q=q.csv --out named
grep -q 'arrays/q-' err && die 'a copy is named'

# unknown words and values
tok="$engram run $flow/circle.yaml --set flow.times=0,1"
expect 2 '' "did you mean 'rk4'" $tok --set flow.method=rk5
expect 2 '' 'expected uniform, hemisphere' $tok --set flow.x0=circle
expect 2 '' "did you mean 'flow.beta'" $tok --set flow.betta=1
expect 2 '' 'is no option of a run of kind flow' $tok --set model.d_model=4
expect 2 '' 'ascending' $tok --set flow.times=1,0
expect 2 '' 'identity|file' $tok --set flow.V=magic
expect 2 '' 'a number from' $tok --set flow.beta=hot
expect 2 '' 'd = 2|fourier' $tok --set flow.sum=fourier --set flow.d=4
expect 2 '' 'method: expected authors, euler or lie' $tok --set flow.noise=1 \
    --set flow.method=rk4

# strange, but with a right answer
strange() { # PATTERN set...
    local pattern=$1
    shift
    rm -rf odd
    # shellcheck disable=SC2086
    expect 0 finished - $tok --out odd "$@"
    n_checks=$((n_checks + 1))
    tail -n 1 odd/metrics.jsonl | grep -Eq -- "$pattern" ||
        die "$*: $(tail -n 1 odd/metrics.jsonl)"
}
strange '"components": 1, .*"speed_max": 0[,}]' --set flow.n=1
strange '"energy_shifted": 1,' --set flow.beta=0
strange '"energy": null, "energy_shifted": 0\.03' --set flow.beta=4000
strange '"speed_max": 0[,}]' --set flow.V=0
strange '"order": 0\.' --set flow.Q=0 --set flow.K=0
strange '"components": 2' --set flow.x0=equiangular --set flow.n=2 \
    --set flow.x0_size=-1 # an antipodal pair stays
printf '0,-1\n1,0\n' >turn.csv # a value matrix with complex spectrum
strange '"order"' --set flow.V=turn.csv

# it ends where it cannot go on: a token at the origin of a residual stream, a
# horizon out of reach, weights that overflow
expect 1 diverged 'steps came to t = 1\.[0-9]* of 5' "$engram" run mine/c.yaml \
    --set flow.norm=pre --set flow.V=-1 --set flow.times=0,0.5,5 --out origin
shape origin/arrays/x.npy '2, 3, 2' $((256 + 2 * 3 * 2 * 8))
expect 1 diverged 'steps came to t = .*fuse' "$engram" run "$flow/circle.yaml" \
    --set flow.times=0,1,1e15,2e15 --out horizon
shape horizon/arrays/x.npy '2, 32, 2' $((256 + 2 * 32 * 2 * 8))
# ... but not where tokens that have met are one
expect 0 finished - "$engram" run mine/c.yaml --set flow.times=0,1e15,2e15 \
    --set flow.fuse=true
expect 1 diverged 'field is not finite at t = 0' "$engram" run mine/c.yaml \
    --set flow.model=USA --set flow.Q=100 --set flow.K=100 --out overflow

# what leaves the range of doubles diverges, and what was reached stays
expect 1 'diverged' '(not finite|no step is small enough) at t = |overflow after t = ' "$engram" run "$flow/polytope.yaml" \
    --set flow.space=euclidean --set flow.V=100 --set flow.times=0:20:1 \
    --out far
n=$(wc -l <far/metrics.jsonl)
shape far/arrays/x.npy "$n, 20, 3" $((256 + n * 20 * 3 * 8))
finish
