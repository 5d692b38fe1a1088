#!/usr/bin/env bash
# RACE: English examinations, four options a question.
#
# usage: race.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds RACE/train_middle.jsonl, train_high.jsonl, dev_middle.jsonl, dev_high.jsonl and, if
# they are there, test_middle.jsonl and test_high.jsonl. The archive holds a file an article; from its folder RACE,
#   for s in train dev test; do for l in middle high; do
#     find $s/$l -name '*.txt' -exec awk 1 {} + >${s}_$l.jsonl; done; done
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Reading examinations."
configs=(base-mnli large-mnli xlarge-mnli xlarge-v2-mnli xxlarge-v2-mnli korsci nano)
read_arguments "$@"

# The hyper-parameters of the original launcher; those all its configurations share follow the table.
original=true
case $config in
    base-mnli)
        options=(--model "$(checkpoint microsoft/deberta-base-mnli)" --epochs 6 --learning-rate 2e-5
            --warmup 100 --batch-size 32 --cls-dropout 0.2 --max-length 320 --precision float32)
        ;;
    large-mnli)
        options=(--model "$(checkpoint microsoft/deberta-large-mnli)" --epochs 6 --learning-rate 8e-6
            --warmup 100 --batch-size 32 --cls-dropout 0.2 --max-length 320 --precision float32)
        ;;
    xlarge-mnli)
        options=(--model "$(checkpoint microsoft/deberta-xlarge-mnli)" --epochs 6 --learning-rate 7e-6
            --warmup 100 --batch-size 48 --cls-dropout 0.2 --max-length 320 --precision fp16)
        ;;
    xlarge-v2-mnli)
        options=(--model "$(checkpoint microsoft/deberta-v2-xlarge-mnli)" --epochs 6 --learning-rate 4e-6
            --warmup 100 --batch-size 48 --cls-dropout 0.2 --max-length 320 --precision fp16)
        ;;
    xxlarge-v2-mnli)
        options=(--model "$(checkpoint microsoft/deberta-v2-xxlarge-mnli)" --epochs 6 --learning-rate 3e-6
            --warmup 100 --batch-size 48 --cls-dropout 0.2 --max-length 320 --precision fp16)
        ;;
    korsci) # the released Korean model
        original=false
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 4 --learning-rate 2e-5 --warmup 0.1
            --batch-size 16 --max-length 512 --precision auto)
        ;;
    nano) # the small model of this package
        original=false
        options=(--model korsci-nano --epochs 3 --learning-rate 3e-4 --warmup 0.1 --batch-size 16 --max-length 320)
        ;;
esac
if $original; then
    options+=(--engine none --schedule warmup_linear)
fi

if ! gives --train; then
    [[ -n $data_dir ]] || fail "no data folder; give --data-dir DIR or set KORSCI_DATA"
    train=$(first "$data_dir/RACE/train_middle.jsonl" "$data_dir/train_middle.jsonl")
    [[ -n $train ]] || fail "$data_origin: no RACE/train_middle.jsonl there"
    for level in middle high; do
        use --train "${train%/*}/train_$level.jsonl"
        use --dev "${train%/*}/dev_$level.jsonl"
        [[ ! -f ${train%/*}/test_$level.jsonl ]] || use --test "${train%/*}/test_$level.jsonl"
    done
fi

launch race "${options[@]}"
