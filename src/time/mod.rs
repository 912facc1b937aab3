//! Which instant is this? Words for time, and nothing that asks the system what time it is.
//!
//! Ground rules: an instant is a count of milliseconds since 1970-01-01T00:00:00Z; a span is a count of
//! milliseconds; they are different types and only meaningful sums compile. Instants outside
//! [`Time::MIN`]..[`Time::MAX`] are refused where they enter (the decoder), so arithmetic inside never overflows.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(i64);

/// A length of time in milliseconds; may be negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(i64);

impl Time {
    /// 1970-01-01T00:00:00Z, the earliest instant an event may carry.
    pub const MIN: Time = Time(0);
    /// 2100-01-01T00:00:00Z, just above the latest instant an event may carry; calendars are laid out up to here.
    pub const MAX: Time = Time(4_102_444_800_000);
    /// Later than every instant: "never".
    pub const NEVER: Time = Time(i64::MAX);

    /// The instant `ms` milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(ms: i64) -> Time {
        Time(ms)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 (`2026-03-01T08:00:00Z`, any offset); digits below the millisecond are cut off.
    pub fn parse(text: &str) -> Option<Time> {
        text.parse::<jiff::Timestamp>().ok().map(Time::from)
    }

    /// Whether an event may carry this instant.
    pub fn in_range(self) -> bool {
        Time::MIN <= self && self < Time::MAX
    }

    /// The start of the `width`-wide slot that contains this instant; slots are counted from 1970-01-01T00:00:00Z.
    pub const fn floor(self, width: Span) -> Time {
        Time(self.0.div_euclid(width.0) * width.0)
    }
}

impl From<jiff::Timestamp> for Time {
    fn from(timestamp: jiff::Timestamp) -> Time {
        Time(timestamp.as_millisecond())
    }
}

impl From<Time> for jiff::Timestamp {
    /// Instants beyond what a calendar can show are shown as the last one it can.
    fn from(time: Time) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(time.0).unwrap_or(jiff::Timestamp::MAX)
    }
}

/// RFC 3339 in UTC, with milliseconds only where there are some.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Time::NEVER { f.write_str("never") } else { jiff::Timestamp::from(*self).fmt(f) }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A span of `ms` milliseconds.
    pub const fn from_millis(ms: i64) -> Span {
        Span(ms)
    }

    /// A span of `s` seconds.
    pub const fn from_seconds(s: i64) -> Span {
        Span(s * 1_000)
    }

    /// A span of `m` minutes.
    pub const fn from_minutes(m: i64) -> Span {
        Span(m * 60_000)
    }

    /// A span of `h` hours.
    pub const fn from_hours(h: i64) -> Span {
        Span(h * 3_600_000)
    }

    /// A span of `d` times 24 hours.
    pub const fn from_days(d: i64) -> Span {
        Span(d * 86_400_000)
    }

    /// Milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Seconds, with the milliseconds as a fraction.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// `share` (0..=1) of this span, rounded down to the millisecond.
    pub fn share(self, share: f64) -> Span {
        Span((self.0 as f64 * share).floor() as i64)
    }
}

/// Largest unit first: `2d 3h 4m 5s`, `0s`; milliseconds as a fraction of the second; a leading `-` when negative.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let total = self.0.unsigned_abs();
        let (d, h, m, ms) = (total / 86_400_000, total / 3_600_000 % 24, total / 60_000 % 60, total % 60_000);
        let mut gap = "";
        for (n, unit) in [(d, "d"), (h, "h"), (m, "m")] {
            if n > 0 {
                write!(f, "{gap}{n}{unit}")?;
                gap = " ";
            }
        }
        match (ms, gap) {
            (0, " ") => Ok(()),
            _ if ms % 1_000 == 0 => write!(f, "{gap}{}s", ms / 1_000),
            _ => write!(f, "{gap}{}.{:03}s", ms / 1_000, ms % 1_000),
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Add<Span> for Time {
    type Output = Time;
    /// "Never" plus anything stays "never".
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Time {
    type Output = Time;
    fn sub(self, span: Span) -> Time {
        if self == Time::NEVER { self } else { Time(self.0.saturating_sub(span.0)) }
    }
}

impl Sub for Time {
    type Output = Span;
    fn sub(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        *self = *self + other;
    }
}

/// Writes instants as RFC 3339 text in formats that people read; stored state keeps the bare number.
pub mod rfc3339 {
    use super::Time;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Serialises an instant as RFC 3339 text.
    pub fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    /// Reads an instant from RFC 3339 text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Time::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not an RFC 3339 instant")))
    }

    /// The same for an instant that may be missing (`null`).
    pub mod option {
        use super::Time;
        use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

        struct Shown<'a>(&'a Time);

        impl Serialize for Shown<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                super::serialize(self.0, serializer)
            }
        }

        /// Serialises an instant as RFC 3339 text, a missing one as `null`.
        pub fn serialize<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
            match time {
                // As "some", not bare: codecs that are not self-describing mark what is there.
                Some(time) => serializer.serialize_some(&Shown(time)),
                None => serializer.serialize_none(),
            }
        }

        /// Reads an instant from RFC 3339 text, `null` as a missing one.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
            let Some(text) = <Option<std::borrow::Cow<'de, str>>>::deserialize(deserializer)? else {
                return Ok(None);
            };
            let time = Time::parse(&text);
            time.map(Some).ok_or_else(|| D::Error::custom(format!("`{text}` is not an RFC 3339 instant")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_any_offset_and_show_utc() {
        let time = Time::parse("2026-03-01T08:00:00.1239+08:00").expect("a valid instant");
        assert_eq!(time.to_string(), "2026-03-01T00:00:00.123Z");
        assert_eq!(Time::parse("2026-03-01 08:00"), None);
        assert_eq!(Time::NEVER + Span::from_days(1), Time::NEVER);
    }

    #[test]
    fn spans_show_their_largest_units() {
        let show = |ms| Span::from_millis(ms).to_string();
        assert_eq!(show(0), "0s");
        assert_eq!(show(90_061_000), "1d 1h 1m 1s");
        assert_eq!(show(7_200_000), "2h");
        assert_eq!(show(1_500), "1.500s");
        assert_eq!(show(-60_000), "-1m");
    }

    #[test]
    fn slots_are_counted_from_the_epoch() {
        let hour = Span::from_hours(1);
        assert_eq!(Time::from_millis(3_600_001).floor(hour), Time::from_millis(3_600_000));
        assert_eq!(Time::from_millis(-1).floor(hour), Time::from_millis(-3_600_000));
    }
}
