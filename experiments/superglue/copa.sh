#!/usr/bin/env bash
# COPA of SuperGLUE: which of two sentences is the cause or the effect of a third.
#
# usage: copa.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds COPA/train.jsonl and COPA/val.jsonl.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Cause or effect."
configs=(base-mnli large-mnli xlarge-mnli xlarge-v2-mnli xxlarge-v2-mnli korsci nano)
read_arguments "$@"

# The hyper-parameters of the original launcher; those all its configurations share follow the table.
original=true
case $config in
    base-mnli)
        options=(--model "$(checkpoint microsoft/deberta-base-mnli)" --epochs 3 --learning-rate 1e-5 --warmup 50
            --batch-size 32 --cls-dropout 0.1 --precision float32)
        ;;
    large-mnli)
        options=(--model "$(checkpoint microsoft/deberta-large-mnli)" --epochs 4 --learning-rate 5e-6
            --warmup 30 --batch-size 16 --cls-dropout 0.1 --precision fp16)
        ;;
    xlarge-mnli)
        options=(--model "$(checkpoint microsoft/deberta-xlarge-mnli)" --epochs 4 --learning-rate 3e-6
            --warmup 30 --batch-size 24 --cls-dropout 0.1 --precision fp16)
        ;;
    xlarge-v2-mnli)
        options=(--model "$(checkpoint microsoft/deberta-v2-xlarge-mnli)" --epochs 4 --learning-rate 2e-6
            --warmup 30 --batch-size 24 --cls-dropout 0.1 --precision fp16)
        ;;
    xxlarge-v2-mnli)
        options=(--model "$(checkpoint microsoft/deberta-v2-xxlarge-mnli)" --epochs 8 --learning-rate 1e-6
            --warmup 30 --batch-size 24 --cls-dropout 0.1 --precision fp16)
        ;;
    korsci) # the released Korean model
        original=false
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 8 --learning-rate 1e-5 --warmup 0.1
            --batch-size 16 --max-length 136 --precision auto)
        ;;
    nano) # the small model of this package, minutes on a CPU
        original=false
        options=(--model korsci-nano --epochs 10 --learning-rate 3e-4 --warmup 0.1 --batch-size 16 --max-length 64)
        ;;
esac
if $original; then
    options+=(--max-length 136 --engine none --schedule warmup_linear)
fi

use_data COPA train.jsonl val.jsonl

launch copa "${options[@]}"
