//! The shard's laws, one small story each.

use std::sync::Arc;

use super::{Cut, Options, Read, Shard};
use crate::alert::{About, Action, Status};
use crate::event::{Reason, decode};
use crate::sla::objective::{Measure, Objective};
use crate::sla::outcome::Verdict;
use crate::sla::policy::{Commitment, Condition, Counting, Goal, Limit, Policy, Stop, Test};
use crate::sla::terms::Mark;
use crate::time::{Span, Time};

fn at(minute: i64) -> Time {
    Time::from_millis(1_772_352_000_000) + Span::from_minutes(minute)
}

fn on(kind: &str) -> Vec<Condition> {
    vec![Condition { kind: kind.into(), tests: vec![] }]
}

fn policy() -> Arc<Policy> {
    policy_that_warns(vec![Mark::Share(0.5)])
}

fn policy_that_warns(warnings: Vec<Mark>) -> Arc<Policy> {
    let goal = Goal::Limit(Limit::Duration(Span::from_hours(1)));
    let commitment = Commitment {
        pause: on("ticket.paused"),
        resume: on("ticket.resumed"),
        cancel: on("ticket.cancelled"),
        warnings,
        owner: "desk".into(),
        grace: Span::from_seconds(2),
        ..Commitment::new("answer", on("ticket.opened"), Stop::Any(on("ticket.resolved")), goal)
    };
    let complaint = Condition {
        kind: "ticket.opened".into(),
        tests: vec![Test { attribute: "kind".into(), one_of: vec!["complaint".into()], is_not: false }],
    };
    let counting = Counting { activity: on("ticket.opened"), complaints: vec![complaint], score: None };
    Arc::new(Policy::new(vec![commitment], vec![], vec![], counting).expect("valid"))
}

/// A shard with a counter for offsets.
struct Story {
    shard: Shard,
    next_offset: u64,
}

impl Story {
    fn new() -> Story {
        Story::with(policy())
    }

    fn with(policy: Arc<Policy>) -> Story {
        Story { shard: Shard::new(policy, Options::default(), 0), next_offset: 0 }
    }

    fn read(&mut self, id: &str, kind: &str, subject: &str, minute: i64) -> Result<Read, Reason> {
        let json = format!(
            r#"{{"id":"{id}","source":"s","type":"ticket.{kind}","subject":"{subject}","time":"{}","kind":"complaint","product":"p"}}"#,
            at(minute)
        );
        self.next_offset += 1;
        let event = decode(json.as_bytes()).expect("valid");
        self.shard.read(self.next_offset - 1, at(1_000_000), &event)
    }

    fn cut(&mut self) -> Cut {
        let cut = self.shard.cut(true);
        self.shard.acknowledge(&cut);
        assert_eq!(self.shard.said(), self.shard.standing(), "after a cut, what was said is what stands");
        cut
    }

    /// Moves the clock and says what changed: action, threshold, status.
    fn pass(&mut self, to: Time) -> Vec<(Action, f64, Status)> {
        self.shard.advance(to);
        let change = |change: crate::alert::Change| match &change.alert.about {
            About::Warning(promise) | About::Breach(promise) => {
                (change.action, promise.threshold, change.alert.status)
            }
            _ => panic!("a shard tells of promises only"),
        };
        self.cut().changes.into_iter().map(change).collect()
    }
}

#[test]
fn a_case_is_warned_of_broken_and_over() {
    let mut story = Story::new();
    assert_eq!(story.read("1", "opened", "T", 0), Ok(Read::Applied));
    let second = Span::from_seconds(1);
    assert_eq!(story.pass(at(30) + second + second), []);
    let millisecond = Span::from_millis(1);
    assert_eq!(story.pass(at(30) + second + second + millisecond), [(Action::Raised, 0.5, Status::Open)]);
    assert_eq!(story.pass(at(60) + second + second), [], "exactly due and grace: not yet");
    let broken = [(Action::Resolved, 0.5, Status::Resolved), (Action::Raised, 1.0, Status::Open)];
    assert_eq!(story.pass(at(60) + second + second + millisecond), broken);
    assert_eq!(story.read("2", "resolved", "T", 90), Ok(Read::Applied));
    let over = [(Action::Amended, 0.5, Status::Resolved), (Action::Resolved, 1.0, Status::Resolved)];
    assert_eq!(story.pass(at(91)), over);
}

