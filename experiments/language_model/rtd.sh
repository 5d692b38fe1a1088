#!/usr/bin/env bash
# Replaced-token detection: the original experiments, from scratch or going on, and a small pair.
#
# usage: rtd.sh CONFIG [--data-dir DIR] [korsci pretrain rtd options]
# DIR (default: $KORSCI_DATA) is a corpus from 'korsci pretrain prepare', whose tokenizer is the models'. Those that go
# on start from folders under $KORSCI_MODELS (default: models): microsoft/NAME and, with the generator's weights as
# pytorch_model.bin beside its config.json, microsoft/NAME-generator. Options given here win over the table below.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../_launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_launch.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

description="Replaced-token detection."
command="korsci pretrain rtd"
configs=(
    deberta-v3-xsmall-continue deberta-v3-xsmall deberta-v3-small-continue deberta-v3-base deberta-v3-large
    nano
)
read_arguments "$@"

# The hyper-parameters of the original launcher; those all its configurations share follow the table.
original=true
steps=1000000
case $config in
    deberta-v3-xsmall-continue | deberta-v3-small-continue)
        name=microsoft/${config%-continue}
        steps=100000
        options=(--generator "$(checkpoint "$name-generator")" --discriminator "$(checkpoint "$name")"
            --learning-rate 5e-5 --warmup 10000 --batch-size 256 --decoupled --precision fp16)
        ;;
    deberta-v3-xsmall)
        options=(--model "$here/rtd_xsmall.json" --learning-rate 3e-4 --warmup 10000 --batch-size 64 --decoupled
            --precision fp16)
        ;;
    deberta-v3-base)
        options=(--model "$here/rtd_base.json" --learning-rate 1e-4 --warmup 10000 --batch-size 256 --decoupled
            --precision fp16)
        ;;
    deberta-v3-large)
        options=(--model "$here/rtd_large.json" --learning-rate 1e-4 --warmup 10000 --batch-size 256 --decoupled
            --precision fp16)
        ;;
    nano) # 3 layers of 256 and a generator of 2, hours on a CPU
        original=false
        options=(--model "$here/rtd_nano.json" --learning-rate 1e-3 --warmup 0.05 --batch-size 128 --max-steps 20000
            --max-length 128 --precision bf16 --eval-rows 500 --save-every 250)
        ;;
esac
if $original; then
    options+=(--max-steps "$steps" --max-length 512 --eval-every 10000 --schedule warmup_linear)
fi

use_corpus
pretrain rtd "${options[@]}"
