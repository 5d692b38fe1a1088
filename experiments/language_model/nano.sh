#!/usr/bin/env bash
# From text files to a small pretrained model: tokenizer, corpus, embeddings, pretraining, export in bfloat16.
#
# usage: nano.sh CONFIG [--data-dir DIR] [--out OUT] [korsci pretrain options]
# CONFIG is mlm, which made korsci-nano, or rtd; DIR (default: $KORSCI_DATA) holds the texts, a document a line
# (*.txt, *.txt.gz). OUT (default: runs/nano) gets tokenizer/, data/, for mlm start/ with the first embeddings, CONFIG/,
# for mlm mlm-end/, in which the learning rate falls, and CONFIG-bf16/, the model. What is finished is kept: the same
# command goes on where an earlier one was stopped, for which --max-hours N is an option.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

description="From text files to a small pretrained model."
command="korsci pretrain"
configs=(mlm rtd)
read_arguments "$@"

[[ -n $data_dir ]] || fail "no folder of texts; give --data-dir DIR or set KORSCI_DATA"
out=runs/nano
passed=()
while ((${#extra[@]})); do
    case ${extra[0]} in
        --out)
            ((${#extra[@]} > 1)) || fail "--out needs a folder"
            out=${extra[1]}
            extra=("${extra[@]:1}")
            ;;
        --out=*) out=${extra[0]#*=} ;;
        *) passed+=("${extra[0]}") ;;
    esac
    extra=("${extra[@]:1}")
done
find_program
if ! [[ -f $out/tokenizer/tokenizer_config.json ]]; then
    "${program[@]}" tokenizer train "$data_dir/*.txt*" --vocab-size 16000 --reserved 0 --byte-fallback --skip-bad \
        --out "$out/tokenizer"
fi
if ! [[ -f $out/data/index.json ]]; then
    # Acts repeat their formulas, reviews are colloquial, and much documentation is translated by machine: a part of
    # each is enough, and embeddings of this mix classify better than those of all the texts.
    "${program[@]}" pretrain prepare "$data_dir/*.txt*" --tokenizer "$out/tokenizer" --skip-bad \
        --share 'statutes*=0.3' --share 'nsmc*=0.6' --share 'ms_*=0.4' --out "$out/data"
fi

pretrain_run() { # NAME [options]: a run in OUT/NAME, or what is left of it
    local run=$out/$1 resume=()
    shift
    [[ ! -f $run/metrics.json ]] || return 0
    [[ ! -f $run/run.json ]] || resume=(--resume)
    KORSCI="${program[*]}" KORSCI_PYTHON=${KORSCI_PYTHON:-} bash "$here/$config.sh" nano --data "$out/data" \
        --out "$run" "$@" ${resume[@]+"${resume[@]}"} ${passed[@]+"${passed[@]}"}
}

if [[ $config == mlm ]]; then
    [[ -d $out/start ]] || "${program[@]}" pretrain embeddings --data "$out/data" --model "$here/nano.json" \
        --out "$out/start"
    pretrain_run mlm --model "$out/start"
    # The rate has been constant, so that a longer run can go on from any step; now it falls, over texts in a new order.
    pretrain_run mlm-end --model "$out/mlm/model" --schedule linear --warmup 0 --max-steps 700 --seed 43
    last=$out/mlm-end
else
    pretrain_run rtd
    last=$out/rtd
fi
[[ -d $out/$config-bf16 ]] || "${program[@]}" convert "$last/model" "$out/$config-bf16" --to hf --dtype bf16
