//! Which way should a case go? Reads a file of lifecycles, or says everything that is wrong with it.

use super::policy::{conditions, tests, title};
use super::read::{At, Document, Problems, Table, Value, nearest};
use crate::lifecycle::{Allowed, Lifecycle, LifecycleError, Lifecycles, STATES_MAX, State, Transition, bit};

/// What a lifecycle may say.
pub const LIFECYCLE_KEYS: [&str; 6] = ["name", "title", "clause", "match", "states", "transitions"];

/// What a state may say.
pub const STATE_KEYS: [&str; 5] = ["name", "title", "clause", "end", "needs"];

/// What a transition may say.
pub const TRANSITION_KEYS: [&str; 4] = ["on", "from", "to", "clause"];

/// Reads lifecycles. `file` is the name used in problems.
pub fn read(file: &str, text: &str) -> Result<Lifecycles, Problems> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    root.only(&["lifecycle"]);
    let tables = root.tables("lifecycle");
    if tables.is_empty() && root.get("lifecycle").is_none() {
        root.problem(
            root.place(),
            "there is no lifecycle",
            "add a [[lifecycle]] with states and transitions",
        );
    }
    refuse_twins(&tables, "lifecycle");
    let all: Vec<Option<Lifecycle>> = tables.iter().map(lifecycle).collect();
    document.finish(|| Some(Lifecycles::new(all.into_iter().collect::<Option<Vec<_>>>()?)))?.map_err(
        |error| {
            let remedy = match error {
                LifecycleError::TooManyTransitions(_) => "let one transition come `from` several states",
                LifecycleError::TooManyAttributes => "match by fewer attributes",
            };
            Problems::of_file(file, error.to_string(), remedy)
        },
    )
}

/// Two things of one name cannot be told apart in a report.
fn refuse_twins(tables: &[Table<'_>], what: &str) {
    let names: Vec<At<&str>> = tables.iter().filter_map(|table| table.get("name")?.string()).collect();
    for (n, name) in names.iter().enumerate() {
        if names[..n].iter().any(|before| before.value == name.value) {
            tables[0].problem(
                name.place,
                format!("the {what} `{}` is there twice", name.value),
                "rename one of them, or drop it",
            );
        }
    }
}

fn lifecycle(table: &Table<'_>) -> Option<Lifecycle> {
    table.only(&LIFECYCLE_KEYS);
    let name = table.need("name", "name the lifecycle, for instance \"complaint\"", Value::string);
    let title = title(table);
    let scope = table.table("match").map_or(Some(Vec::new()), |table| tests(&table));
    let remedy = "list the states: states = [{ name = \"received\", title = { … } }, …]";
    let rows = table.need("states", remedy, Value::tables);
    let remedy = "list the transitions: transitions = [{ on = \"ticket.received\", to = \"received\" }, …]";
    let moves = table.need("transitions", remedy, Value::tables);
    let (rows, moves) = (rows?, moves?);
    if rows.len() > STATES_MAX {
        let what = format!("{} states", rows.len());
        table.problem(rows[0].place(), what, format!("a lifecycle may have {STATES_MAX}: split it"));
        return None;
    }
    refuse_twins(&rows, "state");
    let names = Names(rows.iter().map(|row| row.get("name")?.string().map(|name| name.value)).collect());
    let states: Vec<Option<State>> = rows.iter().map(|row| state(row, &names)).collect();
    // What is wrong with one state is no reason to be silent about the transitions: they need the names only.
    let ends = rows.iter().zip(0u8..).filter(|(row, _)| is_end(row)).fold(0, |ends, (_, n)| ends | bit(n));
    let known = (0..rows.len() as u8).fold(0, |known, n| known | bit(n));
    let transitions: Vec<Option<Transition>> =
        moves.iter().map(|table| transition(table, &names, known & !ends)).collect();
    let transitions = transitions.into_iter().collect::<Option<Vec<_>>>()?;
    refuse_dead_ways(table, &rows, &transitions, ends);
    Some(Lifecycle {
        name: name?.value.into(),
        title: title?,
        clause: clause(table),
        scope: scope?,
        states: states.into_iter().collect::<Option<Vec<_>>>()?,
        transitions,
    })
}

fn clause(table: &Table<'_>) -> String {
    table.string("clause").map_or("", |clause| clause.value).to_owned()
}

fn is_end(row: &Table<'_>) -> bool {
    row.get("end").and_then(Value::bool).is_some_and(|end| end.value)
}

/// The names of the states, by number; `None` where one has none.
struct Names<'d>(Vec<Option<&'d str>>);

