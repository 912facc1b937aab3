#!/usr/bin/env bash
# What a million events cost, from a full real Kafka to the last commit; see tests/kafka/e2e.rs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tests/kafka/prepare.sh
exec cargo test --release --test it kafka::e2e::the_whole_costs_little_more_than_reading -- --exact --ignored --nocapture
