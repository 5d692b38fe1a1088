#!/usr/bin/env bash
# Sentiment of Korean film reviews: NSMC.
#
# usage: nsmc.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds nsmc/ratings_train.txt and nsmc/ratings_test.txt.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Favourable or not."
configs=(korsci nano)
read_arguments "$@"

case $config in
    korsci) # the released Korean model
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 5 --learning-rate 1.5e-5 --warmup 0.1
            --batch-size 32 --max-length 128 --precision auto)
        ;;
    nano) # the small model of this package, minutes on a CPU
        options=(--model korsci-nano --epochs 10 --learning-rate 3e-4 --warmup 0.1 --batch-size 32 --max-length 128)
        ;;
esac

if ! gives --train; then
    [[ -n $data_dir ]] || fail "no data folder; give --data-dir DIR or set KORSCI_DATA"
    train=$(first "$data_dir/nsmc/ratings_train.txt" "$data_dir/ratings_train.txt")
    [[ -n $train ]] || fail "$data_origin: no nsmc/ratings_train.txt there"
    use --train "$train"
    # there is no dev file: korsci holds a tenth of the training rows back to select the checkpoint
    use --test "${train%/*}/ratings_test.txt"
fi

launch nsmc "${options[@]}"
