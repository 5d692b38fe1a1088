#!/usr/bin/env bash
# Downloads the public data sets of the launchers into one folder.
#
# usage: download_data.sh DIR [NAME…]
# NAME is one of the groups below; without one all are downloaded. What is there already is not fetched again.
#   glue       CoLA SST-2 STS-B QQP MNLI QNLI RTE WNLI and the diagnostics AX (MRPC's licence asks to get it by hand)
#   superglue  BoolQ CB COPA MultiRC RTE ReCoRD WiC; its files of RTE stand beside those of GLUE, with another ending
#   anli       the three rounds of ANLI
#   alphanli   AlphaNLI
#   squad      SQuAD 1.1 and 2.0
#   klue       YNAT, STS, NLI, NER, RE and MRC of KLUE, training and dev sets
#   kornlu     KorNLI and KorSTS
#   korquad    KorQuAD 1.0
#   nsmc       film reviews
# Each file comes over HTTPS and is refused when it arrives incomplete. No checksums of the owners are known, so the
# SHA-256 of a first download is recorded in DIR/SHA256SUMS and compared when the file is fetched again.
set -euo pipefail

groups=(glue superglue anli alphanli squad klue kornlu korquad nsmc)
glue=https://dl.fbaipublicfiles.com/glue
github=https://raw.githubusercontent.com

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 2
}

# fetch FILE URL : download to DIR/FILE unless it is there; say its size.
fetch() {
    local file=$directory/$1 before='' after
    if [[ -f $file ]]; then
        printf '%-44s is there\n' "$1"
        return
    fi
    mkdir -p "${file%/*}"
    # curl takes a body that is shorter than its announced length for an error.
    if ! curl --fail --silent --show-error --location --proto '=https' --retry 2 --connect-timeout 20 \
        --output "$file.part" "$2"; then
        rm -f "$file.part"
        fail "$2 could not be downloaded; is there a network? Otherwise get the file elsewhere and put it at $file"
    fi
    after=$(sha256sum "$file.part" | cut -d ' ' -f 1)
    [[ ! -f $sums ]] || before=$(awk -v name="$1" '$2 == name { print $1 }' "$sums")
    if [[ -n $before && $before != "$after" ]]; then
        rm -f "$file.part"
        fail "$1: its SHA-256 is $after, a former download had $before; remove its line in $sums to accept the new one"
    fi
    [[ -n $before ]] || printf '%s  %s\n' "$after" "$1" >>"$sums"
    mv "$file.part" "$file"
    printf '%-44s %s bytes\n' "$1" "$(wc -c <"$file" | tr -d ' ')"
}

# archive NAME URL FOLDER : download DIR/archives/NAME and unpack it into DIR/FOLDER.
archive() {
    local done=$directory/archives/$1.unpacked
    fetch "archives/$1" "$2"
    [[ ! -f $done ]] || return 0
    python3 -m zipfile -e "$directory/archives/$1" "$directory/$3" || fail "archives/$1: cannot be unpacked"
    touch "$done"
}

download() {
    local name split
    case $1 in
        glue)
            for name in CoLA SST-2 STS-B MNLI RTE WNLI; do archive "$name.zip" "$glue/data/$name.zip" .; done
            archive QQP-clean.zip "$glue/data/QQP-clean.zip" .
            archive QNLIv2.zip "$glue/data/QNLIv2.zip" .
            fetch AX/AX.tsv "$glue/data/AX.tsv"
            ;;
        superglue)
            for name in BoolQ CB COPA MultiRC RTE ReCoRD WiC; do
                archive "superglue-$name.zip" "$glue/superglue/data/v2/$name.zip" .
            done
            ;;
        anli) archive anli_v1.0.zip https://dl.fbaipublicfiles.com/anli/anli_v1.0.zip . ;;
        alphanli)
            archive alphanli-train-dev.zip \
                https://storage.googleapis.com/ai2-mosaic/public/alphanli/alphanli-train-dev.zip alphanli
            ;;
        squad)
            for name in train-v1.1 dev-v1.1 train-v2.0 dev-v2.0; do
                fetch "squad/$name.json" "https://rajpurkar.github.io/SQuAD-explorer/dataset/$name.json"
            done
            ;;
        klue)
            for split in train dev; do
                for name in ynat klue-sts klue-nli klue-re klue-mrc; do
                    fetch "klue/$name-v1.1_$split.json" \
                        "$github/KLUE-benchmark/KLUE/main/klue_benchmark/$name-v1.1/$name-v1.1_$split.json"
                done
                fetch "klue/klue-ner-v1.1_$split.tsv" \
                    "$github/KLUE-benchmark/KLUE/main/klue_benchmark/klue-ner-v1.1/klue-ner-v1.1_$split.tsv"
            done
            ;;
        kornlu)
            for name in multinli.train.ko snli_1.0_train.ko xnli.dev.ko xnli.test.ko; do
                fetch "KorNLI/$name.tsv" "$github/kakaobrain/kor-nlu-datasets/master/KorNLI/$name.tsv"
            done
            for split in train dev test; do
                fetch "KorSTS/sts-$split.tsv" "$github/kakaobrain/kor-nlu-datasets/master/KorSTS/sts-$split.tsv"
            done
            ;;
        korquad)
            for split in train dev; do
                fetch "korquad/KorQuAD_v1.0_$split.json" "https://korquad.github.io/dataset/KorQuAD_v1.0_$split.json"
            done
            ;;
        nsmc)
            for split in train test; do
                fetch "nsmc/ratings_$split.txt" "$github/e9t/nsmc/master/ratings_$split.txt"
            done
            ;;
        *) fail "no data set '$1'; one of ${groups[*]}" ;;
    esac
}

if (($# == 0)) || [[ $1 == -h || $1 == --help ]]; then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
    exit $(($# == 0 ? 2 : 0))
fi
directory=$1
shift
for program in curl sha256sum python3; do
    command -v "$program" >/dev/null || fail "$program is not installed; it is needed to download"
done
for name in "$@"; do
    [[ " ${groups[*]} " == *" $name "* ]] || fail "no data set '$name'; one of ${groups[*]}"
done
mkdir -p "$directory"
sums=$directory/SHA256SUMS
(($#)) || set -- "${groups[@]}"
for name in "$@"; do
    download "$name"
done
