//! Calendar files and files of holidays: which days come out, and what is said of those that cannot be read.

use jiff::civil::{Date, date};

use super::holidays::{self, Day};
use super::*;
use crate::time::{Span, Time};

fn time(text: &str) -> Time {
    Time::parse(text).expect("an RFC 3339 instant")
}

/// Day by day the same as PyPI's `chinesecalendar` 1.11 has them; these are its sums.
#[test]
fn the_shipped_calendars_have_the_working_days_of_their_years() {
    let (name, text) = SHIPPED[0];
    let calendar = read(name, text).expect("it is shipped");
    let midnight = |year: i32| time(&format!("{year}-01-01T00:00:00+08:00"));
    for (year, days) in [(2024, 251), (2025, 248), (2026, 248)] {
        let open = calendar.elapsed(midnight(year), midnight(year + 1));
        assert_eq!(open.millis() / Span::from_days(1).millis(), days, "{year}");
        assert_eq!(calendar.covers(midnight(year), midnight(year + 1)), Ok(()));
    }
    assert_eq!(calendar.covers(midnight(2026), midnight(2028)), Err(2027));
}

/// A calendar file with a week of five days from nine to six, and more lines.
fn office(lines: &str) -> Result<Calendar, String> {
    let week: Vec<String> = DAYS[..5].iter().map(|day| format!("{day} = [\"09:00-18:00\"]")).collect();
    let text =
        format!("name = \"office\"\nzone = \"Asia/Shanghai\"\n{lines}\n[weekly]\n{}\n", week.join("\n"));
    read("office.toml", &text).map_err(|problems| problems.to_string())
}

/// The hours that a calendar is open on a date.
fn hours(calendar: &Calendar, date: &str) -> f64 {
    let midnight = time(&format!("{date}T00:00:00+08:00"));
    calendar.elapsed(midnight, midnight + Span::from_days(1)).seconds() / 3_600.0
}

#[test]
fn the_hours_of_a_date_win_over_everything() {
    let calendar = office(
        r#"years = [2026]
        holiday = [{ from = "2026-12-24", to = "2026-12-26" }, { from = "2026-10-01" }, { from = "2026-02-14" }]
        working = ["2026-02-14", "2026-02-28", "2026-05-09"]
        date_overrides = { "2026-12-24" = ["09:00-12:00"], "2026-05-09" = ["10:00-12:00", "13:00-16:00"], "2026-03-03" = [], "2026-03-07" = ["00:00-24:00"] }"#,
    )
    .expect("valid");
    for (date, expected) in [
        ("2026-12-24", 3.0),
        ("2026-12-25", 0.0),
        ("2026-10-01", 0.0),
        ("2026-02-14", 9.0),
        ("2026-02-28", 9.0),
        ("2026-05-09", 5.0),
        ("2026-03-02", 9.0),
        ("2026-03-03", 0.0),
        ("2026-03-07", 24.0),
        ("2026-03-08", 0.0),
    ] {
        assert_eq!(hours(&calendar, date), expected, "{date}");
    }
    // Hours of single dates are no list of holidays, so they need no years.
    let short = office(r#"date_overrides = { "2026-12-24" = ["09:00-12:00"] }"#).expect("valid");
    assert_eq!(short.covers(Time::MIN, Time::MAX), Ok(()));
}

#[test]
fn holidays_are_taken_from_a_shipped_calendar_and_changed() {
    let calendar = office(
        r#"holidays_from = ["cn"]
        holiday = [{ from = "2026-02-14" }]
        working = ["2026-10-03"]
        date_overrides = { "2026-10-10" = ["09:00-12:00"] }"#,
    )
    .expect("valid");
    for (date, expected) in [
        ("2026-10-01", 0.0),
        ("2026-09-20", 9.0),
        ("2026-02-14", 0.0),
        ("2026-10-03", 9.0),
        ("2026-10-10", 3.0),
    ] {
        assert_eq!(hours(&calendar, date), expected, "{date}");
    }
    // The years come with the holidays, unless the calendar says otherwise.
    let known = |calendar: &Calendar, year: i32| {
        let midnight = |year: i32| time(&format!("{year}-01-01T00:00:00+08:00"));
        calendar.covers(midnight(year), midnight(year + 1)).is_ok()
    };
    assert_eq!([2023, 2024, 2026, 2027].map(|year| known(&calendar, year)), [false, true, true, false]);
    let calendar = office("holidays_from = [\"cn\"]\nyears = [2027]").expect("valid");
    assert_eq!([2026, 2027].map(|year| known(&calendar, year)), [false, true]);
}

/// A folder with files of holidays.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("writable");
    }
    folder
}

