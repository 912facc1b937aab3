#!/usr/bin/env bash
# Compares the calculator and the whole engine with walks from minute to minute, the help desk's log with its change points,
# and the lifecycles with a plain reading of their file, in another language: `run.sh [CASES] [SEED]`; of the long cases there
# are a twentieth. What is needed is installed.
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
python3 tests/oracle/long.py "$program" "$((${1:-2000} / 20))" "${2:-1}"
incidents=${WATCHBELL_DATA:-../shared/data}/incidents/incident_event_log_2016-03.csv.gz
[[ -e $incidents ]] || { echo "oracle: $incidents is missing; set WATCHBELL_DATA" >&2; exit 1; }
python3 tests/oracle/totals.py "$program" "$incidents"
# A case of theirs has many events, each of which may slip.
exec python3 tests/oracle/ways.py "$program" "$((${1:-2000} / 2))" "${2:-1}" "$incidents"
