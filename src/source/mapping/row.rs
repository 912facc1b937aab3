//! What does one row say? Its texts, its times, the conditions that hold, and the events it makes.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::{Attribute, Condition, Field, Mapping, Moment, Otherwise, Part, Pattern, Rule, Slot, Template};
use crate::event::{Attributes, Event, NAME_BYTES_MAX, Reason, Value};
use crate::time::Time;

/// A row of the file, with the cells its mapping reads.
pub struct Row<'r> {
    mapping: &'r Mapping,
    cells: &'r [Option<&'r str>],
    /// Times are read when first asked for, and once.
    moments: Vec<OnceCell<Result<Option<Moment>, Reason>>>,
}

/// What the earlier rows of a subject said.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Of each tracked value, what it was last known to be.
    known: Vec<Option<String>>,
    /// Which rules have made their event, of those that may do so once.
    made: Vec<bool>,
    /// Whether there was a row.
    begun: bool,
    /// How many rows of the subject with the instant of the one being read came before it.
    before: usize,
}

/// The event being made, as far as its templates may speak of it.
#[derive(Clone, Copy)]
struct About<'r> {
    subject: &'r str,
    kind: &'r str,
    time: Time,
    order: usize,
}

impl<'r> Row<'r> {
    /// A row; `cells` are those of the mapping's columns, in their order.
    pub fn new(mapping: &'r Mapping, cells: &'r [Option<&'r str>]) -> Row<'r> {
        assert_eq!(cells.len(), mapping.columns.len(), "a row has one cell for each column that is read");
        Row { mapping, cells, moments: vec![OnceCell::new(); mapping.times.len()] }
    }

    /// A cell.
    pub fn cell(&self, column: usize) -> Option<&'r str> {
        self.cells[column]
    }

    /// A time of the row; nothing where it is missing.
    pub fn moment(&self, time: usize) -> Result<Option<Moment>, Reason> {
        self.moments[time].get_or_init(|| self.mapping.times[time].read(self)).clone()
    }

    /// What the row is about.
    pub fn subject(&self) -> Result<Cow<'r, str>, Reason> {
        named("subject", self.fill(&self.mapping.subject, None)?)
    }

