//! Mapping files: what is accepted, and what is said of those that are not.

use super::*;

const GOOD: &str = "source = \"/s\"\nsubject = \"{case}\"\n[times]\nat = { column = \"at\", format = \"rfc3339\" }\n\
                    [[event]]\ntype = \"ticket.opened\"\ntime = \"at\"\n";

/// The problems of `GOOD` with `from` replaced by `to`.
fn changed(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    said(&GOOD.replace(from, to))
}

fn said(text: &str) -> String {
    read("m.toml", text).map_or_else(|problems| problems.to_string(), |_| String::new())
}

#[test]
fn mappings_that_come_with_the_program_are_valid() {
    for (name, _) in BUILT_IN {
        match load(name) {
            Ok(mapping) => assert_eq!(mapping.name, name),
            Err(problems) => panic!("{problems}"),
        }
    }
    let missing = load("nowhere/none.toml").expect_err("is not there").to_string();
    assert!(missing.starts_with("nowhere/none.toml: cannot be read"), "{missing}");
    assert!(missing.ends_with("or one of the shipped: call_log, feedback_log, incident_log)"), "{missing}");
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = "subjet = \"{case}\"\nsource = \"/s\"\n[input]\ndelimiter = \";;\"\nmissing_in = { cas = [\"-\"] }\n[times]\n\
                opened = { column = \"o\", format = \"%d/%m %H:%M\", zone = \"UTC\" }\n\
                closed = { column = \"c\", format = \"%d/%m/%Y\", zone = \"Europe/Belin\" }\n\
                at = { column = \"at\", format = \"rfc3339\" }\n\
                [[event]]\ntype = \"a.b\"\ntime = \"atte\"\nwhen = { colum = \"x\", becomes = \"y\" }\n\
                [[event]]\ntime = \"at\"\nid = \"{case\"\n";
    let expected = [
        "m.toml:1:1: unknown key `subjet` (did you mean `subject`?)",
        "m.toml:1:1: `subject` is missing (say what a row is about, such as \"{number}\")",
        "m.toml:4:13: `input.delimiter` is `;;` (write one ASCII letter, such as \",\", \";\" or \"\\t\")",
        "m.toml:5:16: no event reads the column `cas` (remove it)",
        "m.toml:7:35: `%d/%m %H:%M` says no full date (it needs year, month and day, or a `date` column beside it)",
        "m.toml:8:54: there is no time zone `Europe/Belin` (did you mean `Europe/Berlin`?)",
        "m.toml:12:8: `atte` is not a time of [times] (times are: at)",
        "m.toml:13:8: `becomes` needs a `column` (name the column or field it asks)",
        "m.toml:13:10: unknown key `event[0].when.colum` (did you mean `column`?)",
        "m.toml:14:1: `event[1].type` is missing (say what happened, such as \"ticket.closed\")",
        "m.toml:16:6: `{case` has a brace that is not closed or opened (write {name} for a column, a field or a time, \
         and {{ or }} for a brace)",
    ];
    let found = said(text);
    for (found, expected) in found.lines().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.len(), "{found}");
}

