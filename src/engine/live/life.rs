//! How does a worker begin, and how often? One life after the other, each with its threads, its member and its name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded, unbounded};

use super::asked::Question;
use super::fencing::{self, Owned};
use super::keeping;
use super::reading;
use super::round::Rounds;
use super::shared::Shared;
use super::taking::{self, Cancelled};
use super::worker::{Inbox, Worker};
use super::{LiveError, Settings};
use crate::engine::partition::Partition;
use crate::kafka::Consumer;
use crate::shard::Standard;
use crate::sink::kafka::Kafka;

/// How many batches may wait for the worker.
const BATCHES_WAITING_MAX: usize = 4;
/// How long the group may take to let a member go.
const LEAVE: Duration = Duration::from_secs(2);

/// Why a life ended.
pub(super) enum End {
    /// It was asked to.
    Stopped,
    /// A new one must begin.
    Again(String),
}

/// Logs that this process held a moment ago, in memory still, and what is counted of them.
pub(super) type Parked = BTreeMap<u32, (Partition<Standard>, Rounds)>;

/// Lives until `stop` is set; every life has a name of its own.
pub(super) fn lives(
    settings: &Settings,
    shared: &Shared,
    n: u32,
    name: &str,
    stop: &AtomicBool,
) -> Result<(), LiveError> {
    let mut parked = Parked::new();
    let questions = shared.listen();
    let membership = membership(settings, n);
    for life in 1.. {
        let owner = format!("{name}-{life}");
        match live(settings, shared, &owner, &membership, &mut parked, &questions, stop)? {
            End::Stopped => break,
            End::Again(why) => tracing::warn!(worker = n, life, why, "the worker begins anew"),
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// The options of one worker's membership: of static members that had one name, each would put the other out.
fn membership(settings: &Settings, n: u32) -> Vec<(String, String)> {
    let mine = |(name, value): &(String, String)| match name.as_str() {
        "group.instance.id" => (name.clone(), format!("{value}-{n}")),
        _ => (name.clone(), value.clone()),
    };
    settings.membership.iter().map(mine).collect()
}

fn live(
    settings: &Settings,
    shared: &Shared,
    owner: &str,
    membership: &[(String, String)],
    parked: &mut Parked,
    questions: &Receiver<Question>,
    stop: &AtomicBool,
) -> Result<End, LiveError> {
    let topics: Vec<String> = settings.logs.topics().map(str::to_owned).collect();
    let membership: Vec<(&str, &str)> =
        membership.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let consumer = Consumer::join(&settings.connection, &settings.group, &topics, &membership)?;
    let consumer = Arc::new(consumer);
    let over = Arc::new(AtomicBool::new(false));
    let (options, logs) = (&settings.sink, &settings.logs);
    let reader = Kafka::reader(options.clone(), logs.clone(), owner, consumer.clone(), over.clone());
    let sink = match Kafka::writer(options.clone(), logs.clone(), owner, consumer.clone(), over.clone()) {
        Ok(sink) => sink,
        Err(error) => return Ok(End::Again(error.to_string())),
    };
    let (read_to, readings) = bounded(BATCHES_WAITING_MAX);
    let (answered, answers) = bounded(1);
    let (fence_to, fences) = bounded(4);
    let (orders, ordered) = unbounded();
    let (taken_to, taken) = unbounded();
    let (keeping, tasks) = unbounded();
    let (kept_to, keeper) = unbounded();
    let (owned, cancelled) = (Owned::default(), Cancelled::default());
    let end = std::thread::scope(|scope| {
        spawn(scope, "read", || reading::read(&consumer, &read_to, &answers, &over));
        spawn(scope, "fence", || fencing::fence(settings, shared, &owned, &fence_to, &over));
        spawn(scope, "keep", || keeping::keep(settings, &tasks, &kept_to));
        spawn(scope, "take", || taking::take(settings, owner, reader, &ordered, &taken_to, &cancelled));
        let inbox = Inbox { readings, fences, taken, questions: questions.clone() };
        let mut worker = Worker::new(settings, shared, &consumer, sink, orders, (keeping, keeper));
        (worker.owned, worker.cancelled, worker.parked) =
            (owned.clone(), cancelled.clone(), std::mem::take(parked));
        let end = worker.work(&inbox, &answered, stop);
        over.store(true, Ordering::Relaxed);
        worker.let_go(&end, &inbox);
        *parked = std::mem::take(&mut worker.parked);
        drop((worker, inbox, answered));
        end
    });
    if !consumer.leave(LEAVE) {
        tracing::warn!("the group was not left in time; it will notice by itself");
    }
    end
}

/// Starts a thread of this worker, by whose name it is known to whoever looks at the process.
fn spawn<'scope>(scope: &'scope Scope<'scope, '_>, what: &str, work: impl FnOnce() + Send + 'scope) {
    let worker = std::thread::current().name().unwrap_or("worker").to_owned();
    let thread = std::thread::Builder::new().name(format!("{worker}-{what}"));
    thread.spawn_scoped(scope, work).expect("the system has room for a thread");
}