#[test]
fn files_of_holidays_are_laid_one_over_the_other() {
    let folder = folder(&[
        (
            "public.toml",
            "years = [2025, 2026]\nworking = [\"2026-02-14\"]\nholiday = [{ from = \"2026-10-01\" }]\n",
        ),
        ("own.toml", "years = [2026, 2027]\nholiday = [{ from = \"2026-02-14\" }]\n"),
        ("more.csv", "date,name\n2026-03-02,Stocktaking\n"),
        ("more.ics", &event("DTSTART:20260303")),
    ]);
    let path = folder.path().join("office.toml");
    let text = "name = \"office\"\nzone = \"Asia/Shanghai\"\nweekly.monday = [\"09:00-18:00\"]\n\
        weekly.tuesday = [\"09:00-18:00\"]\nweekly.thursday = [\"09:00-18:00\"]\n\
        holidays_from = [\"public.toml\", \"own.toml\", \"more.csv\", \"more.ics\"]\n";
    let calendar = read(path.to_str().expect("UTF-8"), text).expect("valid");
    for closed in ["2026-02-14", "2026-03-02", "2026-03-03", "2026-10-01"] {
        assert_eq!(hours(&calendar, closed), 0.0, "{closed}");
    }
    assert_eq!((hours(&calendar, "2026-03-09"), hours(&calendar, "2026-03-10")), (9.0, 9.0));
    // Only 2026 is known to both.
    let (begin, end) = (time("2026-01-01T00:00:00+08:00"), time("2027-01-01T00:00:00+08:00"));
    assert_eq!(calendar.covers(begin, end), Ok(()));
    assert_eq!(calendar.covers(begin, end + Span::from_hours(1)), Err(2027));
    assert_eq!(calendar.covers(begin - Span::from_hours(1), end), Err(2025));
}

#[test]
fn what_is_wrong_in_a_file_of_holidays_is_told_with_its_own_place() {
    let folder = folder(&[
        ("bad.csv", "date\n1.1.2026\n"),
        ("bad.ics", &event("DTSTART:20260303T090000")),
        ("bad.toml", "holidays_from = [\"cn\"]\nholidy = []\n"),
    ]);
    let path = folder.path().join("office.toml");
    let text = "name = \"office\"\nzone = \"UTC\"\nweekly.monday = [\"09:00-18:00\"]\n\
        holidays_from = [\"bad.csv\", \"bad.ics\", \"bad.toml\", \"none.ics\"]\nyears = [26]\n";
    let found = read(path.to_str().expect("UTF-8"), text).expect_err("refused").to_string();
    let found = found.replace(&format!("{}/", folder.path().display()), "");
    for expected in [
        "bad.csv:2:1: `1.1.2026` is no date",
        "bad.ics:4:1: `an event` has a time of day (DTSTART)",
        "bad.toml:1:17: it takes its own holidays from other files (name those files where this one is named)",
        "bad.toml:2:1: unknown key `holidy` (did you mean `holiday`?)",
        "bad.toml:1:1: `years` is missing",
        "office.toml:4:52: `none.ics` cannot be read",
        "office.toml:5:10: the year 26 (write a year from 1970 to 2099)",
    ] {
        assert!(found.contains(expected), "{expected} is missing in\n{found}");
    }
    assert_eq!(found.lines().count(), 7, "{found}");
}

#[test]
fn what_makes_no_sense_in_a_calendar_is_refused() {
    for (lines, expected) in [
        ("holiday = [{ from = \"2026-05-01\" }]", "`years` is missing (list the years"),
        ("date_overrides = { \"24.12.2026\" = [] }", "office.toml:3:20: `24.12.2026` is no date"),
        ("date_overrides = { \"2026-12-24\" = [\"12:00-09:00\"] }", "`12:00-09:00` ends before it begins"),
        ("date_overrides = { \"2026-12-24\" = [\"9-12\"] }", "`date_overrides.2026-12-24[0]` is `9-12`"),
        ("working = [2026-12-24]", "a date without quotes"),
        ("working = [\"2026-12-24T09:00\"]", "`working[0]` is `2026-12-24T09:00`"),
    ] {
        let found = office(lines).map(|_| ()).expect_err("refused");
        assert!(found.contains(expected), "{lines}: {found}");
    }
    let two = read(
        "x.toml",
        "name = \"x\"\nzone = \"UTC\"\nweekly = { monday = [\"9\", \"10\"], friday = [\"11\"] }\n",
    );
    assert_eq!(two.map(|_| ()).expect_err("refused").0.len(), 3);
    let folder = folder(&[("x.ics", &event("DTSTART:20260303"))]);
    let text = "[calendars]\na = \"x.ics\"\n";
    let file = folder.path().join("policy.toml");
    let found = crate::config::policy::read(file.to_str().expect("UTF-8"), text).map(|_| ());
    let found = found.expect_err("refused").to_string();
    assert!(found.contains("policy.toml:2:5: `x.ics` lists holidays, and is no calendar"), "{found}");
    let closed = "name = \"x\"\nzone = \"UTC\"\nyears = [2026]\nworking = [\"2026-02-14\"]\nweekly.sunday = [\"09:00-18:00\"]";
    let found = read("x.toml", closed).map(|_| ()).expect_err("refused").to_string();
    assert!(found.contains("worked like a Monday, but a Monday is closed"), "{found}");
}

