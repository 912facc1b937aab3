//! Is what was said what a judge would have said who sees everything? The verdict on one log, and on every cut of it.
//!
//! An alert stands ⇔ the clock is past due and grace (and, for a case first heard of when it was due already, past its
//! first record and settle) and the case did not end by due. From that, for every cut that said something and for
//! every ticket that might have had something said of it there: what was said so far must equal what stands by the
//! records below the cut's offset and its clock. So each record follows from its own cut, nothing was left out at any
//! cut, and nothing was said twice. At the last cut the same is true of every ticket.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::facts::{Action, Body, Cut, Fact, Key, Said};

/// As in the policy and the settings of the watch.
pub const GRACE_MS: i64 = 500;
/// How long after a broker has stamped a record readers may see it. 1 ms is the most that was ever seen, on a machine with
/// ten times as much to do as it can.
pub const SHOWN_MS: i64 = 100;
pub const SETTLE_MS: i64 = 3_000;
pub const HORIZON_MS: i64 = 120_000;
const PERCENTS: [u8; 2] = [50, 100];

/// What is wrong, by kind: how often, and where first.
pub type Violations = BTreeMap<&'static str, (u64, String)>;

/// The verdict on a log.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub violations: Violations,
    pub inputs: u64,
    pub alerts: u64,
    pub retractions: u64,
    /// Alerts that stand at the end.
    pub standing: u64,
    /// Cuts that said something.
    pub cuts: u64,
    /// Records that came too late to count.
    pub too_late: u64,
    /// Cuts that had not read a record stamped before their clock, and by how many milliseconds at most.
    pub stamped_before: (u64, i64),
}

impl Verdict {
    fn wrong(&mut self, what: &'static str, place: impl FnOnce() -> String) {
        let found = self.violations.entry(what).or_insert_with(|| (0, place()));
        found.0 += 1;
    }

    /// All violations.
    pub fn count(&self) -> u64 {
        self.violations.values().map(|(count, _)| count).sum()
    }

    /// The verdict on both.
    pub fn plus(mut self, other: Verdict) -> Verdict {
        for (what, (count, first)) in other.violations {
            self.violations.entry(what).or_insert((0, first)).0 += count;
        }
        self.inputs += other.inputs;
        self.alerts += other.alerts;
        self.retractions += other.retractions;
        self.standing += other.standing;
        self.cuts += other.cuts;
        self.too_late += other.too_late;
        let (count, worst) = other.stamped_before;
        self.stamped_before = (self.stamped_before.0 + count, self.stamped_before.1.max(worst));
        self
    }
}

/// Judges what was said of a log, by all its records and its last cut.
pub fn judge(log: u32, facts: &[Fact], said: &[Said], last: Cut) -> Verdict {
    let mut verdict = Verdict { inputs: facts.len() as u64, alerts: said.len() as u64, ..Verdict::default() };
    verdict.retractions = said.iter().filter(|one| one.action == Action::Retracted).count() as u64;
    let end = facts.last().map_or(0, |fact| fact.offset + 1);
    if last.next_offset < end {
        verdict.wrong("the last cut lies before the end", || format!("log {log}: {last:?}, end {end}"));
    }
    let (cuts, at) = cuts(log, said, last, &mut verdict);
    fences(log, facts, &cuts, &mut verdict);
    names(log, said, &mut verdict);
    let mut known = admitted(facts, &mut verdict);
    known.sort_by_key(|known| (known.fact.ticket, known.fact.offset));
    let mut by_ticket: Vec<(u64, usize)> = Vec::new();
    for (n, one) in said.iter().enumerate() {
        match &one.promise {
            Some(((ticket, ..), _)) if one.log == log => by_ticket.push((*ticket, n)),
            _ => verdict.wrong("a foreign alert", || format!("log {log}: {one:?}")),
        }
    }
    by_ticket.sort_unstable();
    let tickets: BTreeSet<u64> = known
        .iter()
        .map(|known| known.fact.ticket)
        .chain(by_ticket.iter().map(|(ticket, _)| *ticket))
        .collect();
    let (mut facts_left, mut said_left) = (&known[..], &by_ticket[..]);
    for ticket in tickets {
        let facts = facts_left.partition_point(|known| known.fact.ticket <= ticket);
        let alerts = said_left.partition_point(|(of, _)| *of <= ticket);
        let case = Case { log, ticket, facts: &facts_left[..facts], cuts: &cuts, at: &at, said };
        case.judge(&said_left[..alerts], &mut verdict);
        (facts_left, said_left) = (&facts_left[facts..], &said_left[alerts..]);
    }
    verdict
}

