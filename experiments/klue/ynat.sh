#!/usr/bin/env bash
# Topics of Korean news headlines: YNAT of KLUE.
#
# usage: ynat.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds klue/ynat-v1.1_train.json and klue/ynat-v1.1_dev.json
# or ynat/train.csv and ynat/dev.csv.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Topic of a headline."
configs=(korsci nano)
read_arguments "$@"

case $config in
    korsci) # the released Korean model
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 5 --learning-rate 1.5e-5 --warmup 0.1
            --batch-size 32 --max-length 64 --precision auto)
        ;;
    nano) # the small model of this package, minutes on a CPU
        options=(--model korsci-nano --epochs 10 --learning-rate 3e-4 --warmup 0.1 --batch-size 32 --max-length 64)
        ;;
esac

if ! gives --train; then
    [[ -n $data_dir ]] || fail "no data folder; give --data-dir DIR or set KORSCI_DATA"
    train=$(first "$data_dir/klue/ynat-v1.1_train.json" "$data_dir/ynat-v1.1_train.json" "$data_dir/ynat/train.csv")
    [[ -n $train ]] || fail "$data_origin: no klue/ynat-v1.1_train.json there"
    use --train "$train"
    if [[ $train == *.csv ]]; then
        use --dev "${train%/*}/dev.csv"
    else
        use --dev "${train%/*}/ynat-v1.1_dev.json"
    fi
fi

launch ynat "${options[@]}"