fn dates(file: &str, text: &str) -> Vec<Date> {
    let days = holidays::read(file, text).expect("valid");
    assert!(days.dates.values().all(|day| *day == Day::Closed), "{days:?}");
    days.dates.into_keys().collect()
}

fn problems(file: &str, text: &str) -> String {
    holidays::read(file, text).expect_err("refused").to_string()
}

/// An iCalendar file with one event.
fn event(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n")
}

#[test]
fn icalendar_files_are_read_as_other_programs_write_them() {
    let text = "\u{feff}BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Asia/Shanghai\r\nBEGIN:STANDARD\r\n\
        DTSTART:19700101T000000\r\nTZOFFSETFROM:+0800\r\nTZOFFSETTO:+0800\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
        BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20251001\r\nDTEND;VALUE=DATE:20251009\r\n\
        SUMMARY;LANGUAGE=zh;X-A=\"b:c\":国庆\r\n 节\\, 中秋节\r\nBEGIN:VALARM\r\nTRIGGER:-PT15M\r\nDURATION:PT1H\r\n\
        END:VALARM\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nSTATUS:CANCELLED\r\nDTSTART:20251111T090000Z\r\nEND:VEVENT\r\n\
        BEGIN:VTODO\r\nDUE:20251112T090000Z\r\nEND:VTODO\r\n\
        BEGIN:VEVENT\r\nDTSTART;VALUE=DA\r\n\tTE:20251224\r\nDURATION:P2D\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let expected = (1..=8).map(|day| date(2025, 10, day)).chain([date(2025, 12, 24), date(2025, 12, 25)]);
    assert_eq!(dates("cn.ics", text), expected.collect::<Vec<_>>());
    assert_eq!(dates("x.ICS", &event("DTSTART:20260101")), [date(2026, 1, 1)]);
}

/// China's calendars list festivals, too, and mark what is closed and what is worked.
#[test]
fn days_that_are_worked_instead_come_out_of_an_icalendar_file_as_that() {
    let event = |date: &str, lines: &str| format!("BEGIN:VEVENT\nDTSTART:{date}\n{lines}\nEND:VEVENT\n");
    let calendar = |events: &[String]| format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", events.concat());
    let worked = event("20261010", "SUMMARY:国庆节（班）\nX-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY");
    let closed = event("20261001", "DTEND:20261003\nX-APPLE-SPECIAL-DAY:WORK-HOLIDAY");
    let festival = event("20261018", "SUMMARY:重阳节");
    let days = holidays::read("x.ics", &calendar(&[worked, closed, festival])).expect("valid");
    let expected = [
        (date(2026, 10, 1), Day::Closed),
        (date(2026, 10, 2), Day::Closed),
        (date(2026, 10, 10), Day::Worked),
    ];
    assert_eq!(days.dates, expected.into());
    let both = ["ALTERNATE-WORKDAY", "WORK-HOLIDAY"];
    let both = both.map(|mark| event("20261010", &format!("X-APPLE-SPECIAL-DAY:{mark}")));
    let days = holidays::read("x.ics", &calendar(&both)).expect("valid");
    assert_eq!(days.dates, [(date(2026, 10, 10), Day::Worked)].into());
    let found = problems("x.ics", &calendar(&[event("20261010", "SUMMARY:国庆节(班)")]));
    assert!(
        found.starts_with("x.ics:2:1: `国庆节(班)` seems to be worked instead of another day"),
        "{found}"
    );
    let found = problems("x.ics", &calendar(&[event("20261010", "X-APPLE-SPECIAL-DAY:OTHER")]));
    assert!(found.starts_with("x.ics:4:1: `an event`: X-APPLE-SPECIAL-DAY is `OTHER`"), "{found}");
}

