#!/usr/bin/env bash
# Masked language models from scratch: the original experiments, the released Korean model, a small one.
#
# usage: mlm.sh CONFIG [--data-dir DIR] [korsci pretrain mlm options]
# DIR (default: $KORSCI_DATA) is a corpus from 'korsci pretrain prepare', whose tokenizer is the model's; --corpus FILES
# with --tokenizer T prepares one. Options given here win over the table below.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

description="Masked language models from scratch."
command="korsci pretrain mlm"
configs=(bert-base deberta-base xlarge-v2 xxlarge-v2 korsci-base nano)
read_arguments "$@"

# The hyper-parameters of the original launcher; those all its configurations share follow the table.
original=true
case $config in
    bert-base)
        options=(--model "$here/bert_base.json" --learning-rate 1e-4 --warmup 10000 --batch-size 256 --max-ngram 1
            --precision fp16)
        ;;
    deberta-base)
        options=(--model "$here/deberta_base.json" --learning-rate 1e-4 --warmup 10000 --batch-size 256 --max-ngram 3
            --precision fp16)
        ;;
    xlarge-v2)
        options=(--model "$here/deberta_xlarge.json" --learning-rate 1e-4 --warmup 1000 --batch-size 32 --max-ngram 3
            --precision fp16)
        ;;
    xxlarge-v2)
        options=(--model "$here/deberta_xxlarge.json" --learning-rate 1e-4 --warmup 1000 --batch-size 32 --max-ngram 3
            --precision fp16)
        ;;
    korsci-base) # the released model's: 16,384 rows an update in four parts; its warm-up and n-grams are not published
        original=false
        options=(--model "$here/korsci_base.json" --learning-rate 1e-4 --warmup 10000 --batch-size 16384 --accumulate 4
            --max-steps 1600000 --max-length 512 --max-ngram 3 --mask-unit morph --precision fp16 --eval-every 10000
            --save-every 1000)
        ;;
    nano) # 3 layers of 256, an hour or two on a CPU
        original=false
        options=(--model "$here/nano.json" --learning-rate 1e-3 --schedule warmup_constant --warmup 300 --batch-size 24
            --max-steps 3000 --max-length 128 --max-ngram 1 --mask-unit morph --mask-share 0.2 --precision float32
            --eval-rows 300 --eval-every 1000 --save-every 500)
        ;;
esac
if $original; then
    options+=(--max-steps 1000000 --max-length 512 --eval-every 10000 --schedule warmup_linear)
fi

use_corpus
pretrain mlm "${options[@]}"
