//! What cells say: formats, zones, missing marks, layouts, and what becomes of what cannot be read.

use super::*;

/// A mapping with one time and one event.
fn one_time(input: &str, time: &str) -> Arc<Mapping> {
    let text = format!(
        "source = \"/s\"\nsubject = \"{{case}}\"\n[input]\n{input}\n[times]\nat = {{ column = \"at\", {time} }}\n\
         [[event]]\ntype = \"ticket.opened\"\ntime = \"at\"\nattributes = {{ note = \"{{note}}\" }}\n"
    );
    match watchbell::config::mapping::read("m.toml", &text) {
        Ok(mapping) => Arc::new(mapping),
        Err(problems) => panic!("{problems}"),
    }
}

/// The instant a cell names, or `!` and the reject.
fn instant(time: &str, cell: &str) -> String {
    instant_in("", time, cell)
}

/// The same with more under `[input]`.
fn instant_in(input: &str, time: &str, cell: &str) -> String {
    let file = file(&format!("case;at;note\nc;{cell};\n"));
    let prepared = prepared(&one_time(&format!("delimiter = \";\"\n{input}"), time), &[file.path()]);
    match (events(&prepared).first(), prepared.rejects.first()) {
        (Some(event), None) => event.time.to_string(),
        (None, Some(reject)) => format!("!{}", reject.reason),
        (None, None) => "nothing".into(),
        (Some(_), Some(reject)) => panic!("both an event and {reject}"),
    }
}

#[test]
fn instants_are_read_as_they_are_written() {
    let berlin = "format = \"%d/%m/%Y %H:%M\", zone = \"Europe/Berlin\"";
    for (time, cell, expected) in [
        (berlin, "29/2/2016 01:16", "2016-02-29T00:16:00Z"),
        (berlin, "  01/07/2016 1:16 ", "2016-06-30T23:16:00Z"),
        (berlin, "29/3/2026 02:30", "2026-03-29T01:30:00Z"), // never shown: an hour later
        (berlin, "25/10/2026 02:30", "2026-10-25T00:30:00Z"), // shown twice: the first
        (berlin, "", "nothing"),
        (
            berlin,
            "31/2/2016 01:16",
            "!column `at` is `31/2/2016 01:16`: expected a time written as `%d/%m/%Y %H:%M`",
        ),
        (
            berlin,
            "29/2/2016 01:16 CET",
            "!column `at` is `29/2/2016 01:16 CET`: expected a time written as `%d/%m/%Y %H:%M`",
        ),
        (berlin, "29/2/1916 01:16", "!column `at` is `29/2/1916 01:16`: lies outside the years 1970 to 2099"),
        ("format = \"%m/%d/%Y\", zone = \"UTC\"", "2/29/2016", "2016-02-29T00:00:00Z"),
        ("format = \"%d/%b/%Y:%H:%M:%S %z\"", "10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36Z"),
        (
            "format = \"%d/%b/%Y:%H:%M:%S %z\"",
            "10/Oct/2000",
            "!column `at` is `10/Oct/2000`: expected a time written as `%d/%b/%Y:%H:%M:%S %z`",
        ),
        ("format = \"rfc3339\"", "2026-03-01T08:00:00+08:00", "2026-03-01T00:00:00Z"),
        (
            "format = \"rfc3339\"",
            "2026-03-01",
            "!column `at` is `2026-03-01`: expected RFC 3339 with an offset, such as 2026-03-01T08:00:00Z",
        ),
        ("format = \"epoch\"", "1456704960", "2016-02-29T00:16:00Z"),
        ("format = \"epoch\"", "1456704960.25", "2016-02-29T00:16:00.25Z"),
        ("format = \"epoch-ms\"", "1456704960250", "2016-02-29T00:16:00.25Z"),
        ("format = \"epoch\"", "soon", "!column `at` is `soon`: expected seconds since 1970"),
        ("format = \"epoch\"", "NaN", "!column `at` is `NaN`: expected seconds since 1970"),
        (
            "format = \"spreadsheet\", zone = \"America/Los_Angeles\"",
            "42059.4832407407",
            "2015-02-24T19:35:52Z",
        ),
        ("format = \"spreadsheet-1904\", zone = \"UTC\"", "40597.5", "2015-02-24T12:00:00Z"),
    ] {
        assert_eq!(instant(time, cell), expected, "{time}: {cell}");
    }
}

