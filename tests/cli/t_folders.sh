# engram writes only into what it made, what is empty, or a run that it was told
# to go on with; a mistake leaves everything as it was, byte for byte.
. "$(dirname "$0")/lib.sh"

tiny 6 >good.yaml
printf 'run: {name: sheet, kind: flow}\nflow: {n: 3, d: 2, times: [0, 1]}\n' \
    >flow.yaml
printf 'run: {name: law, kind: theory, theory: lemma2}\n' >law.yaml
printf 'abab abba baba\n' >text

# ---- a run in a folder in use ------------------------------------------------
# What there may be, and the first thing in the way.
in_use() { # name way...
    local make=$1 first=$2
    rm -rf mine
    mkdir mine
    (cd mine && eval "$make")
    photo mine >before
    for config in good.yaml flow.yaml law.yaml; do
        expect 2 '' "mine is not empty: $first is in the way" \
            "$engram" run $config --out mine
        unchanged mine before
        expect 2 '' 'kernel set "magic" is unknown' \
            "$engram" run $config --out mine --kern=magic
        unchanged mine before
    done
    expect 2 '' "$first is in the way" \
        "$engram" run good.yaml --out mine --set task.stats=nosuch
    unchanged mine before
}
in_use 'echo mine >log; echo mine >metrics.jsonl; echo t >timing.jsonl' log
in_use 'echo mine >metrics.jsonl' metrics.jsonl
in_use 'echo mine >.hidden' .hidden
in_use 'mkdir arrays; echo mine >arrays/x.npy' arrays
in_use 'mkdir checkpoints; echo old >checkpoints/step-762.safetensors' \
    checkpoints
in_use 'ln -s nowhere a' a
in_use 'mkfifo pipe; echo notes >notes' notes
in_use 'echo "run: {name: mine}" >config.yaml' config.yaml
in_use 'echo notes >lock' lock
in_use ': >lock' lock

# what holds a run, whole or not, is not begun again
expect 0 finished - "$engram" run good.yaml --out done
photo done >before
expect 2 '' 'done already holds a run' "$engram" run good.yaml --out done
unchanged done before
for lost in run.json config.yaml 'run.json config.yaml' metrics.jsonl lock; do
    cp -r done hurt
    (cd hurt && rm $lost)
    photo hurt >before
    expect 2 '' 'already holds a run|is in the way' \
        "$engram" run good.yaml --out hurt
    unchanged hurt before
    rm -rf hurt
done

# a mistake takes away again what was made, and nothing else
mkdir empty
for out in empty new deep/er/still; do
    expect 1 '' nosuch "$engram" run good.yaml --out $out \
        --set init.from=nosuch
done
[ -d empty ] && [ -z "$(ls -A empty)" ] || die 'an empty folder changed'
[ ! -e new ] && [ ! -e deep ] || die 'a folder stayed'
expect 1 '' nosuch "$engram" run good.yaml --set init.from=nosuch
[ ! -e runs ] || die 'runs stayed'
mkdir -p deep/er
expect 1 '' nosuch "$engram" run good.yaml --out deep/er/still \
    --set init.from=nosuch
[ -d deep/er ] && [ ! -e deep/er/still ] || die 'not as it was'
expect 0 finished - "$engram" run flow.yaml --out empty

# a link to a folder is the user's choice, as far as the folder is empty
mkdir target
ln -s target link
ln -s nowhere dangling
echo mine >file
expect 0 finished - "$engram" run good.yaml --out link
expect 2 '' 'link already holds a run' "$engram" run good.yaml --out link
expect 1 '' 'dangling: is a link that leads nowhere' \
    "$engram" run good.yaml --out dangling
[ ! -e nowhere ] || die 'written through a dangling link'
expect 1 '' 'file: Not a directory' "$engram" run good.yaml --out file
mkfifo fifo
expect 1 '' 'fifo: Not a directory' "$engram" run good.yaml --out fifo

