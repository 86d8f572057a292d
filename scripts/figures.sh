#!/usr/bin/env bash
# The figures of docs/flow-story.md, from the configurations in docs/figures:
#     scripts/figures.sh [path of the tool]
# A minute or two. Text and lines turn light where the reader's page is dark.
set -eu
cd "$(dirname "$0")/.."
engram=${1:-build/engram}
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
out=docs/img/flow
mkdir -p "$out"

# draw NAME FIGURE...: the run of that name, these of its figures
draw()
{
    local name=$1 figure
    shift
    "$engram" report "$name" --runs "$runs" --svg "$runs/svg" -q
    for figure; do
        sed "1s|>\$|>$(dark "$figure")|" "$runs/svg/$name-$figure.svg" \
            >"$out/$name-$figure.svg"
    done
}

# An inner-product map is white where there is nothing, and stays so.
dark()
{
    [ "$1" != inner-products ] || return 0
    printf '%s' '<style>@media(prefers-color-scheme:dark){' \
        '[fill="#222"]{fill:#e6edf3}rect[fill="#fff"]{fill:#0d1117}' \
        '[stroke="#fff"]{stroke:#0d1117}[stroke="#555"]{stroke:#9da7b3}' \
        '[stroke="#e4e4e4"],[stroke="#d5dae0"]{stroke:#30363d}' \
        '[stroke="#bbb"]{stroke:#484f58}stop[stop-color="#fff"]{stop-color:#2a313a}' \
        'stop[stop-color="#e3e8ee"]{stop-color:#161b22}' \
        '[fill="#f7f8fa"]{fill:#161b22}[fill="#0072b2"]{fill:#4aa3df}' \
        '[stroke="#0072b2"]{stroke:#4aa3df}}</style>'
}

for name in sphere sphere9 circle causal polygon lines; do
    "$engram" run "docs/figures/$name.yaml" --runs "$runs" -q
done
for d in 2 8 128; do
    draws=256
    [ $d -lt 100 ] || draws=64
    "$engram" run docs/figures/phase.yaml --runs "$runs" -q \
        --set run.name=phase-d$d --set theory.d=$d --set theory.draws=$draws
    draw phase-d$d phase-density
done
draw sphere tokens
draw sphere9 tokens inner-products
draw circle tracks plateau
draw causal tokens
draw polygon tokens
draw lines tokens
ls -l "$out"
