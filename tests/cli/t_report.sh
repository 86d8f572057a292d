# engram report: a name stands for all its runs, told apart by what differs.
. "$(dirname "$0")/lib.sh"

# runs_on PAGE: how many runs it shows
runs_on() {
    grep -o '"dir": *"[^"]*runs/' "$1" | wc -l
}
tiny 5 >c.yaml
expect 0 finished - "$engram" sweep c.yaml --grid model.d_model=16,24 \
    --grid optim.lr=0.1,0.01 --seeds 1-3 --jobs 2
expect 0 '^runs/tiny/report.html$' 'runs/tiny: 12 runs' "$engram" report tiny
n_checks=$((n_checks + 11))
[ "$(runs_on runs/tiny/report.html)" = 12 ] ||
    die "$(runs_on runs/tiny/report.html) of 12 runs"
[ "$(grep -o '"state": *"finished"' runs/tiny/report.html | wc -l)" = 12 ] ||
    die 'the points of the sweep'
expect 0 '^runs/sweeps/tiny/report.html$' - "$engram" report runs/sweeps/tiny
[ "$(runs_on runs/sweeps/tiny/report.html)" = 12 ] || die 'runs of the sweep'
for d in 16 24; do
    for lr in 0.1 0.01; do
        grep -q "\"name\": *\"d_model $d, lr $lr\"" \
            runs/tiny/report.html || die "no group of $d, $lr"
    done
done
# of two runs of one configuration the newer one, or the one that finished
expect 0 finished - "$engram" run c.yaml --set model.d_model=16 \
    --set optim.lr=0.1
again=$(sed -n 's/^run  *//p' out)
# told NAME: is the run of that directory on its page?
told() {
    grep -q "\"$again\"" "$1"
}
expect 0 . '12 runs; 1 more' "$engram" report tiny
told runs/tiny/report.html || die 'the newer run is not shown'
sed -i 's/"finished"/"interrupted"/' "$again/run.json"
expect 0 . - "$engram" report tiny
told runs/tiny/report.html && die 'the stopped run is shown'
# one run, a folder of runs, several words
expect 0 "^$again/report.html" - "$engram" report "$again/"
[ "$(runs_on "$again/report.html")" = 1 ] || die 'one run'
expect 0 '^runs/tiny/report.html' - "$engram" report runs/tiny
expect 0 '^report.html' - "$engram" report tiny "$again"
[ "$(runs_on report.html)" = 13 ] || die 'several words'
# figures too, one a group
expect 0 '[0-9]+ figures in svg' - "$engram" report tiny --svg svg
[ "$(ls svg/tiny-d_model-*-loss.svg | wc -l)" = 4 ] || die 'figures of four groups'
# and of all of them together: curves, against each key, over both
for f in '' d_model- lr- d_model-lr-; do
    [ -e "svg/tiny-sweep-${f}loss.svg" ] || die "no figure of the sweep: $f"
done
[ "$(grep -c '<circle' svg/tiny-sweep-lr-loss.svg)" = 4 ] || die 'a point a setting'
[ "$(grep -c 'stroke-dasharray="none" d=' svg/tiny-sweep-loss.svg)" = 4 ] || die 'a line a setting'
[ "$(grep -c 'width="147.00"' svg/tiny-sweep-d_model-lr-loss.svg)" = 4 ] || die 'a cell a setting'
grep -q '>d_model 16, lr 0.1<' svg/tiny-sweep-loss.svg || die 'no names of settings'
grep -qi nan svg/tiny-sweep-*.svg && die 'a number that is none'
n_checks=$((n_checks + 9))
[ "$(ls svg | wc -l)" = "$(sed 's/ .*//' out)" ] || die 'a figure is lost'
[ -e svg/tiny-d_model-16-lr-0-1-loss.svg ] || die 'not named after its setting'
expect 0 '[0-9]+ files of numbers in csv' - "$engram" report tiny --csv csv
[ "$(ls csv/*-loss.csv | wc -l)" = 4 ] || die 'numbers of four groups'
grep -q '^loss,"tiny, d_model 16, lr 0.1",loss,0,' \
    csv/tiny-d_model-16-lr-0-1-loss.csv || die 'no numbers'
grep -q '^settings,"tiny, d_model 16, lr 0.1",16,0.1,loss,[0-9.]*,[0-9.]*,[0-9.]*,3$' \
    csv/tiny-settings.csv || die 'no table of settings'
# names without a letter that every system takes still have a figure each
for name in "$(printf '\344\270\255')" "$(printf '\346\226\207')"; do
    expect 0 finished - "$engram" run c.yaml --set "run.name=$name" --runs far
done
expect 0 '[0-9]+ figures in names' - "$engram" report far --svg names
[ "$(ls names | wc -l)" = "$(sed 's/ .*//' out)" ] || die 'a figure is lost'

# a folder without runs stays as it is
mkdir none && echo mine >none/note
expect 2 '' 'none: holds no run' "$engram" report none
expect 2 '' "no run 'nothing'" "$engram" report nothing
[ "$(ls none)" = note ] || die 'something was made'
[ ! -e nothing ] || die 'something was made'
finish
