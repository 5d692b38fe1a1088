#!/usr/bin/env bash
# SQuAD 1.1: questions on Wikipedia articles.
#
# usage: squad.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds squad/train-v1.1.json and squad/dev-v1.1.json.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Question answering, SQuAD 1.1."
configs=(base korsci nano)
read_arguments "$@"

case $config in
    base) # an English model; the original experiments have no launcher for SQuAD
        options=(--model "$(checkpoint microsoft/deberta-v3-base)" --epochs 3 --learning-rate 2e-5 --warmup 0.1
            --batch-size 32 --engine none --max-length 384 --doc-stride 128 --precision auto)
        ;;
    korsci) # the released Korean model
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 3 --learning-rate 3e-5 --warmup 0.1
            --batch-size 32 --max-length 384 --doc-stride 128 --precision auto)
        ;;
    nano) # the small model of this package
        options=(--model korsci-nano --epochs 5 --learning-rate 3e-4 --warmup 0.1 --batch-size 32 --max-length 384
            --doc-stride 128)
        ;;
esac

use_data squad train-v1.1.json dev-v1.1.json

launch squad "${options[@]}"
