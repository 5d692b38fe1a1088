#!/usr/bin/env bash
# Natural-language inference in Korean: KorNLI.
#
# usage: kornli.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds KorNLI/multinli.train.ko.tsv, KorNLI/xnli.dev.ko.tsv and KorNLI/xnli.test.ko.tsv.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Entailed, contradicted or open."
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
    train=$(first "$data_dir/KorNLI/multinli.train.ko.tsv" "$data_dir/multinli.train.ko.tsv")
    [[ -n $train ]] || fail "$data_origin: no KorNLI/multinli.train.ko.tsv there"
    use --train "$train"
    use --dev "${train%/*}/xnli.dev.ko.tsv"
    use --test "${train%/*}/xnli.test.ko.tsv"
fi

launch mnli "${options[@]}"
