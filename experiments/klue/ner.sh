#!/usr/bin/env bash
# KLUE-NER: named entities in Korean, tagged and scored by characters.
#
# usage: ner.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds klue-ner-v1.1_train.tsv and klue-ner-v1.1_dev.tsv, there or in klue/. Without the
# training file a fifth of the dev file, always the same sentences, is held back and the rest is trained on.
# Checkpoints are folders under $KORSCI_MODELS (default: models). Options given here win over the table below; with
# --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Named entities of KLUE."
configs=(korsci nano)
read_arguments "$@"

case $config in
    korsci) # the released Korean model
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 5 --learning-rate 3e-5 --warmup 0.1
            --batch-size 32 --max-length 256 --precision auto)
        ;;
    nano) # the small model of this package, minutes on a CPU
        options=(--model korsci-nano --epochs 10 --learning-rate 3e-4 --warmup 0.1 --batch-size 16 --max-length 256)
        ;;
esac

if ! gives --train; then
    [[ -n $data_dir ]] || fail "no data folder; give --data-dir DIR or set KORSCI_DATA"
    train=$(first "$data_dir/klue-ner-v1.1_train.tsv" "$data_dir/klue/klue-ner-v1.1_train.tsv")
    dev=$(first "$data_dir/klue-ner-v1.1_dev.tsv" "$data_dir/klue/klue-ner-v1.1_dev.tsv")
    [[ -n $dev ]] || fail "$data_origin: neither klue-ner-v1.1_dev.tsv nor klue/klue-ner-v1.1_dev.tsv is there"
    if [[ -n $train ]]; then
        use --train "$train"
        use --dev "$dev"
    else
        use --train "$dev"
        options+=(--dev-share 0.2)
    fi
fi

launch klue-ner "${options[@]}"
