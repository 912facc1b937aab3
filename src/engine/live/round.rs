//! How many clocks are where, and which are due soonest? What a round over the cases of one log has seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::counted::Counted;
use crate::detect::Dimension;
use crate::engine::picture::{ClockCounts, DUE_MAX, DuePicture, LabelledCounts, Verdicts};
use crate::names::metric::COMBINATIONS_MAX;
use crate::shard::survey::Glance;
use crate::shard::{Shard, Standard};
use crate::sla::outcome::Verdict;
use crate::window::{Cell, OTHER};

/// How many cases are looked at for one picture: a millisecond's worth.
const STRETCH: u32 = 4_000;
/// How many while records wait: to read them is more urgent than to show how many clocks are open.
const STRETCH_BEHIND: u32 = 500;

type Key = (u16, Vec<Arc<str>>);

/// The counts of one log.
///
/// How many clocks are open is what the last whole round has seen. A verdict is counted when the walk finds it, or when
/// its case leaves the memory before: under the labels that the case has then, and once, for what is counted of each case
/// is kept beside.
#[derive(Default)]
pub(super) struct Rounds {
    labels: Vec<Dimension>,
    /// Whether the log is live: what a state holds by then is not found, it was there.
    is_begun: bool,
    /// The round that goes on: where it is, and what it has seen.
    at: u32,
    seen: BTreeMap<Key, ClockCounts>,
    /// The open clocks with the least time left, and the same of those overdue.
    due: Vec<DuePicture>,
    /// What the last whole round has seen.
    whole: (BTreeMap<Key, ClockCounts>, Vec<DuePicture>),
    counted: Counted,
    tallies: BTreeMap<Key, Tally>,
    /// Cases that were looked at because they were about to leave.
    leaving: Vec<u32>,
}

/// Verdicts of one key: kept, breached, cancelled.
#[derive(Clone, Copy, Default)]
struct Tally {
    /// Those that were there when the log went live.
    old: [u64; 3],
    found: [u64; 3],
    taken_back: [u64; 3],
}

impl Rounds {
    /// Nothing yet, with the dimensions whose values are labels.
    pub(super) fn new(labels: &[Dimension]) -> Rounds {
        Rounds { labels: labels.to_vec(), ..Rounds::default() }
    }

    /// What must be known if the log comes back: which verdicts are counted already.
    pub(super) fn park(self) -> Rounds {
        let old = |(key, tally): (Key, Tally)| (key, Tally { old: tally.standing(), ..Tally::default() });
        let tallies = self.tallies.into_iter().map(old).collect();
        let Rounds { labels, is_begun, counted, .. } = self;
        Rounds { labels, is_begun, counted, tallies, ..Rounds::default() }
    }

    /// The log has gone live with this state.
    pub(super) fn begin(&mut self, shard: &Shard<Standard>) {
        if std::mem::replace(&mut self.is_begun, true) {
            return;
        }
        let Rounds { labels, counted, tallies, .. } = self;
        shard.survey(0, u32::MAX, &mut |number, glances| {
            counted.compare(number, glances, |commitment, verdict, by| {
                let tally = tally_of(tallies, (commitment, values(labels, shard, number)));
                tally.old[verdict] += by.unsigned_abs();
            });
        });
    }

    /// Goes on with the round; what is known now. `is_behind`: there are records that wait to be read.
    pub(super) fn walk(
        &mut self,
        shard: &Shard<Standard>,
        is_behind: bool,
    ) -> (Vec<LabelledCounts>, Vec<DuePicture>) {
        self.go_on(shard, if is_behind { STRETCH_BEHIND } else { STRETCH });
        (self.sums(), self.whole.1.clone())
    }

    fn go_on(&mut self, shard: &Shard<Standard>, stretch: u32) {
        if !self.is_begun {
            return;
        }
        let Rounds { labels, counted, tallies, seen, due, .. } = self;
        let next = shard.survey(self.at, stretch, &mut |number, glances| {
            note(counted, tallies, labels, shard, number, glances);
            let open = || glances.iter().filter(|glance| glance.is_open);
            let values = open().next().map(|_| values(labels, shard, number)).unwrap_or_default();
            for glance in open() {
                let counts = seen.entry((glance.commitment, values.clone())).or_default();
                counts.open += 1;
                counts.warned += u64::from(glance.is_warned);
                counts.overdue += u64::from(glance.verdict == Verdict::Breached);
                offer(due, shard, number, glance);
            }
        });
        self.at = next.unwrap_or(0);
        if next.is_none() {
            self.whole = (std::mem::take(&mut self.seen), std::mem::take(&mut self.due));
        }
    }

