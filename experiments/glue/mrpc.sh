#!/usr/bin/env bash
# Paraphrases among English sentences: MRPC of GLUE, as in the original experiments.
#
# usage: mrpc.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds MRPC/train.tsv and MRPC/dev.tsv.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="The same or not."
configs=(base large xlarge xlarge-v2 xxlarge-v2 deberta-v3-large korsci nano)
read_arguments "$@"

# The hyper-parameters of the original launcher; those all its configurations share follow the table.
original=true
case $config in
    base)
        options=(--model "$(checkpoint microsoft/deberta-base-mnli)" --epochs 6 --learning-rate 2e-5 --warmup 50
            --batch-size 32 --cls-dropout 0.15 --max-length 128 --precision float32)
        ;;
    large)
        options=(--model "$(checkpoint microsoft/deberta-large-mnli)" --epochs 6 --learning-rate 1e-5 --warmup 50
            --batch-size 32 --cls-dropout 0.15 --max-length 128 --precision fp16)
        ;;
    xlarge)
        options=(--model "$(checkpoint microsoft/deberta-xlarge-mnli)" --epochs 8 --learning-rate 7e-6 --warmup 50
            --batch-size 32 --cls-dropout 0.3 --max-length 128 --precision fp16)
        ;;
    xlarge-v2)
        options=(--model "$(checkpoint microsoft/deberta-v2-xlarge-mnli)" --epochs 6 --learning-rate 3.5e-6
            --warmup 50 --batch-size 32 --cls-dropout 0.2 --max-length 128 --precision fp16)
        ;;
    xxlarge-v2)
        options=(--model "$(checkpoint microsoft/deberta-v2-xxlarge-mnli)" --epochs 6 --learning-rate 2e-6
            --warmup 50 --batch-size 32 --cls-dropout 0.2 --max-length 128 --precision fp16)
        ;;
    deberta-v3-large)
        options=(--model "$(checkpoint microsoft/deberta-v3-large)" --epochs 6 --learning-rate 6e-6 --warmup 50
            --batch-size 32 --cls-dropout 0.2 --max-length 128 --precision fp16)
        ;;
    korsci) # the released Korean model
        original=false
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 5 --learning-rate 1.5e-5 --warmup 0.1
            --batch-size 32 --max-length 128 --precision auto)
        ;;
    nano) # the small model of this package, minutes on a CPU
        original=false
        options=(--model korsci-nano --epochs 10 --learning-rate 3e-4 --warmup 0.1 --batch-size 32 --max-length 128)
        ;;
esac
if $original; then
    options+=(--engine none --schedule warmup_linear)
fi

use_data MRPC train.tsv dev.tsv

launch mrpc "${options[@]}"
