#!/usr/bin/env python3
"""Does the replay count the violations of lifecycles as a plain reading of their file does?

    ways.py PROGRAM CASES [SEED] [INCIDENTS.csv.gz]

Makes random cases that walk along the shipped lifecycles and slip now and then, writes their events in any order and some of
them twice, and compares the sums of `PROGRAM replay --json` with sums worked out here from config/lifecycles.toml. With the
help desk's log, the same for it, from its rows and not through the program's mapping. It shares no code with the program:

    order      by time; at one instant first what is allowed, by (source, id), else what is declared first
    violation  a transition that is not allowed where the case is; after it the case is where the event says
    missing    a step that an end needs and the case has not been in, once for a case
    new case   a subject that comes back more than seven days after all its courses have ended
"""

import csv
import gzip
import json
import math
import random
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent.parent
HORIZON = timedelta(days=7)
START = datetime(2026, 1, 5, tzinfo=timezone.utc)


def listed(value):
    return value if isinstance(value, list) else [value]


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def passes(tests, attributes):
    return all(name in attributes and ("*" in listed(want) or attributes[name] in [text(w) for w in listed(want)])
               for name, want in tests.items())


class Way:
    def __init__(self, table):
        self.name, self.scope = table["name"], table.get("match", {})
        self.states = {state["name"]: state for state in table["states"]}
        self.ends = {name for name, state in self.states.items() if state.get("end")}
        self.transitions = table["transitions"]

    def meets(self, event):
        """The numbers of the transitions that an event may be."""
        for n, transition in enumerate(self.transitions):
            for on in listed(transition["on"]):
                on = {"on": on} if isinstance(on, str) else on
                if on["on"] == event["type"] and passes(on.get("where", {}), event["attributes"]):
                    yield n
                    break

    def allowed(self, n, state):
        where = self.transitions[n].get("from")
        if where is None or state is None:
            return where is None and state is None
        return state not in self.ends if "*" in listed(where) else state in listed(where)


class Course:
    def __init__(self, way):
        self.way, self.state, self.since, self.begun = way, None, None, False
        self.wrong, self.stays, self.visited, self.missed = [], [], set(), set()

    def ended(self):
        return self.state in self.way.ends

    def instant(self, events):
        left = [(event, list(self.way.meets(event))) for event in events]
        left = [(event, numbers) for event, numbers in left if numbers]
        while left:
            legal = [(event, [n for n in numbers if self.way.allowed(n, self.state)]) for event, numbers in left]
            legal = [pair for pair in legal if pair[1]]
            event, numbers = legal[0] if legal else min(left, key=lambda pair: pair[1][0])
            self.take(event, numbers[0], bool(legal))
            left = [pair for pair in left if pair[0] is not event]

    def take(self, event, n, is_allowed):
        self.begun = True
        to = self.way.transitions[n].get("to")
        if not is_allowed:
            kind = "not_begun" if self.state is None else "after_end" if self.ended() else "illegal"
            self.wrong.append((kind, self.state, event["type"], to))
        if to is None or to == self.state:
            return
        if self.state is not None:
            self.stays.append((self.state, event["time"] - self.since))
        self.state, self.since = to, event["time"]
        self.visited.add(to)
        missing = set(self.way.states[to].get("needs", [])) - self.visited - self.missed
        self.wrong += [("missing", to, None, step) for step in missing]
        self.missed |= missing


def cases(ways, events):
    """The courses of one subject."""
    events = sorted({(e["source"], e["id"]): e for e in events}.values(), key=lambda e: (e["time"], e["source"], e["id"]))
    courses, attributes, last = {way.name: Course(way) for way in ways}, {}, None

    def in_scope():
        return [c for c in courses.values() if c.begun and passes(c.way.scope, attributes)]

    while events:
        at = events[0]["time"]
        group = [event for event in events if event["time"] == at]
        events = events[len(group):]
        if last is not None and at > last + HORIZON and all(course.ended() for course in in_scope()):
            yield from in_scope()
            courses, attributes = {way.name: Course(way) for way in ways}, {}
        for event in group:
            attributes |= event["attributes"]
        for course in courses.values():
            course.instant(group)
        last = at
    yield from in_scope()


def sums(ways, events):
    """What the report should say, by lifecycle."""
    matched = {name for way in ways for name in way.scope}
    by_subject = defaultdict(list)
    for event in events:
        if any(True for way in ways for _ in way.meets(event)) or matched & event["attributes"].keys():
            by_subject[event["subject"]].append(event)
    found = {}
    for courses in by_subject.values():
        for course in cases(ways, courses):
            one = found.setdefault(course.way.name, {"counts": Counter(), "wrong": Counter(), "stays": defaultdict(list)})
            one["counts"] += Counter(cases=1, ended=course.ended(), conforming=course.ended() and not course.wrong)
            one["counts"]["in " + str(course.state)] += 1
            one["wrong"].update(course.wrong)
            for state, stayed in course.stays:
                one["stays"][state].append(stayed.total_seconds())
    return found