#[test]
fn people_are_told_before_and_after() {
    let minutes = |n: i64| Mark::Offset(Span::from_minutes(n));
    let mut story = Story::with(policy_that_warns(vec![minutes(-15), minutes(30), Mark::Share(1.25)]));
    story.read("1", "opened", "T", 0).expect("applied");
    let told = |story: &mut Story, minute: i64| {
        story.shard.advance(at(minute) + Span::from_seconds(3));
        let cut = story.cut();
        let tell = |change: &crate::alert::Change| match &change.alert.about {
            About::Warning(promise) => {
                (change.action, promise.offset_seconds.map_or(promise.threshold, |offset| offset / 60.0))
            }
            About::Breach(promise) => {
                assert_eq!(&*promise.owner, "desk");
                (change.action, 0.0)
            }
            _ => panic!("a shard tells of promises only"),
        };
        let mut told: Vec<(Action, f64)> = cut.changes.iter().map(tell).collect();
        told.sort_by(|one, other| one.partial_cmp(other).expect("numbers"));
        told
    };
    assert_eq!(told(&mut story, 44), []);
    assert_eq!(told(&mut story, 45), [(Action::Raised, -15.0)]);
    // What was told before is over when the promise is broken; what is told after is not.
    assert_eq!(told(&mut story, 60), [(Action::Raised, 0.0), (Action::Resolved, -15.0)]);
    assert_eq!(told(&mut story, 75), [(Action::Raised, 1.25)]);
    assert_eq!(told(&mut story, 90), [(Action::Raised, 30.0)]);
    story.read("2", "resolved", "T", 100).expect("applied");
    let over = [
        (Action::Amended, -15.0),
        (Action::Resolved, 0.0),
        (Action::Resolved, 1.25),
        (Action::Resolved, 30.0),
    ];
    assert_eq!(told(&mut story, 101), over);
}

#[test]
fn a_late_stop_takes_the_breach_back() {
    let mut story = Story::new();
    story.read("1", "opened", "T", 0).expect("applied");
    assert_eq!(story.pass(at(70)).len(), 2);
    story.read("2", "opened", "U", 70).expect("applied");
    story.read("3", "resolved", "T", 40).expect("late, but within the horizon");
    let changes = story.pass(at(71));
    assert_eq!(changes, [(Action::Amended, 0.5, Status::Resolved), (Action::Retracted, 1.0, Status::Open)]);
    let breaches: Vec<u64> =
        story.shard.panes.changed(&[]).iter().map(|(_, _, counts)| counts.breaches).collect();
    assert_eq!(breaches.iter().sum::<u64>(), 0);
}

#[test]
fn a_duplicate_changes_nothing() {
    let mut story = Story::new();
    assert_eq!(story.read("1", "opened", "T", 0), Ok(Read::Applied));
    assert_eq!(story.read("1", "opened", "T", 0), Ok(Read::Duplicate));
    let cut = story.cut();
    let panes = cut.partial.expect("asked for").panes;
    assert_eq!(panes.iter().map(|(_, _, counts)| counts.complaints).collect::<Vec<_>>(), [1]);
    assert_eq!(cut.stamp.next_offset, 2, "its offset still advances");
}

#[test]
fn lateness_is_judged_by_the_log_and_the_future_by_the_record() {
    let mut story = Story::new();
    let horizon = 7 * 24 * 60;
    story.read("1", "opened", "T", horizon + 100).expect("applied");
    assert_eq!(story.read("2", "opened", "U", 100), Ok(Read::Applied), "exactly at the horizon");
    assert!(matches!(story.read("3", "opened", "V", 99), Err(Reason::TooLate { .. })));
    assert!(matches!(story.read("4", "opened", "W", 1_000_006), Err(Reason::Future { .. })));
    assert_eq!(story.shard.log_time(), at(horizon + 100), "what is refused does not move the log");
}

#[test]
fn a_case_that_comes_in_past_due_settles_first() {
    let mut story = Story::new();
    story.read("1", "opened", "other", 500).expect("applied");
    story.read("2", "opened", "T", 0).expect("applied");
    let of_t = |changes: &[(Action, f64, Status)]| changes.len();
    assert_eq!(of_t(&story.pass(at(501))), 0, "first seen at 500, it waits a minute");
    assert_eq!(of_t(&story.pass(at(501) + Span::from_millis(1))), 2);
}

#[test]
fn an_ended_case_leaves_when_log_and_clock_have_left_it_behind() {
    let mut story = Story::new();
    story.read("1", "opened", "T", 0).expect("applied");
    story.read("2", "resolved", "T", 10).expect("applied");
    let horizon = 7 * 24 * 60;
    story.pass(at(horizon + 20));
    assert_eq!(story.shard.cases(), 1, "the clock is past the horizon, the log is not");
    story.read("3", "opened", "U", horizon + 10).expect("applied");
    story.pass(at(horizon + 21));
    assert_eq!(story.shard.cases(), 2, "exactly at the horizon it may still be needed");
    story.read("4", "opened", "V", horizon + 11).expect("applied");
    story.pass(at(horizon + 22));
    assert_eq!(story.shard.cases(), 2, "T is gone, U and V are there");
    let ended = story.shard.take_ended();
    assert_eq!(
        ended.iter().map(|one| (&*one.subject, one.outcome)).collect::<Vec<_>>(),
        [("T", Verdict::Kept)]
    );
    // The same subject again is a new case.
    story.read("5", "opened", "T", horizon + 12).expect("applied");
    assert_eq!(story.shard.cases(), 3);
}

