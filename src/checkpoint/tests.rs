//! One set of tests for every store, and checkpoints that are damaged in every way.

use std::sync::Arc;

use super::file::Directory;
use super::memory::Memory;
use super::{Checkpoint, Store, StoreError, newest, prune};
use crate::shard::{Options, Shard};
use crate::sla::policy::{Counting, Policy};

fn checkpoint(number: u64, seq: u64) -> Checkpoint {
    let policy = Policy::new(vec![], vec![], vec![], Counting::default()).expect("an empty policy");
    let mut shard: Shard = Shard::new(Arc::new(policy), Options::default(), 3);
    shard.skip(seq * 10);
    Checkpoint { number, seq, alerts_offset: seq, state: shard.state() }
}

fn check(store: &mut dyn Store) {
    assert!(store.list(3).expect("readable").is_empty());
    for number in [1, 2, 12] {
        store.put(3, number, &checkpoint(number, number * 5).encode()).expect("writable");
    }
    store.put(30, 7, &b"of another log".to_vec()).expect("writable");
    assert_eq!(store.list(3).expect("readable"), [1, 2, 12]);
    let taken = store.put(3, 2, &b"x".to_vec()).expect_err("refused");
    assert!(matches!(taken, StoreError::Taken { log: 3, number: 2 }), "{taken}");
    let find =
        |store: &mut dyn Store, seq| newest(store, 3, seq).expect("readable").0.map(|found| found.number);
    assert_eq!(find(store, 100), Some(12));
    assert_eq!(find(store, 59), Some(2), "a checkpoint after the cut is not taken");
    assert_eq!(find(store, 4), None);
    store.put(3, 13, &checkpoint(12, 60).encode()).expect("writable");
    let (found, passed_over) = newest(store, 3, 100).expect("readable");
    assert_eq!(found, Some(checkpoint(12, 60)), "one that says it is another is passed over");
    assert_eq!(passed_over.len(), 1);
    store.delete(3, 2).expect("writable");
    store.delete(3, 2).expect("what is not there need not be deleted");
    assert_eq!(store.list(3).expect("readable"), [1, 12, 13]);
    let gone = store.get(3, 2).expect_err("it was deleted");
    assert!(matches!(gone, StoreError::Gone { log: 3, number: 2 }), "{gone}");
    store.put(3, 2, &b"again".to_vec()).expect("the number is free");
    assert_eq!(prune(store, 3, 12, 2).expect("writable"), 1, "of 1, 2 and 12 the newest two are kept");
    assert_eq!(store.list(3).expect("readable"), [2, 12, 13], "what lies after it is not touched");
    assert_eq!(store.list(30).expect("readable"), [7], "nor another log");
    assert_eq!(prune(store, 3, 12, 0).expect("writable"), 1, "at least one is kept");
    assert_eq!(store.list(3).expect("readable"), [12, 13]);
}

#[test]
fn the_memory_store_keeps_what_it_is_given() {
    check(&mut Memory::default());
}

#[test]
fn the_directory_store_keeps_what_it_is_given() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    check(&mut Directory::new(directory.path()).expect("writable"));
    let names: Vec<_> = std::fs::read_dir(directory.path()).expect("readable").collect();
    assert_eq!(names.len(), 3, "no draft is left behind");
}

#[test]
fn a_damaged_checkpoint_is_refused_wherever_it_is_damaged() {
    let whole = checkpoint(1, 5).encode();
    assert_eq!(Checkpoint::decode(&whole), Ok(checkpoint(1, 5)));
    for at in 0..whole.len() {
        assert!(Checkpoint::decode(&whole[..at]).is_err(), "cut short at {at}");
        let mut changed = whole.clone();
        changed[at] ^= 0x40;
        assert!(Checkpoint::decode(&changed).is_err(), "changed at {at}");
    }
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_an_older_one() {
    let mut store = Memory::default();
    store.put(3, 1, &checkpoint(1, 5).encode()).expect("writable");
    let mut damaged = checkpoint(2, 6).encode();
    damaged.truncate(damaged.len() - 1);
    store.put(3, 2, &damaged).expect("writable");
    let (found, passed_over) = newest(&mut store, 3, 9).expect("readable");
    assert_eq!(found.map(|found| found.number), Some(1));
    let problem = passed_over.iter().map(ToString::to_string).collect::<String>();
    assert_eq!(
        problem,
        "checkpoint 2 of log 3 is damaged: its checksum does not fit: it was cut short or changed"
    );
}
