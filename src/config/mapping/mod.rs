//! What does a mapping file say? Reads the language of `docs/mappings.md` into [`source::mapping`](crate::source::mapping).
//!
//! The mappings that come with the program lie in `config/mappings/` and are compiled in; [`load`] finds one by its
//! name, any other by its path. All problems of a file are reported at once.

use crate::config::read::{At, Document, Problems, Table, Value};
use crate::source::mapping::{Column, Condition, Header, Layout, Mapping, Slot, Template};

mod event;
mod names;
mod time;

#[cfg(test)]
mod tests;

use names::Names;

/// The mappings that come with the program: name, text.
pub const BUILT_IN: [(&str, &str); 3] = [
    ("call_log", include_str!("../../../config/mappings/call_log.toml")),
    ("feedback_log", include_str!("../../../config/mappings/feedback_log.toml")),
    ("incident_log", include_str!("../../../config/mappings/incident_log.toml")),
];

/// The mapping with this name or path.
pub fn load(name_or_path: &str) -> Result<Mapping, Problems> {
    let (file, text) = super::find(name_or_path, &BUILT_IN, "mapping")?;
    read(&file, &text)
}

/// Reads the text of a mapping file; `file` is its name in problems, and without folders and ending the mapping's.
pub fn read(file: &str, text: &str) -> Result<Mapping, Problems> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    root.only(&["about", "source", "subject", "input", "times", "fields", "rows", "attributes", "event"]);
    root.string("about");
    let input = root.table("input");
    let mut names = Names::default();
    let layout = input.as_ref().map_or(Some(default_layout()), |input| read_layout(input, &mut names));
    names.read_fields(&root);
    time::read(&root, &mut names);
    let source = root.need("source", "say who reports this, such as \"/help-desk\"", Value::string);
    let source = source.and_then(|text| names.template(&root, text, false));
    let subject = root.need("subject", "say what a row is about, such as \"{number}\"", Value::string);
    let subject = subject.and_then(|text| names.template(&root, text, false));
    let (order, skip) = event::read_rows(&root, &mut names);
    let rules = event::read_rules(&root, &mut names);
    let compares = rules.iter().any(|rule| rule.once || rule.when.iter().any(Condition::compares_rows));
    if compares && order.is_none() && root.table("rows").is_none_or(|rows| rows.get("order").is_none()) {
        let remedy = "name the time of the row under [rows]: order = \"updated\"";
        root.problem(root.place(), "events compare rows, but `rows.order` is missing", remedy);
    }
    check_columns(&root, layout.as_ref(), &names);
    document.finish(|| {
        let stem = std::path::Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Some(Mapping {
            name: stem.unwrap_or_else(|| file.into()),
            layout: layout?,
            columns: names.columns,
            fields: names.fields,
            times: names.times,
            source: source?,
            subject: subject?,
            order,
            tracked: names.tracked,
            skip,
            rules,
        })
    })
}

fn default_layout() -> Layout {
    Layout { delimiter: b',', quote: Some(b'"'), decimal: '.', skip_lines: 0, header: Header::Line }
}

fn read_layout(input: &Table<'_>, names: &mut Names) -> Option<Layout> {
    input.only(&[
        "format",
        "delimiter",
        "quote",
        "decimal",
        "skip_lines",
        "header",
        "columns",
        "missing",
        "missing_in",
        "optional",
    ]);
    input.choice("format", &[("csv", ())]);
    if let Some(marks) = input.strings("missing") {
        names.missing = marks.iter().map(|mark| mark.value.to_owned()).collect();
    }
    if let Some(table) = input.table("missing_in") {
        for (column, marks) in table.entries() {
            let marks = marks.strings().unwrap_or_default();
            let marks = marks.iter().map(|mark| mark.value.to_owned()).collect();
            names.missing_in.push((column.value.to_owned(), marks, column.place));
        }
    }
    for column in input.strings("optional").unwrap_or_default() {
        names.optional.push((column.value.to_owned(), column.place));
    }
    let delimiter = byte(input, "delimiter", b',');
    let quote = match input.string("quote") {
        Some(At { value: "", .. }) => None,
        _ => byte(input, "quote", b'"').map(Some)?,
    };
    let decimal = input.choice("decimal", &[(".", '.'), (",", ',')]).map_or('.', |mark| mark.value);
    let skip_lines = read_skip_lines(input);
    Some(Layout { delimiter: delimiter?, quote, decimal, skip_lines, header: read_header(input)? })
}

