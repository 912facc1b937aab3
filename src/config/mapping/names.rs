//! What does a name in a mapping mean? A field, else a time, else a column of the file.

use crate::config::read::{At, Place, Table, Value, nearest};
use crate::source::mapping::{Column, Field, Otherwise, Part, Slot, Template, TimeColumn};

/// Everything that has a name, as far as it has been read.
#[derive(Default)]
pub(super) struct Names {
    pub columns: Vec<Column>,
    /// Where each column was first spoken of.
    pub column_places: Vec<Place>,
    pub fields: Vec<Field>,
    pub times: Vec<TimeColumn>,
    pub tracked: Vec<Slot>,
    pub missing: Vec<String>,
    pub missing_in: Vec<(String, Vec<String>, Place)>,
    pub optional: Vec<(String, Place)>,
    /// Times that are named and could not be read: whoever speaks of them is right.
    pub broken_times: Vec<String>,
}

impl Names {
    /// The column's index; it is read from now on.
    pub fn column(&mut self, name: At<&str>) -> usize {
        if let Some(at) = self.columns.iter().position(|column| column.name == name.value) {
            return at;
        }
        let own = self.missing_in.iter().filter(|(column, ..)| column == name.value);
        // Nothing in a cell is nothing there, whatever else is.
        let mut missing = vec![String::new()];
        missing.extend(self.missing.iter().cloned());
        missing.extend(own.flat_map(|(_, marks, _)| marks.iter().cloned()));
        let optional = self.optional.iter().any(|(column, _)| column == name.value);
        self.columns.push(Column { name: name.value.to_owned(), missing, optional });
        self.column_places.push(name.place);
        self.columns.len() - 1
    }

    /// What a name means.
    pub fn slot(&mut self, name: At<&str>) -> Slot {
        if let Some(at) = self.fields.iter().position(|field| field.name == name.value) {
            return Slot::Field(at);
        }
        if let Some(at) = self.times.iter().position(|time| time.name == name.value) {
            return Slot::Time(at);
        }
        Slot::Column(self.column(name))
    }

    /// The index of a time, which must be one of `[times]`.
    pub fn time(&self, table: &Table<'_>, name: At<&str>) -> Option<usize> {
        let found = self.times.iter().position(|time| time.name == name.value);
        if found.is_none() && !self.broken_times.iter().any(|broken| broken == name.value) {
            let known = || self.times.iter().map(|time| time.name.as_str());
            let remedy = match nearest(name.value, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("times are: {}", known().collect::<Vec<_>>().join(", ")),
            };
            table.problem(name.place, format!("`{}` is not a time of [times]", name.value), remedy);
        }
        found
    }

    /// The index under which a history remembers this.
    pub fn track(&mut self, slot: Slot) -> usize {
        self.tracked.iter().position(|known| *known == slot).unwrap_or_else(|| {
            self.tracked.push(slot);
            self.tracked.len() - 1
        })
    }

    /// Reads `{number}/closed`; slots of the event itself only where there is one.
    pub fn template(&mut self, table: &Table<'_>, text: At<&str>, in_event: bool) -> Option<Template> {
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text.value);
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..at + 1];
            rest = &rest[at + 1..];
            if rest.starts_with(brace) {
                literal.push_str(brace);
                rest = &rest[1..];
                continue;
            }
            let slot = rest.split_once('}').filter(|(name, _)| brace == "{" && !name.trim().is_empty());
            let Some((name, after)) = slot else {
                let remedy = "write {name} for a column, a field or a time, and {{ or }} for a brace";
                table.problem(
                    text.place,
                    format!("`{}` has a brace that is not closed or opened", text.value),
                    remedy,
                );
                return None;
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Slot(self.event_slot(
                table,
                At { value: name.trim(), place: text.place },
                in_event,
            )?));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() || parts.is_empty() {
            parts.push(Part::Text(literal));
        }
        Some(Template(parts))
    }

    fn event_slot(&mut self, table: &Table<'_>, name: At<&str>, in_event: bool) -> Option<Slot> {
        let slot = match name.value {
            "event.time" => Slot::EventTime,
            "event.type" => Slot::EventType,
            "event.subject" => Slot::EventSubject,
            "event.order" => Slot::EventOrder,
            _ => return Some(self.slot(name)),
        };
        if !in_event {
            let what = format!("`{{{}}}` stands where no event is made", name.value);
            table.problem(name.place, what, "use a column, a field or a time");
            return None;
        }
        Some(slot)
    }

    /// Reads `[fields]`.
    pub fn read_fields(&mut self, root: &Table<'_>) {
        let Some(table) = root.table("fields") else { return };
        for (name, value) in table.entries() {
            let Some(field) = value.table() else { continue };
            field.only(&["column", "after", "upto", "values", "otherwise"]);
            let column = field.need("column", "name the column it is taken from", Value::string);
            let Some(column) = column.map(|column| self.column(column)) else { continue };
            let words =
                [("keep", Otherwise::Keep), ("missing", Otherwise::Missing), ("reject", Otherwise::Reject)];
            let read = Field {
                name: name.value.to_owned(),
                column,
                after: mark(&field, "after"),
                upto: mark(&field, "upto"),
                values: values(&field),
                otherwise: field.choice("otherwise", &words).map_or(Otherwise::Keep, |word| word.value),
            };
            if read.otherwise != Otherwise::Keep && read.values.is_empty() {
                field.problem(
                    field.place(),
                    format!("field `{}` has no `values`", name.value),
                    "add values = { \"written\" = \"meant\" }",
                );
            }
            self.fields.push(read);
        }
    }
}

fn mark(field: &Table<'_>, key: &str) -> Option<String> {
    let mark = field.string(key)?;
    if mark.value.is_empty() {
        field.problem(mark.place, format!("`{key}` is empty"), "write the text at which to cut");
    }
    Some(mark.value.to_owned())
}

fn values(field: &Table<'_>) -> Vec<(String, String)> {
    let Some(table) = field.table("values") else { return Vec::new() };
    let pair = |(written, meant): (At<&str>, Value<'_>)| {
        Some((written.value.to_owned(), meant.string()?.value.to_owned()))
    };
    table.entries().into_iter().filter_map(pair).collect()
}
