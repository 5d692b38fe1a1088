#!/usr/bin/env bash
# From text files to a small pretrained model: tokenizer, corpus, embeddings, pretraining, export in bfloat16.
#
# usage: nano.sh CONFIG [--data-dir DIR] [--out OUT] [korsci pretrain options]
# CONFIG is mlm or rtd; DIR (default: $KORSCI_DATA) holds the texts, a document a line (*.txt, *.txt.gz). OUT (default:
# runs/nano) gets tokenizer/, data/, for mlm start/ with the first embeddings, CONFIG/, which is the run, and
# CONFIG-bf16/, the model. What is finished is kept: the same command goes on where an earlier one was stopped, for
# which --max-hours N is an option.
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
    # Acts repeat their formulas and film reviews are colloquial: a part of each is enough.
    "${program[@]}" pretrain prepare "$data_dir/*.txt*" --tokenizer "$out/tokenizer" --skip-bad \
        --share 'statutes*=0.3' --share 'nsmc*=0.5' --out "$out/data"
fi
if ! [[ -f $out/$config/metrics.json ]]; then
    start=()
    if [[ $config == mlm ]]; then
        [[ -d $out/start ]] || "${program[@]}" pretrain embeddings --data "$out/data" --model "$here/nano.json" \
            --out "$out/start"
        start=(--model "$out/start")
    fi
    resume=()
    [[ ! -f $out/$config/run.json ]] || resume=(--resume)
    KORSCI="${program[*]}" KORSCI_PYTHON=${KORSCI_PYTHON:-} bash "$here/$config.sh" nano --data "$out/data" \
        --out "$out/$config" ${start[@]+"${start[@]}"} ${resume[@]+"${resume[@]}"} ${passed[@]+"${passed[@]}"}
fi
[[ -d $out/$config-bf16 ]] || "${program[@]}" convert "$out/$config/model" "$out/$config-bf16" --to hf --dtype bf16
