# What is printed: names cannot act on a terminal, are cut and aligned by
# characters; the progress line fits; stdout and stderr share a file in peace.
. "$(dirname "$0")/lib.sh"

esc=$(printf '\033')
csi=$(printf '\302\233') # CSI as one character of UTF-8

# no_controls FILE...: nothing but text and line ends.
no_controls() {
    n_checks=$((n_checks + 1))
    LC_ALL=C grep -naP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]' \
        "$@" && die "a control character in $*"
}

# whole_characters FILE...: UTF-8, with no character cut.
whole_characters() {
    n_checks=$((n_checks + 1))
    cat "$@" | iconv -f UTF-8 -t UTF-8 >/dev/null || die "half a character: $*"
}

# --- names that act ---------------------------------------------------------
tiny 5 >c.yaml
evil="a${esc}[2Jb${csi}31mc$(printf '\342\200\256')d$(printf '\r\177')e"
expect 0 'a\\x1b\[2Jb\\u009b31mc\\u202ed\\x0d\\x7fe' 'a\\x1b\[2J' \
    "$engram" run c.yaml --set "run.name=$evil"
no_controls out err runs/*/*/log
for command in 'runs' "runs --json" "show" "show --json" 'report'; do
    # shellcheck disable=SC2086
    case $command in
    runs*) expect 0 'a\\(x|u00)1[bB]' '' "$engram" $command ;;
    *) expect 0 'a\\(x|u00)1[bB]' '' "$engram" $command "$evil" ;;
    esac
    no_controls out err
done
head -n 20 runs/*/*/report.html | cut -c 1-300 >head
no_controls head # its title
expect 0 'a\\x1b' - "$engram" sweep c.yaml --set "run.name=$evil" --seeds 1-2
no_controls out err
# a flow names the files it takes in
printf '1,0\n0,one\n' >"x${esc}.csv"
printf 'run: {kind: flow}\nflow: {times: [0, 1]}\n' >flow.yaml
expect 1 '' '^engram: .*x\\x1b.csv' \
    "$engram" run flow.yaml --set "flow.x0=x${esc}.csv"
no_controls err
for words in "run no${esc}file" "${esc}c" "help ${esc}c" "run --${esc}c" \
    "show ${esc}c" "report ${esc}c" "run c.yaml --set ${esc}c=1" \
    "run c.yaml --set optim.kind=${esc}c" "stats ${esc}c --out x" \
    "reproduce ${esc}c --experiments $source_dir/experiments" \
    "run c.yaml --kern ${esc}c" "list ${esc}c" "completion ${esc}c" \
    "bench ${esc}c" "run c.yaml --seed ${esc}c" "dump ${esc}c --out x" \
    "run c.yaml --out /dev/null/${esc}c" "run c.yaml --runs /dev/null/${esc}c"; do
    # shellcheck disable=SC2086
    "$engram" $words >out 2>err
    [ $? -ne 0 ] && [ -s err ] || die "not refused: $words"
    no_controls out err
done
# keys and texts of files
printf 'model: {"d_model%s": 3}\n' '\e[31m' >bad.yaml
expect 2 '' 'd_model.x1b\[31m' "$engram" run bad.yaml
no_controls err
printf 'a: \033[31m\n' >bad.yaml
expect 1 '' . "$engram" run bad.yaml
no_controls err
mkdir -p evil && cp -r runs/*/*/. evil
printf '{"step": 0, "lo\\u001b[31mss\\u009b": 1}\n' >evil/metrics.jsonl
expect 0 'lo\\x1b\[31mss\\u009b' 'warning: evil/metrics.jsonl: damaged' "$engram" show evil
no_controls out
expect 0 'lo\\u001[bB]\[31mss\\u009b' 'warning: evil/metrics.jsonl: damaged' "$engram" show evil --json
no_controls out

# --- characters are whole, and counted as the terminal does ------------------
wide=$(printf '\343\203\251%.0s' $(seq 1 60)) # 60 characters, 120 columns
euro=$(printf '\342\202\254%.0s' $(seq 1 80))
mark="e$(printf '\314\201')" # an accent of its own takes no column
for name in "$wide" "$euro" "$mark" plain; do
    "$engram" run c.yaml --set "run.name=$name" >out 2>err || die "$name"
    whole_characters out err runs/*/*/log
    "$engram" report "$name" >out 2>err || die "report $name"
    whole_characters out err "$(sed 1q out)"
    "$engram" report "$name" --svg svg >out 2>err || die "report --svg $name"
    whole_characters out err svg/*
    # cut at any length, a message stays text
    for pad in a aa aaa; do
        "$engram" run "$pad$name$name$name" >out 2>err
        "$engram" "$pad$name$name" >>out 2>>err
        "$engram" run c.yaml --set "$pad$name=1" >>out 2>>err
        "$engram" run c.yaml --set "optim.kind=$pad$name" >>out 2>>err
        "$engram" sweep c.yaml --grid "run.name=${name%"${name#????????}"}" \
            --grid "optim.kind=$pad" >>out 2>>err
        whole_characters out err
    done
done
"$engram" runs >out 2>err
n_checks=$((n_checks + 1))
LC_ALL=C sed -nE 's/^(.*  )[0-9]{8}-[0-9]{6}.*/\1|/p' out >columns
[ "$(while IFS= read -r line; do
    printf '%s\n' "$line" | LC_ALL=C.UTF-8 wc -L
done <columns | sort -u | wc -l)" = 1 ] ||
    die "columns are not aligned"

