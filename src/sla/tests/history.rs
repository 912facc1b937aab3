//! Histories: facts of every shape go in and come out as they were, and take hardly more room than they need.

use crate::sla::history::{Fact, History};
use crate::sla::policy::{Matched, Values};
use crate::time::{Span, Time};

fn fact<'a>(minute: i64, source: &'a str, id: &'a str) -> Fact<'a> {
    let matched = Matched { kind: 3, conditions: 0b101, values: Values::new() };
    let time = Time::from_millis(1_772_352_000_000) + Span::from_minutes(minute);
    Fact { time, source, id, matched }
}

fn history(facts: &[Fact<'_>]) -> History {
    let mut history = History::default();
    facts.iter().for_each(|fact| history.push(fact));
    history
}

/// Reads a history back from its bytes, which must be the same one.
fn stored(history: &History) -> History {
    let again = History::from_bytes(history.bytes().to_vec(), history.len() as u16).expect("a history");
    assert_eq!(&again, history);
    again
}

#[test]
fn numbers_of_every_length_are_kept() {
    let long = "i".repeat(20_000);
    let mut facts = Vec::new();
    for (n, number) in [0, 1, 127, 128, 16_383, 16_384, u64::MAX >> 1, u64::MAX].into_iter().enumerate() {
        let values: Values = (0..=n as u8).map(|slot| (slot, number)).collect();
        let matched = Matched { kind: [0, 127, 128, u16::MAX][n % 4], conditions: number, values };
        let id = &long[..[0, 1, 100, 127, 128, 300, 16_500, 20_000][n]];
        facts.push(Fact { matched, ..fact(7_i64.pow(n as u32), "s", id) });
    }
    let history = history(&facts);
    assert_eq!(history.facts().collect::<Vec<_>>(), facts);
    assert_eq!(stored(&history).facts().collect::<Vec<_>>(), facts);
    assert_eq!((history.len(), history.is_empty(), history.last()), (8, false, Some(facts[7].time)));
    let empty = History::default();
    assert_eq!((empty.len(), empty.is_empty(), empty.last()), (0, true, None));
}

#[test]
fn facts_of_every_length_are_kept() {
    let long = "i".repeat(300);
    for len in 0..300 {
        let facts = [fact(0, "s", &long[..len]), fact(1, "t", &long[..len]), fact(2, "t", "b")];
        assert_eq!(stored(&history(&facts)).facts().collect::<Vec<_>>(), facts, "{len}");
    }
}

#[test]
fn times_before_1970_are_kept_like_others() {
    let at = |ms: i64| Fact { time: Time::from_millis(ms), ..fact(0, "s", "e") };
    let facts = [at(-90_000_000), at(-64), at(-1), at(0), at(63), at(64)];
    assert_eq!(stored(&history(&facts)).facts().collect::<Vec<_>>(), facts);
}

#[test]
fn a_source_is_written_where_it_changes() {
    let desk = "the-desk-with-a-long-name";
    let long = "i".repeat(200);
    let mut history = History::default();
    let mut grows = |fact: &Fact<'_>| {
        let before = history.bytes().len();
        history.push(fact);
        history.bytes().len() - before
    };
    let first = grows(&fact(0, desk, &long));
    let again = grows(&fact(0, desk, &long));
    assert_eq!(first - again, desk.len() + 5, "the source, and the time that is 1970's");
    let short = grows(&fact(0, desk, "a"));
    assert_eq!(grows(&fact(0, "b", "a")), short + 1);
    assert_eq!(grows(&fact(0, desk, "a")), short + desk.len());
    assert_eq!(grows(&fact(0, desk, "a")), short);
    let sources: Vec<&str> = history.facts().map(|fact| fact.source).collect();
    assert_eq!(sources, [desk, desk, desk, "b", desk, desk]);
    let names: Vec<(&str, usize)> = history.names().map(|(source, id)| (source, id.len())).collect();
    assert_eq!(names, [(desk, 200), (desk, 200), (desk, 1), ("b", 1), (desk, 1), (desk, 1)]);
    stored(&history);
}

