//! What do a policy's words do to a clock? Small stories, each a promise, what happened, and what came of it.

use std::sync::Arc;

use watchbell::alert::{About, Action, Alert, Alerts, say};
use watchbell::config::policy;
use watchbell::event::{Event, decode};
use watchbell::names::Severity;
use watchbell::shard::{Options, Shard};
use watchbell::sla::clock::{Clock, Phase};
use watchbell::sla::fold::fold;
use watchbell::sla::history::Fact;
use watchbell::sla::outcome::{Outcome, Verdict, verdict};
use watchbell::sla::policy::Policy;
use watchbell::time::{Span, Time};

/// Monday to Friday, 09:00 to 18:00, in UTC.
const OFFICE: &str = r#"
[calendars.office]
zone = "UTC"
weekly = { monday = ["09:00-18:00"], tuesday = ["09:00-18:00"], wednesday = ["09:00-18:00"], thursday = ["09:00-18:00"], friday = ["09:00-18:00"] }
"#;

fn read(words: &str) -> Policy {
    let text = format!(
        "{OFFICE}\n[[commitment]]\nname = \"answer\"\ntitle = {{ en = \"Answered within two hours\", zh = \"两小时内答复\" }}\n{words}"
    );
    policy::read("story.toml", &text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// Events as `HH:MM type [attribute=value]` on Friday 2026-03-06, or `DDTHH:MM …` on a day of that month.
fn events(lines: &str) -> Vec<String> {
    let event = |(n, line): (usize, &str)| {
        let mut words = line.split_whitespace();
        let (time, kind) = (words.next().expect("a time"), words.next().expect("a type"));
        let at = if time.contains('T') { format!("2026-03-{time}") } else { format!("2026-03-06T{time}") };
        let attributes: String = words
            .map(|word| word.split_once('=').expect("name=value"))
            .map(|(name, value)| format!(",\"{name}\":\"{value}\""))
            .collect();
        format!(
            r#"{{"id":"e{n}","source":"s","type":"t.{kind}","subject":"T","time":"{at}:00Z"{attributes}}}"#
        )
    };
    lines.split(',').map(str::trim).enumerate().map(event).collect()
}

fn clocks(policy: &Policy, lines: &str) -> Vec<Clock> {
    let json = events(lines);
    let events: Vec<Event<'_>> = json.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    fold(policy, &facts(policy, &events))
}

/// What the clocks see of events, in order.
pub(super) fn facts<'e>(policy: &Policy, events: &'e [Event<'_>]) -> Vec<Fact<'e>> {
    let fact = |event: &'e Event<'_>| {
        let matched = policy.matched(event, &mut |_, _| 0)?;
        Some(Fact { time: event.time, source: &event.source, id: &event.id, matched })
    };
    let mut facts: Vec<Fact<'_>> = events.iter().filter_map(fact).collect();
    facts.sort_by(Fact::order);
    facts
}

/// A verdict as stories tell it.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Kept => "kept",
        Verdict::Breached => "broken",
        Verdict::Open => "open",
        Verdict::Cancelled => "cancelled",
    }
}

/// Monday 2026-03-16, noon.
fn now() -> Time {
    Time::parse("2026-03-16T12:00:00Z").expect("an instant")
}

/// Every clock as `[commitment] start-end verdict used due`; an open one ends with `…`.
fn told(policy: &Policy, clocks: &[Clock]) -> Vec<String> {
    let short = |time: Time| {
        let text = time.to_string();
        let day = &text[8..10];
        if day == "06" { text[11..16].to_owned() } else { format!("{day}T{}", &text[11..16]) }
    };
    let tell = |clock: &Clock| {
        let commitment = &policy.commitments[usize::from(clock.commitment)];
        let verdict = word(verdict(policy, clock, now()));
        let end = clock.ended().map_or("…".to_owned(), short);
        let due = clock.due(commitment).map_or("-".to_owned(), short);
        let paused = if clock.phase == Phase::Paused { " paused" } else { "" };
        let name = if &*commitment.name == "answer" { "" } else { &format!("{} ", commitment.name) };
        format!(
            "{name}{}-{end} {verdict} {} due {due}{paused}",
            short(clock.started),
            clock.elapsed(&commitment.calendar, now())
        )
    };
    clocks.iter().map(tell).collect()
}

fn story(words: &str, lines: &str, expected: &[&str]) {
    let policy = read(words);
    assert_eq!(told(&policy, &clocks(&policy, lines)), expected, "{words}\n{lines}");
}

const PLAIN: &str = r#"
start = "t.opened"
stop = "t.resolved"
pause = "t.paused"
resume = "t.resumed"
cancel = "t.cancelled"
reopen = "t.reopened"
goal = "2h"
"#;

fn plain(more: &str) -> String {
    format!("{PLAIN}\n{more}")
}

#[test]
fn what_a_reopening_does_is_said() {
    let lines = "09:00 opened, 09:30 paused, 09:45 resumed, 10:00 resolved, 10:30 reopened, 11:00 resolved";
    let again = |line: &str| vec![line.to_owned()];
    for (on_reopen, expected) in [
        ("ignored", again("09:00-10:00 kept 45m due 11:15")),
        ("goes_on", again("09:00-11:00 kept 1h 15m due 11:45")),
        ("never_stopped", again("09:00-11:00 kept 1h 45m due 11:15")),
        (
            "starts_anew",
            vec!["09:00-10:00 kept 45m due 11:15".into(), "10:30-11:00 kept 30m due 12:30".into()],
        ),
    ] {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        story(&plain(&format!("on_reopen = \"{on_reopen}\"")), lines, &expected);
    }
    let goes_on = plain("on_reopen = \"goes_on\"");
    story(&goes_on, "09:00 opened, 10:00 cancelled, 10:30 reopened", &["09:00-10:00 cancelled 1h due 11:00"]);
    // At one instant the last word has whoever turns things round.
    story(
        &goes_on,
        "09:00 opened, 10:00 resolved, 10:00 reopened, 10:30 resolved",
        &["09:00-10:30 kept 1h 30m due 11:00"],
    );
    story(
        &goes_on,
        "09:00 opened, 10:00 resolved, 10:30 reopened, 10:30 resolved",
        &["09:00-10:30 kept 1h due 11:30"],
    );
}

#[test]
fn a_clock_that_repeats_waits_for_the_oldest_unanswered_message() {
    let reply = r#"
start = "t.asked"
stop = ["t.replied", "t.resolved"]
goal = "1h"
repeats = true
"#;
    let lines = "09:00 asked, 09:30 asked, 09:50 replied, 10:00 asked, 11:30 asked, 11:40 replied, 12:00 asked, 12:05 resolved";
    let expected = [
        "09:00-09:50 kept 50m due 10:00",
        "10:00-11:40 broken 1h 40m due 11:00",
        "12:00-12:05 kept 5m due 13:00",
    ];
    story(reply, lines, &expected);
    story(&reply.replace("repeats = true", ""), lines, &expected[..1]);
}

#[test]
fn an_update_stops_one_period_and_starts_the_next() {
    let update = r#"
start = "t.updated"
stop = ["t.updated", "t.resolved"]
pause = "t.paused"
resume = "t.resumed"
goal = "2h"
repeats = true
"#;
    story(
        update,
        "09:00 updated, 10:00 updated, 10:30 paused, 11:30 resumed, 12:30 updated, 12:40 resolved",
        &[
            "09:00-10:00 kept 1h due 11:00",
            "10:00-12:30 kept 1h 30m due 13:00",
            "12:30-12:40 kept 10m due 14:30",
        ],
    );
    // Silence: every sign of progress takes the clock back and starts it anew; what was broken stays broken.
    let silence = r#"
start = "t.opened"
reset = "t.updated"
stop = "t.resolved"
goal = "2h"
"#;
    story(
        silence,
        "09:00 opened, 10:00 updated, 13:00 updated, 13:30 resolved",
        &[
            "09:00-10:00 cancelled 1h due 11:00",
            "10:00-13:00 broken 3h due 12:00",
            "13:00-13:30 kept 30m due 15:00",
        ],
    );
}

#[test]
fn each_group_has_a_clock_of_its_own() {
    let owned = r#"
start = "t.assigned"
stop = "t.resolved"
per = "group"
goal = { by = "group", network = "1h", otherwise = "2h" }
"#;
    story(
        owned,
        "09:00 assigned group=desk, 09:10 assigned group=desk, 10:00 assigned group=network, 11:30 assigned group=desk, 12:00 resolved",
        &[
            "09:00-10:00 kept 1h due 11:00",
            "10:00-11:30 broken 1h 30m due 11:00",
            "11:30-12:00 kept 30m due 13:30",
        ],
    );
    // A group that is promised nothing takes the case out of the clock all the same.
    story(
        &format!("{owned}match.group = \"network\""),
        "09:00 assigned group=network, 09:30 assigned group=desk",
        &["09:00-09:30 kept 30m due 10:00"],
    );
    story(
        r#"
start = { on = "t.assigned", where = { group = "network" } }
stop = { on = "t.assigned", where = { group = { not = ["network", "radio"] } } }
goal = "1h"
"#,
        "09:00 assigned group=network, 09:10 assigned group=radio, 09:20 assigned, 09:30 assigned group=desk",
        &["09:00-09:30 kept 30m due 10:00"],
    );
}

#[test]
fn of_several_promises_a_case_gets_the_first_that_fits() {
    let policy = read(
        r#"
start = "t.opened"
stop = "t.resolved"
match.tier = "gold"
goal = "1h"
first_of = "tier"

[[commitment]]
name = "silver"
title = { en = "Answered within two hours", zh = "两小时内答复" }
start = "t.opened"
stop = "t.resolved"
match.tier = ["gold", "silver"]
goal = "2h"
first_of = "tier"

[[commitment]]
name = "rest"
title = { en = "Answered within three hours", zh = "三小时内答复" }
start = "t.opened"
stop = "t.resolved"
goal = "3h"
first_of = "tier"
"#,
    );
    for (tier, expected) in [
        ("gold", "09:00-09:30 kept 30m due 10:00"),
        ("silver", "silver 09:00-09:30 kept 30m due 11:00"),
        ("iron", "rest 09:00-09:30 kept 30m due 12:00"),
    ] {
        let clocks = clocks(&policy, &format!("09:00 opened tier={tier}, 09:30 resolved"));
        assert_eq!(told(&policy, &clocks), [expected], "{tier}");
    }
}

#[test]
fn more_time_is_given_only_in_time_and_as_often_as_promised() {
    let by = plain(
        "extend = { on = { on = \"t.extended\", where = { reason = \"*\" } }, by = \"1h\", at_most = 2 }",
    );
    story(&by, "09:00 opened, 10:00 extended reason=parts", &["09:00-… broken 10d 3h due 12:00"]);
    story(&by, "09:00 opened, 10:00 extended", &["09:00-… broken 10d 3h due 11:00"]);
    story(
        &by,
        "09:00 opened, 11:00 extended reason=parts, 11:30 resolved",
        &["09:00-11:30 kept 2h 30m due 12:00"],
    );
    story(
        &by,
        "09:00 opened, 11:01 extended reason=parts, 11:30 resolved",
        &["09:00-11:30 broken 2h 30m due 11:00"],
    );
    story(
        &by,
        "09:00 opened, 09:10 extended reason=a, 09:20 extended reason=b, 09:30 extended reason=c, 12:30 resolved",
        &["09:00-12:30 kept 3h 30m due 13:00"],
    );
    let until = plain("extend = { on = \"t.extended\", until = \"new_due\" }");
    story(
        &until,
        "09:00 opened, 10:00 extended new_due=2026-03-06T15:00:00Z, 14:59 resolved",
        &["09:00-14:59 kept 5h 59m due 15:00"],
    );
    // What was given is not taken back by another priority; an instant that is past already gives nothing.
    story(
        &until,
        "09:00 opened, 10:00 extended new_due=2026-03-06T09:30:00Z, 10:59 resolved",
        &["09:00-10:59 kept 1h 59m due 11:00"],
    );
    let days = r#"
start = "t.opened"
stop = "t.resolved"
goal = "2 working_days"
calendar = "office"
extend = { on = "t.extended", by = "3 working_days" }
"#;
    // Friday: two working days end with Tuesday, five with Friday.
    story(days, "10:00 opened", &["10:00-… broken 2d 8h due 10T18:00"]);
    story(days, "10:00 opened, 09T10:00 extended", &["10:00-… broken 2d 8h due 13T18:00"]);
}

#[test]
fn another_goal_counts_as_the_promise_says() {
    // The worked example: three hours from 10:00, two from 11:00 on.
    let change = |on_change: &str| {
        format!(
            "{}\non_change = \"{on_change}\"",
            PLAIN.replace("goal = \"2h\"", "goal = { by = \"priority\", P3 = \"3h\", P2 = \"2h\" }")
        )
    };
    let lines =
        "10:00 opened priority=P3, 11:00 changed priority=P2, 11:10 changed priority=P2, 11:30 resolved";
    for (on_change, due) in [
        ("from_start", "12:00"),
        ("from_start_without_pauses", "12:00"),
        ("from_change", "13:00"),
        ("ignored", "13:00"),
    ] {
        story(&change(on_change), lines, &[&format!("10:00-11:30 kept 1h 30m due {due}")]);
    }
    // With an hour of pause before: 30 minutes are used at the change.
    let lines = "10:00 opened priority=P3, 10:10 paused, 11:10 resumed, 11:30 changed priority=P2, 11:40 changed priority=P2";
    for (on_change, due) in [
        ("from_start", "13:00"),
        ("from_start_without_pauses", "12:00"),
        ("from_change", "13:30"),
        ("ignored", "14:00"),
    ] {
        let words = change(on_change);
        let policy = read(&words);
        let clocks = clocks(&policy, lines);
        let commitment = &policy.commitments[0];
        let told = clocks[0].due(commitment).map(|due| due.to_string()[11..16].to_owned());
        assert_eq!(told.as_deref(), Some(due), "{on_change}");
    }
}

#[test]
fn pauses_move_the_due_instant_as_the_promise_says() {
    // Eight hours from Monday 09:00 are up at 17:00; a pause from 17:00 to 10:00 the next day begins when they are.
    let words = |arithmetic: &str| {
        format!(
            "{}\ncalendar = \"office\"\npause_arithmetic = \"{arithmetic}\"",
            PLAIN.replace("goal = \"2h\"", "goal = \"8h\"")
        )
    };
    let overnight = "02T09:00 opened, 02T16:00 paused, 03T10:00 resumed, 03T10:30 resolved";
    for (arithmetic, expected) in [
        // 16:00 to 18:00 and 09:00 to 10:00 were open.
        ("open_time", "02T09:00-03T10:30 kept 7h 30m due 03T11:00"),
        // 18 hours later than 17:00.
        ("wall_time", "02T09:00-03T10:30 kept 7h 30m due 03T11:00"),
        ("begun_open", "02T09:00-03T10:30 kept 7h 30m due 03T11:00"),
        ("ignored", "02T09:00-03T10:30 broken 10h 30m due 02T17:00"),
    ] {
        story(&words(arithmetic), overnight, &[expected]);
    }
    let closed = "02T09:00 opened, 02T18:30 paused, 03T10:00 resumed, 03T10:30 resolved";
    let ten = |arithmetic: &str| words(arithmetic).replace("8h", "10h");
    for (arithmetic, expected) in [
        ("open_time", "02T09:00-03T10:30 kept 9h 30m due 03T11:00"),
        ("wall_time", "02T09:00-03T10:30 kept 9h 30m due 04T01:30"),
        // It was closed when the pause began: nobody parked anything.
        ("begun_open", "02T09:00-03T10:30 broken 10h 30m due 03T10:00"),
    ] {
        story(&ten(arithmetic), closed, &[expected]);
    }
    // While a pause goes on, nobody knows when it is due.
    story(&words("wall_time"), "02T09:00 opened, 02T16:00 paused", &["02T09:00-… open 7h due - paused"]);
    story(
        &words("wall_time"),
        "02T09:00 opened, 02T17:00 paused",
        &["02T09:00-… broken 8h due 02T17:00 paused"],
    );
}

#[test]
fn days_are_counted_as_the_promise_says() {
    let words = |first: &str, last: &str| {
        format!(
            "{}\ncalendar = \"office\"\nfirst_day = \"{first}\"\nlast_day = \"{last}\"",
            PLAIN.replace("goal = \"2h\"", "goal = \"2 working_days\"")
        )
    };
    // Friday 10:00 and Friday 20:00; what is paused on Monday from 10:00 to 12:00 comes on top.
    for (first, last, due, due_late, due_paused) in [
        ("next", "midnight", "10T18:00", "10T18:00", "11T11:00"),
        ("next", "same_time", "10T10:00", "10T20:00", "10T12:00"),
        ("next", "next_open", "10T10:00", "11T09:00", "10T12:00"),
        ("next", "closing", "10T18:00", "10T18:00", "11T11:00"),
        ("counted", "same_time", "09T10:00", "09T20:00", "09T12:00"),
        ("counted", "midnight", "09T18:00", "09T18:00", "10T11:00"),
    ] {
        let policy = read(&words(first, last));
        let due_of = |lines: &str| {
            let clocks = clocks(&policy, lines);
            let due = clocks[0].due(&policy.commitments[0]).expect("not paused").to_string();
            format!("{}T{}", &due[8..10], &due[11..16])
        };
        let paused = "10:00 opened, 09T10:00 paused, 09T12:00 resumed";
        assert_eq!(
            [due_of("10:00 opened"), due_of("20:00 opened"), due_of(paused)],
            [due, due_late, due_paused],
            "{first} {last}"
        );
    }
}

#[test]
fn a_goal_used_up_at_closing_is_due_there_or_at_the_next_opening() {
    let words = |boundary: &str| plain(&format!("calendar = \"office\"\nboundary = \"{boundary}\""));
    // What is broken does not depend on it: after 18:00 no time is used.
    for (boundary, due) in [("interval_end", "18:00"), ("next_open", "09T09:00")] {
        story(&words(boundary), "16:00 opened, 20:00 resolved", &[&format!("16:00-20:00 kept 2h due {due}")]);
    }
}

/// A policy in which one event does many things: what an order of arrival might spoil, it spoils here.
const EVERYTHING: &str = r#"
start = ["t.opened", "t.asked"]
stop = ["t.replied", "t.asked", "t.resolved"]
pause = "t.paused"
resume = "t.resumed"
goal = { by = "priority", P1 = "30m", otherwise = "1h" }
repeats = true
severity = "critical"
warnings = [0.5, "-10m", "+10m"]

[[commitment]]
name = "owned"
title = { en = "Held for an hour at most", zh = "最多持有一小时" }
start = "t.assigned"
stop = "t.resolved"
reset = "t.asked"
per = "group"
goal = "1h"

[[commitment]]
name = "settled"
title = { en = "Settled within two hours", zh = "两小时内处理完毕" }
start = "t.opened"
stop = "t.resolved"
pause = "t.paused"
resume = "t.resumed"
reopen = "t.reopened"
on_reopen = "goes_on"
on_change = "from_change"
extend = { on = "t.assigned", by = "30m", at_most = 1 }
goal = { by = "priority", P1 = "1h", otherwise = "2h" }
"#;

/// What is said in the end, and the outcomes, for events in an order of arrival. The clock moves on half-way, so that some
/// of it was said too early and has to be amended or taken back.
fn in_the_end(policy: &Arc<Policy>, events: &[&str]) -> (Alerts, Vec<Outcome>, usize) {
    let mut shard: Shard = Shard::new(policy.clone(), Options { keep_ended: true, ..Options::default() }, 0);
    let (mut said, mut amends) = (Alerts::new(), 0);
    for (n, event) in events.iter().enumerate() {
        let event = decode(event.as_bytes()).expect("valid");
        let appended = Time::parse("2026-03-07T00:00:00Z").expect("an instant");
        shard.read(n as u64, appended, &event).expect("inside the horizon");
        if n == events.len() / 2 || n + 1 == events.len() {
            let clock = if n + 1 == events.len() { now() } else { now() - Span::from_days(9) };
            shard.advance(clock);
            let cut = shard.cut(true);
            cut.changes.iter().for_each(|change| say(&mut said, change));
            amends += cut
                .changes
                .iter()
                .filter(|one| matches!(one.action, Action::Amended | Action::Retracted))
                .count();
            shard.acknowledge(&cut);
        }
    }
    assert_eq!(said, shard.said());
    (said, shard.outcomes().collect(), amends)
}

#[test]
fn every_order_of_arrival_ends_in_the_same_alerts_and_verdicts() {
    let policy = Arc::new(read(EVERYTHING));
    let stories = [
        "09:00 opened priority=P2, 09:10 paused, 09:20 resumed, 09:40 assigned group=desk, 10:30 changed priority=P1, 11:00 resolved, 11:30 reopened",
        "09:00 opened, 09:00 paused, 09:00 resumed, 09:30 asked, 10:00 asked, 10:45 replied, 10:45 resolved",
        "09:00 assigned group=desk, 09:30 assigned group=network, 10:00 asked, 11:40 assigned group=desk, 12:00 resolved, 12:00 reopened, 13:00 resolved",
        "09:00 opened, 09:50 assigned group=desk, 10:00 resolved, 10:00 reopened, 12:00 paused, 12:00 resolved, 12:30 asked",
    ];
    let (mut orders, mut amends) = (0, 0);
    for story in stories {
        let all = events(story);
        // Seven, and five of which two come twice.
        let once: Vec<&str> = all.iter().map(String::as_str).collect();
        let twice: Vec<&str> = once[..5].iter().chain(&once[3..5]).copied().collect();
        for events in [once, twice] {
            let (alerts, outcomes, _) = in_the_end(&policy, &events);
            assert!(!alerts.is_empty() && !outcomes.is_empty());
            let is_severe = |alert: &Alert| matches!(&alert.about, About::Warning(promise) | About::Breach(promise) if promise.severity == Severity::Critical);
            assert!(alerts.values().any(is_severe));
            permute(&mut events.clone(), 0, &mut |order| {
                let (found, ended, more) = in_the_end(&policy, order);
                assert_eq!((&found, &ended), (&alerts, &outcomes), "{order:#?}");
                orders += 1;
                amends += more;
            });
        }
    }
    assert_eq!(orders, 4 * 2 * 5_040);
    assert!(amends > orders, "hardly anything had to be amended: {amends}");
}

fn permute<'e>(events: &mut Vec<&'e str>, from: usize, visit: &mut dyn FnMut(&[&'e str])) {
    if from == events.len() {
        return visit(events);
    }
    for n in from..events.len() {
        events.swap(from, n);
        permute(events, from + 1, visit);
        events.swap(from, n);
    }
}

/// The guide, 002 §1.1.37: a complaint may take longer if the customer is told in advance, with the reason.
#[test]
fn a_complaint_is_extended_as_the_clause_says() {
    let policy = policy::read(policy::DEFAULT_NAME, policy::DEFAULT).expect("the shipped policy");
    let due = |extended: &str| {
        let received = r#"{"id":"1","source":"s","type":"ticket.received","subject":"C","time":"2025-09-26T10:00:00+08:00","kind":"complaint"}"#;
        let extended =
            format!(r#"{{"id":"2","source":"s","type":"ticket.extended","subject":"C",{extended}}}"#);
        let events = [received, &extended].map(|line| decode(line.as_bytes()).expect("valid"));
        let clocks = fold(&policy, &facts(&policy, &events));
        let settled = |clock: &&Clock| {
            &*policy.commitments[usize::from(clock.commitment)].name == "complaint_settlement"
        };
        let clock = clocks.iter().find(settled).expect("a complaint has this clock");
        clock.due(&policy.commitments[usize::from(clock.commitment)]).expect("no pause").to_string()
    };
    // The end of 23 October and of 7 November, in Shanghai.
    let (plain, longer) = ("2025-10-23T16:00:00Z", "2025-11-07T16:00:00Z");
    let new_due = r#""new_due":"2025-11-08T00:00:00+08:00""#;
    let reason = r#""reason":"parts from abroad""#;
    assert_eq!(due(&format!(r#""time":"2025-10-20T09:00:00+08:00",{new_due},{reason}"#)), longer);
    assert_eq!(due(&format!(r#""time":"2025-10-20T09:00:00+08:00",{new_due}"#)), plain, "without a reason");
    assert_eq!(
        due(&format!(r#""time":"2025-10-24T09:00:00+08:00",{new_due},{reason}"#)),
        plain,
        "not in advance"
    );
    assert_eq!(due(&format!(r#""time":"2025-10-20T09:00:00+08:00",{reason}"#)), plain, "without a date");
}