/// The cuts that said something, in order, with the last one; and for each record, to which of them it belongs.
fn cuts(log: u32, said: &[Said], last: Cut, verdict: &mut Verdict) -> (Vec<Cut>, Vec<usize>) {
    let (mut cuts, mut at): (Vec<Cut>, Vec<usize>) = Default::default();
    for one in said {
        let before = cuts.last().copied();
        if before.is_some_and(|cut| one.cut.next_offset < cut.next_offset || one.cut.clock < cut.clock) {
            verdict.wrong("a cut goes back", || format!("log {log}: {before:?}, then {one:?}"));
        }
        if before != Some(one.cut) {
            cuts.push(one.cut);
        }
        at.push(cuts.len() - 1);
    }
    verdict.cuts = cuts.len() as u64;
    if cuts.last().is_some_and(|cut| last.next_offset < cut.next_offset || last.clock < cut.clock) {
        verdict.wrong("a cut goes back", || format!("log {log}: the committed one, {last:?}"));
    }
    cuts.push(last);
    (cuts, at)
}

/// No record that a cut has not read was written before its clock, less the moment until it can be seen.
///
/// Without that allowance it is not true of Kafka: a broker stamps a record first and lets readers see it then, and a
/// fence may be asked for in between. How often that happened and by how much is shown; the grace that every alert waits
/// is longer.
fn fences(log: u32, facts: &[Fact], cuts: &[Cut], verdict: &mut Verdict) {
    let mut least = vec![i64::MAX; facts.len() + 1];
    for (n, fact) in facts.iter().enumerate().rev() {
        least[n] = least[n + 1].min(fact.appended);
    }
    for cut in cuts {
        let next = facts.partition_point(|fact| fact.offset < cut.next_offset);
        let before = cut.clock.saturating_sub(least[next]);
        if before > 0 {
            let (count, worst) = verdict.stamped_before;
            verdict.stamped_before = (count + 1, worst.max(before));
        }
        if before > SHOWN_MS {
            verdict.wrong("a record was there before the clock, and not read", || {
                format!("log {log}: {cut:?}, written at {}", least[next])
            });
        }
    }
}

/// One identity, one id.
fn names(log: u32, said: &[Said], verdict: &mut Verdict) {
    let mut known: HashMap<Key, &str> = HashMap::new();
    let mut ids: HashMap<&str, Key> = HashMap::new();
    for one in said {
        let Some((key, _)) = one.promise else { continue };
        if *known.entry(key).or_insert(&one.id) != one.id || *ids.entry(&one.id).or_insert(key) != key {
            verdict.wrong("an id of two, or two ids of one", || format!("log {log}: {one:?}"));
        }
    }
}

/// A record that counts, and the log time with it.
#[derive(Clone, Copy)]
struct Known {
    fact: Fact,
    log_time: i64,
}

fn admitted(facts: &[Fact], verdict: &mut Verdict) -> Vec<Known> {
    let mut log_time = i64::MIN;
    let mut known = Vec::with_capacity(facts.len());
    for fact in facts {
        if fact.time < log_time.saturating_sub(HORIZON_MS) {
            verdict.too_late += 1;
            continue;
        }
        log_time = log_time.max(fact.time);
        known.push(Known { fact: *fact, log_time });
    }
    known
}

/// A ticket, and all that was said of its log.
struct Case<'a> {
    log: u32,
    ticket: u64,
    facts: &'a [Known],
    cuts: &'a [Cut],
    at: &'a [usize],
    said: &'a [Said],
}

