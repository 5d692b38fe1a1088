#!/usr/bin/env bash
# Named entities in the CoNLL-2003 layout, as in the original experiments.
#
# usage: ner.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds train.txt, valid.txt and test.txt, there or in conll2003/ or NER/. Documents, which
# begin with -DOCSTART-, are read whole, in windows of --max-length tokens. Checkpoints are folders under $KORSCI_MODELS
# (default: models), named as on the model hub. Options given here win over the table below; with --train the launcher
# adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Named entities in the CoNLL-2003 layout."
configs=(base large xlarge xlarge-v2 xxlarge-v2 deberta-v3-large korsci nano)
read_arguments "$@"

# The hyper-parameters of the original launcher; those all its configurations share follow the table.
original=true
case $config in
    base)
        options=(--model "$(checkpoint microsoft/deberta-base)" --epochs 15 --learning-rate 2e-5 --warmup 0.1
            --batch-size 16 --cls-dropout 0 --precision float32)
        ;;
    large)
        options=(--model "$(checkpoint microsoft/deberta-large)" --epochs 15 --learning-rate 1e-5 --warmup 0.1
            --batch-size 16 --cls-dropout 0 --precision fp16)
        ;;
    xlarge)
        options=(--model "$(checkpoint microsoft/deberta-xlarge)" --epochs 15 --learning-rate 7e-6 --warmup 0.1
            --batch-size 16 --cls-dropout 0 --precision fp16)
        ;;
    xlarge-v2)
        options=(--model "$(checkpoint microsoft/deberta-v2-xlarge)" --epochs 15 --learning-rate 4e-6 --warmup 0.1
            --batch-size 16 --cls-dropout 0 --precision fp16)
        ;;
    xxlarge-v2)
        options=(--model "$(checkpoint microsoft/deberta-v2-xxlarge)" --epochs 15 --learning-rate 2.5e-6 --warmup 0.1
            --batch-size 16 --cls-dropout 0 --precision fp16)
        ;;
    deberta-v3-large)
        options=(--model "$(checkpoint microsoft/deberta-v3-large)" --epochs 10 --learning-rate 9e-6 --warmup 10
            --batch-size 16 --cls-dropout 0 --precision fp16)
        ;;
    korsci) # the released Korean model
        original=false
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 5 --learning-rate 3e-5 --warmup 0.1
            --batch-size 32 --max-length 256 --precision auto)
        ;;
    nano) # the small model of this package, minutes on a CPU
        original=false
        options=(--model korsci-nano --epochs 15 --learning-rate 3e-4 --warmup 0.1 --batch-size 32 --max-length 256
            --vocab-size 4000)
        ;;
esac
if $original; then # the original cuts a document into pieces of 512 tokens that share nothing
    options+=(--max-length 512 --doc-stride 510 --engine none --schedule warmup_linear)
fi

if ! gives --train; then
    [[ -n $data_dir ]] || fail "no data folder; give --data-dir DIR or set KORSCI_DATA"
    train=$(first "$data_dir/train.txt" "$data_dir/conll2003/train.txt" "$data_dir/NER/train.txt")
    [[ -n $train ]] || fail "$data_origin: neither train.txt nor conll2003/train.txt is there"
    use --train "$train"
    use --dev "${train%/*}/valid.txt"
    [[ ! -f ${train%/*}/test.txt ]] || use --test "${train%/*}/test.txt"
fi

launch ner "${options[@]}"
