#!/usr/bin/env bash
# Natural-language inference: MNLI as in the original experiments, KorNLI and KLUE-NLI.
#
# usage: mnli.sh CONFIG [--data-dir DIR] [korsci train options]
# DIR (default: $KORSCI_DATA) holds one of
#   GLUE    MNLI/train.tsv, MNLI/dev_matched.tsv and, scored as the test set, MNLI/dev_mismatched.tsv
#   KorNLI  kornlu/multinli.train.ko.tsv (and snli_1.0_train.ko.tsv), xnli.dev.ko.tsv, xnli.test.ko.tsv
#   small   kornlu/xnli.dev.ko.tsv and xnli.test.ko.tsv to train on, klue/klue-nli-v1.1_dev.json to evaluate on
# GLUE's diagnostics are scored afterwards by `korsci eval runs/mnli-CONFIG --data diagnostic-full.tsv`: Matthews'
# correlation, which the leaderboard gives times 100.
# Checkpoints are folders under $KORSCI_MODELS (default: models), named as on the model hub. Options given here win over
# the table below; with --train the launcher adds no data.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"

description="Natural-language inference."
configs=(
    bert-xsmall
    deberta-v3-xsmall deberta-v3-xsmall-sift
    deberta-v3-small deberta-v3-small-sift
    deberta-v3-base deberta-v3-base-sift
    deberta-v3-large
    base base-sift large xlarge xlarge-v2 xxlarge-v2 xxlarge-v2-sift
    korsci nano
)
read_arguments "$@"

# The hyper-parameters of the original launcher; those all its configurations share follow the table.
original=true
case $config in
    bert-xsmall)
        options=(--model "$(checkpoint bert-xsmall)" --epochs 3 --learning-rate 1e-4 --warmup 1500
            --batch-size 64 --cls-dropout 0.1 --precision fp16)
        ;;
    deberta-v3-xsmall)
        options=(--model "$(checkpoint microsoft/deberta-v3-xsmall)" --epochs 3 --learning-rate 4.5e-5 --warmup 1000
            --batch-size 64 --cls-dropout 0.10 --precision fp16)
        ;;
    deberta-v3-xsmall-sift)
        options=(--model "$(checkpoint microsoft/deberta-v3-xsmall)" --epochs 10 --learning-rate 5e-5 --warmup 1500
            --batch-size 64 --cls-dropout 0.10 --precision fp16
            --sift-lambda 3 --sift-lr 1e-4 --sift-init 1e-2)
        ;;
    deberta-v3-small)
        options=(--model "$(checkpoint microsoft/deberta-v3-small)" --epochs 3 --learning-rate 4.5e-5 --warmup 1500
            --batch-size 64 --cls-dropout 0.20 --precision fp16)
        ;;
    deberta-v3-small-sift)
        options=(--model "$(checkpoint microsoft/deberta-v3-small)" --epochs 6 --learning-rate 3.5e-5 --warmup 1000
            --batch-size 64 --cls-dropout 0.1 --precision float32
            --sift-lambda 5 --sift-lr 1e-4 --sift-init 1e-2)
        ;;
    deberta-v3-base)
        options=(--model "$(checkpoint microsoft/deberta-v3-base)" --epochs 3 --learning-rate 1.5e-5 --warmup 1000
            --batch-size 64 --cls-dropout 0.1 --precision fp16)
        ;;
    deberta-v3-base-sift)
        options=(--model "$(checkpoint microsoft/deberta-v3-base)" --epochs 6 --learning-rate 1.5e-5 --warmup 1000
            --batch-size 64 --cls-dropout 0.1 --precision fp16
            --sift-lambda 5 --sift-lr 1e-4 --sift-init 1e-2)
        ;;
    deberta-v3-large)
        options=(--model "$(checkpoint microsoft/deberta-v3-large)" --epochs 2 --learning-rate 7e-6 --warmup 500
            --batch-size 64 --cls-dropout 0.3 --precision fp16)
        ;;
    base)
        options=(--model "$(checkpoint microsoft/deberta-base)" --epochs 3 --learning-rate 3e-5 --warmup 1000
            --batch-size 64 --cls-dropout 0.1 --precision fp16)
        ;;
    base-sift)
        options=(--model "$(checkpoint microsoft/deberta-base)" --epochs 6 --learning-rate 1.5e-5 --warmup 1000
            --batch-size 64 --cls-dropout 0.1 --precision fp16
            --sift-lambda 5 --sift-lr 1e-4 --sift-init 1e-2)
        ;;
    large)
        options=(--model "$(checkpoint microsoft/deberta-large)" --epochs 3 --learning-rate 1e-5 --warmup 1000
            --batch-size 64 --cls-dropout 0.2 --precision fp16)
        ;;
    xlarge)
        options=(--model "$(checkpoint microsoft/deberta-xlarge)" --epochs 3 --learning-rate 5e-6 --warmup 1000
            --batch-size 64 --cls-dropout 0.3 --precision fp16)
        ;;
    xlarge-v2)
        options=(--model "$(checkpoint microsoft/deberta-v2-xlarge)" --epochs 3 --learning-rate 4e-6 --warmup 1000
            --batch-size 64 --cls-dropout 0.25 --precision fp16)
        ;;
    xxlarge-v2)
        options=(--model "$(checkpoint microsoft/deberta-v2-xxlarge)" --epochs 3 --learning-rate 3e-6 --warmup 1000
            --batch-size 64 --cls-dropout 0.3 --precision fp16)
        ;;
    xxlarge-v2-sift)
        options=(--model "$(checkpoint microsoft/deberta-v2-xxlarge)" --epochs 6 --learning-rate 3e-6 --warmup 1000
            --batch-size 64 --cls-dropout 0.3 --precision fp16
            --sift-lambda 5 --sift-lr 1e-4 --sift-init 1e-2)
        ;;
    korsci) # the released Korean model
        original=false
        options=(--model "$(checkpoint kisti/korscideberta)" --epochs 5 --learning-rate 1.5e-5 --warmup 500
            --batch-size 32 --max-length 256 --precision auto)
        ;;
    nano) # the small model of this package, minutes on a CPU
        original=false
        options=(--model korsci-nano --epochs 10 --learning-rate 3e-4 --warmup 0.1 --batch-size 64 --max-length 128
            --eval-every 0)
        ;;
