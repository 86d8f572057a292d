# Numbers so large or small that others overflow, vanish or swamp the time: a
# run ends soon, with a finite answer, diverged, or a sentence that names the
# option.
. "$(dirname "$0")/lib.sh"

cat >flow.yaml <<'YAML'
run: {name: flow, kind: flow, seed: 1}
flow: {n: 5, d: 3, beta: 9, V: 1, times: ["0:2:0.5"]}
YAML

# ends OPTION file key=value...: the option is what a refusal must name.
ends() {
    local option=$1 file=$2 got set=()
    shift 2
    for s in "$@"; do set+=(--set "$s"); done
    rm -rf run
    timeout -s KILL 100 "$engram" run "$file" "${set[@]}" --threads 1 -q \
        --out run >out 2>err
    got=$?
    n_checks=$((n_checks + 1))
    echo "$* -> $got"
    case $got in
    0)
        grep -q 'status *finished' out || die "not finished: $*"
        ! grep -Eiq '"[a-z0-9_]+": *-?(nan|inf)' run/metrics.jsonl ||
            die "not finite: $*"
        ;;
    1) grep -q 'diverged: ' err || die "no word of diverging: $*" ;;
    2) grep -q "$option.*expected" err || die "does not name $option: $*" ;;
    *) die "exit code $got: $*" ;;
    esac
}

for x in 1e300 -1e300 1e160; do
    for key in K Q V; do
        ends $key flow.yaml "flow.$key=[$x]"
    done
done
for method in authors lie rk4 dopri5 bdf; do
    ends K flow.yaml flow.K=1e300 flow.method=$method
    ends V flow.yaml flow.V=1e300 flow.method=$method
done
ends K flow.yaml flow.K=-1e300 flow.method=adams
for x in 1e300 -1e300 1e-300; do
    for key in beta rtol atol h tau alpha noise x0_size sum_tol delta; do
        ends $key flow.yaml flow.$key=$x
    done
done
ends times flow.yaml 'flow.times=[0,1e300]' flow.method=rk4
ends times flow.yaml 'flow.times=[0,1e300]'
ends times flow.yaml 'flow.times=[1e300,1.1e300]' flow.method=euler
ends h flow.yaml flow.h=1e-12 flow.method=rk4
for space in euclidean rescaled; do
    ends V flow.yaml flow.V=1e300 flow.space=$space
done

for theory in scalar_bounds phase; do
    echo "run: {name: $theory, kind: theory, theory: $theory, seed: 1}" \
        >$theory.yaml
    for x in 1e300 -1e300 1e-300; do
        ends betas $theory.yaml "theory.betas=[$x]"
    done
done
finish