#[test]
fn each_mistake_has_its_remedy() {
    assert_eq!(said(GOOD), "");
    let check = |from: &str, to: &str, expected: &str| {
        let found = changed(from, to);
        assert!(found.contains(expected), "{from} → {to}\nfound    {found}\nexpected {expected}");
    };
    let rule = "time = \"at\"\n";
    let with = |more: &str| format!("{rule}{more}\n");
    check(rule, &with("when = { first = true }"), "events compare rows, but `rows.order` is missing");
    check(rule, &with("once = true"), "`rows.order` is missing");
    check(rule, &with("id = \"same\""), "`id` is `same` for every event");
    check(rule, &with("when = {}"), "the condition is empty");
    check(rule, &with("when = { column = \"x\" }"), "nothing is asked of `x`");
    check(
        rule,
        &with("when = { column = \"at\", is = \"1\" }"),
        "`at` is a time, and the condition compares text",
    );
    check(rule, &with("attributes = { a = [1] }"), "`event[0].attributes.a` is a list");
    check(
        rule,
        &with("attributes = { a = { seconds_from = \"at\" } }"),
        "`event[0].attributes.a.to` is missing",
    );
    check("{case}", "{event.time}", "`{event.time}` stands where no event is made");
    check("\"rfc3339\"", "\"rfc3393\"", "did you mean `rfc3339`?");
    check("\"rfc3339\"", "\"%Y-%m-%d %k:%!\"", "`%Y-%m-%d %k:%!` is no format of a time");
    check("\"rfc3339\"", "\"%H:%M\", zone = \"UTC\"", "`%H:%M` says no full date");
    check("\"rfc3339\"", "\"spreadsheet\"", "`times.at` has no `zone`");
    check("\"rfc3339\"", "\"rfc3339\", zone = \"UTC\"", "names instants, a zone means nothing");
    check("\"rfc3339\"", "\"rfc3339\", date = \"d\", date_format = \"%F\"", "names the day itself");
    check("\"rfc3339\"", "\"seconds\"", "`times.at` is a length of time, and nothing says from when on");
    check("\"rfc3339\"", "\"seconds\", after = \"at\"", "`at` follows itself");
    check("\"rfc3339\"", "\"rfc3339\", after = \"at\"", "its format is an instant");
    check("\"rfc3339\"", "[]", "`times.at.format` is empty");
    check("\"rfc3339\"", "[\"rfc3339\", \"%F\"]", "`times.at` has no `zone`");
    check("\"rfc3339\"", "[\"rfc3339\", \"%H\"], zone = \"UTC\"", "`%H` says no full date");
    check("\"rfc3339\"", "\"rfc3339\", words = { \"\" = \"x\" }", "an empty word");
    check(rule, &with("attributes = { a = { number = \"at\" } }"), "`at` is a time");
    check("\"rfc3339\"", "\"%H:%M\", date = \"d\", zone = \"UTC\"", "has a `date` but no `date_format`");
    check(
        "\"rfc3339\"",
        "\"rfc3339\", rolls_over = { after = \"at\" }",
        "stands at a time that has a day of its own",
    );
    let split =
        "\"%H:%M\", date = \"d\", date_format = \"%F\", zone = \"UTC\", rolls_over = { after = \"at\" }";
    check("\"rfc3339\"", split, "`at` follows itself");
}

#[test]
fn each_mistake_in_the_layout_has_its_remedy() {
    let check = |from: &str, to: &str, expected: &str| {
        let found = changed(from, to);
        assert!(found.contains(expected), "{from} → {to}\nfound    {found}\nexpected {expected}");
    };
    let input = |more: &str| format!("[input]\n{more}\n[times]");
    check(
        "[times]",
        &input("columns = [\"at\", \"cases\"]"),
        "`case` is not among `input.columns` (did you mean `cases`?)",
    );
    check("[times]", &input("skip_lines = -1"), "write how many lines stand before the header, 0 to 100");
    check("[times]", &input("decimal = \";\""), "`input.decimal` is `;`");
    check("[times]", &input("header = false"), "`case` is no number of a column");
    check("[times]", &input("header = true\ncolumns = [\"at\"]"), "and `input.header` says the file does");
    check(
        "[times]",
        &input("optional = [\"cass\"]"),
        "no event reads the column `cass` (did you mean `case`?)",
    );
    check("[times]", "[rows]\nskip = { first = true }\n[times]", "`rows.skip` compares rows");
    check("[times]", "[rows]\norder = \"a\"\n[times]", "`a` is not a time of [times]");
    check(
        "[times]",
        "[fields]\nf = { column = \"x\", otherwise = \"reject\" }\n[times]",
        "field `f` has no `values`",
    );
    assert!(said("source = \"/s\"\nsubject = \"x\"\n").contains("there is no [[event]]"));
}

#[test]
fn formats_that_people_write_are_accepted() {
    for format in [
        "%d/%m/%Y %H:%M",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%b %d, %Y %I:%M %p",
        "%d.%m.%y",
        "%F %T",
        "%s",
        "%d/%b/%Y:%T %z",
    ] {
        assert_eq!(changed("\"rfc3339\"", &format!("\"{format}\"{}", zone(format))), "", "{format}");
    }
}

fn zone(format: &str) -> &'static str {
    if format.contains("%z") || format.contains("%s") { "" } else { ", zone = \"Asia/Shanghai\"" }
}
