# What .ci/run and .ci/long are made of: steps, each of which runs even when one
# before it failed. The last line is `N passed, N failed, N skipped`, each step
# beyond the tests counting as one, and the lines before it name what failed.
set -u
cd "$(dirname "$0")/.." || exit 1 # of the script that reads this
export CI=true
exec </dev/null
passed=0 failed=0 skipped=0 failures=()

count() { # "N passed, N failed, N skipped"
    local p f s
    read -r p _ f _ s _ <<<"$1"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

step() { # name command...
    local name=$1 start=$SECONDS word=passed
    shift
    echo "== $name"
    if "$@"; then passed=$((passed + 1)); else
        word=FAILED
        failed=$((failed + 1))
        failures+=("failed: $name")
    fi
    echo "== $name: $word ($((SECONDS - start)) s)"
}

tests() { # name command...: names what failed, and its last line is a count
    local name=$1 start=$SECONDS lines line last=
    shift
    echo "== $name"
    mapfile -t lines < <("$@" | tee >(cat >&2))
    [ "${#lines[@]}" -eq 0 ] || last=${lines[-1]}
    case $last in
    [0-9]*passed*failed*skipped) count "$last" ;;
    *) failed=$((failed + 1)) failures+=("failed: $name") ;;
    esac
    for line in "${lines[@]}"; do
        [[ $line != failed:* ]] || failures+=("$line ($name)")
    done
    echo "== $name: $last ($((SECONDS - start)) s)"
}

needs() { # what scripts/setup.sh installs
    scripts/setup.sh "$@" && return
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

# Unit tests, files of all formats, and so many mutants of each: ctest's options.
sanitized() {
    local mutants=$1
    shift
    scripts/build.sh dev unit replays >&2 || return
    ENGRAM_MUTANTS=$mutants scripts/ctest.sh build-dev -L 'unit|replay' "$@"
}

finish() {
    echo "$SECONDS s in all"
    [ "${#failures[@]}" -eq 0 ] || printf '%s\n' "${failures[@]}"
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}
