//! Where do states go while the work goes on? The thread that writes checkpoints.

use crossbeam_channel::{Receiver, Sender};

use super::Settings;
use crate::checkpoint::{Pending, Store, StoreError};

/// A checkpoint that was written, or was not.
pub(super) struct Kept {
    pub(super) log: u32,
    pub(super) result: Result<u64, StoreError>,
}

/// Writes checkpoints until nobody has any more.
pub(super) fn keep(settings: &Settings, pending: &Receiver<(u32, Pending)>, to: &Sender<Kept>) {
    let mut kept: Option<Box<dyn Store + Send>> = None;
    for (log, pending) in pending {
        let opened = kept.take().map_or_else(|| (settings.store)(), Ok);
        let result = opened.and_then(|store| pending.write(kept.insert(store).as_mut()));
        if to.send(Kept { log, result }).is_err() {
            return;
        }
    }
}
