#!/usr/bin/env python3
"""Does the calculator agree with a walk from minute to minute?

    walk.py PROGRAM CASES [SEED]

Makes random cases, asks `PROGRAM due --json`, and works each out again by nothing but the definition: a minute counts when the
office is open, the clock has started, no pause goes on and nothing has ended it. Whoever reads this needs no other file: it
was written from the definition and not from the program.

    open      a minute of a window, a window's ends being instants: a local time that the clock skips is shifted forward by the
              gap, one that it shows twice is the first of the two
    due       the first instant by which as many minutes have counted as the goal has (at a closing where that is used up
              exactly there); or, with the other convention, the last instant by which no more have
    breached  more minutes than the goal has counted until the stop, or until somebody looked
"""

import json
import random
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Tehran", "Asia/Kolkata", "Asia/Shanghai",
    "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia", "Africa/Casablanca", "Europe/London",
]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# Around a case so many days are laid out before and after its first.
BEFORE, AFTER = 1, 40
CALENDARS_IN_A_BATCH, CASES_IN_A_BATCH = 25, 2_000
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def instant(zone, day, minute):
    """The instant at which the zone's clocks show a minute of a day, in whole minutes since 1970."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    first = wall.replace(tzinfo=zone, fold=0)
    # In a gap the offset before it, which `fold=0` has, shifts the time forward.
    return round(first.astimezone(timezone.utc).timestamp() / 60)


def skipped(zone, day):
    """Whether the zone went over a whole date."""
    return instant(zone, day, 0) >= instant(zone, day, 1440)


class Calendar:
    def __init__(self, dice, first):
        self.zone_name = dice.choice(ZONES)
        self.zone = ZoneInfo(self.zone_name)
        self.always = dice.random() < 0.04
        self.first = first
        self.hours = {name: windows(dice) if dice.random() < 0.75 else [] for name in DAYS}
        if not any(self.hours.values()):
            self.hours["wed"] = [(9 * 60, 17 * 60)]
        near = [first + DAY * dice.randrange(AFTER) for _ in range(4)]
        self.holidays = sorted({near[0], near[1]} if dice.random() < 0.5 else set())
        self.overrides = {near[2]: windows(dice)} if dice.random() < 0.5 else {}
        self.breaks = {near[3]: windows(dice)[:1]} if dice.random() < 0.5 else {}
        self.lay_out()

    def lay_out(self):
        zone = timezone.utc if self.always else self.zone
        days = [self.first + DAY * n for n in range(-BEFORE, AFTER + 2)]
        self.begin, self.end = instant(zone, days[0], 0), instant(zone, days[-1], 0)
        self.open = bytearray(b"\1" if self.always else b"\0") * (self.end - self.begin)
        self.working = []
        for day in days[:-1]:
            if self.always:
                self.working.append(day)
                continue
            if skipped(zone, day):
                continue
            any_open = False
            for from_, to in self.of(day):
                a, b = instant(zone, day, from_), instant(zone, day, to)
                if a < b:
                    any_open = True
                    for at in range(max(a, self.begin), min(b, self.end)):
                        self.open[at - self.begin] = 1
            if any_open:
                self.working.append(day)

    def of(self, day):
        found = self.overrides.get(day, self.hours[DAYS[day.weekday()]])
        if day in self.holidays:
            found = []
        for lo, hi in self.breaks.get(day, []):
            found = [part for a, b in found for part in ((a, min(b, lo)), (max(a, hi), b)) if part[0] < part[1]]
        return found

    def local(self, at):
        zone = timezone.utc if self.always else self.zone
        return datetime.fromtimestamp(at * 60, timezone.utc).astimezone(zone)

    def json(self):
        text = lambda found: [[clock(a), clock(b)] for a, b in found]
        return {
            "tz": self.zone_name,
            "always_open": self.always,
            "hours": {name: text(found) for name, found in self.hours.items()},
            "holidays": [str(day) for day in self.holidays],
            "date_overrides": {str(day): text(found) for day, found in self.overrides.items()},
            "breaks": {str(day): text(found) for day, found in self.breaks.items()},
        }


def windows(dice):
    """One to three windows of a day, in order."""
    ends = sorted(dice.sample(range(0, 1441, dice.choice([5, 15, 30, 60])), 2 * dice.choice([1, 1, 2, 2, 3])))
    return list(zip(ends[::2], ends[1::2]))


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


class Case:
    def __init__(self, dice, number, calendar):
        self.id, self.calendar = f"case-{number}", calendar
        day = calendar.begin + BEFORE * 1440
        self.start = day + dice.randrange(3 * 1440)
        length = dice.randrange(1, 5 * 1440)
        self.events = [("start", self.start)]
        at, paused = self.start, False
        for _ in range(dice.choice([0, 0, 1, 2, 3, 4, 6])):
            at += dice.choice([0, dice.randrange(1, 60), dice.randrange(1, 1440)])
            paused = not paused if dice.random() < 0.9 else paused
            self.events.append(("pause" if paused else "resume", at))
        ending = dice.random()
        if ending < 0.5:
            self.events.append(("stop", self.start + length))
        elif ending < 0.7:
            self.events.append(("evaluate", self.start + length))
        self.kind = dice.choice(["due", "due", "due", "elapsed", "due_days", "policy_change"])
        self.goal = dice.choice([0, dice.randrange(1, 120), dice.randrange(1, 1440), dice.randrange(1, 2400)])
        self.before = None
        self.boundary = dice.choice(["interval_end", "next_open"])
        self.days, self.landing = None, dice.choice(["same", "next_open", "end_of_day"])
        self.from_start, self.with_pauses = True, True
        if self.kind == "due_days":
            self.goal, self.days = None, dice.randrange(1, 6)
        elif self.kind == "policy_change":
            self.before = dice.randrange(1, 1440)
            self.changed = self.start + dice.randrange(1, 1440)
            self.events.append(("policy_change", self.changed))
            self.from_start, self.with_pauses = dice.random() < 0.7, dice.random() < 0.7
        elif self.kind == "elapsed" and dice.random() < 0.5:
            self.goal = None
        dice.shuffle(self.events)

    def json(self):
        stamp = lambda at: datetime.fromtimestamp(at * 60, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "id": self.id, "kind": self.kind, "calendar": self.calendar.json(), "boundary": self.boundary,
            "events": [{"type": kind, "at": stamp(at)} for kind, at in self.events],
            "goal_minutes": self.goal, "goal_before": self.before, "goal_business_days": self.days,
            "end_of_day": self.landing == "end_of_day", "normalise": "next_open" if self.landing == "next_open" else None,
            "retroactive_start": self.from_start, "retroactive_pause": self.with_pauses,
        }

    def expected(self):
        events = in_order(self.events)
        if self.kind == "policy_change":
            until = [event for event in events if event[1] <= self.changed and event[0] != "policy_change"]
            now = self.after_change(events)
            answer = self.answer(now, self.goal)
            answer["due_before"] = self.answer(until, self.before)["due"]
            return answer
        return self.answer(events, self.goal)

    def after_change(self, events):
        kept = []
        for kind, at in events:
            past = at < self.changed
            if kind == "policy_change" or (kind == "start" and past and not self.from_start):
                continue
            if kind in ("pause", "resume") and past and not (self.from_start and self.with_pauses):
                continue
            kept.append((kind, at))
        if not self.from_start:
            kept.append(("start", self.changed))
        return in_order(kept)

    def answer(self, events, goal):
        """What the case comes to: everything in minutes."""
        calendar, begin = self.calendar, self.calendar.begin
        start = next(at for kind, at in events if kind == "start")
        stop = next((max(at, start) for kind, at in events if kind == "stop"), None)
        look = next((at for kind, at in events if kind == "evaluate"), None)
        pauses, since = [], None
        for kind, at in events:
            if at < start or (at == start and kind == "resume") or (stop is not None and (at > stop or (at == stop and kind == "pause"))):
                continue
            if kind == "pause" and since is None:
                since = at
            elif kind == "resume" and since is not None:
                pauses.append((since, at))
                since = None
        if since is not None and stop is not None:
            pauses.append((since, stop))
            since = None
        runs = bytearray(calendar.open)
        for at in range(begin, start):
            runs[at - begin] = 0
        for a, b in pauses + ([(since, calendar.end)] if since is not None else []):
            for at in range(a, min(b, calendar.end)):
                runs[at - begin] = 0
        count = lambda to: sum(runs[: to - begin])
        hold = sum(sum(calendar.open[a - begin : b - begin]) for a, b in pauses)
        end = stop if stop is not None else look
        elapsed = None if end is None else count(max(end, start))
        due = None
        if self.days is not None:
            due = self.in_days(start, hold, since)
        elif goal is not None:
            due = self.in_minutes(runs, start, goal)
        answer = {"due": due, "elapsed": elapsed, "actual": None if stop is None else stop - start}
        answer["hold"] = hold if any(a < b for a, b in pauses) else None
        if end is None or (goal is None and self.days is None):
            return answer
        if self.days is None:
            answer["late"], answer["breached"] = max(0, elapsed - goal), elapsed > goal
        else:
            answer["late"] = 0 if due is None else sum(calendar.open[due - begin : max(end, due) - begin])
            answer["breached"] = due is not None and end > due
        return answer

    def in_minutes(self, runs, start, goal):
        begin, used = self.calendar.begin, 0
        for at in range(start, self.calendar.end):
            if used >= goal and self.boundary == "interval_end" and goal > 0:
                return at
            if runs[at - begin]:
                if used == goal:
                    return at
                used += 1
        return None

    def in_days(self, start, hold, since):
        calendar = self.calendar
        local = calendar.local(start)
        day = [one for one in calendar.working if one > local.date()][self.days - 1]
        zone = timezone.utc if calendar.always else calendar.zone
        due = instant(zone, day, local.hour * 60 + local.minute)
        opening = next((at for at in range(due, calendar.end) if calendar.open[at - calendar.begin]), None)
        if self.landing == "next_open":
            due = opening
        elif self.landing == "end_of_day":
            begin, end = instant(zone, day, 0), instant(zone, day, 1440)
            last = max(at for at in range(begin, end) if calendar.open[at - calendar.begin])
            due = last + 1
        if since is not None and since <= due:
            return None
        for at in range(due, calendar.end + 1):
            if hold == 0:
                return at
            hold -= calendar.open[at - calendar.begin] if at < calendar.end else 0
        return None


ORDER = ["start", "policy_change", "resume", "stop", "pause", "evaluate"]


def in_order(events):
    return sorted(events, key=lambda event: (event[1], ORDER.index(event[0])))


NAMES = {
    "elapsed": "elapsed_seconds", "actual": "actual_seconds", "late": "late_business_seconds",
    "hold": "hold_business_seconds",
}


def compare(case, answer):
    """Every difference between what the program says and what the walk comes to."""
    expected, wrong = case.expected(), []
    for name in ("due", "due_before"):
        found = answer.get(name)
        minutes = None if found is None else datetime.fromisoformat(found.replace("Z", "+00:00")).timestamp() / 60
        if minutes != expected.get(name):
            wrong.append(f"{name}: {found}, not {shown(expected.get(name))}")
    for name, member in NAMES.items():
        minutes = expected.get(name)
        if answer.get(member) != (None if minutes is None else minutes * 60):
            wrong.append(f"{member}: {answer.get(member)}, not {minutes} min")
    if answer.get("breached") != expected.get("breached"):
        wrong.append(f"breached: {answer.get('breached')}, not {expected.get('breached')}")
    return wrong


def shown(minutes):
    return None if minutes is None else str(datetime.fromtimestamp(minutes * 60, timezone.utc))


def batch(program, dice, size, done):
    calendars = []
    while len(calendars) < CALENDARS_IN_A_BATCH:
        first = date(dice.randrange(2005, 2024), 1, 1) + DAY * dice.randrange(365)
        # Half of them begin shortly before a change of the clocks, most of which lie in these months.
        if dice.random() < 0.5:
            first = first.replace(month=dice.choice([3, 3, 4, 9, 10, 10, 11]), day=dice.randrange(1, 29))
        calendars.append(Calendar(dice, first))
    cases = [Case(dice, done + n, dice.choice(calendars)) for n in range(size)]
    asked = json.dumps({"vectors": [case.json() for case in cases]})
    ran = subprocess.run([program, "due", "--json"], input=asked, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        sys.exit(f"{program} failed: {ran.stderr}")
    answers = json.loads(ran.stdout)
    wrong = 0
    for case, answer in zip(cases, answers, strict=True):
        found = compare(case, answer)
        wrong += bool(found)
        if found and wrong <= 3:
            print(json.dumps(case.json()), *found, sep="\n  ")
    return wrong


def main():
    program, count = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**6)
    dice, done, wrong = random.Random(seed), 0, 0
    while done < count:
        size = min(CASES_IN_A_BATCH, count - done)
        wrong += batch(program, dice, size, done)
        done += size
        print(f"{done} of {count} cases, {wrong} differ (seed {seed})", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
