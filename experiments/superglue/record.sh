#!/usr/bin/env bash
# ReCoRD of SuperGLUE: which entity of a news article a gap in a sentence stands for.
#
# usage: record.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds ReCoRD/train.jsonl and ReCoRD/val.jsonl.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Gaps to be filled with an entity."
configs=(base large xlarge xlarge-v2 xxlarge-v2 deberta-v3-large korsci nano)
read_arguments "$@"

# The hyper-parameters of the original launcher; those all its configurations share follow the table.
original=true
case $config in
    base)
        options=(--model "$(checkpoint microsoft/deberta-base)" --epochs 3 --learning-rate 2e-5 --warmup 1000
            --batch-size 64 --cls-dropout 0.3 --precision float32)
        ;;
    large)
        options=(--model "$(checkpoint microsoft/deberta-large)" --epochs 3 --learning-rate 1e-5 --warmup 1000
            --batch-size 64 --cls-dropout 0.3 --precision fp16)
        ;;
    xlarge)
        options=(--model "$(checkpoint microsoft/deberta-xlarge)" --epochs 3 --learning-rate 7e-6 --warmup 1000
            --batch-size 64 --cls-dropout 0.3 --precision fp16)
        ;;
    xlarge-v2)
        options=(--model "$(checkpoint microsoft/deberta-v2-xlarge)" --epochs 3 --learning-rate 5e-6
            --warmup 1000 --batch-size 64 --cls-dropout 0.15 --precision fp16)
        ;;
    xxlarge-v2)
        options=(--model "$(checkpoint microsoft/deberta-v2-xxlarge)" --epochs 3 --learning-rate 3e-6
            --warmup 1000 --batch-size 64 --cls-dropout 0.15 --accumulate 2 --precision fp16)
        ;;
    deberta-v3-large)
        options=(--model "$(checkpoint microsoft/deberta-v3-large)" --epochs 3 --learning-rate 7e-6 --warmup 500
            --batch-size 64 --cls-dropout 0.1 --precision fp16)
        ;;
    korsci) # the released Korean model
        original=false
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 3 --learning-rate 2e-5 --warmup 0.1
            --batch-size 32 --max-length 512 --doc-stride 256 --precision auto)
        ;;
    nano) # the small model of this package
        original=false
        options=(--model korsci-nano --epochs 3 --learning-rate 3e-4 --warmup 0.1 --batch-size 32 --max-length 384
            --doc-stride 128)
        ;;
esac
if $original; then
    options+=(--max-length 512 --doc-stride 256 --engine none --schedule warmup_linear)
fi

use_data ReCoRD train.jsonl val.jsonl

launch record "${options[@]}"
