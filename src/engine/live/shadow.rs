//! What would another policy say? A second state beside the living one, of the same records and the same clock, that
//! writes nothing: only which breaches one of the two has and the other has not.
//!
//! Ground rules: it has no checkpoint and begins when the log is taken over; what a case was told before is unknown to
//! it, so a case counts only if both know it from its first event on.

use std::collections::HashMap;
use std::sync::Arc;

use crate::alert::{About, Action, AlertId, Change, Promise, Record};
use crate::engine::picture::{SHADOW_SHOWN, ShadowBreach, ShadowPicture, Side};
use crate::event::Event;
use crate::shard::{Options, Shard, Standard};
use crate::sla::policy::Policy;
use crate::source::{self, Item};
use crate::time::Time;

/// How many breaches that only one policy has are remembered, in case the other one follows; what comes after these is
/// counted for good.
const REMEMBERED_MAX: usize = 100_000;

/// A log as another policy sees it.
pub(super) struct Shadow {
    shard: Shard<Standard>,
    /// The log time at which it began.
    began: Time,
    /// Breaches that only one of the two has.
    alone: HashMap<AlertId, ShadowBreach>,
    picture: ShadowPicture,
}

impl Shadow {
    /// Begins beside a log.
    pub(super) fn new(policy: &Arc<Policy>, options: &Options, living: &Shard<Standard>) -> Shadow {
        let mut shard = Shard::new(policy.clone(), options.clone(), living.log());
        shard.reach(living.stamp().next_offset);
        let (began, picture) = (living.log_time(), ShadowPicture::default());
        Shadow { shard, began, alone: HashMap::new(), picture }
    }

    /// Reads a record that the living one is about to read.
    pub(super) fn read(&mut self, living: &Shard<Standard>, record: &source::Record<'_>) {
        // When its case was, or now is, first heard of.
        let first_seen = |event: &Event<'_>| {
            living.first_seen(&event.subject).unwrap_or(living.log_time().max(event.time))
        };
        match &record.item {
            Item::Event(event) if first_seen(event) > self.began => {
                // Why something cannot be used is said by the living one.
                let _ = self.shard.read(record.offset, record.appended, event);
            }
            _ => self.shard.skip(record.offset),
        }
    }

    /// Moves the clock.
    pub(super) fn advance(&mut self, to: Time) {
        self.shard.advance(to);
    }

    /// Compares what the living one has just said with what this one would say now.
    pub(super) fn compare(&mut self, living: &Shard<Standard>, said: &[Record]) {
        for Record { change, .. } in said {
            let first_seen = breach(change).and_then(|promise| living.first_seen(&promise.subject));
            if first_seen.is_some_and(|at| at > self.began) {
                self.note(change, Side::Live);
            }
        }
        let cut = self.shard.cut(false);
        cut.changes.iter().for_each(|change| self.note(change, Side::Shadow));
        self.shard.acknowledge(&cut);
        drop(self.shard.take_ended());
    }

    /// A breach is there on one side, or is not any more.
    fn note(&mut self, change: &Change, side: Side) {
        let Some(promise) = breach(change) else { return };
        let id = change.alert.id;
        let alone = self.alone.get(&id).map(|one| one.only);
        let counts = self.picture.breaches.entry(promise.commitment.clone()).or_default();
        match (change.action, alone) {
            (Action::Raised, Some(other)) if other != side => {
                self.alone.remove(&id);
                *counts.of(other) -= 1;
                counts.both += 1;
            }
            (Action::Raised, _) => {
                *counts.of(side) += 1;
                self.remember(id, promise, side);
            }
            (Action::Retracted, Some(mine)) if mine == side => {
                self.alone.remove(&id);
                *counts.of(side) -= 1;
            }
            (Action::Retracted, None) if counts.both > 0 => {
                counts.both -= 1;
                *counts.of(side.other()) += 1;
                self.remember(id, promise, side.other());
            }
            _ => {}
        }
    }

    fn remember(&mut self, id: AlertId, promise: &Promise, only: Side) {
        if self.alone.len() < REMEMBERED_MAX {
            let (subject, commitment) = (promise.subject.clone(), promise.commitment.clone());
            self.alone.insert(id, ShadowBreach { only, subject, commitment, due: promise.due });
        }
    }

    /// How it looks now, with the latest of what only one of the two has.
    pub(super) fn look(&self) -> ShadowPicture {
        let mut latest: Vec<&ShadowBreach> = self.alone.values().collect();
        let order = |a: &&ShadowBreach, b: &&ShadowBreach| (b.due, &a.subject).cmp(&(a.due, &b.subject));
        if latest.len() > SHADOW_SHOWN {
            latest.select_nth_unstable_by(SHADOW_SHOWN, order);
            latest.truncate(SHADOW_SHOWN);
        }
        latest.sort_by(order);
        ShadowPicture { latest: latest.into_iter().cloned().collect(), ..self.picture.clone() }
    }
}