#[test]
fn yearly_rules_fall_where_they_should() {
    let check = |lines: &str, from: i16, expected: &[(i16, i8, i8)]| {
        let dates = dates("x.ics", &event(lines));
        let found: Vec<_> = dates
            .iter()
            .map(|date| (date.year(), date.month(), date.day()))
            .filter(|(year, ..)| *year >= from)
            .take(expected.len())
            .collect();
        assert_eq!(found, expected, "{lines}");
    };
    check("DTSTART:20200501\nRRULE:FREQ=YEARLY", 2024, &[(2024, 5, 1), (2025, 5, 1), (2026, 5, 1)]);
    check("DTSTART:20240229\nRRULE:FREQ=YEARLY", 2025, &[(2028, 2, 29), (2032, 2, 29)]);
    check("DTSTART:20200501\nRRULE:FREQ=YEARLY;INTERVAL=4", 2021, &[(2024, 5, 1), (2028, 5, 1)]);
    // Thanksgiving in the United States, the last Monday of May, and Victoria Day: the Monday before 25 May.
    let fourth = "DTSTART:20091126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH";
    check(fourth, 2025, &[(2025, 11, 27), (2026, 11, 26), (2027, 11, 25)]);
    let last = "DTSTART:20100531\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;WKST=SU";
    check(last, 2025, &[(2025, 5, 26), (2026, 5, 25), (2027, 5, 31)]);
    let before = "DTSTART:20240520\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=MO;BYMONTHDAY=18,19,20,21,22,23,24";
    check(before, 2025, &[(2025, 5, 19), (2026, 5, 18), (2027, 5, 24)]);
    check(
        "DTSTART:20240131\nRRULE:FREQ=YEARLY;BYMONTHDAY=-1",
        2024,
        &[(2024, 1, 31), (2024, 2, 29), (2024, 3, 31)],
    );
    check("DTSTART:20240107\nRRULE:FREQ=YEARLY;BYDAY=1SU", 2025, &[(2025, 1, 5), (2026, 1, 4)]);
    check("DTSTART:20241229\nRRULE:FREQ=YEARLY;BYDAY=-1SU", 2025, &[(2025, 12, 28), (2026, 12, 27)]);
    check(
        "DTSTART:20240305\nRRULE:FREQ=YEARLY;BYMONTH=3,9",
        2024,
        &[(2024, 3, 5), (2024, 9, 5), (2025, 3, 5)],
    );
    // Several days a year, some dates more, and one less.
    let more = "DTSTART:20241224\nDTEND:20241226\nRRULE:FREQ=YEARLY;COUNT=3\nRDATE;VALUE=DATE:20240701\nEXDATE:20251224";
    let expected =
        [(2024, 7, 1), (2024, 7, 2), (2024, 12, 24), (2024, 12, 25), (2026, 12, 24), (2026, 12, 25)];
    check(more, 2024, &expected);
    assert_eq!(dates("x.ics", &event(more)).len(), expected.len());
    let until = "DTSTART:20240501\nRRULE:FREQ=YEARLY;UNTIL=20260501T000000Z";
    assert_eq!(dates("x.ics", &event(until)).len(), 3);
    // For ever is to the end of the layout.
    assert_eq!(dates("x.ics", &event("DTSTART:19990501\nRRULE:FREQ=YEARLY")).len(), 102);
}

