# shellcheck shell=bash disable=SC2154
# Shared by the launchers: reads their arguments, finds the data and the program, runs `korsci train`. Sourced, never
# run. A launcher sets `description` and the array `configs` before it calls read_arguments "$@", and `command` where
# what it runs is not `korsci train`.

# usage : print how the calling launcher is used.
usage() {
    printf 'usage: %s CONFIG [--data-dir DIR] [%s options]\n' "${0##*/}" "${command:-korsci train}"
    printf '%s\nDIR: folder of the data; default: the variable KORSCI_DATA\nconfigurations:\n' "$description"
    printf '  %s\n' "${configs[@]}"
}

# fail MESSAGE : one line and exit 2.
fail() {
    printf 'error: %s\n' "$1" >&2
    exit 2
}

# read_arguments "$@" : set config; data_dir from --data-dir or $KORSCI_DATA (empty without both) and data_origin, how
# it was named; the rest, options of the program, in the array extra.
read_arguments() {
    local known
    config=${1:-}
    case $config in
        -h | --help)
            usage
            exit 0
            ;;
    esac
    for known in "${configs[@]}"; do
        [[ $config != "$known" ]] || break
    done
    if [[ $config != "$known" ]]; then
        [[ -z $config ]] || printf "error: no configuration '%s'\n" "$config" >&2
        usage >&2
        exit 2
    fi
    shift

    data_dir=${KORSCI_DATA:-}
    data_origin="KORSCI_DATA=$data_dir"
    extra=()
    while (($#)); do
        case $1 in
            --data-dir | --data-dir=*)
                if [[ $1 == *=* ]]; then
                    data_dir=${1#*=}
                else
                    (($# > 1)) || fail "--data-dir needs a folder"
                    data_dir=$2
                    shift
                fi
                [[ -n $data_dir ]] || fail "--data-dir needs a folder"
                data_origin="--data-dir $data_dir"
                ;;
            *) extra+=("$1") ;;
        esac
        shift
    done
    if [[ -n $data_dir && ! -d $data_dir ]] && ! gives --train && ! gives --data && ! gives --corpus; then
        fail "$data_origin: no such folder"
    fi
}

# gives OPTION : does the user pass that option on?
gives() {
    local argument
    for argument in ${extra[@]+"${extra[@]}"}; do
        [[ $argument == "$1" || $argument == "$1="* ]] && return 0
    done
    return 1
}

# checkpoint NAME : the folder of a pretrained model, $KORSCI_MODELS/NAME (default: models/NAME).
checkpoint() {
    printf '%s/%s' "${KORSCI_MODELS:-models}" "$1"
}

# first FILE… : the first of the files that exists, else nothing.
first() {
    local file
    for file in "$@"; do
        if [[ -f $file ]]; then
            printf '%s' "$file"
            return
        fi
    done
}

# use OPTION FILE : add the file, which must exist, to the array options unless the user gives that option.
use() {
    gives "$1" && return
    [[ -f $2 ]] || fail "$2: no such file"
    options+=("$1" "$2")
}

# use_data FOLDER TRAIN DEV : add those files of FOLDER in the data folder, or of the data folder itself, unless the
# user gives --train.
use_data() {
    local train
    if gives --train; then
        return
    fi
    [[ -n $data_dir ]] || fail "no data folder; give --data-dir DIR or set KORSCI_DATA"
    train=$(first "$data_dir/$1/$2" "$data_dir/$2")
    [[ -n $train ]] || fail "$data_origin: no $1/$2 there"
    use --train "$train"
    use --dev "${train%/*}/$3"
}

# find_program : set the array program to the interpreter of `korsci run` ($KORSCI_PYTHON), to $KORSCI, which
# may hold several words such as "python -m korscideberta", or to the installed program.
find_program() {
    if [[ -n ${KORSCI_PYTHON:-} ]]; then
        program=("$KORSCI_PYTHON" -m korscideberta)
    elif [[ -n ${KORSCI:-} ]]; then
        read -r -a program <<<"$KORSCI"
        command -v "${program[0]:-}" >/dev/null || fail "KORSCI=$KORSCI: no such program"
    elif command -v korsci >/dev/null; then
        program=(korsci)
    elif python3 -c 'import sys, importlib.util as u; sys.exit(not u.find_spec("korscideberta"))' 2>/dev/null; then
        program=(python3 -m korscideberta)
    else
        fail "korsci is not installed: run 'pip install .' in the checkout, or name the program in KORSCI"
    fi
}

# launch TASK OPTION… : run `korsci train TASK OPTION…`, then what the user passed on, so that it wins; --out is
# runs/TASK-CONFIG in the current folder unless the user names one.
launch() {
    find_program
    gives --out || set -- "$@" --out "runs/$1-$config"
    exec "${program[@]}" train "$@" ${extra[@]+"${extra[@]}"}
}

# use_corpus : add the data folder, which must be a prepared corpus, to the array options unless the user names one.
use_corpus() {
    gives --data && return
    gives --corpus && return
    [[ -n $data_dir ]] || fail "no data folder; give --data-dir DIR, from 'korsci pretrain prepare', or --corpus FILES"
    [[ -f $data_dir/index.json ]] || fail "$data_origin: not a prepared corpus; make one with 'korsci pretrain prepare'"
    options+=(--data "$data_dir")
}

# pretrain KIND OPTION… : the same as launch for `korsci pretrain KIND`.
pretrain() {
    find_program
    gives --out || set -- "$@" --out "runs/$1-$config"
    exec "${program[@]}" pretrain "$@" ${extra[@]+"${extra[@]}"}
}