def compare(report, found):
    """Every difference, as a line."""
    wrong = []

    def same(what, told, expected):
        if told != expected:
            wrong.append(f"{what}: {told}, not {expected}")

    same("lifecycles", {one["name"] for one in report}, found.keys())
    for one in report:
        mine = found.get(one["name"])
        if mine is None:
            continue
        for key in ["cases", "ended", "conforming"]:
            same(f'{one["name"]} {key}', one[key], mine["counts"][key])
        told = {(v["kind"], v["from"], v["event"], v["to"]): v["count"] for v in one["violations"]}
        same(f'{one["name"]} violations', told, dict(mine["wrong"]))
        for state in one["states"]:
            stays, where = sorted(mine["stays"][state["name"]]), f'{one["name"]} {state["name"]}'
            same(f"{where} here", state["here"], mine["counts"]["in " + state["name"]])
            same(f"{where} n", state["stayed_seconds"]["n"], len(stays))
            if not stays:
                continue
            same(f"{where} max", state["stayed_seconds"]["max"], stays[-1])
            for name, share in [("p50", 0.5), ("p95", 0.95)]:
                exact, told = stays[math.ceil(share * len(stays)) - 1], state["stayed_seconds"][name]
                if abs(told - exact) > exact / 1000 + 0.001:
                    wrong.append(f"{where} {name}: {told}, not {exact}")
    return wrong


def slip(dice, way, state):
    """The number of the next transition, mostly an allowed one."""
    numbers = range(len(way.transitions))
    allowed = [n for n in numbers if way.allowed(n, state)]
    return dice.choice(allowed if allowed and dice.random() < 0.9 else list(numbers))


def made_up(dice, ways, count):
    """Events of cases that walk along the lifecycles."""
    for case in range(count):
        way, state, at = dice.choice(ways), None, START + timedelta(minutes=dice.randrange(60 * 24 * 20))
        for step in range(dice.randrange(1, 16)):
            transition = way.transitions[slip(dice, way, state)]
            on = dice.choice(listed(transition["on"]))
            on = {"on": on} if isinstance(on, str) else on
            attributes = {name: text(dice.choice(listed(want))) for name, want in on.get("where", {}).items()}
            if step == 0 or dice.random() < 0.2:
                attributes |= {name: dice.choice(listed(want)) for name, want in way.scope.items()}
            yield {"id": f"{case}-{dice.randrange(1000)}-{step}", "source": dice.choice("ab"), "type": on["on"],
                   "subject": f"S-{case}", "time": at, "attributes": attributes}
            state = transition.get("to", state)
            at += timedelta(minutes=dice.choice([0, 0, 1, 7, 90, 60 * 24, 60 * 24 * (8 if dice.random() < 0.2 else 1)]))


def incidents(path):
    """The events of the help desk's log, as its columns have them; those of one row have one place."""
    minute = lambda text: datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=timezone.utc)
    by_number = defaultdict(list)
    with gzip.open(path, "rt") as file:
        for n, row in enumerate(csv.DictReader(file)):
            by_number[row["number"]].append((minute(row["sys_updated_at"]), int(row["sys_mod_count"]), n, row))
    for number, rows in by_number.items():
        before, acknowledged = None, False
        for place, (at, _, _, row) in enumerate(sorted(rows, key=lambda row: row[:3])):
            state = None if row["incident_state"] == "-100" else row["incident_state"]
            kinds = []
            if place == 0:
                yield {"id": "0", "source": "s", "type": "ticket.opened", "subject": number, "time": minute(row["opened_at"]),
                       "attributes": {"kind": "incident"}}
            if state not in (None, "New") and not acknowledged:
                acknowledged = True
                kinds.append("acknowledged")
            if state is not None and state != before:
                awaits = lambda state: state is not None and state.startswith("Awaiting ")
                kinds += ["paused"] * (awaits(state) and not awaits(before)) + ["resumed"] * (awaits(before) and not awaits(state))
                kinds += ["reopened"] * (before == "Resolved" and state == "Active")
                kinds += [state.lower()] * (state in ("Resolved", "Closed"))
                before = state
            for kind in kinds:
                yield {"id": f"{place + 1:06}/{kind}", "source": "s", "type": f"ticket.{kind}", "subject": number, "time": at,
                       "attributes": {}}


def replay(program, arguments):
    done = subprocess.run([program, "replay", *arguments, "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)["lifecycles"]


def load(path):
    return [Way(table) for table in tomllib.loads((HERE / path).read_text())["lifecycle"]]


def main():
    program, count, dice = sys.argv[1], int(sys.argv[2]), random.Random(int((sys.argv[3:] + ["1"])[0]))
    ways = load("config/lifecycles.toml")
    events = list(made_up(dice, ways, count))
    written = events + dice.sample(events, len(events) // 10)
    dice.shuffle(written)
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
        for event in written:
            plain = {key: value for key, value in event.items() if key not in ("attributes", "time")}
            file.write(json.dumps(plain | {"time": event["time"].isoformat(), "data": event["attributes"]}) + "\n")
        file.flush()
        found = sums(ways, events)
        wrong = compare(replay(program, [file.name, "--as-of", "2027-01-01T00:00:00Z"]), found)
    violations = sum(sum(one["wrong"].values()) for one in found.values())
    print(f"{len(events)} events of {count} cases in {len(found)} lifecycles, {violations} violations: {len(wrong)} differences")
    if len(sys.argv) > 4:
        found = sums(load("config/lifecycles/incident_log.toml"), list(incidents(sys.argv[4])))
        told = replay(program, [sys.argv[4], "--mapping", "incident_log", "--policy", "incident_log", "--lifecycles", "incident_log"])
        more = compare(told, found)
        one = found["incident"]
        print(f'{one["counts"]["cases"]} incidents, {sum(one["wrong"].values())} violations: {len(more)} differences')
        wrong += more
    print("\n".join(wrong[:20]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
