# Shared by the launchers: finds the program and the data, and runs `korsci train`. Sourced, never run.

# usage DESCRIPTION CONFIG… : print how the calling launcher is used.
usage() {
    printf 'usage: %s CONFIG [--data-dir DIR] [korsci train options]\n%s\nconfigurations:\n' "$(basename "$0")" "$1"
    shift
    printf '  %s\n' "$@"
}

# fail MESSAGE : one line and exit 2.
fail() {
    printf 'error: %s\n' "$1" >&2
    exit 2
}

# take_data_dir "$@" : set data_dir from --data-dir or $KORSCI_DATA (empty without both), the rest in the array extra.
take_data_dir() {
    data_dir=${KORSCI_DATA:-}
    extra=()
    while (($#)); do
        case $1 in
            --data-dir)
                (($# > 1)) || fail "--data-dir needs a folder"
                data_dir=$2
                shift 2
                ;;
            --data-dir=*)
                data_dir=${1#--data-dir=}
                shift
                ;;
            *)
                extra+=("$1")
                shift
                ;;
        esac
    done
    if [[ -n $data_dir && ! -d $data_dir ]]; then
        fail "--data-dir $data_dir: no such folder"
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

# launch RUN-NAME OPTION… : run `korsci train OPTION…`; --out is runs/RUN-NAME unless the user names one.
launch() {
    local name=$1 program
    shift
    # KORSCI may hold several words, such as "python -m korscideberta".
    read -r -a program <<<"${KORSCI:-korsci}"
    command -v "${program[0]}" >/dev/null || fail "${program[0]} is not installed; run: pip install korscideberta"
    gives --out || set -- "$@" --out "runs/$name"
    exec "${program[@]}" train "$@" ${extra[@]+"${extra[@]}"}
}