# ---- going on ----------------------------------------------------------------
# A mistake is found before anything is written.
"$engram" run good.yaml --set train.steps=100000 --out killed --quiet \
    >out 2>err &
await killed/run.json
kill -KILL $!
wait $! 2>/dev/null
photo killed >before
expect 2 '' 'unknown or does not run|no kernel' \
    "$engram" run killed --resume --kern magic
unchanged killed before
expect 2 '' 'another configuration' "$engram" run good.yaml --out killed --resume
unchanged killed before
cp -r killed lost
rm lost/config.yaml
photo lost >before
expect 2 '' 'is in the way|already holds a run' \
    "$engram" run good.yaml --out lost --resume
unchanged lost before

# killed before it began, it begins
mkdir begun
: >begun/lock
echo half >begun/config.yaml.tmp-12-0
expect 0 finished - "$engram" run good.yaml --out begun --resume
[ ! -e begun/config.yaml.tmp-12-0 ] || die 'an unfinished file stayed'

# ---- the folder of runs ------------------------------------------------------
echo mine >work
expect 1 '' 'cannot create folder work: Not a directory' \
    "$engram" run good.yaml --runs work
expect 1 - 'cannot create folder work: Not a directory' \
    "$engram" sweep good.yaml --seeds 1,2 --runs work
expect 1 '' 'cannot create folder work: Not a directory' \
    "$engram" reproduce birth/theory --experiments "$source_dir/experiments" \
    --runs work
[ "$(cat work)" = mine ] || die 'a file was replaced'
expect 1 '' 'cannot create folder /proc/engram: No such file' \
    "$engram" run good.yaml --runs /proc/engram
long=$(printf '%0300d' 0)
expect 1 '' 'File name too long' "$engram" run good.yaml --out "$long"

# read-only, as somebody who may not write there
chmod 755 "$work"
mkdir ro
chmod 555 ro
if as_nobody "$engram" version >out 2>&1; then
    expect 1 '' 'cannot create folder ro/x: Permission denied' \
        as_nobody "$engram" run good.yaml --out ro/x
    expect 1 '' 'cannot create folder ro/x: Permission denied' \
        as_nobody "$engram" dump good.yaml --out ro/x
    expect 1 - 'cannot create folder ro/sweeps: Permission denied' \
        as_nobody "$engram" sweep good.yaml --seeds 1 --runs ro
    expect 1 '' 'cannot create: Permission denied' \
        as_nobody "$engram" stats text --out ro/x
    expect 1 '' 'Permission denied' as_nobody "$engram" man --out ro
fi
[ -z "$(ls -A ro)" ] || die 'something was made in a read-only folder'

# ---- files to be written -----------------------------------------------------
# Input as output, however it is called.
photo . >before
ln text hard
for out in text ./text "$work/text" hard; do
    expect 2 '' 'is the file that is read' "$engram" stats text --out "$out"
done
expect 2 '' 'is the file that is read' "$engram" stats /dev/stdin --out text \
    <text
expect 2 '' 'config.yaml is in the way' \
    sh -c "mkdir d && cp good.yaml d/config.yaml &&
           '$engram' dump d/config.yaml --out d"
same good.yaml d/config.yaml
expect 2 '' 'is not empty' "$engram" dump done --out done
expect 2 '' 'was not written by engram' "$engram" report done \
    --out done/metrics.jsonl
expect 2 '' 'was not written by engram' "$engram" report done \
    --out done/config.yaml
expect 2 '' 'done is in use: arrays was not written' \
    "$engram" report done --svg done
expect 2 '' 'done/arrays is in use' "$engram" report done --svg done/arrays
[ "$(cat text)" = 'abab abba baba' ] || die 'the text changed'

