#!/usr/bin/env bash
# Relations between entities of a Korean sentence: RE of KLUE.
#
# usage: re.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds klue/klue-re-v1.1_train.json and klue/klue-re-v1.1_dev.json.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Relation of two entities."
configs=(korsci nano)
read_arguments "$@"

case $config in
    korsci) # the released Korean model
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 5 --learning-rate 1.5e-5 --warmup 0.1
            --batch-size 32 --max-length 256 --precision auto)
        ;;
    nano) # the small model of this package, minutes on a CPU
        options=(--model korsci-nano --epochs 10 --learning-rate 3e-4 --warmup 0.1 --batch-size 32 --max-length 128)
        ;;
esac

use_data klue klue-re-v1.1_train.json klue-re-v1.1_dev.json

launch klue-re "${options[@]}"
