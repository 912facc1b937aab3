//! What does a million events cost from a full real Kafka, and how soon is an alert there? `cargo bench --bench e2e`
//! measures both, `cargo bench --bench e2e -- delay` one of them; takes minutes, and a broker.

#[cfg(feature = "kafka")]
#[path = "../tests/kafka/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the harness of the tests has more than a bench needs")]
mod kafka;

#[cfg(feature = "kafka")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [reader, bootstrap, group, how] if reader == "reader" => {
            kafka::e2e::reader(bootstrap.clone(), group, how == "decode");
        }
        // Under `cargo test --benches` there is nothing to be measured.
        _ if arguments.iter().any(|argument| argument == "--bench") => {
            let asked =
                |name: &str| arguments.iter().all(|argument| argument == "--bench" || argument == name);
            if asked("cost") {
                kafka::e2e::compare();
            }
            if asked("delay") {
                kafka::delay::measure();
            }
        }
        _ => {}
    }
}

#[cfg(not(feature = "kafka"))]
fn main() {}
