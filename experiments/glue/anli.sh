#!/usr/bin/env bash
# Adversarial natural-language inference in three rounds: ANLI.
#
# usage: anli.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds anli_v1.0/R1, R2 and R3 with train.jsonl, dev.jsonl and test.jsonl; rounds that are
# not there are left out.
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
            --batch-size 32 --max-length 256 --precision auto)
        ;;
    nano) # the small model of this package, minutes on a CPU
        options=(--model korsci-nano --epochs 10 --learning-rate 3e-4 --warmup 0.1 --batch-size 32 --max-length 128)
        ;;
esac

if ! gives --train; then
    [[ -n $data_dir ]] || fail "no data folder; give --data-dir DIR or set KORSCI_DATA"
    rounds=0
    for round in "$data_dir"/{anli_v1.0/,}R{1,2,3}; do
        [[ -f $round/train.jsonl ]] || continue
        rounds=$((rounds + 1))
        for split in train dev test; do
            [[ ! -f $round/$split.jsonl ]] || use "--$split" "$round/$split.jsonl"
        done
    done
    ((rounds)) || fail "$data_origin: no anli_v1.0/R1/train.jsonl there"
fi

launch anli "${options[@]}"