#[test]
fn the_state_goes_on_where_it_was_taken() {
    let mut story = Story::new();
    story.read("1", "opened", "T", 0).expect("applied");
    story.read("2", "opened", "U", 5).expect("applied");
    story.read("3", "paused", "U", 10).expect("applied");
    assert_eq!(story.pass(at(62)).len(), 2);
    let state = story.shard.state();
    let bytes = postcard::to_stdvec(&state).expect("plain data");
    let stored = postcard::from_bytes(&bytes).expect("readable");
    let restored = Shard::restore(policy(), Options::default(), stored).expect("fits");
    let mut again = Story { shard: restored, next_offset: story.next_offset };
    assert_eq!(again.cut().changes, [], "nothing is said twice");
    assert_eq!(again.shard.state(), state);
    for story in [&mut story, &mut again] {
        story.read("4", "resumed", "U", 70).expect("applied");
        assert_eq!(story.read("1", "opened", "T", 0), Ok(Read::Duplicate));
    }
    assert_eq!(story.pass(at(200)), again.pass(at(200)));
    assert_eq!(story.shard.state(), again.shard.state());
}

#[test]
fn a_state_of_another_policy_or_version_is_refused() {
    let mut story = Story::new();
    story.cut();
    let mut state = story.shard.state();
    state.policy_hash += 1;
    let refused = |state| Shard::<super::Standard>::restore(policy(), Options::default(), state).map(|_| ());
    assert!(refused(state.clone()).expect_err("refused").to_string().contains("policy"));
    state.version = 99;
    assert!(refused(state).expect_err("refused").to_string().contains("version 99"));
}

/// What an objective over the clocks has counted: pane, how many, how many of them good.
fn judged(cut: &Cut) -> Vec<(Time, u64, u64)> {
    let partial = cut.partial.as_ref().expect("it was asked for");
    partial.judged.iter().map(|(pane, _, judged)| (*pane, judged.n, judged.good)).collect()
}

fn policy_with_objectives() -> Arc<Policy> {
    let kept = Measure::KeptShare { commitment: "answer".into() };
    let at_once = Test { attribute: "first".into(), one_of: vec!["true".into()], is_not: false };
    let events = Measure::EventShare { of: on("ticket.rated"), good: vec![at_once] };
    let objective = |name: &str, measure| Arc::new(Objective::new(name, measure, 0.8));
    let objectives = vec![objective("answers", kept), objective("ratings", events)];
    let commitments = policy().commitments.clone();
    Arc::new(Policy::new(commitments, objectives, vec![], Counting::default()).expect("valid"))
}

#[test]
fn an_objective_counts_kept_clocks_when_they_stop_and_broken_ones_when_they_were_due() {
    let mut story = Story::with(policy_with_objectives());
    for (subject, opened, resolved) in [("A", 0, 10), ("B", 1, 12), ("C", 2, 100)] {
        story.read(&format!("{subject}o"), "opened", subject, opened).expect("applied");
        story.read(&format!("{subject}r"), "resolved", subject, resolved).expect("applied");
    }
    story.read("Do", "opened", "D", 3).expect("applied");
    story.read("Dc", "cancelled", "D", 4).expect("applied");
    story.shard.advance(at(101));
    assert_eq!(judged(&story.cut()), [(at(10), 2, 2), (at(60), 1, 0)], "a promise taken back is no case");
    // B was resolved twice as fast, and C in time, it turns out; what was counted moves.
    story.read("Br", "resolved", "B", 12).expect("a duplicate");
    story.read("Bs", "resolved", "B", 6).expect("applied");
    story.read("Cs", "resolved", "C", 40).expect("applied");
    let moved = [(at(5), 1, 1), (at(10), 1, 1), (at(40), 1, 1), (at(60), 0, 0)];
    assert_eq!(judged(&story.cut()), moved);
    assert_eq!(judged(&story.cut()), [], "nothing has changed since");
}

#[test]
fn an_objective_counts_events_once() {
    let mut story = Story::with(policy_with_objectives());
    let mut rate = |id: &str, first: bool| {
        let json = format!(
            r#"{{"id":"{id}","source":"s","type":"ticket.rated","subject":"T","time":"{}","first":{first}}}"#,
            at(7)
        );
        story.next_offset += 1;
        story.shard.read(story.next_offset - 1, at(9), &decode(json.as_bytes()).expect("valid"))
    };
    assert_eq!(rate("1", true), Ok(Read::Applied));
    assert_eq!(rate("1", true), Ok(Read::Duplicate));
    assert_eq!(rate("2", false), Ok(Read::Applied));
    assert_eq!(judged(&story.cut()), [(at(5), 2, 1)]);
}

#[test]
fn whoever_takes_over_ships_what_objectives_have_counted_anew() {
    let policy = policy_with_objectives();
    let mut story = Story::with(policy.clone());
    story.read("1", "opened", "A", 0).expect("applied");
    story.read("2", "resolved", "A", 10).expect("applied");
    story.read("3", "opened", "B", 1).expect("applied");
    story.shard.advance(at(70));
    let before = judged(&story.cut());
    assert_eq!(before, [(at(10), 1, 1), (at(60), 1, 0)]);
    let said: Vec<_> = story.shard.said().into_values().collect();
    let mut after: Shard = Shard::restore(policy, Options::default(), story.shard.state()).expect("it fits");
    after.take_said(said);
    assert_eq!(judged(&after.cut(false)), before);
}