/// How exports really write times: mixed formats, other languages, odd blanks, decimal commas, dates that mean a day.
#[test]
fn quirks_of_exports_are_read() {
    let mixed = "format = [\"%d/%m/%Y %H:%M:%S\", \"%d/%m/%Y %H:%M\", \"%d/%m/%Y\", \"rfc3339\"], zone = \"Europe/Berlin\"";
    let promised = format!("{mixed}, end_of_day = true");
    let german = "format = \"%d. %b %Y %H:%M\", zone = \"Europe/Berlin\", words = { \"Mrz\" = \"Mar\", \"Mai\" = \"May\" }";
    let chinese = "format = \"%Y年%m月%d日 %p%I:%M\", zone = \"Asia/Shanghai\", words = { \"上午\" = \"AM\", \"下午\" = \"PM\" }";
    let twelve = "format = \"%m/%d/%y, %I:%M %p\", zone = \"UTC\"";
    let days = "format = \"spreadsheet\", zone = \"Europe/Berlin\"";
    let comma = format!("{days}, end_of_day = true");
    for (time, cell, expected) in [
        (mixed, "1/3/2026 8:05:30", "2026-03-01T07:05:30Z"),
        (mixed, "01/03/2026 08:05", "2026-03-01T07:05:00Z"),
        (mixed, "1/3/2026", "2026-02-28T23:00:00Z"),
        (mixed, "2026-03-01T08:05:00Z", "2026-03-01T08:05:00Z"),
        (
            mixed,
            "soon",
            "!column `at` is `soon`: expected a time written as `%d/%m/%Y %H:%M:%S`, or a time written as `%d/%m/%Y %H:%M`, or \
             a time written as `%d/%m/%Y`, or RFC 3339 with an offset, such as 2026-03-01T08:00:00Z",
        ),
        (&promised, "28/3/2026", "2026-03-28T23:00:00Z"), // the day after has 23 hours
        (&promised, "28/3/2026 0:00", "2026-03-27T23:00:00Z"),
        (&promised, "31/12/2099", "2099-12-31T23:00:00Z"),
        (german, "1. Mrz 2026 8:05", "2026-03-01T07:05:00Z"),
        (
            german,
            "1. mai 2026 8:05",
            "!column `at` is `1. mai 2026 8:05`: expected a time written as `%d. %b %Y %H:%M`",
        ),
        (chinese, "2026年3月1日 下午8:05", "2026-03-01T12:05:00Z"),
        (twelve, "3/1/26, 12:05\u{202f}AM", "2026-03-01T00:05:00Z"),
        (twelve, "03/01/26, 12:05\u{a0}pm", "2026-03-01T12:05:00Z"),
        (days, "46082,3368055556", "2026-03-01T07:05:00Z"),
        (
            days,
            "46082.3368055556",
            "!column `at` is `46082.3368055556`: expected a spreadsheet's day number, counted from 1899-12-30",
        ),
        (&comma, "46109", "2026-03-28T23:00:00Z"),
        (&comma, "46109,5", "2026-03-28T11:00:00Z"),
    ] {
        assert_eq!(instant_in("decimal = \",\"", time, cell), expected, "{time}: {cell}");
    }
}

#[test]
fn lengths_are_counted_from_another_time() {
    let text = |column: &str| {
        format!(
            "source = \"/s\"\nsubject = \"{{call}}\"\n[input]\ndelimiter = \";\"\ndecimal = \",\"\n[times]\ndate = \"day\"\n\
             date_format = \"%F\"\nformat = \"%H:%M\"\nzone = \"Europe/Berlin\"\nbegan = {{ column = \"began\" }}\n\
             ended = {{ column = \"took\", after = \"began\", {column} }}\n[[event]]\ntype = \"call.ended\"\ntime = \"ended\"\n"
        )
    };
    for (format, took, expected) in [
        ("seconds", "75", "2026-03-29T00:31:15Z"),
        ("seconds", "75,5", "2026-03-29T00:31:15.5Z"),
        ("milliseconds", "1500", "2026-03-29T00:30:01.5Z"),
        ("minutes", "45", "2026-03-29T01:15:00Z"), // across the hour that is left out
        ("hours", "346", "2026-04-12T10:30:00Z"),
        ("h:m:s", "1:02:03", "2026-03-29T01:32:03Z"),
        ("h:m:s", "2:03", "2026-03-29T00:32:03Z"),
        ("h:m:s", "30:00:00", "2026-03-30T06:30:00Z"),
        ("seconds", "", "nothing"),
        ("h:m:s", "1:2:3:4", "column `took` is `1:2:3:4`: expected a length of time such as 1:02:03"),
        ("hours", "two", "column `took` is `two`: expected how many times 1h, as a number"),
    ] {
        let mapping = watchbell::config::mapping::read("m.toml", &text(&format!("format = \"{format}\"")));
        let file = file(&format!("call;day;began;took\nc;2026-03-29;1:30;{took}\n"));
        let prepared = prepared(&Arc::new(mapping.expect("valid")), &[file.path()]);
        let found = match (events(&prepared).first(), prepared.rejects.first()) {
            (Some(event), _) => event.time.to_string(),
            (None, Some(reject)) => reject.reason.to_string(),
            (None, None) => "nothing".into(),
        };
        assert_eq!(found, expected, "{format}: {took}");
    }
}

