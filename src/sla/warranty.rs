//! Is this component in warranty? A function of the date of purchase and the component, and of whose days count.
//!
//! ```text
//!   bought 2023-03-15      main unit, 3 years        last day 2026-03-15, to local 24:00
//!   bought 2024-02-29      accessory, 1 year         last day 2025-02-28: there is no 29th
//!   bought 2022-10-03      core part, 3 years        last day 2025-10-03, a holiday: to the end of the first working day after
//! ```
//!
//! The day of purchase is not counted, the corresponding date is the last. Whether holidays move it is the calendar's: one
//! whose every day is open moves nothing. What is not known is unknown; a guess would promise something, or refuse it.

use jiff::civil::Date;

use crate::calendar::Calendar;
use crate::time::Time;

/// What a warranty is given on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The main unit.
    Main,
    /// A core part.
    Core,
    /// What comes with it.
    Accessory,
    /// The software.
    Software,
}

impl Component {
    /// The component of a name; names of nothing we know are none.
    pub fn parse(name: &str) -> Option<Component> {
        match name {
            "main" => Some(Component::Main),
            "core" => Some(Component::Core),
            "accessory" => Some(Component::Accessory),
            "software" => Some(Component::Software),
            _ => None,
        }
    }

    /// For how many years: the guide, 002 ch.5 s.1 §1.1.27.
    pub fn years(self) -> i16 {
        match self {
            Component::Main | Component::Core => 3,
            Component::Accessory | Component::Software => 1,
        }
    }
}

/// Whether the warranty holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does.
    In,
    /// It has ended.
    Out,
    /// Nobody can say: the date or the component is missing or is none, or the purchase lies ahead.
    Unknown,
}

impl Status {
    /// As the attribute `warranty` says it.
    pub fn name(self) -> &'static str {
        match self {
            Status::In => "in",
            Status::Out => "out",
            Status::Unknown => "unknown",
        }
    }
}

/// The end of the last day of the warranty: after this instant it holds no longer.
pub fn expires(purchased: Date, component: Component, calendar: &Calendar) -> Time {
    // Where the corresponding date is missing, the addition gives the last day of its month.
    let last = purchased.checked_add(jiff::Span::new().years(component.years()));
    last.map_or(Time::NEVER, |last| calendar.end_of_date(last))
}

/// Whether the warranty holds at an instant, by what an event says: a date as `2025-03-15`, the name of a component.
pub fn status(purchased_on: Option<&str>, component: Option<&str>, at: Time, calendar: &Calendar) -> Status {
    let purchased = purchased_on.and_then(|date| date.parse::<Date>().ok());
    match (purchased, component.and_then(Component::parse)) {
        (Some(purchased), Some(component)) if purchased <= calendar.local_date(at) => {
            if at < expires(purchased, component, calendar) { Status::In } else { Status::Out }
        }
        _ => Status::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Spec;

    fn calendar(zone: &str, open_days: usize) -> Calendar {
        let weekly = std::array::from_fn(|n| if n < open_days { vec![(0, 1_440)] } else { Vec::new() });
        let spec = Spec { name: "test".into(), zone: zone.into(), weekly, ..Spec::default() };
        Calendar::compile(&spec).expect("valid")
    }

    fn time(text: &str) -> Time {
        Time::parse(text).expect("an instant")
    }

    #[test]
    fn a_warranty_ends_with_the_corresponding_date_where_the_customer_is() {
        let shanghai = calendar("Asia/Shanghai", 7);
        for (purchased, component, after) in [
            ("2023-03-15", "main", "2026-03-16"),
            ("2023-03-15", "core", "2026-03-16"),
            ("2023-03-15", "accessory", "2024-03-16"),
            ("2023-03-15", "software", "2024-03-16"),
            // A leap day has no corresponding date, unless the other year has one, too.
            ("2024-02-29", "accessory", "2025-03-01"),
            ("2024-02-29", "main", "2027-03-01"),
            ("2023-02-28", "accessory", "2024-02-29"),
            // The year's end.
            ("2024-12-31", "software", "2026-01-01"),
            ("2025-01-01", "software", "2026-01-02"),
        ] {
            let end = time(&format!("{after}T00:00:00+08:00"));
            let at = |at: Time| status(Some(purchased), Some(component), at, &shanghai);
            let date = purchased.parse().expect("a date");
            let component = Component::parse(component).expect("a component");
            assert_eq!(expires(date, component, &shanghai), end, "{purchased} {component:?}");
            assert_eq!(at(end - crate::time::Span::from_millis(1)), Status::In, "{purchased} {component:?}");
            assert_eq!(at(end), Status::Out, "{purchased} {component:?}");
        }
        // At one instant it is over in the east and not in the west.
        let at = time("2026-03-15T17:00:00Z");
        let holds = |zone: &str| status(Some("2023-03-15"), Some("main"), at, &calendar(zone, 7)).name();
        assert_eq!([holds("Asia/Shanghai"), holds("UTC")], ["out", "in"]);
    }

    #[test]
    fn a_last_day_on_which_nobody_works_moves_to_the_next_that_somebody_does() {
        // 2026-03-14 is a Saturday.
        let end = |open_days: usize| {
            let purchased = "2025-03-14".parse().expect("a date");
            expires(purchased, Component::Software, &calendar("Asia/Shanghai", open_days))
        };
        assert_eq!(end(7), time("2026-03-15T00:00:00+08:00"));
        assert_eq!(end(5), time("2026-03-17T00:00:00+08:00"));
    }

    #[test]
    fn what_is_not_known_is_never_guessed() {
        let calendar = calendar("Asia/Shanghai", 7);
        let at = time("2026-03-15T12:00:00+08:00");
        for (purchased_on, component) in [
            (None, Some("main")),
            (Some("2025-03-15"), None),
            (Some("2025-03-15"), Some("battery")),
            (Some("2025-02-30"), Some("main")),
            (Some("last spring"), Some("main")),
            (Some(""), Some("")),
            // Nobody complains of what was not bought yet: one of the two dates is wrong.
            (Some("2026-03-16"), Some("main")),
        ] {
            let told = status(purchased_on, component, at, &calendar);
            assert_eq!(told.name(), "unknown", "{purchased_on:?} {component:?}");
        }
        assert_eq!(status(Some("2026-03-15"), Some("main"), at, &calendar), Status::In);
    }
}
