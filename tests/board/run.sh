#!/usr/bin/env bash
# Does the board work in a real browser, over the running demonstration? With WATCHBELL_SHOTS set, pictures go there.
#
# Needs target/release/watchbell and node with npm; Chromium and a font with Chinese are installed by apt-get where they
# are missing. Whatever it starts it ends, by process number.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec </dev/null

readonly binary=target/release/watchbell
readonly patience_seconds=60

folder=$(mktemp -d)
demo=''

end_all() {
    local status=$?
    [[ -z $demo ]] || { kill "$demo" 2>/dev/null && wait "$demo" 2>/dev/null; } || true
    ((status == 0)) || tail -n 20 "$folder"/*.log >&2 2>/dev/null || true
    rm -rf "$folder"
    exit "$status"
}
trap end_all EXIT

fail() {
    printf 'board: %s\n' "$*" >&2
    exit 1
}

install() {
    local packages=()
    [[ -x /usr/bin/chromium ]] || packages+=(chromium)
    # Without it every Chinese character is a box.
    [[ -n $(find /usr/share/fonts -iname '*cjk*' -print -quit 2>/dev/null) ]] || packages+=(fonts-noto-cjk)
    command -v npm >/dev/null || packages+=(nodejs npm)
    ((${#packages[@]} > 0)) || return 0
    command -v apt-get >/dev/null || fail "apt-get is missing, which would install: ${packages[*]}"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${packages[@]}"; } >"$folder/apt.log" 2>&1 || fail "apt-get could not install ${packages[*]}"
}

await_board() {
    local waited=0
    until address=$(sed -n 's|^board: \(http://[^/]*\)/.*|\1|p' "$folder/demo.log") && [[ -n $address ]] \
        && curl -fsS -m 2 -o /dev/null "$address/healthz"; do
        ((waited < patience_seconds)) || fail 'the demonstration does not show its board'
        sleep 1
        ((++waited))
    done
}

[[ -x $binary ]] || fail "$binary is missing: cargo build --release"
install
(cd tests/board && npm ci --ignore-scripts --no-audit --no-fund >"$folder/npm.log" 2>&1) || fail 'npm ci failed'
# No length: the desk works for as long as the browser looks.
"$binary" demo --listen 127.0.0.1:0 --log-level warn >"$folder/demo.out" 2>"$folder/demo.log" &
demo=$!
await_board
printf 'board: %s\n' "$address"
(cd tests/board && WATCHBELL_BOARD_URL=$address node --test)
