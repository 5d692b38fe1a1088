#!/usr/bin/env bash
# Roles of sentences in abstracts (aim, method, result …), with the sentences around as context.
#
# usage: abstracts.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds train.csv or train.tsv and, where there are some, dev and test files of the same
# ending, there or in abstracts/: columns sentence, tag and, for context, paper_id and position. Checkpoints are folders
# under $KORSCI_MODELS (default: models). Options given here win over the table below; with --train the launcher adds no
# data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Roles of sentences in abstracts."
configs=(korsci nano)
read_arguments "$@"

case $config in
    korsci) # the released Korean model, with the hyper-parameters of its published experiment; its seed is the default
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 5 --learning-rate 1.5e-5 --warmup 500
            --batch-size 32 --max-length 256 --precision auto --schedule linear)
        ;;
    nano) # the small model of this package, minutes on a CPU
        options=(--model korsci-nano --epochs 10 --learning-rate 3e-4 --warmup 0.1 --batch-size 32 --max-length 128)
        ;;
esac

if ! gives --train; then
    [[ -n $data_dir ]] || fail "no data folder; give --data-dir DIR or set KORSCI_DATA"
    train=$(first "$data_dir"/{,abstracts/}train.{csv,tsv})
    [[ -n $train ]] || fail "$data_origin: neither train.csv nor train.tsv is there"
    use --train "$train"
    for split in dev test; do
        [[ ! -f ${train%/*}/$split.${train##*.} ]] || use "--$split" "${train%/*}/$split.${train##*.}"
    done
fi

launch abstracts "${options[@]}"
