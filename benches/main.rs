//! What the engine costs. `cargo bench` runs everything at full size; under `cargo test --benches` each runs once, small.

mod events;
mod replay;
mod timers;

use criterion::Criterion;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let small = !arguments.iter().any(|argument| argument == "--bench");
    timers::figures(small);
    events::figures(small);
    replay::figures(small);
    let mut criterion = Criterion::default().configure_from_args();
    events::decoding(&mut criterion);
    events::applying(&mut criterion);
    criterion.final_summary();
}
