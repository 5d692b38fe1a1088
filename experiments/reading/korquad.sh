#!/usr/bin/env bash
# KorQuAD 1.0: questions on Korean Wikipedia articles.
#
# usage: korquad.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds one of
#   whole  korquad/KorQuAD_v1.0_train.json and KorQuAD_v1.0_dev.json beside it
#   small  korquad/KorQuAD_v1.0_dev.json alone: a fifth of its articles is held back to evaluate on
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Question answering, KorQuAD 1.0."
configs=(korsci nano)
read_arguments "$@"

case $config in
    korsci) # the released Korean model
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 5 --learning-rate 3e-5 --warmup 0.1
            --batch-size 16 --max-length 512 --doc-stride 128 --precision auto)
        ;;
    nano) # the small model of this package, on a CPU
        options=(--model korsci-nano --epochs 3 --learning-rate 3e-4 --warmup 0.1 --batch-size 16 --max-length 384
            --doc-stride 128)
        ;;
esac

if ! gives --train; then
    [[ -n $data_dir ]] || fail "no data folder; give --data-dir DIR or set KORSCI_DATA"
    train=$(first "$data_dir/korquad/KorQuAD_v1.0_train.json" "$data_dir/KorQuAD_v1.0_train.json")
    dev=$(first "$data_dir/korquad/KorQuAD_v1.0_dev.json" "$data_dir/KorQuAD_v1.0_dev.json")
    if [[ -n $train ]]; then
        use --train "$train"
        use --dev "${train%/*}/KorQuAD_v1.0_dev.json"
    elif [[ -n $dev ]]; then
        use --train "$dev"
        gives --dev || options+=(--dev-share 0.2) # of the articles
    else
        fail "$data_origin: neither KorQuAD_v1.0_train.json nor KorQuAD_v1.0_dev.json is there"
    fi
fi

launch korquad "${options[@]}"
