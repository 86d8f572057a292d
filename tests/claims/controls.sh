# Every claim has a control, or says why it has none.
. "$(dirname "$0")/../cli/lib.sh"

expect 0 ' 0 lack one' '' "$engram" list --no-control \
    --experiments "$source_dir/experiments"
finish
