//! What could we get wrong? Deliberate mistakes, each of which the simulation must notice.
//!
//! They are type parameters: the program itself contains none of them.

use watchbell::shard::{Rules, Standard};
use watchbell::time::Time;
use watchbell::window::{ByStamp, Merging, Stamp};

/// What a world gets wrong on purpose; by default nothing.
pub trait Faults {
    /// The rules of the shards.
    type Rules: Rules;
    /// How partials of one source are merged.
    type Merging: Merging;
    /// A worker that takes a log over begins one record too late.
    const SKIPS_AN_OFFSET: bool = false;
    /// A worker that takes a log over loads the oldest checkpoint, and reads on from where the newest ends.
    const LOADS_THE_WRONG_CHECKPOINT: bool = false;
    /// The sink loses the retractions of a cut.
    const DROPS_RETRACTIONS: bool = false;
    /// A checkpoint is published before its cut is committed.
    const PUBLISHES_TOO_EARLY: bool = false;
    /// A write in doubt is taken for one that was not written.
    const FORGETS_DOUBT: bool = false;
    /// Whoever takes a log over lets its former owner write on.
    const FENCES_NOBODY: bool = false;
    /// While the brokers say nothing the clock goes on.
    const CLOCK_RUNS_BLIND: bool = false;
    /// Whoever finds no checkpoint begins where the last cut ends.
    const BEGINS_AT_THE_CUT: bool = false;
    /// Two policies have the same hash.
    const HASHES_POLICIES_ALIKE: bool = false;
    /// Whoever deletes old checkpoints deletes those, too, that others have published in the meantime.
    const PRUNES_THE_UNKNOWN: bool = false;
}

/// Nothing is wrong.
pub struct Sound;

impl Faults for Sound {
    type Rules = Standard;
    type Merging = ByStamp;
}

/// One record is passed over.
pub struct SkipsAnOffset;

impl Faults for SkipsAnOffset {
    type Rules = Standard;
    type Merging = ByStamp;
    const SKIPS_AN_OFFSET: bool = true;
}

/// The state does not belong to where reading goes on.
pub struct LoadsTheWrongCheckpoint;

impl Faults for LoadsTheWrongCheckpoint {
    type Rules = Standard;
    type Merging = ByStamp;
    const LOADS_THE_WRONG_CHECKPOINT: bool = true;
}

/// A false alarm is never taken back.
pub struct DropsRetractions;

impl Faults for DropsRetractions {
    type Rules = Standard;
    type Merging = ByStamp;
    const DROPS_RETRACTIONS: bool = true;
}

/// A state is there without what was said of it.
pub struct PublishesTooEarly;

impl Faults for PublishesTooEarly {
    type Rules = Standard;
    type Merging = ByStamp;
    const PUBLISHES_TOO_EARLY: bool = true;
}

/// What was said is said again.
pub struct ForgetsDoubt;

impl Faults for ForgetsDoubt {
    type Rules = Standard;
    type Merging = ByStamp;
    const FORGETS_DOUBT: bool = true;
}

/// Alerts fire when the clock shows the instant, not when it has passed.
pub struct FiresAtDue;

impl Rules for FiresAtDue {
    fn has_passed(clock: Time, instant: Time) -> bool {
        clock >= instant
    }
}

impl Faults for FiresAtDue {
    type Rules = FiresAtDue;
    type Merging = ByStamp;
}

/// Whether an event is late depends on when it was read.
pub struct ClockDecidesLateness;

impl Rules for ClockDecidesLateness {
    fn lateness(log_time: Time, clock: Time) -> Time {
        log_time.max(clock)
    }
}

impl Faults for ClockDecidesLateness {
    type Rules = ClockDecidesLateness;
    type Merging = ByStamp;
}

/// Of two partials the one that comes last counts.
pub struct MergesByArrival;

impl Merging for MergesByArrival {
    fn is_stale(_known: Stamp, _said: Stamp) -> bool {
        false
    }
}

impl Faults for MergesByArrival {
    type Rules = Standard;
    type Merging = MergesByArrival;
}

/// Two write for one log.
pub struct FencesNobody;

impl Faults for FencesNobody {
    type Rules = Standard;
    type Merging = ByStamp;
    const FENCES_NOBODY: bool = true;
}

/// What nobody has read is taken for not there.
pub struct ClockRunsBlind;

impl Faults for ClockRunsBlind {
    type Rules = Standard;
    type Merging = ByStamp;
    const CLOCK_RUNS_BLIND: bool = true;
}

/// What lies before the cut is forgotten.
pub struct BeginsAtTheCut;

impl Faults for BeginsAtTheCut {
    type Rules = Standard;
    type Merging = ByStamp;
    const BEGINS_AT_THE_CUT: bool = true;
}

/// A log is taken over under other promises.
pub struct HashesPoliciesAlike;

impl Faults for HashesPoliciesAlike {
    type Rules = Standard;
    type Merging = ByStamp;
    const HASHES_POLICIES_ALIKE: bool = true;
}

/// What a successor rests on is deleted by somebody who does not know of it.
pub struct PrunesTheUnknown;

impl Faults for PrunesTheUnknown {
    type Rules = Standard;
    type Merging = ByStamp;
    const PRUNES_THE_UNKNOWN: bool = true;
}
