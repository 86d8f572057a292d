# export of runs: csv, npz, tensorboard; what is refused, and what stays.
. "$(dirname "$0")/lib.sh"

tiny 10 >c.yaml
for seed in 1 2; do
    expect 0 finished - "$engram" run c.yaml --seed $seed
done
id=$(ls runs/tiny | head -n 1)
photo runs >before

expect 0 '^one.csv$' '' "$engram" export "tiny/$id" --to csv --out one.csv
[ "$(head -n 1 one.csv | cut -d, -f1-2)" = step,loss_global ] || die 'no head'
[ "$(wc -l <one.csv)" = $(($(wc -l <"runs/tiny/$id/metrics.jsonl") + 1)) ] ||
    die 'not a row a step'
# the numbers are those of the run, digit by digit
value=$(tail -n 1 one.csv | cut -d, -f2)
tail -n 1 "runs/tiny/$id/metrics.jsonl" | grep -qF "\"loss_global\": $value," ||
    die "loss_global: $value is not what was measured"
expect 0 '^all.csv$' 'runs/tiny: 2 runs' "$engram" export tiny --to csv --long \
    --out all.csv
[ "$(head -n 1 all.csv)" = run,seed,step,metric,value ] || die 'no head'
grep -q "^tiny/$id,1,0,loss_global," all.csv || die 'no row'
(LC_ALL=de_DE.UTF-8 "$engram" export "tiny/$id" --to csv --out german.csv) \
    >out 2>err
same one.csv german.csv
expect 0 '^many$' - "$engram" export tiny --to npz --out many
[ "$(ls many | tr '\n' ' ')" = 'seed=1.npz seed=2.npz ' ] || die "$(ls many)"
expect 0 '^two$' - "$engram" export runs/tiny/* --to tensorboard --out two
[ "$(ls two | head -n 1)" = "tiny_$id" ] || die "$(ls two)"
ls two/"tiny_$id" | grep -q tfevents || die 'no events'
mkfifo pipe
cat pipe >piped.csv &
sleep 2 # until somebody reads
expect 0 '^pipe$' '' "$engram" export "tiny/$id" --to csv --out pipe
wait $!
same one.csv piped.csv
unchanged runs before

# nothing of the user's is written over
echo mine >mine
mkdir full && echo mine >full/mine
ln -s mine link
for way in 'csv mine' 'npz mine'; do
    expect 2 '' 'mine is there already: it is not replaced' "$engram" export \
        "tiny/$id" --to ${way% *} --out ${way#* }
done
expect 1 '' 'link: is a link' "$engram" export "tiny/$id" --to csv --out link
for to in npz tensorboard; do
    expect 2 '' 'full is not empty: mine is in the way' "$engram" export tiny \
        --to $to --out full
done
[ "$(cat mine full/mine)" = "mine
mine" ] || die 'what was there is gone'

# of what fails nothing stays
cp -r runs/tiny damaged
last=$(ls damaged | tail -n 1)
sed -i '1s/"lr": 0.01/"lr": 0.02/' "damaged/$last/metrics.jsonl"
expect 0 '^noted.csv$' 'warning: damaged/.*metrics.jsonl: ' "$engram" export \
    damaged/* --to csv --out noted.csv
echo nonsense >"damaged/$last/metrics.jsonl"
for to in csv npz tensorboard; do
    expect 1 '' 'metrics.jsonl:1: not a JSON object' "$engram" export damaged/* \
        --to $to --out gone
    [ ! -e gone ] || die "$to left something"
    (ulimit -f 1 && "$engram" export tiny --to $to --out gone) >out 2>err &&
        die "$to larger than the limit"
    [ ! -e gone ] || die "$to left something"
done

expect 2 '' '--to: expected hf, engram, tensorboard, csv or npz, found .xml.' \
    "$engram" export tiny --to xml --out x
expect 2 '' 'export: --out PATH says where' "$engram" export tiny --to csv
expect 2 '' '--long does nothing with --to npz' "$engram" export tiny --to npz \
    --long --out x
expect 2 '' '--long does nothing with --to hf' "$engram" export tiny --long \
    --out x
expect 2 '' '--set does nothing with --to csv' "$engram" export tiny --to csv \
    --set optim.lr=1 --out x
expect 2 '' 'expected WEIGHTS .CONFIG., found 3 words' "$engram" export a b c \
    --out x
expect 2 '' 'expected a run, found c.yaml' "$engram" export c.yaml --to csv \
    --out x
expect 2 '' "no run 'none'" "$engram" export none --to csv --out x
finish
