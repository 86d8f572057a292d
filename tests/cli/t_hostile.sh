# A run directory that somebody else can write: links, hard links, pipes and
# devices in place of its files. Nothing outside it is read or written, nothing
# hangs, and whatever only reads leaves it as it was.
. "$(dirname "$0")/lib.sh"

tiny 20 >c.yaml
printf 'run: {name: sheet, kind: flow}\nflow: {n: 6, d: 2, x0: x.csv, times: [0, 1, 2]}\n' \
    >flow.yaml
printf '1,0\n0,1\n-1,0\n0,-1\n0.6,0.8\n0.8,0.6\n' >x.csv
"$engram" run c.yaml --quiet >out 2>err || die 'a run'
"$engram" run flow.yaml --quiet >out 2>err || die 'a flow'
mv runs whole
mkdir victims
echo precious >victims/file
cp -r whole/tiny/*/checkpoints victims/checkpoints
cp -r whole/sheet/*/arrays victims/arrays
photo victims >victims.before

# fresh: a run and a flow that look as if they were killed
fresh() {
    rm -rf runs
    cp -r whole runs
    rm -f runs/catalogue.sqlite
    for run in runs/*/*/; do
        sed -i 's/"status": "finished"/"status": "running"/' $run/run.json
    done
    tiny=$(echo runs/tiny/*)
    sheet=$(echo runs/sheet/*)
}

# What reads; none may change a run directory, nor anything else. Every command
# once, then those that look into everything.
every='show RUN --json,runs,runs --json,runs tiny,report RUN --svg figures,list tasks,doctor'
reading() {
    local run command
    (cd runs && find . -mindepth 3 | sort) >names
    for run in "$tiny" "$sheet"; do
        photo $run >before
        while read -r command; do
            timeout 60 "$engram" ${command/RUN/$run} >out 2>err
            code=$?
            n_checks=$((n_checks + 1))
            [ $code -lt 3 ] || die "$command: exit $code"
        done < <(tr , '\n' <<<"show RUN,verify RUN,runs --rebuild,report RUN --out page.html${every:+,$every}")
        unchanged $run before
        rm -rf page.html figures
    done
    every=
    (cd runs && find . -mindepth 3 | sort) | diff names - ||
        die 'a reading command made a file'
    unchanged victims victims.before
}

# What writes; the folder is refused, and stays as it was, or gone on with.
writing() {
    local run
    for run in "$tiny" "$sheet"; do
        for command in "run $run --resume" "report $run"; do
            photo $run >before
            timeout 60 "$engram" $command >out 2>err
            code=$?
            n_checks=$((n_checks + 1))
            [ $code -lt 3 ] || die "$command: exit $code"
            case $1 in
            arrays/*) ;; # found when they are written, after the run was entered
            *) [ $code = 0 ] || unchanged $run before ;;
            esac
        done
    done
    unchanged victims victims.before
}

fresh
reading

# ---- links, hard links, pipes, devices, sockets, folders ----------------------
files='lock log metrics.jsonl timing.jsonl config.yaml run.json report.html'
inside='arrays/x.npy arrays/t.npy arrays/x.npy.part arrays/demo_tokens.npy
    checkpoints/step-20.safetensors checkpoints/step-30.safetensors
    arrays/pattern_L0.0.npy run.json.tmp-1-2'
for file in $files $inside; do
    for kind in link dangling hard pipe device folder; do
        fresh
        for run in "$tiny" "$sheet"; do
            at=$run/$file
            rm -f $at
            case $kind in
            link) ln -s "$work/victims/file" $at ;;
            dangling) ln -s "$work/victims/made" $at ;;
            hard) ln victims/file $at ;;
            pipe) mkfifo $at ;;
            device) mknod $at c 1 5 2>/dev/null || ln -s /dev/zero $at ;;
            folder) mkdir $at ;;
            esac
        done
        echo "-- $file: $kind"
        reading
        writing $file
    done
done

# a folder of a run that is a link
for folder in arrays checkpoints; do
    fresh
    for run in "$tiny" "$sheet"; do
        rm -rf $run/$folder
        ln -s "$work/victims/$folder" $run/$folder
    done
    echo "-- $folder: link"
    reading
    writing $folder
done

# the words: what is in the way, and why
fresh
rm $tiny/metrics.jsonl
mkfifo $tiny/metrics.jsonl
expect 1 '' 'metrics.jsonl: is a pipe' timeout 20 "$engram" show $tiny
expect 1 '' 'metrics.jsonl: is a pipe' timeout 20 "$engram" run $tiny --resume
fresh
rm $tiny/run.json
mkfifo $tiny/run.json
expect 1 '' 'run.json: is a pipe' timeout 20 "$engram" show $tiny
fresh
rm $tiny/lock
ln -s "$work/victims/file" $tiny/lock
expect 1 '' 'lock: is a link' "$engram" run $tiny --resume
rm $tiny/lock
ln victims/file $tiny/lock
expect 1 '' 'lock: has 2 names' "$engram" run $tiny --resume
fresh
echo mine >$tiny/lock
expect 1 '' 'lock: expected a lock' "$engram" run $tiny --resume
[ "$(cat $tiny/lock)" = mine ] || die 'what is no lock was taken for one'

# the folder of runs: a link into it is not followed, one that leads to it is
fresh
ln -s "$work/whole/tiny" runs/again
expect 0 . - "$engram" runs
[ "$(grep -c tiny out)" = 1 ] || die 'a link in the folder of runs was followed'
ln -s runs via
expect 0 tiny - "$engram" runs --runs via
rm runs/catalogue.sqlite
ln -s "$work/victims/file" runs/catalogue.sqlite
for command in runs 'runs --rebuild' 'run c.yaml --quiet'; do
    timeout 60 "$engram" $command >out 2>err
    unchanged victims victims.before
done

# ---- what the user names ------------------------------------------------------
# Regular files, or a pipe where a pipe makes sense; never a device.
refuses() { # pattern command...
    local pattern=$1
    shift
    expect 1 '' "$pattern" timeout 20 "$engram" "$@"
}
refuses '/dev/zero: is a device' run /dev/zero --out d
refuses '/dev/zero: is a device' sweep /dev/zero --seeds 1
refuses '/dev/zero: is a device' dump /dev/zero --out d
refuses '/dev/zero: is a device' report /dev/zero
refuses '/dev/zero: is a device' run c.yaml --set init.from=/dev/zero --out d
refuses '/dev/zero: is a device' run c.yaml --set task.stats=/dev/zero --out d
refuses '/dev/zero: is a device' stats /dev/zero --out s
refuses 'is a folder' stats victims --out s
refuses 'is a folder' run c.yaml --set init.from=victims --out d
ln -s /dev/zero zero.npy
ln -s /dev/zero zero.csv
refuses 'zero.npy: is a device' run flow.yaml --set flow.x0=zero.npy --out d
refuses 'zero.csv: is a device' run flow.yaml --set flow.x0=zero.csv --out d
mkfifo idle
refuses 'idle: is a pipe that nobody writes to' stats idle --out s
refuses 'idle: is a pipe that nobody writes to' run idle --out d
refuses 'idle: is a pipe that nobody writes to' \
    run c.yaml --set init.from=idle --out d
if truncate -s 2T holes 2>/dev/null; then
    refuses 'more than this machine has memory' \
        run c.yaml --set init.from=holes --out d
    refuses 'expected at most' run holes --out d
fi
[ ! -e d ] && [ ! -e s ] || die 'something was written'
expect 0 s - "$engram" stats <(printf 'abab abba') --out s
printf 'abab' | "$engram" stats /dev/stdin --out t >out 2>err || die 'stats of a pipe'
(printf 'ab'; sleep 0.3; printf 'ab') >idle &
expect 0 u - timeout 20 "$engram" stats idle --out u
grep -q '"length": 4' u || die 'a slow pipe was cut short'
expect 0 finished - "$engram" run <(tiny 2) --out d
expect 0 finished - "$engram" sweep <(tiny 2) --seeds 1,2
[ "$(grep -c finished out)" = 2 ] || die 'the second point was another'
if command -v python3 >/dev/null; then
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
    refuses 'socket: is a socket' stats socket --out v
    refuses 'socket: is a socket' run socket --out v
fi

finish
