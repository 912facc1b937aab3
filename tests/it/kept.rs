//! Files in the repository that follow from the code: rendered anew, rewritten where they differ, and then failed.

use std::io::{Read, Write};
use std::path::Path;

use watchbell::source::desk;
use watchbell::time::Time;

/// Fails when a file does not say what the code says, after writing what it should say.
fn keep(path: &str, expected: &str, read: impl Fn(&Path) -> Option<String>, write: impl Fn(&Path)) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if read(&file).as_deref() != Some(expected) {
        write(&file);
        panic!("{path} did not follow from the code; it does now: look at the difference and commit it");
    }
}

#[test]
fn the_schema_of_events_follows_from_the_types() {
    let schema = format!("{:#}\n", watchbell::event::schema::schema());
    keep(
        "docs/event.schema.json",
        &schema,
        |path| std::fs::read_to_string(path).ok(),
        |path| {
            std::fs::write(path, &schema).expect("writable");
        },
    );
}

/// Eight days of a service desk in a week before a holiday, with a bad firmware batch on the sixth.
#[test]
fn the_sample_follows_from_the_generator() {
    let start = Time::parse("2025-09-15T00:00:00+08:00").expect("an instant");
    let options = desk::Options { seed: 3, start, days: 8, per_hour: 20.0, incident: true, rise_hours: 0 };
    let lines: String = desk::events(&options).iter().map(|event| desk::json(event) + "\n").collect();
    let unpack = |path: &Path| {
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(path).ok()?).read_to_string(&mut text).ok()?;
        Some(text)
    };
    keep("tests/data/desk.ndjson.gz", &lines, unpack, |path| {
        let file = std::fs::File::create(path).expect("writable");
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::best());
        packed.write_all(lines.as_bytes()).and_then(|()| packed.finish().map(drop)).expect("writable");
    });
}