/// Ids are compared as texts, and "10" comes before "9": the later of two changes in one minute did not count.
#[test]
fn rows_of_one_instant_make_events_in_their_order() {
    let text = "source = \"/s\"\nsubject = \"{case}\"\n[times]\nat = { column = \"at\", format = \"epoch\" }\n\
                [rows]\norder = \"at\"\nsequence = \"n\"\n\
                [[event]]\ntype = \"ticket.priority_changed\"\ntime = \"at\"\nwhen = { changes = \"level\" }\n\
                attributes = { priority = \"{level}\" }\n";
    let mapping = Arc::new(watchbell::config::mapping::read("m.toml", text).expect("valid"));
    let seen = read(&mapping, "case,at,n,level\nc,60,10,b\nc,60,9,a\nc,60,10,b\nc,60,11,b\nc,61,12,a\n");
    let found: Vec<(&str, &str)> =
        seen.iter().map(|event| (event.id.as_str(), event.get("priority").unwrap_or("-"))).collect();
    let id = |tail: &str| format!("c/ticket.priority_changed/1970-01-01T00:01:{tail}");
    let ids = [id("00Z/0001"), id("00Z/0002"), id("01Z/0001")];
    assert_eq!(found, [(ids[0].as_str(), "a"), (&ids[1], "b"), (&ids[2], "a")]);
}

#[test]
fn headers_are_found_wherever_they_stand() {
    let at = "format = \"rfc3339\"";
    let row = "2026-03-01T08:00:00Z,c,n\n";
    for (input, header) in [
        ("", "AT,Case,note\n"),
        ("", "at,case,note\n\nat,case,note\n"),
        ("skip_lines = 2", "Report of March\n\"sep=,\"\nat,case,note\n"),
        ("skip_lines = 1\nheader = true", "sep=,\r\nat,case,note,NOTE\nat,case,note,NOTE\n"),
        ("skip_lines = 1\ncolumns = [\"at\", \"case\", \"note\"]", "Report\n"),
    ] {
        let row = if header.contains("NOTE") { "2026-03-01T08:00:00Z,c,n,\n" } else { row };
        let events = read(&one_time(input, at), &format!("{header}{row}"));
        assert_eq!((events.len(), events[0].get("note")), (1, Some("n")), "{header}");
    }
}

#[test]
fn numbers_are_numbers() {
    let text = "source = \"/s\"\nsubject = \"{case}\"\n[input]\ndelimiter = \";\"\ndecimal = \",\"\n[times]\n\
                at = { column = \"at\", format = \"epoch\" }\n[[event]]\ntype = \"feedback.survey\"\ntime = \"at\"\n\
                attributes = { score = { number = \"score\" } }\n";
    let mapping = Arc::new(watchbell::config::mapping::read("m.toml", text).expect("valid"));
    let file = file("case;at;score\na;1;4\nb;2;4,5\nc;3;\nd;4;good\n");
    let prepared = prepared(&mapping, &[file.path()]);
    let scores: Vec<Option<String>> =
        events(&prepared).iter().map(|event| event.get("score").map(str::to_owned)).collect();
    assert_eq!(scores, [Some("4".into()), Some("4.5".into()), None]);
    assert_eq!(
        prepared.rejects[0].reason.to_string(),
        "column `score` is `good`: expected a number such as 4,5"
    );
}