esac
if $original; then
    options+=(--max-length 256 --eval-batch-size 256 --eval-every 1000 --engine none
        --schedule warmup_linear)
fi

if ! gives --train; then
    [[ -n $data_dir ]] || fail "no data folder; give --data-dir DIR or set KORSCI_DATA"
    glue=$(first "$data_dir/MNLI/train.tsv" "$data_dir/train.tsv")
    multinli=$(first "$data_dir/kornlu/multinli.train.ko.tsv" "$data_dir/multinli.train.ko.tsv")
    xnli=$(first "$data_dir/kornlu/xnli.dev.ko.tsv" "$data_dir/xnli.dev.ko.tsv")
    if [[ -n $glue ]]; then
        use --train "$glue"
        use --dev "${glue%/*}/dev_matched.tsv"
        [[ ! -f ${glue%/*}/dev_mismatched.tsv ]] || use --test "${glue%/*}/dev_mismatched.tsv"
    elif [[ -n $multinli ]]; then
        kornli=${multinli%/*}
        use --train "$multinli"
        [[ ! -f $kornli/snli_1.0_train.ko.tsv ]] || use --train "$kornli/snli_1.0_train.ko.tsv"
        use --dev "$kornli/xnli.dev.ko.tsv"
        use --test "$kornli/xnli.test.ko.tsv"
    elif [[ -n $xnli ]]; then
        use --train "$xnli"
        use --train "${xnli%/*}/xnli.test.ko.tsv"
        klue=$(first "$data_dir/klue/klue-nli-v1.1_dev.json" "$data_dir/klue-nli-v1.1_dev.json")
        [[ -z $klue ]] || use --dev "$klue" # without it korsci holds part of the training file out
    else
        fail "$data_origin: neither MNLI/train.tsv nor kornlu/xnli.dev.ko.tsv is there"
    fi
fi

launch mnli "${options[@]}"