#[test]
fn what_is_no_holiday_in_an_icalendar_file_is_named_with_its_line() {
    for (lines, expected) in [
        (
            "SUMMARY:Stand-up\nDTSTART;TZID=Asia/Shanghai:20260302T090000",
            "x.ics:5:1: `Stand-up` has a time of day (DTSTART), so it is no holiday (make it an all-day event, or take it",
        ),
        ("SUMMARY:A", "x.ics:3:1: `A` has no DTSTART (say its first day)"),
        ("DTSTART:20260230", "x.ics:4:1: `an event`: DTSTART is `20260230` (write a date: 20251001)"),
        ("DTSTART:2026-02-03", "x.ics:4:1: `an event`: DTSTART is `2026-02-03`"),
        (
            "DTSTART:20260203\nDTEND:20260203",
            "x.ics:5:1: `an event` begins on 2026-02-03 and ends before 2026-02-03",
        ),
        ("DTSTART:20260203\nDTEND:20260203T100000", "x.ics:5:1: `an event` has a time of day (DTEND)"),
        (
            "DTSTART:20260203\nDTEND:20260501",
            "x.ics:4:1: `an event`: a holiday from 2026-02-03 to 2026-04-30 (it must have 1 to 60 days)",
        ),
        (
            "DTSTART:20260203\nDURATION:PT8H",
            "x.ics:5:1: `an event`: DURATION is `PT8H` (write whole days or weeks",
        ),
        (
            "DTSTART:20260203\nRRULE:FREQ=WEEKLY",
            "x.ics:5:1: `an event`: `FREQ=WEEKLY` is not known (FREQ=YEARLY with",
        ),
        ("DTSTART:20260203\nRRULE:INTERVAL=2", "x.ics:5:1: `an event`: `INTERVAL=2` is not yearly"),
        ("DTSTART:20260203\nRRULE:FREQ=YEARLY;BYDAY=9XX", "`BYDAY=9XX` cannot be read"),
        ("DTSTART:20260203\nRRULE:FREQ=YEARLY;BYMONTH=0", "`BYMONTH=0` cannot be read"),
        ("DTSTART:20260203\nRRULE:FREQ=YEARLY;BYDAY=0MO", "`BYDAY=0MO` cannot be read"),
        ("DTSTART:20260203\nRRULE:FREQ=YEARLY;BYSETPOS=1", "`BYSETPOS=1` is not known"),
        (
            "DTSTART:20260203\nRRULE:FREQ=YEARLY;BYMONTH=3",
            "begins on 2026-02-03, which its rule leaves out (let it begin on a date of the rule)",
        ),
        ("DTSTART:20260203\nEXDATE:20260203T000000", "x.ics:5:1: `an event` has a time of day (EXDATE)"),
        ("DTSTART:20260203\nRECURRENCE-ID:20260202", "x.ics:5:1: `an event`: one of its dates was moved"),
        ("DTSTART:20260203\nnonsense", "x.ics:5:1: no `NAME:value` (export it again"),
        ("DTSTART:20260203\nEND:VTODO", "x.ics:5:1: `END:VTODO` does not belong here"),
        ("DTSTART:20260203\nSTATUS:CANCELLED", "x.ics:1:1: it has no all-day event"),
    ] {
        let found = problems("x.ics", &event(lines));
        assert!(found.contains(expected), "{lines}: {found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    }
    assert!(
        problems("x.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260203\n")
            .contains("VEVENT does not end")
    );
    assert!(problems("x.ics", "<html>:no\n").starts_with("x.ics:1:1: `<HTML>:no` does not belong here"));
    let two = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:x\nEND:VEVENT\nEND:VCALENDAR";
    assert_eq!(problems("x.ics", two).lines().count(), 2);
}

#[test]
fn csv_files_list_single_days_or_stretches() {
    let text = "\u{feff}name, date\r\n\"New Year, first day\",2026-01-01\r\n\r\n元旦, 2026-01-02\r\n";
    assert_eq!(dates("x.csv", text), [date(2026, 1, 1), date(2026, 1, 2)]);
    let text = "from,to,name\n2026-02-16,2026-02-18,春节\n2026-05-01,,劳动节\n";
    let expected = [date(2026, 2, 16), date(2026, 2, 17), date(2026, 2, 18), date(2026, 5, 1)];
    assert_eq!(dates("x.csv", text), expected);
    for (text, expected) in [
        (
            "date\n2026-01-01\n\n\n1.2.2026\n",
            "x.csv:5:1: `1.2.2026` is no date (write it as year-month-day: 2025-10-01)",
        ),
        ("date\n2026-01-01T10:00\n", "x.csv:2:1: `2026-01-01T10:00` is no date"),
        ("date,name\n2026-01-01,a,b\n", "x.csv:2:1: 3 fields under 2 columns"),
        ("from,to\n2026-01-02,2026-01-01\n", "x.csv:2:1: ``: a holiday from 2026-01-02 to 2026-01-01"),
        ("date,to\n2026-01-02,2026-01-01\n", "x.csv:1:1: no column, or too many, say when it is"),
        ("name\nA\n", "x.csv:1:1: no column, or too many"),
        ("dat,name\n", "x.csv:1:1: there is no column `dat` (did you mean `date`?)"),
        ("2026-01-01,A\n", "x.csv:1:1: there is no column `2026-01-01` (name the columns in the first line"),
        ("", "x.csv:1:1: no column"),
    ] {
        let found = problems("x.csv", text);
        assert!(found.contains(expected), "{text}: {found}");
    }
    assert_eq!(problems("x.csv", "date\na\nb\n").lines().count(), 2);
}
