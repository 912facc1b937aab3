//! How do the rows of a foreign log become events? The compiled form of a mapping file, and what it makes of a row.
//!
//! A mapping is data; `config` reads it, `docs/mappings.md` describes its language. Ground rules:
//!
//! - A row says only what its own cells and the *earlier* rows of its subject say. A column that is not named in the
//!   mapping is not read, so a column that holds the future cannot leak.
//! - Where a rule asks what changed, rows are put into the order of their row time first ([`RowOrder`]); the order in
//!   the file and rows fed twice then change nothing.
//! - A missing cell says nothing: the value known before stands, a time that is missing makes no event, an attribute
//!   that is missing is left out. A cell that cannot be read is a reject of the event that needs it.
//!
//! ```text
//!   row time   state      becomes = ["Paused"]    leaves = ["Paused"]    changes
//!   08:00      New                                                        yes (nothing was known)
//!   08:05      Paused     yes                                             yes
//!   08:06      ?                                                                 (says nothing)
//!   08:07      Paused
//!   08:09      Active                             yes                     yes
//! ```

mod row;
mod time;

pub use row::{History, Row};
pub use time::{Date, Format, Moment, TimeColumn};

/// A mapping, ready to be used.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// What it is called in messages.
    pub name: String,
    /// How the file is laid out.
    pub layout: Layout,
    /// The columns that are read; everything else refers to them by index.
    pub columns: Vec<Column>,
    /// Texts taken from a column by a rule.
    pub fields: Vec<Field>,
    /// The times of a row.
    pub times: Vec<TimeColumn>,
    /// Who says so.
    pub source: Template,
    /// What a row is about.
    pub subject: Template,
    /// How the rows of a subject follow each other; needed where rules compare rows.
    pub order: Option<RowOrder>,
    /// What rules compare with earlier rows; [`Condition`]s refer to it by index.
    pub tracked: Vec<Slot>,
    /// A row for which all of one of these hold is passed over, as if it were not in the file.
    pub skip: Vec<Vec<Condition>>,
    /// The events a row may make, in the order in which they are made.
    pub rules: Vec<Rule>,
}

/// How a delimited file is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What stands between two cells.
    pub delimiter: u8,
    /// What surrounds a cell that contains the delimiter or a line break; none where quotes are ordinary letters.
    pub quote: Option<u8>,
    /// What stands between the whole and the fraction of a number.
    pub decimal: char,
    /// How many lines stand before the header or the first row.
    pub skip_lines: usize,
    /// Where the names of the columns come from.
    pub header: Header,
}

/// Where the names of the columns come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// From the first line of each file.
    Line,
    /// From the mapping; the file begins with a row.
    Names(Vec<String>),
    /// They are called `1`, `2`, …; the file begins with a row.
    Numbers,
}

/// A column that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the file.
    pub name: String,
    /// The texts that mean that nothing stands there.
    pub missing: Vec<String>,
    /// Whether a file may do without it; it then holds nothing.
    pub optional: bool,
}

/// A text taken from a column: a part of it, looked up in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the mapping.
    pub name: String,
    /// The column.
    pub column: usize,
    /// Only what follows the first occurrence of this counts.
    pub after: Option<String>,
    /// Only what precedes the first occurrence of this counts.
    pub upto: Option<String>,
    /// What the text becomes.
    pub values: Vec<(String, String)>,
    /// What a text becomes that is not among `values`.
    pub otherwise: Otherwise,
}

/// What a text becomes that no table knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Otherwise {
    /// Itself.
    #[default]
    Keep,
    /// Nothing.
    Missing,
    /// A reject.
    Reject,
}

/// Text with slots: `{number}/closed`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(pub Vec<Part>);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Stands as it is.
    Text(String),
    /// Is filled from the row.
    Slot(Slot),
}

/// Something a row can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A cell as it stands in the file.
    Column(usize),
    /// A text taken from a cell.
    Field(usize),
    /// A time, as RFC 3339 in UTC.
    Time(usize),
    /// The time of the event being made.
    EventTime,
    /// The type of the event being made.
    EventType,
    /// The subject of the row.
    EventSubject,
    /// The place of the row among those of its subject that have its instant: `0001`.
    EventOrder,
}

/// How the rows of a subject follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowOrder {
    /// By this time,
    pub time: usize,
    /// then by the number in this column, then by file and line.
    pub sequence: Option<usize>,
}

