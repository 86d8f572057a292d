# The same bits for 1, 2, 3 and 8 threads, with probes and without.
. "$(dirname "$0")/lib.sh"

tiny 30 >c.yaml
for full in 0 1 2; do # the last in float64
    extra=
    if [ $full -gt 0 ]; then
        extra='--set model.norm=parallel --set model.mlp=relu
            --set model.n_heads=2 --set model.qk=factorised
            --set model.pos=learned --set optim.kind=adamw
            --set optim.lr=1e-3 --set train.loss=all'
    fi
    [ $full = 2 ] && extra="$extra --set train.precision=float64"
    for t in 1 2 3 8; do
        # shellcheck disable=SC2086
        "$engram" run c.yaml $extra --threads $t --out m$full-t$t --quiet \
            >out 2>err || die "$t threads"
        same m$full-t1/checkpoints/step-30.safetensors \
            m$full-t$t/checkpoints/step-30.safetensors
        same m$full-t1/metrics.jsonl m$full-t$t/metrics.jsonl
    done
    # probes only look: everything but the stored options is the same
    # shellcheck disable=SC2086
    "$engram" run c.yaml $extra --set probe.every=1000 --set probe.test=0 \
        --set probe.snapshots=0 --set probe.recall=false \
        --set probe.attention=false --set probe.norms=false \
        --out m$full-quiet --quiet >out 2>err || die 'without probes'
    same m$full-t1/checkpoints/step-30.safetensors \
        m$full-quiet/checkpoints/step-30.safetensors
    # what was resolved runs again to the same bytes
    "$engram" run m$full-t1/config.yaml --out m$full-again --quiet >out 2>err ||
        die 'the resolved configuration'
    same m$full-t1/config.yaml m$full-again/config.yaml
    same m$full-t1/metrics.jsonl m$full-again/metrics.jsonl
done
cmp -s m0-t1/checkpoints/step-30.safetensors \
    m1-t1/checkpoints/step-30.safetensors && die 'two models are one'
finish
