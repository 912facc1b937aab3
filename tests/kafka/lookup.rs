//! What does a reader see behind a transaction that is still open? The end of what is stable, or all, as it asks for.

use std::time::Duration;

use rdkafka::producer::{BaseRecord, Producer};
use watchbell::kafka::{Isolation, Lookup, Options};

use super::broker::shared;
use super::client::{create_topic, produce, transactional};

const ANSWER: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_millis(1_500);

fn options(bootstrap: &str) -> Options {
    Options { bootstrap: bootstrap.into(), passed_on: Vec::new() }
}

/// Reads what is committed, up to the end of all; the payloads, and where it ended.
fn read(topic: &str, until: u64) -> Result<(Vec<String>, u64), watchbell::kafka::Error> {
    let lookup = Lookup::new(&options(&shared().bootstrap()), "readers", Isolation::Committed)?;
    let mut seen = Vec::new();
    let next = lookup.read((topic, 0), (0, until), PATIENCE, &|| false, &mut |message| {
        seen.push(String::from_utf8_lossy(message.payload()).into_owned());
        true
    })?;
    Ok((seen, next))
}

#[test]
fn a_reader_waits_for_the_transaction_that_holds_the_rest_back() {
    let at = shared().bootstrap();
    let topic = "lookup.held_back";
    create_topic(&at, topic, 1, &[]);
    let plain = |text: &str| assert_eq!(produce(&at, topic, std::iter::once((Some(0), "", text, None))), 1);
    plain("before");
    let producer = transactional(&at, "lookup.held_back");
    producer.init_transactions(ANSWER).expect("the coordinator answers");
    for (commits, before) in [(true, 1), (false, 3)] {
        producer.begin_transaction().expect("none is open");
        let record: BaseRecord<'_, str, str> = BaseRecord::to(topic).partition(0).key("").payload("within");
        producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
        producer.flush(ANSWER).expect("it is acknowledged");
        plain("behind");
        let all =
            Lookup::new(&options(&at), "readers", Isolation::Uncommitted).expect("a valid configuration");
        let until = all.ends(&[(topic.to_owned(), 0)], ANSWER).expect("the leader answers")[0];
        let (stable, at_stable) = read(topic, 0).expect("it ends there");
        assert!(at_stable < until && stable.len() == before, "{stable:?}");
        let hung = read(topic, until).expect_err("nobody ends the transaction");
        assert!(hung.retriable, "{hung}");
        let said = format!("a transaction has been open at offset {at_stable} for 1 s");
        assert!(hung.to_string().contains(&said), "{hung}");
        let (read, next) = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(500));
                let ended = if commits {
                    producer.commit_transaction(ANSWER)
                } else {
                    producer.abort_transaction(ANSWER)
                };
                ended.expect("it can be ended");
            });
            read(topic, until).expect("the transaction ends")
        });
        assert!(next >= until, "{next} of {until}");
        let all = if commits {
            vec!["before", "within", "behind"]
        } else {
            vec!["before", "within", "behind", "behind"]
        };
        assert_eq!(read, all);
    }
}