#[test]
fn a_history_that_was_read_goes_on_as_if_it_had_been_written() {
    for id in ["a", &"i".repeat(200)] {
        let mut written = history(&[fact(0, "first", "a"), fact(1, "second", id)]);
        let mut read = stored(&written);
        for history in [&mut written, &mut read] {
            history.push(&fact(2, "second", "c"));
            history.insert(&fact(1, "first", "b"));
        }
        assert_eq!(read, written);
    }
}

#[test]
fn facts_are_the_same_by_source_and_id_and_in_order_by_time_first() {
    let one = fact(1, "m", "m");
    for (other, is_same) in [
        (fact(2, "m", "m"), true),
        (fact(1, "m", "n"), false),
        (fact(1, "n", "m"), false),
        (fact(0, "n", "n"), false),
    ] {
        assert_eq!(one.same(&other), is_same, "{other:?}");
    }
    let mut facts = [fact(2, "a", "a"), fact(1, "b", "a"), fact(1, "a", "b"), fact(1, "a", "a")];
    let mut backwards = history(&facts[..1]);
    facts[1..].iter().for_each(|fact| backwards.insert(fact));
    let mut forwards = history(&facts[3..]);
    facts[..3].iter().rev().for_each(|fact| forwards.insert(fact));
    facts.sort_by(Fact::order);
    assert_eq!(facts.each_ref().map(|fact| fact.id), ["a", "b", "a", "a"]);
    for history in [&backwards, &forwards] {
        assert_eq!(history.facts().collect::<Vec<_>>(), facts);
    }
    assert!(backwards.contains("a", "b") && backwards.contains("b", "a"));
    assert!(!backwards.contains("b", "b") && !backwards.contains("c", "a"));
}

#[test]
fn bytes_that_no_history_wrote_are_refused() {
    let whole = history(&[fact(0, "s", "a"), fact(1, "t", "b")]);
    let bytes = || whole.bytes().to_vec();
    let refused = |bytes: Vec<u8>, count: u16| History::from_bytes(bytes, count).is_none();
    assert!(!refused(bytes(), 2) && !refused(Vec::new(), 0));
    assert!(refused(bytes(), 3), "one that is not there");
    assert!(refused(bytes(), 1), "one more than is told of");
    assert!((0..bytes().len()).all(|len| refused(bytes()[..len].to_vec(), 2)), "cut short");
    let changed = |at: usize, byte: u8| {
        let mut bytes = bytes();
        bytes[at] = byte;
        bytes
    };
    assert_eq!(&bytes()[1..5], [1, b's', 1, b'a']);
    assert!(refused(changed(2, 0xff), 2), "no text");
    assert!(refused(changed(3, 100), 2), "an id longer than the fact");
    assert!(refused([&[0x80; 11][..], &[1]].concat(), 1), "a number without an end");
    // A length in two bytes that one is enough for.
    let long_winded = [&[bytes()[0] | 0x80, 0][..], &bytes()[1..]].concat();
    assert!(refused(long_winded, 2));
}

#[test]
fn a_history_takes_hardly_more_room_than_its_facts() {
    let values: Values = (0..5).map(|slot| (slot, 9)).collect();
    let mut history = History::default();
    let ids: Vec<String> = (0..9).map(|n| format!("an-id-of-usual-length-{n}")).collect();
    for (n, id) in ids.iter().enumerate() {
        let mut fact = fact(n as i64, "the-desk", id);
        fact.matched.values = values.clone();
        history.push(&fact);
        let spare = history.heap_bytes() - history.bytes().len();
        assert!(spare < 24, "{spare} bytes to spare after fact {n}");
    }
    assert_eq!(
        stored(&history).heap_bytes(),
        history.bytes().len(),
        "what was read takes no more than it needs"
    );
}
