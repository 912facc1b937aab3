# What scripts have in common that start servers on this machine: a folder for their output, and an end for all of them, by
# process number. Sourced with `script` set, the name it goes by in messages; whoever starts something adds its number to `started`.

folder=$(mktemp -d)
started=()

end_all() {
    local status=$? pid
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${started[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
    if ((status != 0)); then
        tail -n 20 "$folder"/*.log >&2 2>/dev/null || true
    fi
    rm -rf "$folder"
    exit "$status"
}
trap end_all EXIT

fail() {
    printf '%s: %s\n' "$script" "$*" >&2
    exit 1
}
