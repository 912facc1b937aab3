//! What time is it? The one place that asks the system, and what the engine makes of the answer.
//!
//! A wall that jumps is not believed: a step against the monotonic clock (a correction by NTP, a suspended machine)
//! stops the engine's time until the wall has run evenly for [`Wall::PROBATION`], or has come back. So a jump by a day
//! breaks no promise before somebody could look, and a clock that was set right for good goes on by itself.

use std::time::{Duration, Instant};

use crate::time::{Span, Time};

/// The wall time.
#[expect(clippy::disallowed_methods, reason = "the one read of the system clock")]
pub fn now() -> Time {
    Time::from(jiff::Timestamp::now())
}

/// The monotonic clock.
#[expect(clippy::disallowed_methods, reason = "the one read of the monotonic clock")]
pub fn instant() -> Instant {
    Instant::now()
}

/// What the engine's time is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Clock {
    /// The wall's.
    Wall,
    /// The wall's, run faster: `epoch` was at `since` on the wall, and from there `speed` seconds pass in one.
    Scaled {
        /// The engine's time at `since`.
        epoch: Time,
        /// On the wall.
        since: Time,
        /// Seconds in a second of the wall.
        speed: f64,
    },
    /// The log's own: no fences; `clock.advance` events are accepted.
    Log,
}

impl Clock {
    /// The engine's time when the wall shows `wall`.
    pub fn at(&self, wall: Time) -> Time {
        match self {
            Clock::Wall | Clock::Log => wall,
            Clock::Scaled { epoch, since, speed } => {
                *epoch + Span::from_millis(((wall - *since).millis() as f64 * speed) as i64)
            }
        }
    }

    /// Seconds of the engine in a second of the wall.
    pub fn speed(&self) -> f64 {
        match self {
            Clock::Wall | Clock::Log => 1.0,
            Clock::Scaled { speed, .. } => *speed,
        }
    }
}

/// The wall, watched.
#[derive(Debug)]
pub struct Wall {
    /// Where the wall and the monotonic clock last agreed to be.
    anchor: (Time, Instant),
    /// Since when the wall has been elsewhere, and by how much.
    jumped: Option<(Instant, Span)>,
    offset: fn() -> Span,
}

/// What the wall shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// This time.
    Time(Time),
    /// Nothing to be believed: it jumped by so much.
    Jumped(Span),
}

impl Wall {
    /// How far the wall may be from where the monotonic clock says it must be.
    pub const TOLERANCE: Span = Span::from_seconds(2);
    /// How long the wall must run evenly after a jump before it is believed again.
    pub const PROBATION: Duration = Duration::from_secs(60);

    /// Believes the wall as it is now.
    pub fn new() -> Wall {
        Wall { anchor: (now(), instant()), jumped: None, offset: fault }
    }

    /// [`Wall::PROBATION`], or what a test makes of it: the milliseconds in `WATCHBELL_FAULT_PROBATION`.
    pub fn probation() -> Duration {
        #[cfg(feature = "faults")]
        if let Some(ms) = std::env::var("WATCHBELL_FAULT_PROBATION").ok().and_then(|text| text.parse().ok()) {
            return Duration::from_millis(ms);
        }
        Self::PROBATION
    }

    /// Reads it.
    pub fn read(&mut self) -> Reading {
        self.judge(now() + (self.offset)(), instant())
    }

    fn judge(&mut self, wall: Time, at: Instant) -> Reading {
        let ran = at.saturating_duration_since(self.anchor.1).as_millis() as i64;
        let off = wall - (self.anchor.0 + Span::from_millis(ran));
        if off.millis().abs() <= Self::TOLERANCE.millis() {
            // The anchor follows, so that a clock that is steered slowly never seems to jump.
            self.anchor = (wall, at);
            self.jumped = None;
            return Reading::Time(wall);
        }
        match self.jumped {
            Some((since, by)) if (by - off).millis().abs() <= Self::TOLERANCE.millis() => {
                if at.saturating_duration_since(since) >= Self::probation() {
                    self.anchor = (wall, at);
                    self.jumped = None;
                    return Reading::Time(wall);
                }
            }
            _ => self.jumped = Some((at, off)),
        }
        Reading::Jumped(off)
    }
}

impl Default for Wall {
    fn default() -> Wall {
        Wall::new()
    }
}

/// Tests make the wall jump: by the milliseconds in the file that `WATCHBELL_FAULT_WALL` names.
#[cfg(feature = "faults")]
fn fault() -> Span {
    let text = std::env::var_os("WATCHBELL_FAULT_WALL").and_then(|path| std::fs::read_to_string(path).ok());
    Span::from_millis(text.and_then(|text| text.trim().parse().ok()).unwrap_or(0))
}

#[cfg(not(feature = "faults"))]
fn fault() -> Span {
    Span::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall() -> Wall {
        Wall { anchor: (Time::from_millis(1_000_000), instant()), jumped: None, offset: || Span::ZERO }
    }

    #[test]
    fn a_wall_that_jumps_is_believed_after_it_has_run_evenly() {
        let mut wall = wall();
        let (began, start) = (wall.anchor.0, wall.anchor.1);
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let shows = |seconds: i64| began + Span::from_seconds(seconds);
        assert_eq!(wall.judge(shows(1), after(1)), Reading::Time(shows(1)));
        let day = Span::from_days(1);
        assert_eq!(wall.judge(shows(2) + day, after(2)), Reading::Jumped(day));
        assert_eq!(wall.judge(shows(61) + day, after(61)), Reading::Jumped(day));
        assert_eq!(wall.judge(shows(62) + day, after(62)), Reading::Time(shows(62) + day));
        assert_eq!(wall.judge(shows(63) + day, after(63)), Reading::Time(shows(63) + day));
    }

    #[test]
    fn a_wall_that_comes_back_is_believed_at_once() {
        let mut wall = wall();
        let (began, start) = (wall.anchor.0, wall.anchor.1);
        let back = Span::from_seconds(-90);
        assert_eq!(wall.judge(began + back, start), Reading::Jumped(back));
        let later = start + Duration::from_secs(3);
        assert_eq!(
            wall.judge(began + Span::from_seconds(3), later),
            Reading::Time(began + Span::from_seconds(3))
        );
    }

    #[test]
    fn a_scaled_clock_runs_from_its_epoch() {
        let (epoch, since) = (Time::from_millis(5_000_000), Time::from_millis(1_000));
        let clock = Clock::Scaled { epoch, since, speed: 60.0 };
        assert_eq!(clock.at(Time::from_millis(2_000)), epoch + Span::from_minutes(1));
    }
}