/// The clock is put back from 02:00 to 01:00: a call that began before and ended after must not end before it began.
#[test]
fn a_call_through_the_hour_that_is_shown_twice_does_not_end_before_it_began() {
    let header = "call_id,customer_id,priority,type,date,vru_entry,vru_exit,q_start,q_exit,ser_start,ser_exit,outcome,server";
    let rows = [
        "a,0,0,PS,1999-09-03,1:59:00,1:59:50,1:59:50,1:00:10,1:00:10,1:03:10,AGENT,AVI",
        "b,0,0,PS,1999-09-03,1:10:00,1:10:20,1:10:18,1:10:38,1:10:37,1:40:37,AGENT,AVI",
    ];
    let events = read(&mapping("call_log"), &format!("{header}\n{}\n", rows.join("\n")));
    let found: Vec<(&str, &str, Option<&str>)> = events
        .iter()
        .filter(|event| event.kind != "call.queued")
        .map(|event| (&*event.subject, &*event.kind, event.get("wait_seconds").or(event.get("talk_seconds"))))
        .collect();
    let expected = [
        ("b", "call.answered", Some("20")),
        ("b", "call.ended", Some("1800")),
        ("a", "call.answered", Some("20")),
        ("a", "call.ended", Some("180")),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_time_of_day_belongs_to_the_day_its_row_began() {
    let text = "source = \"/s\"\nsubject = \"{call}\"\n[times]\ndate = \"day\"\ndate_format = \"%Y-%m-%d\"\n\
                format = \"%H:%M:%S\"\nzone = \"UTC\"\nbegan = { column = \"began\" }\n\
                ended = { column = \"ended\", rolls_over = { after = \"began\", tolerance = \"1h\" } }\n\
                [[event]]\ntype = \"call.ended\"\ntime = \"ended\"\n";
    let mapping = Arc::new(watchbell::config::mapping::read("m.toml", text).expect("valid"));
    for (began, ended, expected) in [
        ("23:50:00", "0:10:00", "2026-02-01T00:10:00Z"), // crosses midnight, and the month
        ("08:00:35", "8:00:00", "2026-01-31T08:00:00Z"), // contradicts itself by seconds
        ("08:00:00", "7:00:00", "2026-01-31T07:00:00Z"), // by exactly the tolerance
        ("08:00:00", "6:59:59", "2026-02-01T06:59:59Z"), // by more
        ("", "6:59:59", "2026-01-31T06:59:59Z"),         // nothing to compare with
    ] {
        let events = read(&mapping, &format!("call,day,began,ended\nc,2026-01-31,{began},{ended}\n"));
        assert_eq!(events[0].time.to_string(), expected, "{began} to {ended}");
    }
}

#[test]
fn a_cell_that_cannot_be_read_costs_what_needs_it() {
    let text = "source = \"/s\"\nsubject = \"{case}\"\n[times]\nformat = \"rfc3339\"\na = { column = \"a\" }\nb = { column = \"b\" }\n\
                [[event]]\ntype = \"ticket.opened\"\ntime = \"a\"\n[[event]]\ntype = \"ticket.closed\"\ntime = \"b\"\n\
                [[event]]\ntype = \"ticket.accepted\"\ntime = \"b\"\n";
    let mapping = Arc::new(watchbell::config::mapping::read("m.toml", text).expect("valid"));
    let good = "2026-03-01T08:00:00Z";
    let file = file(&format!(
        "case,a,b\n1,{good},bad\n\n2,{good},{good}\n,{good},{good}\n4,{good}\n5,{good},{good},\n6,{good},\n"
    ));
    let prepared = prepared(&mapping, &[file.path()]);
    let rejects: Vec<String> = prepared
        .rejects
        .iter()
        .map(|reject| format!("{}: {}", reject.position.number, reject.reason))
        .collect();
    let expected = [
        "2: column `b` is `bad`: expected RFC 3339 with an offset, such as 2026-03-01T08:00:00Z",
        "5: `subject` is missing or empty",
        "6: malformed: the row has 2 cells, the header 3",
        "7: malformed: the row has 4 cells, the header 3",
    ];
    assert_eq!(rejects, expected);
    let seen: Vec<String> =
        events(&prepared).iter().map(|event| format!("{} {}", event.subject, event.kind)).collect();
    let expected =
        ["1 ticket.opened", "2 ticket.accepted", "2 ticket.closed", "2 ticket.opened", "6 ticket.opened"];
    assert_eq!(seen, expected);
    assert_eq!((prepared.rows, prepared.events), (6, 5));
}

#[test]
fn a_file_without_the_columns_is_refused_at_once() {
    let mapping = one_time("optional = [\"note\"]", "format = \"rfc3339\"");
    let refused = |text: &str| {
        let file = file(text);
        let inputs = [Input { path: file.path().into(), mapping: Some(mapping.clone()) }];
        let options = Options {
            order: Order::Time,
            partitions: 1,
            as_of: Time::MAX,
            max_skew: Span::ZERO,
            tick: Span::from_minutes(5),
            memory_bytes: 1 << 20,
            threads: 1,
            rejects_max: 10,
        };
        let error =
            prepare(&inputs, &options, &mut |_| (), &AtomicBool::new(false)).expect_err("lacks columns");
        error.to_string().replace(&*file.path().to_string_lossy(), "f.csv")
    };
    assert!(refused("Kase,when\n").starts_with(
        "f.csv:1: the header lacks `at`, `case`, which the mapping `m` reads; it has `Kase`, `when`."
    ));
    assert!(
        refused("case,at,at\n")
            .starts_with("f.csv:1: the header cannot be read: two columns are called `at`")
    );
    assert_eq!(read(&mapping, "at,case\n2026-03-01T08:00:00Z,c\n").len(), 1, "`note` is optional");
}

#[test]
fn layouts_of_all_kinds_are_read() {
    let at = "format = \"rfc3339\"";
    let note = |input: &str, text: &str| {
        let events = read(&one_time(input, at), text);
        assert_eq!(events.len(), 1, "{text}");
        (events[0].subject.clone(), events[0].get("note").map(str::to_owned))
    };
    let time = "2026-03-01T08:00:00Z";
    let seen = |note: &str| ("c".to_owned(), Some(note.to_owned()));
    assert_eq!(
        note("", &format!("\u{feff}note,at,case\r\n\"a, \"\"b\"\"\nc\",{time},c\r\n")),
        seen("a, \"b\"\nc")
    );
    assert_eq!(
        note("delimiter = \"\\t\"\nquote = \"\"", &format!("at\tcase\tnote\n{time}\tc\t\"5\n")),
        seen("\"5")
    );
    assert_eq!(note("quote = \"'\"", &format!("at,case,note\n{time},c,'1,2'\n")), seen("1,2"));
    assert_eq!(note("columns = [\"at\", \"x\", \"case\", \"note\"]", &format!("{time},,c,n\n")), seen("n"));
    let missing = "missing = [\"\", \"?\"]\nmissing_in = { note = [\"none\"] }";
    for mark in ["", "?", " ? ", "none"] {
        assert_eq!(note(missing, &format!("at,case,note\n{time},c,{mark}\n")).1, None, "{mark}");
    }
    let numbers = "source = \"/s\"\nsubject = \"{2}\"\n[input]\nheader = false\n[times]\nat = { column = \"1\", format = \"epoch\" }\n\
                   [[event]]\ntype = \"a.b\"\ntime = \"at\"\n";
    let numbers = Arc::new(watchbell::config::mapping::read("m.toml", numbers).expect("valid"));
    assert_eq!(read(&numbers, "1456704960,c\n1456704961,d,more\n").len(), 2);
}

#[test]
fn fields_take_parts_and_look_them_up() {
    let text = "source = \"/s\"\nsubject = \"{case}\"\n[times]\nat = { column = \"at\", format = \"epoch\" }\n[fields]\n\
                level = { column = \"level\", upto = \" - \", values = { \"1\" = \"P1\" } }\n\
                known = { column = \"level\", after = \" - \", values = { High = \"h\" }, otherwise = \"missing\" }\n\
                sure = { column = \"sure\", values = { y = \"yes\" }, otherwise = \"reject\" }\n\
                [[event]]\ntype = \"a.b\"\ntime = \"at\"\n[event.attributes]\nlevel = \"{level}\"\nknown = \"{known}\"\n\
                sure = \"{sure}\"\nboth = \"{{{level}/{known}}}\"\nfixed = 3\n";
    let mapping = Arc::new(watchbell::config::mapping::read("m.toml", text).expect("valid"));
    let file = file("case,at,level,sure\na,1,1 - High,y\nb,2,2 - Low,\nc,3,1 - High,maybe\n");
    let prepared = prepared(&mapping, &[file.path()]);
    let events = events(&prepared);
    let show = |event: &Seen| {
        ["level", "known", "sure", "both", "fixed"].map(|name| event.get(name).unwrap_or("-").to_owned())
    };
    assert_eq!(show(&events[0]), ["P1", "h", "yes", "{P1/h}", "3"]);
    assert_eq!(show(&events[1]), ["2", "-", "-", "-", "3"]);
    assert_eq!(prepared.rejects[0].reason.to_string(), "column `sure` is `maybe`: expected one of: y");
}

#[test]
fn cells_that_are_not_utf_8_are_rejected() {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(b"at,case,note,other\n2026-03-01T08:00:00Z,c,\xff,\n2026-03-01T08:00:00Z,c,,\xff\n")
        .expect("written");
    let prepared = prepared(&one_time("", "format = \"rfc3339\""), &[file.path()]);
    assert_eq!(prepared.reject_counts.get("invalid_utf8"), Some(&1));
    assert_eq!(prepared.events, 1, "a column that is not read may hold anything");
}