    /// Looks for the last time at the cases that leave the memory with the next cut.
    pub(super) fn note_leaving(&mut self, shard: &Shard<Standard>) {
        let Rounds { labels, counted, tallies, leaving, .. } = self;
        leaving.clear();
        shard.survey_leaving(&mut |number, glances| {
            note(counted, tallies, labels, shard, number, glances);
            leaving.push(number);
        });
    }

    /// A cut was acknowledged: of cases that have left nothing need be known, and their numbers may become others'.
    pub(super) fn forget_left(&mut self, shard: &Shard<Standard>) {
        let left = self.leaving.drain(..).filter(|number| !shard.has_case(*number));
        left.for_each(|number| self.counted.forget(number));
    }

    fn sums(&self) -> Vec<LabelledCounts> {
        let mut sums: BTreeMap<&Key, LabelledCounts> = BTreeMap::new();
        for (key, counts) in &self.whole.0 {
            sums.entry(key).or_default().counts = *counts;
        }
        for (key, tally) in &self.tallies {
            let [kept, breached, cancelled] = tally.standing();
            let sum = sums.entry(key).or_default();
            sum.counts = ClockCounts { kept, breached, cancelled, ..sum.counts };
            (sum.found, sum.taken_back) = (verdicts(tally.found), verdicts(tally.taken_back));
        }
        let labelled = |(key, sum): (&Key, LabelledCounts)| LabelledCounts {
            commitment: key.0,
            labels: key.1.clone(),
            ..sum
        };
        sums.into_iter().map(labelled).collect()
    }
}

impl Tally {
    /// Those that stand. Where a case was counted under other labels than it is taken back under, there are less than none.
    fn standing(&self) -> [u64; 3] {
        std::array::from_fn(|at| (self.old[at] + self.found[at]).saturating_sub(self.taken_back[at]))
    }
}

/// The tally of a key. Those that come after too many others share one by commitment, for good.
fn tally_of(tallies: &mut BTreeMap<Key, Tally>, mut key: Key) -> &mut Tally {
    if tallies.len() >= COMBINATIONS_MAX && !tallies.contains_key(&key) {
        key.1.fill(OTHER.into());
    }
    tallies.entry(key).or_default()
}

