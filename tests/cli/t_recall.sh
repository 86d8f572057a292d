# engram recall: lines, numbers and pictures, from parts; and what is refused.
. "$(dirname "$0")/lib.sh"

printf 'the cat sat on the mat\nthe dog lay in the sun\n\na bird sang all night long\n' >lines
expect 0 'a bird sang all night long' 'begins at place 11' "$engram" recall lines --cue 'g all ni'
expect 0 'which is pattern 2 of 3' - "$engram" recall lines --stored 2 --hide random:0.5 --noise 0.1
expect 0 'which is pattern 1 of 3' - "$engram" recall lines --cue 'the ?at' --energy mchn
expect 0 '"pattern": 3' '' "$engram" recall lines --cue 'bird' --json --quiet
# too warm: all run together
expect 0 'nearest is' - "$engram" recall lines --cue 'bird' --beta 1e-6
printf '1,2,3\n4,5,6\n-1,0,1\n' >numbers.csv
expect 0 'recalled: 4(\.0*)?, 5(\.0*)?, 6' - "$engram" recall numbers.csv --cue '4, ?, 6' --beta 5
printf '##..\n##..\n\n..##\n..##\n' >two.art
expect 0 'which is pattern 1 of 2' - "$engram" recall two.art --stored 1 --hide 0.5 -e hopfield
printf 'P1 4 2 0 0 1 1 0 0 1 1' >a.pbm
printf 'P5 4 2 255\n\0\0\377\377\0\0\377\377' >b.pgm
printf '?#..\n' >cue.art
expect 0 'which is pattern 2 of 2' - "$engram" recall a.pbm b.pgm --cue cue.art --energy polynomial --power 4

# the energy never rises
for e in distance mchn nearest hopfield polynomial exponential; do
    "$engram" recall lines --stored 1 --hide 0.4 --noise 0.2 -e $e -q >out 2>err || die "recall -e $e"
    awk '$1 ~ /^[0-9]+$/ { if ($1 > 0 && $2 > last + 1e-6 * (1 + (last < 0 ? -last : last))) exit 1; last = $2 }' out ||
        die "$e: the energy rises: $(cat out)"
    n_checks=$((n_checks + 1))
done

expect 2 '' 'says what to recall' "$engram" recall lines
expect 2 '' 'says what to recall' "$engram" recall lines --cue a --stored 1
expect 2 '' 'from 1 to 3, found 4' "$engram" recall lines --stored 4
expect 2 '' "did you mean 'hopfield'" "$engram" recall lines --cue a -e hopfeld
expect 2 '' 'beta: expected a number' "$engram" recall lines --cue a --beta nan
expect 2 '' 'start, end or random' "$engram" recall lines --cue a --hide left:0.5
expect 2 '' 'longer than the longest line' "$engram" recall lines --cue 'a line that is longer than any'
expect 2 '' 'the cue is empty' "$engram" recall lines --cue ''
expect 2 '' 'expected 3 numbers' "$engram" recall numbers.csv --cue 1,2
expect 2 '' "number 2, 'x'" "$engram" recall numbers.csv --cue 1,x,3
expect 2 '' 'expected -1 or 1, found 2' "$engram" recall numbers.csv --stored 1 -e hopfield
# what has no finite energy is said, not printed as nan
printf '1e200,2,3\n-1e200,5,6\n' >huge.csv
expect 2 '' 'number 1: expected a finite one up to 1e\+100, found 1e\+200' \
    "$engram" recall huge.csv --cue '1,?,2'
expect 2 '' "number 1, '1e300': expected a number up to" \
    "$engram" recall numbers.csv --cue '1e300,?,2'
printf '0,0\n1e-150,0\n1e50,1e50\n' >far.csv
expect 1 '' 'no finite energy: .* too far apart for beta' \
    "$engram" recall far.csv --cue '1e49,0'
expect 0 'pattern 3 of 3' '' "$engram" recall far.csv --cue '1e50,?' --beta 1 -q
# nothing is said of a distance that there is not
printf '1,2\n' >one.csv
printf '1,2\n1,2\n' >twice.csv
expect 0 'which is pattern 1 of 1' '^1 pattern of 2 entries$' \
    "$engram" recall one.csv --cue '1,?'
expect 0 'which is pattern 1 of 2' '^2 patterns, all the same, of 2 entries$' \
    "$engram" recall twice.csv --cue '1,?'
expect 1 '' 'expected numbers as in|expected lines of text as in' "$engram" recall lines numbers.csv --cue a
printf 'P5 9 9 255\nabc' >short.pgm
expect 1 '' 'need 81 bytes at least, found 3' "$engram" recall short.pgm --stored 1
printf 'good\n\377bad\n' >bytes
expect 1 '' 'line 2: expected UTF-8' "$engram" recall bytes --cue good
: >none
expect 2 '' 'no line to store' "$engram" recall none --cue a
expect 1 '' 'No such file' "$engram" recall nosuch --cue a
finish
