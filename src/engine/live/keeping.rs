//! Where do states go while the work goes on? The thread that writes checkpoints, and deletes those that nobody needs.

use crossbeam_channel::{Receiver, Sender};

use super::Settings;
use crate::checkpoint::{self, Pending, Store, StoreError};
use crate::sink::phase::{self, Phase};

/// What is to be done with the checkpoints of a log.
pub(super) enum Task {
    /// This one is to be written.
    Write(Box<Pending>),
    /// A cut was written for good that names this one: older ones may go.
    Prune { log: u32, named: u64 },
}

/// A checkpoint that was written, or was not.
pub(super) struct Kept {
    pub(super) log: u32,
    pub(super) result: Result<u64, StoreError>,
}

/// The place of the checkpoints as one thread sees it: opened when it is first needed.
#[derive(Default)]
pub(super) struct Place {
    store: Option<Box<dyn Store + Send>>,
    /// Whether it is known that checkpoints cannot be deleted.
    grows: bool,
}

impl Place {
    pub(super) fn open(&mut self, settings: &Settings) -> Result<&mut dyn Store, StoreError> {
        let store = self.store.take().map_or_else(|| (settings.store)(), Ok)?;
        Ok(self.store.insert(store).as_mut())
    }

    /// Deletes what nobody needs. If it cannot be done, that is said once; the next time it is tried again.
    pub(super) fn prune(&mut self, settings: &Settings, log: u32, named: u64) {
        let pruned =
            self.open(settings).and_then(|store| checkpoint::prune(store, log, named, settings.keep));
        let known = std::mem::replace(&mut self.grows, pruned.is_err());
        if let Some(error) = pruned.err().filter(|_| !known) {
            tracing::warn!(log, %error, "older checkpoints cannot be deleted, and take room until they can");
        }
    }
}

/// Does what is to be done until nobody has anything any more.
pub(super) fn keep(settings: &Settings, tasks: &Receiver<Task>, to: &Sender<Kept>) {
    let mut place = Place::default();
    for task in tasks {
        match task {
            Task::Write(pending) => {
                phase::enter(Phase::Checkpoint);
                let log = pending.state.log();
                let result = place.open(settings).and_then(|store| pending.write(store));
                phase::enter(Phase::Idle);
                if to.send(Kept { log, result }).is_err() {
                    return;
                }
            }
            Task::Prune { log, named } => place.prune(settings, log, named),
        }
    }
}
