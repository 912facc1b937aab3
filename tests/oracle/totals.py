#!/usr/bin/env python3
"""Does the replay measure how long each incident of the help desk's log was worked on, and how long it waited?

    totals.py PROGRAM INCIDENTS.csv.gz

Worked out from the change points of the log's rows: an incident waits from each row whose state is `Awaiting …` to the next whose
state is not; it is over with the first row whose state is `Closed`. The program is asked through its mapping, with two clocks
that start and stop alike, one of which is paused; every hour counts for both, and they are compared to the second.
"""

import csv
import gzip
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path

POLICY = '''
[[commitment]]
name = "whole"
title = { en = "x", zh = "x" }
start = "ticket.opened"
stop = "ticket.closed"
goal = "100000h"

[[commitment]]
name = "active"
title = { en = "x", zh = "x" }
start = "ticket.opened"
pause = "ticket.paused"
resume = "ticket.resumed"
stop = "ticket.closed"
goal = "100000h"
'''


def second(text):
    return int(datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=timezone.utc).timestamp())


def totals(path):
    """Of each incident: how many seconds it lasted and how many of them it waited."""
    rows, last = defaultdict(list), 0
    with gzip.open(path, "rt") as file:
        for n, row in enumerate(csv.DictReader(file)):
            rows[row["number"]].append((second(row["sys_updated_at"]), int(row["sys_mod_count"]), n, row))
            last = max(last, second(row["sys_updated_at"]), second(row["opened_at"]))
    for number, changes in rows.items():
        changes.sort(key=lambda change: change[:3])
        opened = second(changes[0][3]["opened_at"])
        points = [(at, row["incident_state"]) for at, _, _, row in changes if row["incident_state"] != "-100"]
        closed = next((at for at, state in points if state == "Closed"), last)
        waited = 0
        for (at, state), (until, _) in zip(points, [*points[1:], (closed, None)]):
            if state.startswith("Awaiting "):
                # What was noted before the incident was opened counts from its opening.
                waited += max(0, min(until, closed) - max(at, opened))
        yield number, closed - opened, waited


def main():
    program, path = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        policy, answers = Path(folder) / "policy.toml", Path(folder) / "answers.ndjson"
        policy.write_text(POLICY)
        asked = [program, "replay", path, "--mapping", "incident_log", "--policy", policy, "--outcomes", answers, "--json"]
        ran = subprocess.run(asked, capture_output=True, text=True, check=False)
        if ran.returncode:
            sys.exit(f"{program} failed: {ran.stderr}")
        told = defaultdict(dict)
        for line in map(json.loads, answers.read_text().splitlines()):
            told[line["subject"]][line["commitment"]] = line["elapsed_seconds"]
    expected = {number: {"whole": whole, "active": whole - waited} for number, whole, waited in totals(path)}
    wrong = [number for number in sorted({*told, *expected}) if told.get(number) != expected.get(number)]
    waited = sum(one["whole"] - one["active"] for one in expected.values())
    for number in wrong[:10]:
        print(f"{number}: says {told.get(number)}, not {expected.get(number)}")
    print(f"{len(expected)} incidents, {waited / 3600:.0f} hours of waiting: {len(wrong)} differ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
