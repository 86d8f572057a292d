# probe: a checkpoint's losses, accuracies and heads; weights that do not fit.
. "$(dirname "$0")/lib.sh"

tiny 10 >c.yaml
expect 0 - - "$engram" run c.yaml --out r
w=r/checkpoints/step-10.safetensors

# a run, its checkpoint, and a configuration: the same
expect 0 '^loss_global +[0-9.]+ +nats' '' "$engram" probe r
cp out whole
grep -q '^layer  head  is  *previous  induction  duplicate  first  current  entropy$' \
    whole || die 'no table of heads'
[ "$(grep -c '^[01]      0     ' whole)" = 2 ] || die 'expected two heads'
grep -q '^even   -     -' whole || die 'no head that looks everywhere alike'
for words in "$w r" "$w c.yaml" "r c.yaml"; do
    expect 0 - '' "$engram" probe $words
    same whole out
done
expect 0 - '' "$engram" probe r --threads 1
same whole out
expect 0 - '' "$engram" probe r --threshold 1
[ "$(grep -c '^[01]      0     -' out)" = 2 ] || die 'a head with a name at 1'
expect 0 '^even' '' "$engram" probe r --sequences 3
cmp -s whole out && die '--sequences changes nothing'

# JSON and files
expect 0 '"loss_in_context": [0-9.]+' '' "$engram" probe r --json --out p
tr -d '\n' <out >printed
tr -d '\n' <p/probe.json >written
same printed written
grep -q '"induction": ' p/probe.json || die 'no scores of heads'
[ -s p/config.yaml ] || die 'no config.yaml'
photo p >before
expect 2 '' 'p is not empty' "$engram" probe r --out p
unchanged p before

# what does not fit is named, with both shapes
expect 1 '' 'W_E: expected \[65,32\], found \[65,16\] in ' \
    "$engram" probe "$w" c.yaml --set model.d_model=32 --out none
[ ! -e none ] || die 'a probe that failed left its folder'
expect 1 '' 'blocks.2.attn.W_QK: expected \[1,16,16\], found no such tensor' \
    "$engram" probe "$w" c.yaml --set model.n_layers=3
expect 1 '' '3 tensors are not of this model .*--allow-extra' \
    "$engram" probe "$w" c.yaml --set model.n_layers=1
grep -q 'blocks.1.attn.W_QK \[1,16,16\]' err || die 'extra tensors are not listed'
expect 0 '^0      0 ' 'left out .* blocks.1.attn' \
    "$engram" probe "$w" c.yaml --set model.n_layers=1 --allow-extra
[ "$(grep -c '^[01]      0     ' out)" = 1 ] || die 'expected one head'

# a checkpoint where the run has it needs no configuration; elsewhere it does
expect 0 - '' "$engram" probe "$w"
same whole out
cp "$w" alone
expect 2 '' 'alone: is a file of weights; expected a CONFIG' \
    "$engram" probe alone
expect 2 '' "no run 'nothing' under runs" "$engram" probe nothing c.yaml
expect 1 '' 'not a safetensors file|truncated' "$engram" probe c.yaml c.yaml
expect 2 '' '--threshold: expected a number from 0 to 1' \
    "$engram" probe r --threshold 2
expect 2 '' '--sequences: expected a whole number from 1' \
    "$engram" probe r --sequences 0
expect 2 '' 'expected WEIGHTS' "$engram" probe