/// When a row makes an event, and which.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The event's type.
    pub kind: String,
    /// The time at which it happened; a row in which it is missing makes no event.
    pub time: usize,
    /// Unique and stable: the same row read again must give the same.
    pub id: Template,
    /// All of these must hold.
    pub when: Vec<Condition>,
    /// Only the first such event of a subject counts.
    pub once: bool,
    /// What the event carries.
    pub attributes: Vec<(String, Attribute)>,
}

/// Where the value of an attribute comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// Text from the row; left out when a slot is missing.
    Text(Template),
    /// The same for every row.
    Integer(i64),
    /// The same for every row.
    Float(f64),
    /// The same for every row.
    Bool(bool),
    /// A number from the row; left out when it is missing.
    Number(Slot),
    /// The seconds from one time to another; left out when one of them is missing.
    Seconds {
        /// From this time
        from: usize,
        /// to this one.
        to: usize,
    },
}

/// A question to a row. Those that compare speak of `tracked` values, see [`Mapping::tracked`].
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// It is there and one of these.
    Is(Slot, Vec<Pattern>),
    /// It is there and none of these.
    Not(Slot, Vec<Pattern>),
    /// It is there.
    Present(Slot),
    /// It is not there.
    Missing(Slot),
    /// It was one of these before this row.
    Was(usize, Vec<Pattern>),
    /// It is one of these now and was none of them before.
    Becomes(usize, Vec<Pattern>),
    /// It was one of these before and is none of them now.
    Leaves(usize, Vec<Pattern>),
    /// One of them is there and is not what it was.
    Changes(Vec<usize>),
    /// The row is, or is not, the first of its subject.
    First(bool),
}

/// A text, or all texts with a common beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The text.
    pub text: String,
    /// Whether anything may follow.
    pub open: bool,
}

impl Pattern {
    /// Reads `New`, or `Awaiting *`.
    pub fn new(text: &str) -> Pattern {
        match text.strip_suffix('*') {
            Some(start) => Pattern { text: start.into(), open: true },
            None => Pattern { text: text.into(), open: false },
        }
    }

    fn matches(&self, text: &str) -> bool {
        if self.open { text.starts_with(&self.text) } else { text == self.text }
    }
}

impl Condition {
    /// Whether it asks about earlier rows.
    pub fn compares_rows(&self) -> bool {
        use Condition::*;
        matches!(self, Was(..) | Becomes(..) | Leaves(..) | Changes(_) | First(_))
    }
}

impl Mapping {
    /// Whether the rows of a subject must be put into order before events can be made of them.
    pub fn compares_rows(&self) -> bool {
        self.rules.iter().any(|rule| rule.once || rule.when.iter().any(Condition::compares_rows))
    }

    /// Where the columns of the mapping stand in a file with these columns; none for an optional one that is absent.
    /// An error lists those that are lacking.
    pub fn bind(&self, header: &[String]) -> Result<Vec<Option<usize>>, Vec<String>> {
        let place = |column: &Column| match self.layout.header {
            Header::Numbers => column.name.parse::<usize>().ok()?.checked_sub(1),
            _ => find(header, &column.name),
        };
        let at: Vec<Option<usize>> = self.columns.iter().map(place).collect();
        let lacking = |(column, at): (&Column, &Option<usize>)| {
            (at.is_none() && !column.optional).then(|| column.name.clone())
        };
        let lacking: Vec<String> = self.columns.iter().zip(&at).filter_map(lacking).collect();
        if lacking.is_empty() { Ok(at) } else { Err(lacking) }
    }

    /// A cell of column `column` as it counts: without blanks around it, and nothing where it says "missing".
    pub fn cell<'r>(&self, column: usize, text: &'r str) -> Option<&'r str> {
        let text = text.trim();
        let known = !self.columns[column].missing.iter().any(|mark| mark == text);
        known.then_some(text)
    }
}

/// The column with this name; if there is none, the only one that differs in capital letters alone.
fn find(header: &[String], name: &str) -> Option<usize> {
    if let Some(at) = header.iter().position(|known| known == name) {
        return Some(at);
    }
    let name = name.to_lowercase();
    let mut alike = header.iter().enumerate().filter(|(_, known)| known.to_lowercase() == name);
    let (at, _) = alike.next()?;
    alike.next().is_none().then_some(at)
}
