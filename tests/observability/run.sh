#!/usr/bin/env bash
# Do metrics, rules and the dashboard work with a real Prometheus? Runs the demonstration, has Prometheus scrape it each
# second, and asks every query of every panel.
#
# Needs target/release/watchbell, python3 and, unless Prometheus is there already, apt-get. Whatever it starts it ends,
# by process number.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec </dev/null

readonly binary=target/release/watchbell
# When panels are asked: the demonstration's crisis has risen by then.
readonly scraped_seconds=30
# How long anything may take to start; a machine under load is slow.
readonly patience_seconds=60

script=observability
# shellcheck source=tests/servers.sh
source tests/servers.sh

# Debian starts what it installs unless a policy says no; one that is there already is put back.
install_prometheus() {
    command -v prometheus >/dev/null && command -v promtool >/dev/null && return
    command -v apt-get >/dev/null || fail 'prometheus is missing, and apt-get too: install Prometheus 2.42 or newer'
    local policy=/usr/sbin/policy-rc.d
    [[ ! -e $policy ]] || mv "$policy" "$folder/policy"
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    local installed=0
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus; } \
        >"$folder/apt.log" 2>&1 || installed=$?
    rm -f "$policy"
    [[ ! -e $folder/policy ]] || mv "$folder/policy" "$policy"
    ((installed == 0)) || fail 'apt-get could not install prometheus'
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for PID URL: until it answers with 200; the process must live.
wait_for() {
    local until=$((SECONDS + patience_seconds))
    until python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=2)' "$2" 2>/dev/null; do
        kill -0 "$1" 2>/dev/null || fail "the process behind $2 has ended"
        ((SECONDS < until)) || fail "$2 does not answer within $patience_seconds s"
        sleep 0.2
    done
}

# start NAME COMMAND…: in the background, with its output in a file; the number is in $!.
start() {
    local name=$1
    shift
    "$@" >"$folder/$name.log" 2>&1 &
    started+=("$!")
}

command -v python3 >/dev/null || fail 'python3 is missing: install it'
install_prometheus
prometheus --version 2>&1 | head -n 1
[[ -x $binary ]] || fail "$binary is missing: cargo build --release"

printf '%s\n' '-- rules'
promtool check rules dashboards/rules.yml
(cd dashboards && promtool test rules rules_test.yml)

port=$(free_port)
start watchbell "$binary" demo --for 60s --listen "127.0.0.1:$port" --log-level warn
program=$!
wait_for "$program" "http://127.0.0.1:$port/healthz"
grep -qx "board: http://127.0.0.1:$port/" "$folder/watchbell.log" || fail 'the board is not where it was asked for'

prometheus_port=$(free_port)
sed -e "s|WATCHBELL|127.0.0.1:$port|" -e "s|RULES|$PWD/dashboards/rules.yml|" \
    tests/observability/prometheus.yml >"$folder/prometheus.yml"
promtool check config "$folder/prometheus.yml" >"$folder/config.log" 2>&1 || fail 'the configuration is refused'
start prometheus prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/data" \
    --web.listen-address="127.0.0.1:$prometheus_port"
wait_for "$!" "http://127.0.0.1:$prometheus_port/-/ready"
began=$SECONDS
wait_for "$program" "http://127.0.0.1:$port/readyz"

while ((SECONDS - began < scraped_seconds)); do
    kill -0 "$program" 2>/dev/null || fail 'the demonstration has ended too early'
    sleep 0.5
done

printf '%s\n' '-- a scrape'
python3 -c 'import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1]).read())' \
    "http://127.0.0.1:$port/metrics" >"$folder/scrape.txt"
said=$(promtool check metrics <"$folder/scrape.txt" 2>&1) || fail "promtool check metrics: $said"
[[ -z $said ]] || fail "promtool check metrics: $said"
printf '%d samples, %d bytes, nothing to complain of\n' \
    "$(grep -vc '^#' "$folder/scrape.txt")" "$(wc -c <"$folder/scrape.txt")"

printf '%s\n' '-- panels, and rules as they run'
python3 tests/observability/panels.py dashboards/monitoring-centre.json "http://127.0.0.1:$prometheus_port"