# a file that is not engram's stays; one that is engram's is written again
for command in 'stats text' 'report done'; do
    echo mine >page
    ln -sf page linked
    expect 2 '' 'page is there and was not written by engram' \
        "$engram" $command --out page
    expect 1 '' 'linked: is a link' "$engram" $command --out linked
    expect 1 '' 'd: is a folder' "$engram" $command --out d
    [ "$(cat page)" = mine ] || die "$command replaced a file"
    rm page
    expect 1 '' 'linked: is a link' "$engram" $command --out linked
    [ ! -e page ] || die "$command wrote through a link"
    expect 0 page - "$engram" $command --out page
    expect 0 page - "$engram" $command --out page
done
mkdir s
expect 0 s/a - "$engram" stats text --out s/a
ln s/a s/b
cp s/a kept
expect 2 '' 'is the file that is read' "$engram" stats s/a --out s/a
expect 2 '' 'is the file that is read' "$engram" stats s/a --out s/b
same s/a kept
expect 0 'done/report.html' - "$engram" report done
expect 0 'done/report.html' - "$engram" report done
echo mine >done/report.html
expect 2 '' 'report.html is there and was not' "$engram" report done
[ "$(cat done/report.html)" = mine ] || die 'the page was replaced'
rm done/report.html
ln -s ../file done/report.html
expect 1 '' 'report.html: is a link' "$engram" report done
[ "$(cat file)" = mine ] || die 'written through a link'
rm done/report.html

# folders of figures and pages
for command in 'report done --svg' 'man --out'; do
    expect 0 figures - "$engram" $command figures
    expect 0 figures - "$engram" $command figures
    echo mine >figures/zz.svg
    photo figures >before
    expect 2 '' 'figures is in use: zz.svg was not written by engram' \
        "$engram" $command figures
    unchanged figures before
    rm -r figures
    mkdir figures
    ln -s ../file figures/a.svg
    expect 2 '' 'figures is in use: a.svg' "$engram" $command figures
    rm -r figures
done

# dump: made or empty, and nothing of it when it fails
expect 0 laid '' "$engram" dump good.yaml --out laid
expect 2 '' 'laid is not empty' "$engram" dump good.yaml --out laid
expect 1 '' 'diverged' "$engram" dump good.yaml --set optim.lr=1e9 --step 90 \
    --out la/id
[ ! -e la ] || die 'a dump that failed left its folder'
(ulimit -f 30 && trap '' XFSZ && "$engram" dump good.yaml --out la/id) \
    >out 2>err && die 'a dump fits in no space'
grep -q 'File too large' err || die 'not the reason'
[ ! -e la ] || die 'a dump without room left its folder'

# streams are written as they are
"$engram" stats text --out /dev/stdout 2>err | grep -q engram-stats ||
    die 'no statistics on a pipe'
expect 1 '' '/dev/stdout: is a link' "$engram" stats text --out /dev/stdout
expect 0 - - "$engram" stats text --out /dev/null
[ -c /dev/null ] || die '/dev/null is no device any more'
expect 1 '' 'fifo: is a pipe that nobody reads' \
    timeout 20 "$engram" stats text --out fifo

# ---- where no run is, nothing is made ----------------------------------------
mkdir bare
echo mine >bare/notes
photo bare >before
expect 0 - 'no run' "$engram" runs --runs bare
expect 0 - - "$engram" runs --rebuild --runs bare
expect 0 runs - "$engram" runs --json --runs bare
expect 2 '' 'holds no run' "$engram" report bare
expect 2 '' 'holds no run' "$engram" report bare --svg bare
expect 2 '' 'no run' "$engram" show bare
expect 2 '' 'no run' "$engram" show notes --runs bare
unchanged bare before
expect 0 - - "$engram" runs --runs none
expect 1 '' 'none: No such file' "$engram" runs --rebuild --runs none
[ ! -e none ] || die 'a folder of runs was made to list it'
echo '{"step": 1}' >bare/metrics.jsonl
photo bare >before
expect 2 '' '--out FILE says where' "$engram" report bare
unchanged bare before

finish
