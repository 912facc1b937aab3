//! Does it come in through locked doors, and keep the keys to itself?

use std::fs;

use super::super::broker::{Broker, Options, Security};
use super::watch::{GRACE_MS, Plan, Watch, assert_on_time, opened};

/// What a watch behind a door says of a case, and that no secret is shown.
fn comes_in(
    security: Security,
    name: &str,
    kafka: &dyn Fn(&Broker, &Watch) -> String,
    secret: &dyn Fn(&Broker) -> String,
) {
    let broker = Broker::start(&Options { security, ..Options::default() });
    let plan = Plan { name, inputs: &[1], ..Plan::default() };
    let watch = Watch::new(&broker.internal(), &plan);
    let options = kafka(&broker, &watch);
    watch.set_up(&Plan { tables: &options, ..plan }, &broker.bootstrap());
    let secret = secret(&broker);
    let mut program = watch.start_with(&["--log-level", "debug"], &[("WATCHBELL_TEST_SECRET", &secret)]);
    watch.wait_live(&mut program);
    let case = opened("late", "s2");
    watch.append(0, std::slice::from_ref(&case));
    assert_on_time(&watch.wait_said_of("late", 30), case.at_ms + 2_000 + GRACE_MS);
    program.terminate();
    assert!(program.wait(20).success());
    let text = program.stderr();
    assert!(text.contains("DEBUG"), "it says much: {text}");
    for line in secret.lines().filter(|line| !line.starts_with("-----")) {
        assert!(!text.contains(line), "the secret is shown");
    }
}

/// The broker's settings for a client as `[kafka.options]`; some are kept elsewhere.
fn options(broker: &Broker, elsewhere: &[(&str, &str)]) -> String {
    let mut lines = vec!["[kafka.options]".to_owned()];
    for (name, value) in broker.client_settings() {
        let kept = elsewhere.iter().find(|(secret, _)| *secret == name);
        lines.push(
            kept.map_or(format!("\"{name}\" = {value:?}"), |(_, place)| format!("\"{name}\" = {place}")),
        );
    }
    lines.join("\n")
}

#[test]
fn a_certificate_opens_the_door() {
    let by_path = |broker: &Broker, _: &Watch| options(broker, &[]);
    let key = |broker: &Broker| {
        fs::read_to_string(&broker.certificates().client_key).expect("the harness wrote it")
    };
    comes_in(Security::Tls, "tls", &by_path, &key);
}

#[test]
fn a_password_in_a_variable_or_a_file_opens_the_door() {
    let password = |broker: &Broker| broker.user().1;
    let variable = |broker: &Broker, _: &Watch| {
        options(broker, &[("sasl.password", "{ env = \"WATCHBELL_TEST_SECRET\" }")])
    };
    comes_in(Security::SaslScram, "scram", &variable, &password);
    let file = |broker: &Broker, watch: &Watch| {
        fs::write(watch.folder().join("password"), broker.user().1 + "\n").expect("writable");
        options(broker, &[("sasl.password", "{ file = \"password\" }")])
    };
    comes_in(Security::SaslScramTls, "scram-tls", &file, &password);
}
