#!/usr/bin/env bash
# Changes the rooms `sla` and `calendar` in small ways, one at a time, and asks their library tests whether they notice.
# Needs `cargo install cargo-mutants`. Every change builds the whole library, so this is for a night. Every third of all
# changes is a sample of more than 300; the other thirds are 1/3 and 2/3, and 0/1 is all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export WATCHBELL_MUTANTS_SHARD="${WATCHBELL_MUTANTS_SHARD:-0/3}"
# What was changed, and what came of it, is written here.
export WATCHBELL_MUTANTS_KEEP="${WATCHBELL_MUTANTS_KEEP:-$PWD/target/mutants}"
mkdir -p "$WATCHBELL_MUTANTS_KEEP"
# `--lib` for the builds, too: without it every change would build the integration tests.
exec cargo mutants --no-default-features --cargo-arg=--lib --file 'src/sla/**' --file 'src/calendar/**' \
  --shard "$WATCHBELL_MUTANTS_SHARD" --sharding round-robin --no-shuffle --timeout 300 \
  --output "$WATCHBELL_MUTANTS_KEEP" "$@" -- -- sla:: calendar::
