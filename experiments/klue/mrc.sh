#!/usr/bin/env bash
# KLUE-MRC: questions on Korean news and Wikipedia articles, some without an answer.
#
# usage: mrc.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds klue-mrc-v1.1/klue-mrc-v1.1_train.json and klue-mrc-v1.1_dev.json beside it.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Question answering, KLUE-MRC."
configs=(korsci nano)
read_arguments "$@"

case $config in
    korsci) # the released Korean model
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 5 --learning-rate 3e-5 --warmup 0.1
            --batch-size 16 --max-length 512 --doc-stride 128 --precision auto)
        ;;
    nano) # the small model of this package
        options=(--model korsci-nano --epochs 5 --learning-rate 3e-4 --warmup 0.1 --batch-size 32 --max-length 384
            --doc-stride 128)
        ;;
esac

use_data klue-mrc-v1.1 klue-mrc-v1.1_train.json klue-mrc-v1.1_dev.json

launch klue-mrc "${options[@]}"
