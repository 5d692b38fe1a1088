#!/usr/bin/env bash
# AlphaNLI: which of two hypotheses explains how one observation came after another.
#
# usage: alphanli.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds alphanli/train.jsonl, train-labels.lst, dev.jsonl and dev-labels.lst.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Abductive inference."
configs=(base-mnli large-mnli xlarge-mnli xlarge-v2-mnli xxlarge-v2-mnli eval deberta-v3-large korsci nano)
read_arguments "$@"

# The hyper-parameters of the original launcher; those all its configurations share follow the table.
original=true
case $config in
    base-mnli)
        options=(--model "$(checkpoint microsoft/deberta-base-mnli)" --epochs 6 --learning-rate 2e-5
            --warmup 1000 --batch-size 64 --cls-dropout 0.2 --max-length 70 --precision float32)
        ;;
    large-mnli)
        options=(--model "$(checkpoint microsoft/deberta-large-mnli)" --epochs 6 --learning-rate 8e-6
            --warmup 1000 --batch-size 64 --cls-dropout 0.2 --max-length 70 --precision float32)
        ;;
    xlarge-mnli)
        options=(--model "$(checkpoint microsoft/deberta-xlarge-mnli)" --epochs 6 --learning-rate 7e-6
            --warmup 1000 --batch-size 64 --cls-dropout 0.2 --max-length 70 --precision fp16)
        ;;
    xlarge-v2-mnli)
        options=(--model "$(checkpoint microsoft/deberta-v2-xlarge-mnli)" --epochs 6 --learning-rate 4e-6
            --warmup 1000 --batch-size 128 --cls-dropout 0.2 --max-length 70 --precision fp16)
        ;;
    xxlarge-v2-mnli)
        options=(--model "$(checkpoint microsoft/deberta-v2-xxlarge-mnli)" --epochs 6 --learning-rate 8e-6
            --warmup 500 --batch-size 256 --cls-dropout 0.1 --max-length 70 --precision fp16)
        ;;
    eval) # a fine-tuned checkpoint of one's own
        options=(--model "$(checkpoint anli_models)" --epochs 6 --learning-rate 8e-6 --warmup 500
            --batch-size 256 --cls-dropout 0.1 --max-length 70 --precision fp16)
        ;;
    deberta-v3-large)
        options=(--model "$(checkpoint microsoft/deberta-v3-large)" --epochs 10 --learning-rate 7e-6
            --warmup 1000 --batch-size 256 --cls-dropout 0.1 --max-length 70 --precision fp16)
        ;;
    korsci) # the released Korean model
        original=false
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 6 --learning-rate 2e-5 --warmup 0.1
            --batch-size 64 --max-length 70 --precision auto)
        ;;
    nano) # the small model of this package
        original=false
        options=(--model korsci-nano --epochs 5 --learning-rate 3e-4 --warmup 0.1 --batch-size 64 --max-length 70)
        ;;
esac
if $original; then
    options+=(--engine none --schedule warmup_linear)
fi

use_data alphanli train.jsonl dev.jsonl

launch alphanli "${options[@]}"