impl Names<'_> {
    fn find(&self, value: Value<'_>) -> Option<u8> {
        let name = value.clone().string()?.value;
        let found = self.0.iter().position(|known| *known == Some(name));
        if found.is_none() {
            let remedy = match nearest(name, self.0.iter().copied().flatten()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add it to `states`".to_owned(),
            };
            value.problem(format!("there is no state `{name}`"), remedy);
        }
        found.map(|at| at as u8)
    }

    /// Several states, a bit each.
    fn find_all(&self, value: &Value<'_>) -> Option<u64> {
        let found: Vec<Option<u8>> = value.list().into_iter().map(|one| self.find(one)).collect();
        found.into_iter().try_fold(0, |all, one| Some(all | bit(one?)))
    }
}

fn state(row: &Table<'_>, names: &Names<'_>) -> Option<State> {
    row.only(&STATE_KEYS);
    let name = row.need("name", "name the state, for instance \"received\"", Value::string);
    let title = title(row);
    let is_end = is_end(row);
    let needs = match row.get("needs") {
        None => Some(0),
        Some(value) if !is_end => {
            value.problem("steps are needed before an end only", "add `end = true`, or drop `needs`");
            None
        }
        Some(value) => names.find_all(&value),
    };
    Some(State {
        name: name?.value.into(),
        title: title?,
        clause: clause(row),
        end: is_end.then_some(needs?),
    })
}

/// `open`: the states that are no ends, a bit each.
fn transition(table: &Table<'_>, names: &Names<'_>, open: u64) -> Option<Transition> {
    table.only(&TRANSITION_KEYS);
    let on = table.need("on", "say which event it is: on = \"ticket.received\"", conditions);
    let from = match table.get("from") {
        None => Some(Allowed::AtBeginning),
        Some(value) if value.list().iter().any(is_star) => Some(Allowed::In(open)),
        Some(value) => names.find_all(&value).map(Allowed::In),
    };
    let to = match table.get("to") {
        Some(value) => names.find(value).map(Some),
        None if table.get("from").is_some() => Some(None),
        None => {
            let remedy = "add `to`, where it leads, or `from`, where it is allowed";
            table.problem(table.place(), "the transition begins nowhere and leads nowhere", remedy);
            None
        }
    };
    Some(Transition { on: on?, from: from?, to: to?, clause: clause(table) })
}

fn is_star(value: &Value<'_>) -> bool {
    value.kind() == super::read::Kind::Text && value.clone().string().is_some_and(|text| text.value == "*")
}

/// Each state must be reached, and be left or be an end; the lifecycle must begin.
fn refuse_dead_ways(table: &Table<'_>, rows: &[Table<'_>], transitions: &[Transition], ends: u64) {
    if !transitions.iter().any(|one| one.from == Allowed::AtBeginning) {
        let remedy = "let one of the transitions have no `from`: it begins the lifecycle";
        table.problem(table.place(), "no transition begins the lifecycle", remedy);
    }
    for (row, n) in rows.iter().zip(0u8..) {
        let name = row.get("name").and_then(Value::string).map_or("", |name| name.value);
        let leads_out = |one: &Transition| {
            let comes_from = matches!(one.from, Allowed::In(states) if states & bit(n) != 0);
            comes_from && one.to.is_some_and(|to| to != n)
        };
        if !transitions.iter().any(|one| one.to == Some(n)) {
            let remedy = "add a transition that leads to it, or drop the state";
            row.problem(row.place(), format!("nothing leads to the state `{name}`"), remedy);
        } else if ends & bit(n) == 0 && !transitions.iter().any(leads_out) {
            let remedy = "add a transition that leads on, or say `end = true`";
            row.problem(
                row.place(),
                format!("the state `{name}` is no end, and nothing leads out of it"),
                remedy,
            );
        }
    }
}