fn breach(change: &Change) -> Option<&Promise> {
    match &change.alert.about {
        About::Breach(promise) => Some(promise),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::decode;
    use crate::sla::policy::{Commitment, Condition, Counting, Goal, Limit, Stop};
    use crate::time::Span;

    fn on(kind: &str) -> Vec<Condition> {
        vec![Condition { kind: kind.into(), tests: vec![] }]
    }

    fn policy(minutes: i64) -> Arc<Policy> {
        let goal = Goal::Limit(Limit::Duration(Span::from_minutes(minutes)));
        let answer = Commitment::new("answer", on("ticket.opened"), Stop::Any(on("ticket.resolved")), goal);
        Arc::new(Policy::new(vec![answer], vec![], vec![], Counting::default()).expect("valid"))
    }

    fn at(minute: i64) -> Time {
        Time::from_millis(1_772_352_000_000) + Span::from_minutes(minute)
    }

    /// A log that promises an hour, and beside it one that promises half of it, or twice as much.
    struct World {
        living: Shard<Standard>,
        shadow: Shadow,
        next_offset: u64,
    }

    impl World {
        fn new(minutes: i64) -> World {
            let options = Options::default();
            let mut living = Shard::new(policy(60), options.clone(), 0);
            let early = r#"{"id":"0","source":"s","type":"ticket.opened","subject":"old","time":"2026-03-01T07:50:00Z"}"#;
            let _ = living.read(0, at(0), &decode(early.as_bytes()).expect("valid"));
            let shadow = Shadow::new(&policy(minutes), &options, &living);
            World { living, shadow, next_offset: 1 }
        }

        fn happen(&mut self, kind: &str, subject: &str, minute: i64) {
            let json = format!(
                r#"{{"id":"{}","source":"s","type":"ticket.{kind}","subject":"{subject}","time":"{}"}}"#,
                self.next_offset,
                at(minute)
            );
            let event = decode(json.as_bytes()).expect("valid");
            let record = source::Record {
                log: 0,
                offset: self.next_offset,
                appended: Time::MAX,
                place: &"t/0".into(),
                number: self.next_offset,
                item: Item::Event(event),
            };
            self.shadow.read(&self.living, &record);
            let Item::Event(event) = &record.item else { return };
            let _ = self.living.read(record.offset, record.appended, event);
            self.next_offset += 1;
        }

        /// The clock moves and both are compared; how many breaches both have, the living one, the shadow.
        fn cut(&mut self, minute: i64) -> [u64; 3] {
            self.living.advance(at(minute));
            self.shadow.advance(at(minute));
            let cut = self.living.cut(false);
            let said: Vec<Record> =
                cut.changes.iter().map(|change| Record::new(change.clone(), 0, cut.stamp)).collect();
            self.living.acknowledge(&cut);
            self.shadow.compare(&self.living, &said);
            let picture = self.shadow.look();
            let counts = picture.breaches.get("answer").copied().unwrap_or_default();
            assert_eq!(picture.latest.len() as u64, counts.live + counts.shadow);
            [counts.both, counts.live, counts.shadow]
        }
    }

    #[test]
    fn a_stricter_policy_breaks_what_the_living_one_keeps() {
        let mut world = World::new(30);
        world.happen("opened", "T-1", 0);
        world.happen("opened", "T-2", 1);
        world.happen("resolved", "T-1", 45);
        assert_eq!(world.cut(50), [0, 0, 2]);
        assert_eq!(world.shadow.look().latest[0].only, Side::Shadow);
        assert_eq!(world.cut(62), [1, 0, 1], "the living one follows");
    }

    #[test]
    fn a_milder_policy_keeps_what_the_living_one_breaks_and_late_events_are_minded() {
        let mut world = World::new(120);
        world.happen("opened", "T-1", 0);
        world.happen("opened", "T-2", 0);
        assert_eq!(world.cut(61), [0, 2, 0]);
        world.happen("resolved", "T-2", 90);
        assert_eq!(world.cut(121), [1, 1, 0]);
        // It was resolved in time after all, for both.
        world.happen("resolved", "T-1", 59);
        assert_eq!(world.cut(122), [0, 1, 0]);
        world.happen("resolved", "T-2", 58);
        assert_eq!(world.cut(123), [0, 0, 0]);
    }

    #[test]
    fn what_was_there_before_is_not_compared() {
        let mut world = World::new(30);
        world.happen("assigned", "old", 1);
        world.happen("resolved", "old", 55);
        assert_eq!(world.cut(56), [0, 0, 0]);
        let mut world = World::new(600);
        // What comes late at once belongs to a case that counts as old.
        world.happen("opened", "late", -20);
        world.happen("opened", "T-1", 1);
        assert_eq!(world.cut(55), [0, 0, 0], "the old ones are broken by now, and nobody asks the shadow");
    }
}
