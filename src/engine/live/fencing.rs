//! Up to when is everything read? Fences: a time, and the ends of the logs asked for after it.
//!
//! The time is taken first, then the brokers are asked, by a client of its own: whatever was appended before that time
//! lies below the ends it hears. No answer, no fence, and the clocks stand still.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};

use super::Settings;
use super::shared::Shared;
use crate::engine::clock::{self, Reading, Wall};
use crate::kafka::{Isolation, Lookup, lines};
use crate::time::Time;

/// A fence: everything appended before `at` lies below these ends.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    /// The engine's time.
    pub(super) at: Time,
    /// When it was taken.
    pub(super) taken: Instant,
    /// Logs and their stable ends.
    pub(super) ends: Vec<(u32, u64)>,
}

/// The logs that a worker owns, for its fences.
#[derive(Clone, Default)]
pub(super) struct Owned(Arc<Mutex<Vec<u32>>>);

impl Owned {
    pub(super) fn set(&self, logs: Vec<u32>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = logs;
    }

    fn get(&self) -> Vec<u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How long the brokers are waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the ends with what open transactions hold back are asked for: they only explain.
const WATERMARKS: Duration = Duration::from_secs(1);

/// Takes fences until `stop` is set.
pub(super) fn fence(
    settings: &Settings,
    shared: &Shared,
    owned: &Owned,
    to: &Sender<Fence>,
    stop: &AtomicBool,
) {
    let open = |isolation| Lookup::new(&settings.connection, &settings.group, isolation);
    let (Ok(stable), Ok(all)) = (open(Isolation::Committed), open(Isolation::Uncommitted)) else { return };
    let (mut wall, mut next, mut asked_all) = (Wall::new(), clock::instant(), None::<Instant>);
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(next.saturating_duration_since(clock::instant()));
        next = clock::instant().max(next + settings.pace.fence);
        lines::tell(clock::instant());
        let logs = owned.get();
        let at = match wall.read() {
            Reading::Time(wall) => settings.clock.at(wall),
            Reading::Jumped(by) => {
                shared.wall_jumped(by);
                continue;
            }
        };
        shared.wall_is_even();
        if logs.is_empty() {
            continue;
        }
        let partitions: Vec<(String, i32)> = logs.iter().map(|log| settings.logs.partition(*log)).collect();
        let taken = clock::instant();
        match stable.ends(&partitions, PATIENCE) {
            Ok(ends) => {
                shared.fence_answered();
                let ends: Vec<(u32, u64)> = logs.iter().copied().zip(ends).collect();
                // A worker that is busy takes the next one.
                if let Err(TrySendError::Disconnected(_)) = to.try_send(Fence { at, taken, ends }) {
                    return;
                }
            }
            Err(error) => {
                shared.no_fence(&error);
                // A broker that was given up for a moment and leads again does so in a new epoch.
                if error.code.contains("LEADER") {
                    let _ = stable.refresh(PATIENCE);
                }
            }
        }
        if asked_all.is_none_or(|asked| taken.saturating_duration_since(asked) > WATERMARKS) {
            asked_all = Some(taken);
            match all.ends(&partitions, PATIENCE) {
                Ok(ends) => logs.iter().zip(ends).for_each(|(log, end)| shared.high_watermark(*log, end)),
                Err(error) if error.code.contains("LEADER") => drop(all.refresh(PATIENCE)),
                Err(_) => {}
            }
        }
    }
}
