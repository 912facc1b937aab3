#!/usr/bin/env python3
"""Does the whole engine agree with a walk from minute to minute over cases that last for months?

    long.py PROGRAM CASES [SEED]

Makes calendars with changes of the clocks, holidays and dates with hours of their own, a policy over them, and random cases
that are paused, given another priority, resolved, reopened and cancelled over up to 200 days; has them judged by `PROGRAM
replay`, and works each out again by nothing but the definition:

    a minute counts   when the office is open, the clock has started, and it is neither paused nor stopped; with
                      `never_stopped` also while it was stopped, if it was reopened
    goal              that of the priority while the clock is open, always from the start; a change while it is stopped does
                      nothing to it
    broken            more minutes than the goal have counted until the stop, the cancellation or the end of the log
    due               the first instant by which as many minutes have counted as the goal has
"""

import json
import random
import subprocess
import sys
import tempfile
from datetime import date, datetime, timezone
from pathlib import Path

from walk import DAY, DAYS, ZONES, instant, shown, skipped, windows

from zoneinfo import ZoneInfo

NAMES = dict(zip(DAYS, ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]))
REOPENS = ["ignored", "goes_on", "never_stopped", "starts_anew"]
PRIORITIES = ["P1", "P2", "P3"]
CALENDARS, DAYS_LONG, CASES_IN_A_BATCH = 12, 330, 250
# A case whose clocks have all ended is over seven days later; what comes then belongs to another.
OVER = 7 * 1440


class Office:
    def __init__(self, dice, number, first):
        self.name, self.zone_name, self.first = f"c{number}", dice.choice(ZONES), first
        self.hours = {name: windows(dice) if dice.random() < 0.75 else [] for name in DAYS}
        if not any(self.hours.values()):
            self.hours["wed"] = [(9 * 60, 17 * 60)]
        some = lambda n: sorted({first + DAY * dice.randrange(DAYS_LONG) for _ in range(n)})
        self.holidays, self.overrides = some(12), {day: windows(dice) if dice.random() < 0.7 else [] for day in some(8)}
        self.goals = {one: dice.choice([60, 600, 6_000, 30_000]) + dice.randrange(600) for one in PRIORITIES}
        self.lay_out(ZoneInfo(self.zone_name))

    def lay_out(self, zone):
        days = [self.first + DAY * n for n in range(-1, DAYS_LONG)]
        self.begin, self.end = instant(zone, days[0], 0), instant(zone, days[-1], 1440)
        self.open = bytearray(self.end - self.begin)
        for day in days:
            found = [] if day in self.holidays else self.hours[DAYS[day.weekday()]]
            for a, b in [] if skipped(zone, day) else self.overrides.get(day, found):
                a, b = (max(0, instant(zone, day, at) - self.begin) for at in (a, b))
                self.open[a:b] = b"\1" * (min(b, len(self.open)) - a)
        # Nobody is asked about what lies beyond.
        self.last = self.end - 2 * 1440

    def toml(self):
        texts = lambda found: json.dumps([f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in found])
        years = sorted({(self.first + DAY * n).year for n in range(-1, DAYS_LONG)})
        yield f'[calendars.{self.name}]\nzone = "{self.zone_name}"\nyears = {years}'
        yield "weekly = { " + ", ".join(f"{NAMES[day]} = {texts(found)}" for day, found in self.hours.items()) + " }"
        yield f"[calendars.{self.name}.date_overrides]"
        yield from (f'"{day}" = {texts(found)}' for day, found in self.overrides.items())
        for day in self.holidays:
            yield f'[[calendars.{self.name}.holiday]]\nname = {{ en = "h", zh = "h" }}\nfrom = "{day}"\nto = "{day}"'

    def promise(self, reopen):
        goals = ", ".join(f'{one} = "{minutes}m"' for one, minutes in self.goals.items())
        return f'''[[commitment]]
name = "{self.name}_{reopen}"
title = {{ en = "x", zh = "x" }}
match = {{ office = "{self.name}", reopen = "{reopen}" }}
start = "ticket.opened"
pause = "ticket.paused"
resume = "ticket.resumed"
stop = "ticket.resolved"
reopen = "ticket.reopened"
cancel = "ticket.cancelled"
goal = {{ by = "priority", {goals} }}
calendar = "{self.name}"
on_reopen = "{reopen}"'''