/// Few lines: they must lie in the first piece of the file that is read.
fn read_skip_lines(input: &Table<'_>) -> usize {
    let Some(lines) = input.integer("skip_lines") else { return 0 };
    usize::try_from(lines.value).ok().filter(|lines| *lines <= 100).unwrap_or_else(|| {
        let what = format!("`input.skip_lines` is {}", lines.value);
        input.problem(lines.place, what, "write how many lines stand before the header, 0 to 100");
        0
    })
}

fn read_header(input: &Table<'_>) -> Option<Header> {
    let header = input.bool("header");
    let columns = input.strings("columns");
    match (header, columns) {
        (Some(At { value: true, place }), Some(_)) => {
            let remedy = "leave out `columns` to read the names from the file, or say `header = false`";
            input.problem(
                place,
                "`input.columns` names the columns, and `input.header` says the file does",
                remedy,
            );
            None
        }
        (_, Some(columns)) => Some(Header::Names(columns.iter().map(|name| name.value.to_owned()).collect())),
        (Some(At { value: false, .. }), None) => Some(Header::Numbers),
        _ => Some(Header::Line),
    }
}

/// A key whose value is one ASCII letter.
fn byte(table: &Table<'_>, key: &str, default: u8) -> Option<u8> {
    let Some(text) = table.string(key) else {
        return Some(default);
    };
    match text.value.as_bytes() {
        [byte] if !matches!(byte, b'\n' | b'\r') => Some(*byte),
        _ => {
            let remedy = "write one ASCII letter, such as \",\", \";\" or \"\\t\"";
            table.problem(text.place, format!("`input.{key}` is `{}`", text.value), remedy);
            None
        }
    }
}

/// Columns that are spoken of under `[input]` but never read, and columns that the mapping's own list lacks.
fn check_columns(root: &Table<'_>, layout: Option<&Layout>, names: &Names) {
    let spoken = names.optional.iter().map(|(name, place)| (name, *place));
    let spoken = spoken.chain(names.missing_in.iter().map(|(name, _, place)| (name, *place)));
    for (name, place) in spoken {
        if !names.columns.iter().any(|column| column.name == *name) {
            let known = names.columns.iter().map(|column| column.name.as_str());
            let remedy = super::read::nearest(name, known)
                .map_or("remove it".to_owned(), |near| format!("did you mean `{near}`?"));
            root.problem(place, format!("no event reads the column `{name}`"), remedy);
        }
    }
    for (Column { name, .. }, place) in names.columns.iter().zip(&names.column_places) {
        match layout.map(|layout| &layout.header) {
            Some(Header::Names(known)) if !known.contains(name) => {
                let remedy = super::read::nearest(name, known.iter().map(String::as_str))
                    .map_or(format!("there are: {}", known.join(", ")), |near| {
                        format!("did you mean `{near}`?")
                    });
                root.problem(*place, format!("`{name}` is not among `input.columns`"), remedy);
            }
            Some(Header::Numbers) if !matches!(name.parse::<usize>(), Ok(1..)) => {
                let remedy = "without a header columns are called 1, 2, …; or name them in `input.columns`";
                root.problem(*place, format!("`{name}` is no number of a column"), remedy);
            }
            _ => {}
        }
    }
}

/// Whether a template has no slot at all.
fn is_constant(template: &Template) -> bool {
    use crate::source::mapping::Part;
    !template.0.iter().any(|part| matches!(part, Part::Slot(_)))
}

/// Whether conditions on text may look at it.
fn is_text(slot: Slot) -> bool {
    matches!(slot, Slot::Column(_) | Slot::Field(_))
}