# --- the progress line --------------------------------------------------------
tiny 400 >long.yaml
# on COLUMNS TERM [VARIABLE=VALUE]: what a terminal would get, in `tty`
on() {
    local columns=$1 term=$2
    shift 2
    env "$@" TERM="$term" SHELL=/bin/sh script -qec \
        "stty cols $columns; '$engram' run long.yaml --set run.name=$name" \
        /dev/null </dev/null >tty 2>&1 || die "script: $(cat tty)"
    n_checks=$((n_checks + 1))
}
if command -v script >/dev/null; then
    for name in short "$wide"; do
        for columns in 20 35 50 80 120; do
            on $columns xterm
            grep -q "$esc" tty && die "an escape code at $columns columns"
            tr '\r' '\n' <tty | grep -a 'ETA [0-9]' >lines ||
                die "no ETA at $columns columns: $(cat tty)"
            whole_characters lines
            w=$(LC_ALL=C.UTF-8 wc -L <lines)
            [ "$w" -lt $columns ] || die "$w columns of $columns"
            [ $columns -lt 50 ] || grep -q 'step [0-9]*/400' lines ||
                die "no step at $columns columns"
        done
    done
    name=short
    for term in dumb ''; do
        on 80 "$term"
        grep -q "$esc" tty && die "TERM='$term': an escape code"
        sed 's/\r$//' tty | grep -q "$(printf '\r')" &&
            die "TERM='$term': a line is overwritten"
    done
    on 80 xterm NO_COLOR=1
    grep -q "$esc" tty && die 'NO_COLOR: an escape code'
fi
"$engram" run long.yaml >out 2>err || die 'not on a terminal'
no_controls out err

# --- stdout and stderr in one file --------------------------------------------
mkdir -p e/paper
cp c.yaml e/paper/c.yaml
{
    printf 'runs:\n  r: {base: c.yaml}\nclaims:\n'
    for i in $(seq 1 200); do
        printf '  - {id: claim-with-a-long-name-%d, source: s, statement: t, measure: final(r.loss), expected: "> 0", reason: r, control: "none, because nothing is tried"}\n' $i
    done
} >e/paper/many.yaml
"$engram" reproduce --experiments e --no-report >both 2>&1 || die reproduce
[ "$(wc -c <both)" -gt 12000 ] || die 'the table is too short to tell'
n_checks=$((n_checks + 1))
grep -Evn '^(verdict|holds) .*(claim|-[0-9]+)$|^200 hold|^[0-9]+ s of runs|^\[1/1\] |^paper/many' both |
    grep -Ev ' step [0-9]+/5' && die 'a line was cut by another'
tail -n 1 both | grep -q 'of runs, peak' || die 'talk ran ahead of results'
# ... and of several processes at once
"$engram" sweep c.yaml --grid optim.lr=1e4,1e5,1e6,1e7,1e8,1e9 --seeds 1-4 \
    --jobs 8 >both 2>&1
n_checks=$((n_checks + 1))
[ "$(grep -c '^engram: optim.lr=1e[4-9] seed=[1-4]: .*not finite' both)" = 24 ] ||
    die "$(cat both)"
[ "$(grep -c '^optim.lr=1e[4-9] seed=[1-4]  *diverged ' both)" = 24 ] ||
    die "$(cat both)"

# ... and never in a file of the run, when a stream was closed
"$engram" run c.yaml --out open >out 2>err || die open
for close in '>&-' '2>&-' '<&-' '>&- 2>&-' '<&- >&- 2>&-'; do
    rm -rf closed
    eval "\"\$engram\" run c.yaml --out closed $close" >/dev/null
    code=$?
    case $close in
    *'>&- '* | '>&-') [ $code = 1 ] || die "$close: exit $code" ;;
    *) [ $code = 0 ] || die "$close: exit $code" ;;
    esac
    same open/metrics.jsonl closed/metrics.jsonl
    same open/config.yaml closed/config.yaml
    same open/checkpoints/step-5.safetensors closed/checkpoints/step-5.safetensors
done

# --- flows have other numbers than training ------------------------------------
cat >flow.yaml <<'YAML'
run: {name: ring, kind: flow}
flow: {n: 8, d: 2, x0: ring, beta: 2, times: [0, 1, 2]}
YAML
expect 0 '"energy": [0-9.]+' - "$engram" run flow.yaml --json
grep -q '"components": [0-9.]*' out || die 'no components'
expect 0 'point +status +energy +order +components +run' - \
    "$engram" sweep flow.yaml --grid flow.beta=1,4
grep -q loss out && die 'a flow has no loss'
expect 0 '"energy"' - "$engram" sweep flow.yaml --grid flow.beta=1,4 --json
grep -q loss out && die 'a flow has no loss'
expect 0 '"loss": [0-9.]+' - "$engram" run c.yaml --json
finish