class Case:
    def __init__(self, dice, number, offices):
        self.office, self.reopen = dice.choice(offices), dice.choice(REOPENS)
        self.subject, at = f"T-{number}", self.office.begin + 1440 + dice.randrange(30 * 1440)
        self.events = [(at, "opened", dice.choice(PRIORITIES))]
        last, stopped = min(at + 200 * 1440, self.office.last), False
        for _ in range(dice.randrange(1, 14)):
            at += dice.choice([dice.randrange(1, 60), dice.randrange(1, 1440), dice.randrange(1, 30 * 1440)]) if not stopped \
                else dice.randrange(1, OVER)
            if at >= last:
                break
            kinds = ["paused", "resumed", "resumed", "priority_changed", "resolved"] if not stopped else \
                ["reopened", "reopened", "priority_changed", "paused"]
            kind = "cancelled" if dice.random() < 0.03 else dice.choice(kinds)
            self.events.append((at, kind, dice.choice(PRIORITIES) if kind == "priority_changed" else None))
            stopped = {"resolved": True, "reopened": False, "cancelled": True}.get(kind, stopped)

    def lines(self):
        for n, (at, kind, priority) in enumerate(self.events):
            data = {"office": self.office.name, "reopen": self.reopen} if n == 0 else {}
            data |= {"priority": priority} if priority else {}
            time = datetime.fromtimestamp(at * 60, timezone.utc).isoformat()
            yield {"id": f"{self.subject}/{n}", "source": "s", "type": f"ticket.{kind}", "subject": self.subject, "time": time,
                   "data": data}

    def clocks(self, now):
        """Every clock of the case: by the number of the event that started it."""
        clocks, priority = {}, None
        for n, (at, kind, value) in enumerate(self.events):
            priority = value or priority
            clock = clocks[max(clocks)] if clocks else None
            if kind == "opened" or (kind == "reopened" and clock and clock["phase"] == "stopped" and self.reopen == "starts_anew"):
                clocks[n] = {"start": at, "phase": "running", "idle": [], "since": None, "end": None, "priority": priority}
            elif clock["phase"] == "stopped" and kind == "reopened" and self.reopen != "ignored":
                clock["idle"] += [(clock["end"], at)] if self.reopen == "goes_on" else []
                clock |= {"phase": "running", "end": None}
            elif clock["phase"] in ("stopped", "cancelled"):
                continue
            elif kind == "priority_changed":
                clock["priority"] = value
            elif kind == "paused" and clock["phase"] == "running":
                clock |= {"phase": "paused", "since": at}
            elif kind in ("resumed", "resolved", "cancelled"):
                if clock["phase"] == "paused":
                    clock["idle"].append((clock["since"], at))
                    clock |= {"phase": "running", "since": None}
                if kind != "resumed":
                    clock |= {"phase": "stopped" if kind == "resolved" else "cancelled", "end": at}
        return {n: self.verdict(clock, now) for n, clock in clocks.items()}

    def verdict(self, clock, now):
        office, goal = self.office, self.office.goals[clock["priority"]]
        counts = bytearray(office.open)
        idle = clock["idle"] + ([(clock["since"], office.end)] if clock["since"] is not None else [])
        for a, b in [(office.begin, clock["start"]), *idle]:
            counts[a - office.begin : b - office.begin] = bytes(b - a)
        end = now if clock["end"] is None else clock["end"]
        used = sum(counts[: end - office.begin])
        due, passed = None, 0
        for at, counted in enumerate(counts, office.begin):
            if passed >= goal:
                due = at
                break
            passed += counted
        open_or = {"stopped": "kept", "cancelled": "cancelled"}.get(clock["phase"], "open")
        stopped = clock["end"] if clock["phase"] == "stopped" else None
        return {"due": due, "stopped": stopped, "elapsed": used, "outcome": "breached" if used > goal else open_or}


def minutes(text):
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() / 60


def batch(program, dice, size, done):
    first = date(dice.randrange(2005, 2023), 1, 1) + DAY * dice.randrange(365)
    offices = [Office(dice, n, first) for n in range(CALENDARS)]
    cases = [Case(dice, done + n, offices) for n in range(size)]
    now = max(at for case in cases for at, *_ in case.events)
    with tempfile.TemporaryDirectory() as folder:
        policy, log, answers = (Path(folder) / name for name in ("policy.toml", "log.ndjson", "answers.ndjson"))
        tables = [line for office in offices for line in office.toml()]
        tables += [office.promise(reopen) for office in offices for reopen in REOPENS]
        policy.write_text("\n".join(tables))
        lines = [json.dumps(line) for case in cases for line in case.lines()]
        dice.shuffle(lines)
        log.write_text("\n".join(lines))
        asked = [program, "replay", log, "--policy", policy, "--outcomes", answers, "--json"]
        ran = subprocess.run(asked, capture_output=True, text=True, check=False)
        if ran.returncode:
            sys.exit(f"{program} failed: {ran.stderr}")
        found = {}
        for line in map(json.loads, answers.read_text().splitlines()):
            found[line["start_event"]] = {"due": minutes(line["due"]), "stopped": minutes(line["stopped"]),
                                          "elapsed": line["elapsed_seconds"] / 60, "outcome": line["outcome"]}
    wrong, clocks = 0, 0
    for case in cases:
        for n, expected in case.clocks(now).items():
            clocks += 1
            answer = found.pop(f"{case.subject}/{n}", None)
            # What is due beyond the days that were laid out was not worked out here.
            if answer and expected["due"] is None and answer["due"] is not None and answer["due"] >= case.office.last:
                answer["due"] = None
            wrong += answer != expected
            if answer != expected and wrong <= 3:
                print(case.subject, case.office.name, case.reopen, *case.events, f"says {answer}", f"not {expected}",
                      shown(expected["due"]), sep="\n  ")
    return wrong + len(found), clocks


def main():
    program, count = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**6)
    dice, done, wrong, clocks = random.Random(seed), 0, 0, 0
    while done < count:
        size = min(CASES_IN_A_BATCH, count - done)
        more, of = batch(program, dice, size, done)
        done, wrong, clocks = done + size, wrong + more, clocks + of
        print(f"{done} of {count} long cases, {clocks} clocks, {wrong} differ (seed {seed})", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