    /// Whether the mapping passes the row over.
    pub fn skipped(&self) -> Result<bool, Reason> {
        let nothing = History::default();
        for all in &self.mapping.skip {
            if self.all_hold(all, &nothing)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where the row stands among the rows of its subject: its time and its number.
    pub fn place_in_order(&self) -> Result<(Time, i64), Reason> {
        let Some(order) = self.mapping.order else {
            return Ok((Time::MIN, 0));
        };
        let Some(moment) = self.moment(order.time)? else {
            let time = &self.mapping.times[order.time];
            return Err(self.bad_column(time.column, time.expected()));
        };
        let Some(column) = order.sequence else {
            return Ok((moment.time, 0));
        };
        match self.cell(column).map(str::parse) {
            None => Ok((moment.time, 0)),
            Some(Ok(number)) => Ok((moment.time, number)),
            Some(Err(_)) => Err(self.bad_column(column, "expected a whole number".into())),
        }
    }

    /// Hands on the events of this row, or why one could not be made (each reason once); `subject` is
    /// [`Row::subject`]. Remembers in `history` what the row said.
    pub fn events(
        &self,
        subject: &str,
        history: &mut History,
        visit: &mut dyn FnMut(Result<Event<'_>, Reason>),
    ) {
        let mut refused: Vec<Reason> = Vec::new();
        for (at, rule) in self.mapping.rules.iter().enumerate() {
            if rule.once && history.made.get(at) == Some(&true) {
                continue;
            }
            match self.event(rule, subject, history) {
                Ok(None) => {}
                Ok(Some(event)) => {
                    visit(Ok(event));
                    if rule.once {
                        history.made.resize(self.mapping.rules.len(), false);
                        history.made[at] = true;
                    }
                }
                Err(reason) if refused.contains(&reason) => {}
                Err(reason) => {
                    visit(Err(reason.clone()));
                    refused.push(reason);
                }
            }
        }
        self.remember(history);
    }

    fn event<'e>(
        &'e self,
        rule: &'e Rule,
        subject: &'e str,
        history: &History,
    ) -> Result<Option<Event<'e>>, Reason> {
        if !self.all_hold(&rule.when, history)? {
            return Ok(None);
        }
        let Some(Moment { time, .. }) = self.moment(rule.time)? else {
            return Ok(None);
        };
        let about = About { subject, kind: &rule.kind, time, order: history.before + 1 };
        let mut attributes = Attributes::default();
        for (name, attribute) in &rule.attributes {
            if let Some(value) = self.value(attribute, about)? {
                attributes.push(name.as_str(), value);
            }
        }
        Ok(Some(Event {
            id: named("id", self.fill(&rule.id, Some(about))?)?,
            source: named("source", self.fill(&self.mapping.source, None)?)?,
            kind: Cow::Borrowed(&rule.kind),
            subject: Cow::Borrowed(subject),
            time,
            attributes,
        }))
    }

    fn value<'e>(&'e self, attribute: &'e Attribute, about: About<'e>) -> Result<Option<Value<'e>>, Reason> {
        Ok(match attribute {
            Attribute::Text(template) => self.fill(template, Some(about))?.map(Value::Text),
            Attribute::Integer(number) => Some(Value::Integer(*number)),
            Attribute::Float(number) => Some(Value::Float(*number)),
            Attribute::Bool(yes) => Some(Value::Bool(*yes)),
            Attribute::Number(slot) => self.number(*slot)?,
            Attribute::Seconds { from, to } => match (self.moment(*from)?, self.moment(*to)?) {
                (Some(from), Some(to)) => {
                    let ms = (to.time - from.time).millis();
                    let whole = ms % 1_000 == 0;
                    Some(if whole { Value::Integer(ms / 1_000) } else { Value::Float(ms as f64 / 1_000.0) })
                }
                _ => None,
            },
        })
    }

    /// A number, whole where it is written without a fraction.
    fn number(&self, slot: Slot) -> Result<Option<Value<'static>>, Reason> {
        let Some(text) = self.plain(slot)? else { return Ok(None) };
        if let Ok(whole) = text.parse() {
            return Ok(Some(Value::Integer(whole)));
        }
        let column = match slot {
            Slot::Field(field) => self.mapping.fields[field].column,
            Slot::Column(column) => column,
            _ => return Ok(None),
        };
        let mark = self.decimal_mark();
        let read = super::time::number(text, mark).map(Value::Float);
        read.map(Some).ok_or_else(|| self.bad_column(column, format!("expected a number such as 4{mark}5")))
    }

    /// What stands between the whole and the fraction of a number.
    pub(super) fn decimal_mark(&self) -> char {
        self.mapping.layout.decimal
    }

    /// Fills a template; nothing when a slot is missing.
    fn fill<'e>(
        &self,
        template: &'e Template,
        about: Option<About<'e>>,
    ) -> Result<Option<Cow<'e, str>>, Reason>
    where
        'r: 'e,
    {
        match template.0.as_slice() {
            [Part::Text(text)] => return Ok(Some(Cow::Borrowed(text))),
            [Part::Slot(slot)] => return self.text(*slot, about),
            _ => {}
        }
        let mut filled = String::new();
        for part in &template.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Slot(slot) => match self.text(*slot, about)? {
                    Some(text) => filled.push_str(&text),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(Cow::Owned(filled)))
    }

    fn text<'e>(&self, slot: Slot, about: Option<About<'e>>) -> Result<Option<Cow<'e, str>>, Reason>
    where
        'r: 'e,
    {
        Ok(match slot {
            Slot::Column(column) => self.cell(column).map(Cow::Borrowed),
            Slot::Field(field) => self.field(&self.mapping.fields[field])?.map(Cow::Borrowed),
            Slot::Time(time) => self.moment(time)?.map(|moment| Cow::Owned(moment.time.to_string())),
            Slot::EventTime => about.map(|about| Cow::Owned(about.time.to_string())),
            Slot::EventType => about.map(|about| Cow::Borrowed(about.kind)),
            Slot::EventSubject => about.map(|about| Cow::Borrowed(about.subject)),
            Slot::EventOrder => about.map(|about| Cow::Owned(format!("{:04}", about.order))),
        })
    }

    fn field(&self, field: &'r Field) -> Result<Option<&'r str>, Reason> {
        let Some(mut text) = self.cell(field.column) else {
            return Ok(None);
        };
        if let Some((_, rest)) = field.after.as_ref().and_then(|mark| text.split_once(mark)) {
            text = rest;
        }
        if let Some((start, _)) = field.upto.as_ref().and_then(|mark| text.split_once(mark)) {
            text = start;
        }
        let text = text.trim();
        if let Some((_, value)) = field.values.iter().find(|(written, _)| written == text) {
            return Ok(Some(value));
        }
        match field.otherwise {
            Otherwise::Keep => Ok(Some(text).filter(|text| !text.is_empty())),
            Otherwise::Missing => Ok(None),
            Otherwise::Reject => {
                let known: Vec<&str> = field.values.iter().map(|(written, _)| written.as_str()).collect();
                Err(self.bad_column(field.column, format!("expected one of: {}", known.join(", "))))
            }
        }
    }

    /// What conditions look at; times are looked at by whether they are there.
    fn plain(&self, slot: Slot) -> Result<Option<&'r str>, Reason> {
        match slot {
            Slot::Column(column) => Ok(self.cell(column)),
            Slot::Field(field) => self.field(&self.mapping.fields[field]),
            Slot::Time(time) => Ok(self.moment(time)?.map(|_| "")),
            Slot::EventTime | Slot::EventType | Slot::EventSubject | Slot::EventOrder => Ok(None),
        }
    }

    fn all_hold(&self, conditions: &[Condition], history: &History) -> Result<bool, Reason> {
        for condition in conditions {
            if !self.holds(condition, history)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn holds(&self, condition: &Condition, history: &History) -> Result<bool, Reason> {
        let now = |tracked: &usize| self.plain(self.mapping.tracked[*tracked]);
        Ok(match condition {
            Condition::Is(slot, of) => self.plain(*slot)?.is_some_and(|text| among(of, text)),
            Condition::Not(slot, of) => self.plain(*slot)?.is_some_and(|text| !among(of, text)),
            Condition::Present(slot) => self.plain(*slot)?.is_some(),
            Condition::Missing(slot) => self.plain(*slot)?.is_none(),
            Condition::Was(tracked, of) => history.known(*tracked).is_some_and(|text| among(of, text)),
            Condition::Becomes(tracked, of) => {
                let before = history.known(*tracked).is_some_and(|text| among(of, text));
                !before && now(tracked)?.is_some_and(|text| among(of, text))
            }
            Condition::Leaves(tracked, of) => {
                let before = history.known(*tracked).is_some_and(|text| among(of, text));
                before && now(tracked)?.is_some_and(|text| !among(of, text))
            }
            Condition::Changes(any) => {
                let mut changed = false;
                for tracked in any {
                    changed |= now(tracked)?.is_some_and(|text| history.known(*tracked) != Some(text));
                }
                changed
            }
            Condition::First(first) => *first != history.begun,
        })
    }

    fn remember(&self, history: &mut History) {
        history.begun = true;
        history.known.resize(self.mapping.tracked.len(), None);
        for (slot, known) in self.mapping.tracked.iter().zip(&mut history.known) {
            // A cell that cannot be read was rejected by the rule that asked for it; it says nothing here.
            match self.plain(*slot) {
                Ok(Some(text)) if known.as_deref() != Some(text) => *known = Some(text.to_owned()),
                _ => {}
            }
        }
    }

    /// The reject for a cell that is not what it should be.
    pub(super) fn bad_column(&self, column: usize, expected: String) -> Reason {
        let text: String = self.cell(column).unwrap_or_default().chars().take(64).collect();
        Reason::BadColumn { column: self.mapping.columns[column].name.clone(), text, expected }
    }
}

impl History {
    /// Says how many rows of the subject with the instant of the next one came before it.
    pub fn follows(&mut self, rows_before: usize) {
        self.before = rows_before;
    }

    fn known(&self, tracked: usize) -> Option<&str> {
        self.known.get(tracked)?.as_deref()
    }
}

fn among(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

/// The same limits the decoder sets.
fn named<'a>(field: &'static str, text: Option<Cow<'a, str>>) -> Result<Cow<'a, str>, Reason> {
    match text {
        Some(text) if text.len() > NAME_BYTES_MAX => Err(Reason::TooLong(field)),
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(Reason::MissingField(field)),
    }
}
