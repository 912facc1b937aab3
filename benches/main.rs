//! What the engine costs. `cargo bench` runs everything at full size, `cargo bench -- checkpoints` one of them; under
//! `cargo test --benches` each runs once, small.

mod calendars;
mod checkpoints;
mod events;
mod replay;
mod restart;
mod timers;

use criterion::Criterion;

/// The binary's allocator: what is measured is what is run.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a group of figures is called, and what measures them; small ones for tests.
type Figures = (&'static str, fn(bool));

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let small = !arguments.iter().any(|argument| argument == "--bench");
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    let all: [Figures; 6] = [
        ("calendars", calendars::figures),
        ("timers", timers::figures),
        ("events", events::figures),
        ("checkpoints", checkpoints::figures),
        ("restart", restart::figures),
        ("replay", replay::figures),
    ];
    for (_, figures) in all.iter().filter(|(name, _)| filter.is_none_or(|filter| filter == name)) {
        figures(small);
    }
    let mut criterion = Criterion::default().configure_from_args();
    events::decoding(&mut criterion);
    events::applying(&mut criterion);
    criterion.final_summary();
}
