#!/usr/bin/env bash
# Kills the watch for as long as one likes, and has everything judged; see tests/kafka/chaos/mod.rs. Every number can be
# set from outside; each of the two group protocols gets as much.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tests/kafka/prepare.sh
export WATCHBELL_CHAOS_KILLS="${WATCHBELL_CHAOS_KILLS:-100}"
export WATCHBELL_CHAOS_ZOMBIES="${WATCHBELL_CHAOS_ZOMBIES:-10}"
export WATCHBELL_CHAOS_FREEZES="${WATCHBELL_CHAOS_FREEZES:-5}"
export WATCHBELL_CHAOS_BROKER_KILLS="${WATCHBELL_CHAOS_BROKER_KILLS:-5}"
export WATCHBELL_CHAOS_EVENTS="${WATCHBELL_CHAOS_EVENTS:-5000000}"
export WATCHBELL_CHAOS_RATE="${WATCHBELL_CHAOS_RATE:-5000}"
# What instances and brokers wrote stays here.
export WATCHBELL_CHAOS_KEEP="${WATCHBELL_CHAOS_KEEP:-$PWD/target/chaos}"
mkdir -p "$WATCHBELL_CHAOS_KEEP"
exec cargo test --release --features faults --test it kafka::chaos:: -- --nocapture --test-threads 1
