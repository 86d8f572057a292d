# Help, unknown words, misuse: everything teaches, exit codes are right.
. "$(dirname "$0")/lib.sh"

expect 0 'reproduce birth --quick' '' "$engram"
expect 0 'Commands:' '' "$engram" --help
expect 0 'Commands:' '' "$engram" help
expect 0 '^engram [0-9]+\.[0-9]+\.[0-9]+ \(commit ' '' "$engram" --version
expect 0 '"version": "' '' "$engram" version --json
for c in run reproduce sweep aggregate list runs show report dump probe stats recall bench doctor \
    help version completion man; do
    expect 0 "^engram $c" '' "$engram" help $c
    expect 0 "^engram $c" '' "$engram" $c --help
done
for t in config claims runs exit; do expect 0 . '' "$engram" help $t; done
expect 0 'optim: the update rule' '' "$engram" help config
expect 0 'rise\(run.metric, y\)' '' "$engram" help claims

expect 2 '' "did you mean 'reproduce'" "$engram" reprodce
expect 2 '' "no command 'xyzzyx'" "$engram" xyzzyx
expect 2 '' "did you mean '--threads'" "$engram" run x.yaml --threds=2
expect 2 '' "no option '--nonsense'" "$engram" run x.yaml --nonsense
expect 2 '' "no option '-Z'" "$engram" run x.yaml -Z
expect 2 '' 'needs a value' "$engram" run x.yaml --set
expect 2 '' 'expected FILE' "$engram" run
expect 2 '' 'one word too many' "$engram" run a b
expect 2 '' "did you mean 'config'" "$engram" help confg
for word in foo bar x config.optim; do # nothing is near
    expect 2 '' "'$word'; \`engram help\` lists them" "$engram" help $word
done
expect 2 '' 'bash, zsh or fish' "$engram" completion csh
expect 2 '' 'expected a whole number' "$engram" run x.yaml --seed many
expect 2 '' 'not both' "$engram" reproduce --quick --full
expect 2 '' 'is not one of' "$engram" list nonsense
expect 2 '' 'says where to write' "$engram" stats x
expect 2 '' 'says where to write' "$engram" dump x

expect 0 '_engram' '' "$engram" completion bash
bash -n out || die 'bash completion does not parse'
expect 0 '#compdef engram' '' "$engram" completion zsh
expect 0 'complete -c engram' '' "$engram" completion fish
expect 0 man '' "$engram" man --out man
[ -s man/engram.1 ] && [ -s man/engram-run.1 ] || die 'man pages are missing'
grep -q 'optim\|threads' man/engram-run.1 || die 'man page has no options'

# every set of kernels that runs here is explained
for set in $("$engram" doctor | sed -n 's/.*kernel sets, best first//p' | tr , ' '); do
    n_checks=$((n_checks + 1))
    grep -q "\`$set\`" "$source_dir/docs/concepts.md" || die "$set: no docs"
done

# docs/configuration.md is what the tables say
"$engram" help --markdown >doc.md
same doc.md "$source_dir/docs/configuration.md"

# a full standard output is a failure
if [ -e /dev/full ]; then
    "$engram" help >/dev/full 2>err
    [ $? = 1 ] || die 'writing to /dev/full did not fail'
fi
finish
