//! Which holidays does a CSV file list? A line that names the columns (`date` or `from`, `to`; `name`), then one holiday
//! a line.

use jiff::civil::Date;

use super::holidays::{Day, Holiday};
use super::read_date;
use crate::config::read::{Problem, Problems, nearest};

const COLUMNS: [&str; 4] = ["date", "from", "to", "name"];

/// Which column says what.
struct Columns {
    from: usize,
    to: Option<usize>,
    name: Option<usize>,
}

/// Reads the file. All problems are told at once, each with its line.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Holiday>, Problems> {
    // Spreadsheets begin files with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let columns =
        columns(&header).map_err(|(what, remedy)| Problems(vec![Problem::of_line(file, 1, what, remedy)]))?;
    let (mut holidays, mut problems) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let read = record.map_err(|error| (1, error.to_string(), "see RFC 4180")).and_then(|record| {
            let line = line(text, record.position().map_or(0, |position| position.byte() as usize));
            holiday(&record, &columns, header.len(), line).map_err(|(what, remedy)| (line, what, remedy))
        });
        match read {
            Ok(holiday) => holidays.push(holiday),
            Err((line, what, remedy)) => problems.push(Problem::of_line(file, line, what, remedy)),
        }
    }
    if problems.is_empty() { Ok(holidays) } else { Err(Problems(problems)) }
}

/// The line of a record. The reader's position is that of the empty lines before it.
fn line(text: &str, byte: usize) -> usize {
    let rest = text.get(byte..).unwrap_or_default();
    let begin = text.len() - rest.trim_start_matches(['\r', '\n']).len();
    1 + text[..begin].matches('\n').count()
}

fn columns(header: &csv::StringRecord) -> Result<Columns, (String, String)> {
    for name in header {
        if !COLUMNS.contains(&name) {
            let remedy = match nearest(name, COLUMNS.into_iter()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name the columns in the first line: date,name or from,to,name".to_owned(),
            };
            return Err((format!("there is no column `{name}`"), remedy));
        }
    }
    let column = |wanted: &str| header.iter().position(|name| name == wanted);
    match (column("date"), column("from")) {
        (Some(from), None) if column("to").is_none() => Ok(Columns { from, to: None, name: column("name") }),
        (None, Some(from)) => Ok(Columns { from, to: column("to"), name: column("name") }),
        _ => Err((
            "no column, or too many, say when it is".into(),
            "name either `date`, or `from` and `to`".into(),
        )),
    }
}

fn holiday(
    record: &csv::StringRecord,
    columns: &Columns,
    width: usize,
    line: usize,
) -> Result<Holiday, (String, &'static str)> {
    if record.len() != width {
        let what = format!("{} fields under {width} columns", record.len());
        return Err((what, "give every column a field, and put quotes around a name with commas"));
    }
    let day = |column: usize| -> Result<Date, (String, &'static str)> {
        let text = &record[column];
        let wrong = || (format!("`{text}` is no date"), "write it as year-month-day: 2025-10-01");
        read_date(text).ok_or_else(wrong)
    };
    let from = day(columns.from)?;
    let to = match columns.to {
        Some(column) if !record[column].is_empty() => day(column)?,
        _ => from,
    };
    let name = columns.name.map_or("", |column| &record[column]).to_owned();
    Ok(Holiday { line, name, from, to, day: Day::Closed })
}