/// Counts what is new about the verdicts on a case.
fn note(
    counted: &mut Counted,
    tallies: &mut BTreeMap<Key, Tally>,
    labels: &[Dimension],
    shard: &Shard<Standard>,
    number: u32,
    glances: &[Glance<'_>],
) {
    counted.compare(number, glances, |commitment, verdict, by| {
        let tally = tally_of(tallies, (commitment, values(labels, shard, number)));
        let sums = if by > 0 { &mut tally.found } else { &mut tally.taken_back };
        sums[verdict] += by.unsigned_abs();
    });
}

fn verdicts([kept, breached, cancelled]: [u64; 3]) -> Verdicts {
    Verdicts { kept, breached, cancelled }
}

/// Keeps an open clock if it is among those with the least time left, or those that are overdue least.
fn offer(due: &mut Vec<DuePicture>, shard: &Shard<Standard>, number: u32, glance: &Glance<'_>) {
    let Some(at) = glance.due else { return };
    let overdue = glance.verdict == Verdict::Breached;
    let worse = |one: &DuePicture| if overdue { one.due < at } else { one.due > at };
    let alike = due.iter().filter(|one| one.breached == overdue).count();
    if alike >= DUE_MAX {
        let found = due.iter().enumerate().filter(|(_, one)| one.breached == overdue && worse(one));
        let worst = found.max_by_key(|(_, one)| if overdue { -one.due.millis() } else { one.due.millis() });
        let Some((worst, _)) = worst else { return };
        due.swap_remove(worst);
    }
    due.push(DuePicture {
        subject: glance.subject.into(),
        commitment: shard.policy().commitments[usize::from(glance.commitment)].name.clone(),
        due: at,
        started: glance.started,
        warned: glance.is_warned,
        breached: overdue,
        cell: shard.cell(number),
    });
}

/// The values of the labels of a case.
fn values(labels: &[Dimension], shard: &Shard<Standard>, number: u32) -> Vec<Arc<str>> {
    if labels.is_empty() {
        return Vec::new();
    }
    let Cell { product, region, channel, category } = shard.cell(number);
    let value = |dimension: &Dimension| match dimension {
        Dimension::Product => product.clone(),
        Dimension::Region => region.clone(),
        Dimension::Channel => channel.clone(),
        Dimension::Category => category.clone(),
    };
    labels.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::decode;
    use crate::shard::Options;
    use crate::sla::outcome::Outcome;
    use crate::sla::policy::{Commitment, Condition, Counting, Goal, Limit, Policy, Stop};
    use crate::sla::terms::Mark;
    use crate::time::{Span, Time};

    const LABELS: [Dimension; 1] = [Dimension::Product];

    fn on(kind: &str) -> Vec<Condition> {
        vec![Condition { kind: kind.into(), tests: vec![] }]
    }

    /// Two commitments, one of them cancellable and with a clock for each assignment.
    fn policy() -> Arc<Policy> {
        let commitment = |name: &str, start: &str, minutes: i64| {
            let goal = Goal::Limit(Limit::Duration(Span::from_minutes(minutes)));
            Commitment {
                pause: on("ticket.paused"),
                resume: on("ticket.resumed"),
                cancel: on("ticket.cancelled"),
                warnings: vec![Mark::Share(0.5)],
                grace: Span::from_seconds(2),
                ..Commitment::new(name, on(start), Stop::Any(on("ticket.resolved")), goal)
            }
        };
        let commitments =
            vec![commitment("answer", "ticket.opened", 60), commitment("repair", "ticket.assigned", 30)];
        Arc::new(Policy::new(commitments, vec![], vec![], Counting::default()).expect("valid"))
    }

    fn at(minute: i64) -> Time {
        Time::from_millis(1_772_352_000_000) + Span::from_minutes(minute)
    }

    fn options() -> Options {
        Options {
            horizon: Span::from_minutes(180),
            dedup_window: Span::from_minutes(180),
            ..Options::default()
        }
    }

    /// Verdicts by commitment and product.
    type Counts = BTreeMap<(u16, String), [u64; 3]>;

    /// A log, its rounds, and the outcomes of cases that have left.
    struct World {
        shard: Shard<Standard>,
        rounds: Rounds,
        random: fastrand::Rng,
        next_offset: u64,
        minute: i64,
        gone: Vec<Outcome>,
        /// The sums when they were last looked at.
        before: BTreeMap<Key, (Verdicts, Verdicts)>,
    }

    impl World {
        fn new(seed: u64) -> World {
            let mut world = World {
                shard: Shard::new(policy(), options(), 0),
                rounds: Rounds::new(&LABELS),
                random: fastrand::Rng::with_seed(seed),
                next_offset: 0,
                minute: 0,
                gone: Vec::new(),
                before: BTreeMap::new(),
            };
            world.rounds.begin(&world.shard);
            world
        }

        /// Something happens to a case, now or up to so many minutes ago.
        fn happen(&mut self, late: i64) {
            let kinds = ["opened", "assigned", "resolved", "paused", "resumed", "cancelled"];
            let case = self.minute / 20 * 10 + self.random.i64(0..12);
            let (kind, minute) = (kinds[self.random.usize(0..6)], self.minute - self.random.i64(0..=late));
            let json = format!(
                r#"{{"id":"{}","source":"s","type":"ticket.{kind}","subject":"T-{case}","time":"{}","product":"p-{}"}}"#,
                self.next_offset,
                at(minute),
                case % 3
            );
            let event = decode(json.as_bytes()).expect("valid");
            let _ = self.shard.read(self.next_offset, at(self.minute), &event);
            self.next_offset += 1;
        }

        /// The clock moves, and a cut is written, or refused.
        fn cut(&mut self, written: bool) {
            self.shard.advance(at(self.minute));
            self.rounds.note_leaving(&self.shard);
            let cut = self.shard.cut(true);
            if written {
                self.shard.acknowledge(&cut);
                self.rounds.forget_left(&self.shard);
                self.gone.extend(self.shard.take_ended());
            }
        }

        fn live(&mut self, steps: u32, late: i64) {
            for _ in 0..steps {
                self.minute += self.random.i64(0..3);
                (0..self.random.u32(0..6)).for_each(|_| self.happen(late));
                if self.random.bool() {
                    let written = self.random.u8(0..4) > 0;
                    self.cut(written);
                }
                if self.random.bool() {
                    self.rounds.go_on(&self.shard, 3);
                }
                self.check_growth();
            }
            // A whole round at rest.
            self.rounds.at = 0;
            self.rounds.go_on(&self.shard, u32::MAX);
            self.check_growth();
        }

        /// Nothing that was counted is forgotten.
        fn check_growth(&mut self) {
            for sum in self.rounds.sums() {
                let key = (sum.commitment, sum.labels);
                let numbers = |of: Verdicts| [of.kept, of.breached, of.cancelled];
                let before = self.before.insert(key, (sum.found, sum.taken_back)).unwrap_or_default();
                for (now, then) in [(sum.found, before.0), (sum.taken_back, before.1)] {
                    assert!(numbers(now).iter().zip(numbers(then)).all(|(now, then)| *now >= then));
                }
            }
        }

        /// What is so, counted one by one.
        fn truth(&self) -> Counts {
            let mut counts = Counts::new();
            let outcomes: Vec<Outcome> = self.shard.outcomes().chain(self.gone.iter().cloned()).collect();
            for outcome in outcomes {
                let commitment = u16::from(&*outcome.commitment == "repair");
                let case: i64 = outcome.subject[2..].parse().expect("a number");
                let counts = counts.entry((commitment, format!("p-{}", case % 3))).or_default();
                match outcome.outcome {
                    Verdict::Kept => counts[0] += 1,
                    Verdict::Breached => counts[1] += 1,
                    Verdict::Cancelled => counts[2] += 1,
                    Verdict::Open => {}
                }
            }
            counts.retain(|_, counts| *counts != [0; 3]);
            counts
        }

        fn counted(&self, of: impl Fn(&LabelledCounts) -> [u64; 3]) -> Counts {
            let sums = self.rounds.sums();
            let counts = sums.iter().map(|sum| ((sum.commitment, sum.labels[0].to_string()), of(sum)));
            counts.filter(|(_, counts)| *counts != [0; 3]).collect()
        }

        fn standing(&self) -> Counts {
            self.counted(|sum| [sum.counts.kept, sum.counts.breached, sum.counts.cancelled])
        }

        fn found(&self) -> Counts {
            self.counted(|sum| [sum.found.kept, sum.found.breached, sum.found.cancelled])
        }

        fn taken_back(&self) -> u64 {
            let back = |sum: LabelledCounts| {
                sum.taken_back.kept + sum.taken_back.breached + sum.taken_back.cancelled
            };
            self.rounds.sums().into_iter().map(back).sum()
        }
    }

    #[test]
    fn combinations_of_labels_are_bounded() {
        let mut tallies = BTreeMap::new();
        for n in 0..COMBINATIONS_MAX + 10 {
            tally_of(&mut tallies, (0, vec![format!("p{n:05}").into()])).found[0] += 1;
        }
        assert_eq!(tallies.len(), COMBINATIONS_MAX + 1);
        assert_eq!(tallies[&(0, vec![OTHER.into()])].found[0], 10);
    }

    #[test]
    fn each_verdict_is_counted_once_though_cases_leave_while_the_walk_is_on_its_way() {
        for seed in 0..30 {
            let mut world = World::new(seed);
            world.live(600, 0);
            assert!(world.gone.len() > 50, "cases leave: {}", world.gone.len());
            assert_eq!(world.found(), world.truth(), "seed {seed}");
            assert_eq!((world.standing(), world.taken_back()), (world.truth(), 0), "seed {seed}");
        }
    }

    #[test]
    fn late_events_take_verdicts_back_and_the_rest_is_right() {
        let mut taken_back = 0;
        for seed in 100..130 {
            let mut world = World::new(seed);
            world.live(600, 170);
            assert_eq!(world.standing(), world.truth(), "seed {seed}");
            taken_back += world.taken_back();
        }
        assert!(taken_back > 100, "{taken_back}");
    }

    #[test]
    fn what_was_there_at_a_takeover_is_not_found() {
        for seed in 200..215 {
            let mut world = World::new(seed);
            world.live(300, 60);
            let before = world.truth();
            // Another process goes on with the state, and counts from 0.
            world.cut(true);
            let bytes = postcard::to_stdvec(&world.shard.state()).expect("plain data");
            let state = postcard::from_bytes(&bytes).expect("readable");
            world.shard = Shard::restore(policy(), options(), state).expect("it fits");
            (world.rounds, world.before) = (Rounds::new(&LABELS), BTreeMap::new());
            world.gone.clear();
            world.rounds.begin(&world.shard);
            let there = world.truth();
            assert_eq!((world.found(), world.standing()), (Counts::new(), there.clone()), "seed {seed}");
            assert_ne!(there, before, "some had left");
            world.live(300, 0);
            assert_eq!(world.standing(), world.truth(), "seed {seed}");
            // The same process, after the log was away for a moment.
            let (rounds, truth) = (std::mem::take(&mut world.rounds), world.truth());
            world.rounds = rounds.park();
            world.before.clear();
            world.rounds.begin(&world.shard);
            assert_eq!((world.found(), world.standing()), (Counts::new(), truth), "seed {seed}");
            world.live(300, 0);
            assert_eq!(world.standing(), world.truth(), "seed {seed}");
        }
    }
}
