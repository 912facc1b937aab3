//! Do checkpoints keep their promises in a cloud's store? Against servers of the kinds that are compiled in, which
//! `tests/stores/run.sh` starts.

use std::sync::Barrier;

use watchbell::checkpoint::frame::{Framed, bytes_of};
use watchbell::checkpoint::{Store, StoreError, open, prune};

/// The addresses of empty places, one for each kind of store, separated by blanks.
const PLACES: &str = "WATCHBELL_TEST_STORES";

fn each(check: impl Fn(&str)) {
    let places = std::env::var(PLACES).unwrap_or_else(|_| {
        panic!("{PLACES} is not set: bash tests/stores/run.sh starts servers and runs these tests")
    });
    assert!(places.split(' ').count() > 0);
    places.split(' ').for_each(check);
}

fn opened(place: &str, group: &str) -> Box<dyn Store + Send> {
    open(place, group).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_was_put_is_there_until_it_is_deleted() {
    each(|place| {
        let mut store = opened(place, "kept");
        assert!(store.list(3).expect("readable").is_empty());
        // Larger than a piece, so that a body is put together.
        let large: Vec<u64> = (0..1_000_000).collect();
        let body = Framed(&large);
        for number in [2, 1, 12] {
            store.put(3, number, &body).expect("writable");
        }
        store.put(30, 7, &b"of another log".to_vec()).expect("writable");
        assert_eq!(store.list(3).expect("readable"), [1, 2, 12]);
        assert!(opened(place, "others").list(3).expect("readable").is_empty(), "another group has its own");
        assert!(store.get(3, 12).expect("readable") == bytes_of(&body));
        let taken = store.put(3, 2, &b"x".to_vec()).expect_err("refused");
        assert!(matches!(taken, StoreError::Taken { log: 3, number: 2 }), "{taken}");
        assert!(store.get(3, 2).expect("readable") == bytes_of(&body), "it was not touched");
        assert_eq!(prune(store.as_mut(), 3, 12, 1).expect("writable"), 2);
        assert_eq!(store.list(3).expect("readable"), [12]);
        store.delete(3, 2).expect("what is not there need not be deleted");
        let gone = store.get(3, 2).expect_err("it was deleted");
        assert!(matches!(gone, StoreError::Gone { log: 3, number: 2 }), "{gone}");
    });
}

#[test]
fn of_two_writers_of_one_number_one_is_refused() {
    each(|place| {
        for number in 1..=10 {
            let together = Barrier::new(2);
            let write = |writer: u64| {
                let mut store = opened(place, "raced");
                store.list(0).expect("readable");
                together.wait();
                store.put(0, number, &Framed(&writer)).map(|()| writer)
            };
            let results = std::thread::scope(|scope| {
                [1, 2]
                    .map(|writer| scope.spawn(move || write(writer)))
                    .map(|one| one.join().expect("it ended"))
            });
            let winner = match results {
                [Ok(writer), Err(StoreError::Taken { .. })] | [Err(StoreError::Taken { .. }), Ok(writer)] => {
                    writer
                }
                other => panic!("{place}, number {number}: {other:?}"),
            };
            let kept = opened(place, "raced").get(0, number).expect("readable");
            assert!(kept == bytes_of(&Framed(&winner)), "{place}: the one that was told so has written");
        }
    });
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_without_secrets() {
    each(|place| {
        let (scheme, _) = place.split_once("://").expect("an address");
        let elsewhere = format!("{scheme}://no-such-bucket/states");
        let mut store = opened(&elsewhere, "g");
        let error = store.put(0, 1, &b"x".to_vec()).expect_err("there is no such bucket").to_string();
        assert!(error.contains(&elsewhere) && error.contains("credentials in the environment"), "{error}");
        for (name, value) in std::env::vars() {
            let is_secret = name.contains("SECRET") || name.contains("ACCOUNT_KEY");
            assert!(!is_secret || !error.contains(&value), "{name} stands in: {error}");
        }
    });
}