impl Case<'_> {
    /// Goes through the cuts at which something about the ticket was said, or should have been.
    fn judge(&self, said: &[(u64, usize)], verdict: &mut Verdict) {
        let last = self.cuts.len() - 1;
        let mut looks = BTreeSet::from([last]);
        looks.extend(said.iter().map(|(_, n)| self.at[*n]));
        looks.extend(
            self.facts
                .iter()
                .map(|known| self.cuts.partition_point(|cut| cut.next_offset <= known.fact.offset).min(last)),
        );
        let mut said = said.iter().map(|(_, n)| *n).peekable();
        let mut fold: BTreeMap<Key, Body> = BTreeMap::new();
        while let Some(look) = looks.pop_first() {
            let cut = self.cuts[look];
            while let Some(n) = said.next_if(|n| self.at[*n] <= look) {
                self.say(&self.said[n], &mut fold, verdict);
            }
            let mut stands = BTreeMap::new();
            for (key, fires, body) in promises(self.ticket, below(self.facts, cut.next_offset)) {
                if cut.clock > fires {
                    stands.insert(key, body);
                } else {
                    let next = self.cuts.partition_point(|cut| cut.clock <= fires);
                    looks.extend((look < next && next < last).then_some(next));
                }
            }
            // A broken promise is not in danger any more.
            for key in stands.keys().copied().filter(|key| key.2 == 100).collect::<Vec<_>>() {
                stands.entry((key.0, key.1, 50)).and_modify(|warning| warning.is_open = false);
            }
            if fold != stands {
                let place = || {
                    let (log, ticket) = (self.log, self.ticket);
                    let facts: Vec<&Fact> = self.facts.iter().map(|known| &known.fact).collect();
                    format!(
                        "log {log}, ticket {ticket} at {cut:?}: said {fold:?}, stands {stands:?} by {facts:?}"
                    )
                };
                verdict.wrong(if look == last { WRONG_AT_THE_END } else { WRONG_AT_A_CUT }, place);
                // Said once: what follows is judged as if it had been right.
                fold.clone_from(&stands);
            }
        }
        verdict.standing += fold.len() as u64;
    }

    /// Folds a record, and sees whether it may follow what was said before.
    fn say(&self, one: &Said, fold: &mut BTreeMap<Key, Body>, verdict: &mut Verdict) {
        let Some((key, body)) = one.promise else { return };
        let before = fold.get(&key).copied();
        let is_legal = match (one.action, before) {
            (Action::Raised, before) => before.is_none(),
            (Action::Retracted, before) => before.is_some(),
            (Action::Resolved, Some(before)) => before.is_open && !body.is_open,
            (Action::Amended, Some(before)) => before != body && (!before.is_open || body.is_open),
            (Action::Resolved | Action::Amended, None) => false,
        };
        if !is_legal {
            verdict.wrong(ILLEGAL, || format!("log {}: {one:?} after {before:?}", self.log));
        }
        match one.action {
            Action::Retracted => drop(fold.remove(&key)),
            _ => drop(fold.insert(key, body)),
        }
    }
}

const WRONG_AT_THE_END: &str = "(a) what was said differs from what stands at the end";
const WRONG_AT_A_CUT: &str = "(c) what was said differs from what stands at a cut";
const ILLEGAL: &str = "(b) a step that no life has";

fn below(facts: &[Known], next_offset: u64) -> &[Known] {
    &facts[..facts.partition_point(|known| known.fact.offset < next_offset)]
}

/// What will stand of a ticket as things are: each alert, the instant after which it stands, and what it says.
fn promises(ticket: u64, facts: &[Known]) -> impl Iterator<Item = (Key, i64, Body)> {
    // A second delivery says the same again, and a minimum does not mind.
    let start =
        facts.iter().filter(|known| known.fact.is_start).min_by_key(|known| (known.fact.time, known.fact.id));
    let first_seen = facts.first().map_or(i64::MAX, |known| known.log_time);
    start.into_iter().flat_map(move |Known { fact: start, .. }| {
        let ends =
            facts.iter().map(|known| known.fact).filter(|fact| !fact.is_start && fact.time >= start.time);
        let stopped = ends.map(|fact| fact.time).min();
        let due_at = move |percent: u8| start.time + start.goal * i64::from(percent) / 100;
        let fires = move |percent: u8| {
            let due = due_at(percent);
            let settled = if due < first_seen { first_seen + SETTLE_MS } else { i64::MIN };
            stopped.is_none_or(|stopped| stopped > due).then(|| (due + GRACE_MS).max(settled))
        };
        let key = move |percent| (ticket, start.id, percent);
        let late_ms = stopped.map(|stopped| stopped - due_at(100)).filter(|late| *late > 0);
        let body =
            Body { is_open: stopped.is_none(), started: start.time, due: due_at(100), stopped, late_ms };
        PERCENTS.into_iter().filter_map(move |percent| Some((key(percent), fires(percent)?, body)))
    })
}

/// Whether the steps of each alert follow each other, whatever they are about: for the aggregate's.
pub fn lives(said: &[Said]) -> Verdict {
    let mut verdict = Verdict { alerts: said.len() as u64, ..Verdict::default() };
    let mut open: HashMap<&str, bool> = HashMap::new();
    for one in said {
        let before = open.get(one.id.as_str()).copied();
        let is_legal = match one.action {
            Action::Raised => before.is_none(),
            Action::Amended | Action::Retracted => before.is_some(),
            Action::Resolved => before == Some(true) && !one.is_open,
        };
        if !is_legal {
            verdict.wrong(ILLEGAL, || format!("{one:?} after open {before:?}"));
        }
        match one.action {
            Action::Retracted => drop(open.remove(one.id.as_str())),
            _ => drop(open.insert(&one.id, one.is_open)),
        }
    }
    verdict.standing = open.len() as u64;
    verdict
}
