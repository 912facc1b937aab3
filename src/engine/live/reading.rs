//! What comes from Kafka, in the order in which it comes? The thread that keeps the membership alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use crate::kafka::{Batch, Consumer, Event};

/// How many messages are handed on at once.
const BATCH: usize = 4_096;
/// How long messages are waited for; an assignment is noticed that much later.
const PATIENCE: Duration = Duration::from_millis(20);

/// Something that was read.
pub(super) enum Reading {
    /// Messages and ends of partitions.
    Batch(Batch),
    /// Something about the membership. After a revocation nothing more is read until it was answered.
    Event(Event),
}

/// Reads until `stop` is set or nobody listens any more.
pub(super) fn read(
    consumer: &Arc<Consumer>,
    to: &Sender<Reading>,
    answered: &Receiver<()>,
    stop: &AtomicBool,
) {
    let mut events = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let mut batch = Batch::new();
        consumer.poll(BATCH, PATIENCE, &mut batch, &mut events);
        if !batch.is_empty() && to.send(Reading::Batch(batch)).is_err() {
            return;
        }
        for event in events.drain(..) {
            // What was read of a partition before it was given up must not reach its next life.
            let waits = matches!(event, Event::Revoked { .. });
            if to.send(Reading::Event(event)).is_err() || (waits && answered.recv().is_err()) {
                return;
            }
        }
    }
}
