#!/usr/bin/env bash
# Research fields of papers: 33 large fields, one to three a paper, scored by top-3 F1.
#
# usage: papers.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds papers.csv with the columns id, title, abstract, fields, split; without a folder the
# sample papers of the package are used. Checkpoints are folders under $KORSCI_MODELS (default: models). Options given
# here win over the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Research fields of papers."
configs=(korsci small nano)
read_arguments "$@"

case $config in
    korsci) # the released Korean model
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 5 --learning-rate 1.5e-5 --warmup 500
            --batch-size 32 --max-length 512 --precision auto)
        ;;
    small) # 6 layers from scratch, for a few thousand papers and more
        options=(--model small --epochs 10 --learning-rate 3e-4 --warmup 0.1 --batch-size 32 --max-length 256)
        ;;
    nano) # the small model of this package, minutes on a CPU
        options=(--model korsci-nano --epochs 16 --learning-rate 3e-4 --warmup 0.1 --batch-size 8 --max-length 96)
        ;;
esac

if ! gives --train && [[ -n $data_dir ]]; then
    [[ -f $data_dir/papers.csv ]] || fail "$data_origin: no papers.csv there"
    use --train "$data_dir/papers.csv"
fi

launch papers "${options[@]}"
