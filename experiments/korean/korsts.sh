#!/usr/bin/env bash
# Similarity of Korean sentences: KorSTS.
#
# usage: korsts.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds KorSTS/sts-train.tsv, KorSTS/sts-dev.tsv and KorSTS/sts-test.tsv
# or kornlu/sts-train.tsv and kornlu/sts-dev.tsv and kornlu/sts-test.tsv.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="How alike, 0 to 5."
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
    train=$(first "$data_dir/KorSTS/sts-train.tsv" "$data_dir/sts-train.tsv" "$data_dir/kornlu/sts-train.tsv")
    [[ -n $train ]] || fail "$data_origin: no KorSTS/sts-train.tsv there"
    use --train "$train"
    use --dev "${train%/*}/sts-dev.tsv"
    use --test "${train%/*}/sts-test.tsv"
fi

launch korsts "${options[@]}"
