//! What does a calendar say, before it is laid out?

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The first date that is laid out: a day before the earliest instant an event may carry, whatever the zone.
pub const FIRST: Date = Date::constant(1969, 12, 31);
/// The last date that is laid out.
pub const LAST: Date = Date::constant(2100, 1, 1);

/// Opening hours of a day: minutes since local midnight, from and to, ascending; 1440 is the next midnight.
pub type Hours = Vec<(u16, u16)>;

/// A calendar as an operator describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// Its name.
    pub name: String,
    /// The IANA name of its zone, or `UTC`.
    pub zone: String,
    /// The hours of each day of the week, Monday first.
    pub weekly: [Hours; 7],
    /// Dates with hours of their own: none on a holiday, those of another day on a make-up working day.
    pub dates: BTreeMap<Date, Hours>,
    /// Windows in which it is closed once, whatever the hours of that date are.
    pub breaks: BTreeMap<Date, Hours>,
    /// The years for which holidays are listed; `None`: there are none to list.
    pub holiday_years: Option<Vec<i16>>,
}

/// Why a calendar cannot be laid out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The zone is not in the database.
    #[error("there is no time zone `{0}`: write an IANA name such as Asia/Shanghai, or UTC")]
    UnknownZone(String),
    /// Hours that end before they begin, or run into the next.
    #[error("the hours {0}–{1} end before they begin or overlap the ones before: list them in order")]
    Hours(String, String),
    /// It is closed on every day.
    #[error("the calendar is never open: no promise in it would ever be due")]
    NeverOpen,
}

impl Spec {
    /// Checks everything but that it is ever open, and finds the zone.
    pub(super) fn check(&self) -> Result<TimeZone, SpecError> {
        for hours in self.weekly.iter().chain(self.dates.values()).chain(self.breaks.values()) {
            let mut last = 0;
            for (from, to) in hours {
                if *from < last || to <= from || *to > 1_440 {
                    return Err(SpecError::Hours(clock(*from), clock(*to)));
                }
                last = *to;
            }
        }
        // The program's own data, whatever the machine has: two machines agree, and so do a watch and its replay.
        let zones = TimeZoneDatabase::bundled();
        zones.get(&self.zone).map_err(|_| SpecError::UnknownZone(self.zone.clone()))
    }

    /// The hours of a date.
    pub(super) fn hours(&self, date: Date) -> Cow<'_, Hours> {
        let weekday = date.weekday().to_monday_zero_offset() as usize;
        let hours = self.dates.get(&date).unwrap_or(&self.weekly[weekday]);
        match self.breaks.get(&date) {
            None => Cow::Borrowed(hours),
            Some(breaks) => Cow::Owned(breaks.iter().fold(hours.clone(), without)),
        }
    }
}

/// Hours less a window.
fn without(hours: Hours, (from, to): &(u16, u16)) -> Hours {
    let parts =
        hours.into_iter().flat_map(|(open, close)| [(open, close.min(*from)), (open.max(*to), close)]);
    parts.filter(|(open, close)| open < close).collect()
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}
