# One experiment file, quick: claims hold, and fail on their controls.
. "$(dirname "$0")/../cli/lib.sh"

expect 0 'hold, .* 0 fail, 0 not run' '' "$engram" reproduce "$3" --quick \
    --no-report --quiet --threads 2 --experiments "$source_dir/experiments"
cat out
finish
