#!/usr/bin/env bash
# Compares the calculator with a walk from minute to minute, in another language: `run.sh [CASES] [SEED]`. What is needed is
# installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if ! python3 -c 'import zoneinfo; zoneinfo.ZoneInfo("Asia/Tehran")' 2>/dev/null; then
    command -v apt-get >/dev/null || { echo 'oracle: install python3 and tzdata' >&2; exit 1; }
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 tzdata
fi
cargo build --quiet
exec python3 tests/oracle/walk.py "${CARGO_TARGET_DIR:-target}/debug/watchbell" "${1:-2000}" "${2:-1}"
