//! Logs are taken over here, one after the other, so that the worker's other logs go on meanwhile.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender};

use super::Settings;
use super::keeping::Place;
use crate::engine::partition::Partition;
use crate::engine::takeover::{Taken, TakeoverError, resume, take_over};
use crate::shard::Standard;
use crate::sink::kafka::Kafka;
use crate::sink::phase::{self, Phase};

/// A log to be taken over.
pub(super) struct Order {
    pub(super) log: u32,
    /// Its state, if this process had it a moment ago.
    pub(super) parked: Option<Partition<Standard>>,
}

/// What came of it.
pub(super) struct Answer {
    pub(super) log: u32,
    pub(super) result: Result<Taken<Standard>, TakeoverError>,
}

/// Logs that need not be taken over any more.
#[derive(Clone, Default)]
pub(super) struct Cancelled(Arc<Mutex<BTreeSet<u32>>>);

impl Cancelled {
    pub(super) fn add(&self, log: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(log);
    }

    /// An order that is given now is not one of those.
    pub(super) fn forget(&self, log: u32) {
        self.take(log);
    }

    fn take(&self, log: u32) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&log)
    }
}

/// Takes logs over until nobody orders any more.
pub(super) fn take(
    settings: &Settings,
    owner: &str,
    mut sink: Kafka,
    orders: &Receiver<Order>,
    to: &Sender<Answer>,
    cancelled: &Cancelled,
) {
    let mut place = Place::default();
    for Order { log, parked } in orders {
        let result = if cancelled.take(log) {
            Err(TakeoverError::Cancelled { log })
        } else {
            phase::enter(Phase::Takeover);
            one(settings, owner, &mut sink, &mut place, log, parked)
        };
        phase::enter(Phase::Idle);
        if to.send(Answer { log, result }).is_err() {
            return;
        }
    }
}

fn one(
    settings: &Settings,
    owner: &str,
    sink: &mut Kafka,
    place: &mut Place,
    log: u32,
    parked: Option<Partition<Standard>>,
) -> Result<Taken<Standard>, TakeoverError> {
    let parked = match parked.map(|parked| resume(parked, owner, sink)).transpose()? {
        Some(Ok(taken)) => return Ok(taken),
        Some(Err(_)) | None => (settings.policy.clone(), settings.options.clone()),
    };
    let taken = take_over(log, owner, parked.0, parked.1, sink, place.open(settings)?)?;
    check_beginning(sink, taken)
}

/// The records from the state on must still be there; where nothing was ever read, the first that is will do.
fn check_beginning(sink: &mut Kafka, mut taken: Taken<Standard>) -> Result<Taken<Standard>, TakeoverError> {
    let log = taken.partition.shard().log();
    let beginning = sink.beginning(log)?;
    if beginning > taken.next_offset {
        if !taken.is_new {
            let (needed, has_state) = (taken.next_offset, taken.partition.has_checkpoint());
            return Err(TakeoverError::StateMissing { log, needed, beginning, has_state });
        }
        taken.partition.begin_at(beginning);
        taken.next_offset = beginning;
    }
    Ok(taken)
}