# weights FILE BYTE NAME:DTYPE:SHAPE:BYTES...: tensors full of that byte
weights() {
    local file=$1 fill=$2 at=0 all= item name dtype shape bytes
    shift 2
    for item; do
        IFS=: read -r name dtype shape bytes <<<"$item"
        all+="${all:+,}\"$name\":{\"dtype\":\"$dtype\",\"shape\":[$shape],"
        all+="\"data_offsets\":[$at,$((at += bytes))]}"
    done
    all="{$all}"
    while [ $((${#all} % 8)) -ne 0 ]; do all+=' '; done
    {
        printf "\\x$(printf %x $((${#all} & 255)))"
        printf "\\x$(printf %x $((${#all} >> 8)))\\0\\0\\0\\0\\0\\0%s" "$all"
        head -c $at /dev/zero | tr '\0' "$fill"
    } >"$file"
}
small=(--set model.n_layers=1 --set model.d_model=2)
attn=(blocks.0.attn.W_{QK,V,O}:F32:1,2,2:16)
ours=(W_E:F32:65,2:520 W_pos:F32:32,2:256 "${attn[@]}")
theirs=(embed.W_E:F32:65,2:520 pos_embed.W_pos:F32:32,2:256 "${attn[@]}")

# TransformerLens's mask is of truth values; a tensor under both names is not
# one of them by chance
weights tl '\0' "${theirs[@]}" unembed.W_U:F32:2,65:520 \
    blocks.0.attn.mask:BOOL:32,32:1024
expect 0 '^loss_global *4.174 ' '' "$engram" probe tl c.yaml "${small[@]}"
for two in 'unembed.W_U W_U' 'W_U unembed.W_U'; do
    set -- $two
    weights both '\0' "${theirs[@]}" $1:F32:2,65:520 $2:F32:2,65:520
    expect 1 '' '1 tensor is not of this model .*: unembed.W_U \[2,65\]' \
        "$engram" probe both c.yaml "${small[@]}"
done

# numbers that the model's precision does not hold, and a model that overflows
weights wide '\0' "${ours[@]}" W_U:F64:2,65:1040
printf '\x9c\x75\x00\x88\x3c\xe4\x37\x7e' |
    dd of=wide bs=1 seek=$(($(stat -c %s wide) - 8)) conv=notrunc status=none
expect 1 '' 'W_U: expected numbers that float32 holds, found 1e.300 at place 129' \
    "$engram" probe wide c.yaml "${small[@]}"
expect 1 '' 'W_U: expected numbers that float32 holds' \
    "$engram" run c.yaml "${small[@]}" --set init.from=wide --out none
expect 0 '^loss_global *4.174 ' '' \
    "$engram" probe wide c.yaml "${small[@]}" --set train.precision=float64
weights huge '\177' "${ours[@]}" W_U:F32:2,65:520
expect 1 '' 'huge: loss_[a-z_]* is not finite: the model overflows' \
    "$engram" probe huge c.yaml "${small[@]}" --out none
[ ! -e none ] || die 'a probe that failed left its folder'

# another program's model says itself what it is: GPT-2 of zeros, in a folder
one=h.0
block=()
for part in ln_1 ln_2; do
    block+=("$one.$part.weight:F32:64:256" "$one.$part.bias:F32:64:256")
done
for part in attn.c_attn:64,192:192 attn.c_proj:64,64:64 mlp.c_fc:64,256:256 \
    mlp.c_proj:256,64:64; do
    IFS=: read -r name shape out <<<"$part"
    rows=${shape%,*}
    block+=("$one.$name.weight:F32:$shape:$((rows * out * 4))"
        "$one.$name.bias:F32:$out:$((out * 4))")
done
mkdir hf
weights hf/model.safetensors '\0' transformer.wte.weight:F32:65,64:16640 \
    transformer.wpe.weight:F32:48,64:12288 "${block[@]}" \
    h.0.attn.bias:U8:1,1,48,48:2304 ln_f.weight:F32:64:256 ln_f.bias:F32:64:256
expect 0 '^repeat_loss_again *4.174 ' 'model.safetensors: GPT-2, Hugging Face' \
    "$engram" probe hf
expect 0 '^repeat_loss_again *4.174 ' - "$engram" probe hf/model.safetensors \
    --set task.n_ctx=20 --sequences 2
expect 2 '' 'expected task.n_ctx of at most its 48 positions, found 49' \
    "$engram" probe hf --set task.n_ctx=49
expect 2 '' 'expected no CONFIG, found c.yaml' "$engram" probe hf c.yaml
weights more '\0' transformer.wte.weight:F32:65,64:16640 \
    transformer.wpe.weight:F32:48,64:12288 "${block[@]}" \
    ln_f.weight:F32:64:256 ln_f.bias:F32:64:256 lora.A:F32:2:8
expect 1 '' 'left out lora.A \[2\] .*--allow-extra' "$engram" probe more
expect 0 '^repeat_loss_again *4.174 ' 'left out lora.A' \
    "$engram" probe more --allow-extra
printf 'PK\003\004' >pytorch.bin
expect 1 '' 'a zip archive, as PyTorch.*save it as safetensors' \
    "$engram" probe pytorch.bin
# no format at all: the name says what was expected
: >empty.gguf
expect 1 '' 'empty.gguf: is empty; expected a GGUF file' \
    "$engram" probe empty.gguf
: >empty.safetensors
expect 1 '' 'is empty; expected weights: safetensors, GGUF' \
    "$engram" probe empty.safetensors
printf '<!DOCTYPE html>' | tee page.gguf >page.bin
expect 1 '' "page.gguf: expected a GGUF file, .*found '<!DOCTYP'" \
    "$engram" probe page.gguf
printf '\000\000\000\030ftypisom' >film.gguf
expect 1 '' "found '.x00.x00.x00.x18ftyp'" "$engram" probe film.gguf
expect 1 '' 'page.bin: expected a model of llm.c' "$engram" probe page.bin
printf '\200\002}q' >old.pt
expect 1 '' 'old.pt: is a pickle' "$engram" probe old.pt
printf 'version https://git-lfs.github.com/spec/v1\n' >lfs.safetensors
expect 1 '' 'not fetched: git lfs pull' "$engram" probe lfs.safetensors
cp hf/model.safetensors named.gguf
cp hf/config.json .
expect 0 '^repeat_loss_again *4.174 ' - "$engram" probe named.gguf
rm config.json

# and goes out again: for transformers, and to be trained on from
expect 0 '^out-hf$' '' "$engram" export hf --out out-hf
expect 0 '^repeat_loss_again *4.174 ' - "$engram" probe out-hf
grep -q '"n_positions": 48' out-hf/config.json || die 'positions were lost'
expect 2 '' 'out-hf is not empty' "$engram" export hf --out out-hf
expect 0 '^own$' '' "$engram" export hf --to engram --set task.n_ctx=16 --out own
expect 0 - - "$engram" run own/config.yaml --out r2 \
    --set init.from=own/weights.safetensors --set train.steps=2 \
    --set train.batch=2 --set train.algebra=plain
expect 1 '' 'expected model.norm: pre' "$engram" export r --out none
[ ! -e none ] || die 'an export that was refused left its folder'
(ulimit -f 1 && "$engram" export hf --to engram --out none) >/dev/null 2>err &&
    die 'an export larger than the limit'
grep -q 'cannot write' err || die "no cause: $(cat err)"
[ ! -e none ] || die 'an export that failed left its folder'
expect 2 '' '--to: expected hf, engram, tensorboard, csv or npz' "$engram" export hf --to pt --out none

# two positions have no repetition, which is no overflow
for n in 2 3 4; do
    expect 0 - - "$engram" run c.yaml --set task.n_ctx=$n --set task.n_triggers=1 \
        --set train.loss=all --out ctx$n
    expect 0 '^even ' '' "$engram" probe ctx$n
done
grep -q '^repeat_loss_again ' out || die 'no losses of repeated tokens'

expect 2 '' 'expected a number from 0 to 1' "$engram" probe r --threshold 0x1p-2
expect 2 '' '--hooks goes without --out' "$engram" probe r --hooks --json
long=$(printf 'd%.0s' $(seq 200))
mkdir -p $long/$long/$long/$long/$long/$long
cp tl $long/$long/$long/$long/$long/$long/w
expect 2 '' 'path too long' "$engram" probe $long/$long/$long/$long/$long/$long/w \
    c.yaml "${small[@]}"

# a run whose configuration was edited is another model of the same shapes; and
# nothing inside a run is read through a link
cp -r r edited
sed -i 's/scale_scores: true/scale_scores: false/' edited/config.yaml
for words in 'probe edited' 'show --program edited' 'probe tl edited' \
    'dump edited -q --out ed' 'run edited -q --out ed2'; do
    [ "$words" != 'probe tl edited' ] || words="probe $w edited"
    expect 0 - 'warning: edited/config.yaml: damaged or edited: expected' \
        "$engram" $words
done
expect 0 - '' "$engram" probe r r
cp -r r linked
mv linked/checkpoints/step-10.safetensors away
ln -s ../../away linked/checkpoints/step-10.safetensors
expect 1 '' 'step-10.safetensors: is a link, which is not followed' \
    "$engram" probe linked

# a hook that is held, and what that changes
expect 0 '^blocks.1.attn.hook_z    *16       1$' '' "$engram" probe r --hooks
grep -q pattern out && die 'a pattern is offered to be held'
expect 0 '^value  *before  *patched  *unit' '' \
    "$engram" probe r --patch blocks.1.attn.hook_z=zero
[ "$(grep -c '^even' out)" = 2 ] || die 'expected two tables of heads'
expect 0 '"patched"' '' "$engram" probe r --json --out q \
    --patch '*.hook_attn_out=mean' --patch blocks.0.attn.hook_z.h0=zero
grep -q '"blocks.0.attn.hook_z.h0=zero"' q/probe.json ||
    die 'probe.json does not say what was held'
# held at what it is itself, nothing changes; at another model's end, that model
values() { awk '$1 ~ /^(loss_global|loss_in_context|acc_all)$/ {print $1, $'"$1"'}' out; }
expect 0 - '' "$engram" probe r --patch "*.hook_attn_out=$w"
values 2 >before
values 3 >after
same before after
expect 0 - - "$engram" run c.yaml --out r3 --set init.from=$w \
    --set 'train.freeze=[W_U]'
expect 0 - '' "$engram" probe r3
values 2 >theirs
expect 0 - '' "$engram" probe "$w" c.yaml \
    --patch blocks.1.hook_resid_post=r3/checkpoints/step-10.safetensors
values 3 >after
same theirs after
values 2 >before
cmp -s before after && die 'another model changes nothing'
expect 2 '' 'expected HOOK=zero, HOOK=mean or HOOK=FILE' \
    "$engram" probe r --patch blocks.1.attn.hook_z
expect 2 '' "did you mean 'blocks.1.attn.hook_q'" \
    "$engram" probe r --patch blocks.1.attn.hook_x=zero
expect 2 '' 'can only be read' \
    "$engram" probe r --patch blocks.1.attn.hook_pattern=zero
expect 2 '' 'a head from 0 to 0, found 3' \
    "$engram" probe r --patch blocks.1.attn.hook_z.h3=zero
expect 2 '' "no hook that can be held matches '\*.hook_nothing'" \
    "$engram" probe r --patch '*.hook_nothing=zero'
expect 1 '' 'nowhere' "$engram" probe r --patch blocks.1.attn.hook_z=nowhere \
    --out none
[ ! -e none ] || die 'a probe that failed left its folder'

# the same in training: as without until the step, and another run behind it
expect 0 - - "$engram" run c.yaml --out clamped \
    --set 'train.clamp=[blocks.1.attn.hook_z.h0@5-7]'
expect 0 - - "$engram" run c.yaml --out plain --set train.algebra=plain
for r in clamped plain; do head -n 1 $r/metrics.jsonl >$r.first; done
same clamped.first plain.first
cmp -s clamped/metrics.jsonl plain/metrics.jsonl &&
    die 'train.clamp changes nothing'
expect 2 '' "train.clamp: this model has no hook .*did you mean" \
    "$engram" run c.yaml --set 'train.clamp=[blocks.1.attn.hook_y]'

# heads of every layer, and a mixer whose rows are no shares
expect 0 - - "$engram" run c.yaml --out deep --set model.n_layers=4 \
    --set model.n_heads=4 --set model.norm=pre \
    --set 'model.mixer=[softmax, linear, linear, softmax]'
expect 0 '^3      3 ' '' "$engram" probe deep
[ "$(grep -cE '^[0-3]      [0-3]     ' out)" = 16 ] || die 'expected 16 heads'
# without queries its heads attend to nothing
expect 0 '^1      0     -  *(-  *){5}-$' '' \
    "$engram" probe deep --patch blocks.1.attn.hook_q=zero
grep -q nan out && die 'a score that is no number'

# 64 blocks of 11 heads have more metrics than a row holds
expect 0 - 'a row of metrics holds 4096 values: 553 more are left out' \
    "$engram" run c.yaml --out full --set task.n_ctx=4 --set train.steps=1 \
    --set train.batch=1 --set model.n_layers=64 --set model.n_heads=11 \
    --set model.d_model=11 --set probe.heads=true --set probe.batch=1
[ "$(grep -c 'left out' err)" = 1 ] || die 'said twice'
grep -q '"metrics_left_out": 553' full/run.json || die 'not in the record'
[ "$(head -n 1 full/metrics.jsonl | tr , '\n' | wc -l)" = 4097 ] ||
    die 'expected the step and 4096 values'
finish
