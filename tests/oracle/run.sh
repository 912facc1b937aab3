#!/usr/bin/env bash
# Compares the calculator with a walk from minute to minute, and the lifecycles with a plain reading of their file, in another
# language: `run.sh [CASES] [SEED]`. What is needed is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if ! python3 -c 'import zoneinfo; zoneinfo.ZoneInfo("Asia/Tehran")' 2>/dev/null; then
    command -v apt-get >/dev/null || { echo 'oracle: install python3 and tzdata' >&2; exit 1; }
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 tzdata
fi
cargo build --quiet
program=${CARGO_TARGET_DIR:-target}/debug/watchbell
python3 tests/oracle/walk.py "$program" "${1:-2000}" "${2:-1}"
incidents=${WATCHBELL_DATA:-../shared/data}/incidents/incident_event_log_2016-03.csv.gz
[[ -e $incidents ]] || { echo "oracle: $incidents is missing; set WATCHBELL_DATA" >&2; exit 1; }
# A case of theirs has many events, each of which may slip.
exec python3 tests/oracle/ways.py "$program" "$((${1:-2000} / 2))" "${2:-1}" "$incidents"
