//! What happens while nobody can know what is so? A broker that stands still, and a program that is not there.

use super::super::broker::{Broker, Options, shared};
use super::super::wait_until;
use super::watch::{
    BEGIN_SECONDS, GRACE_MS, ON_TIME_MS, Plan, SLACK_MS, Watch, now_ms, opened, resolved, sleep_ms,
    sleep_until, standing_subjects,
};

/// How long the broker stands still.
const FROZEN_MS: i64 = 25_000;
/// After a freeze the clients' connections were given up, and are made anew: up to half a second of waiting before
/// each of the two tries that it may take, beside what is allowed for the machine.
const CONNECTING_MS: i64 = 1_000;

#[test]
fn a_frozen_broker_breaks_no_promise() {
    let mut broker = Broker::start(&Options::default());
    let watch = Watch::new(&broker.bootstrap(), &Plan { name: "frozen", inputs: &[2], ..Plan::default() });
    let mut program = watch.start_live();
    let (kept, late) = (opened("kept", "s10"), opened("late", "s10"));
    watch.append(0, &[kept, late.clone()]);
    sleep_ms(1_000);
    // The resolution is in the log, and the program has not read it: it stands still until nobody answers any more.
    program.freeze();
    sleep_ms(200);
    watch.append(0, &[resolved("kept")]);
    broker.freeze();
    let frozen = now_ms();
    program.thaw();
    assert!(frozen < late.at_ms + 10_000, "the machine was too slow: the cases are due already");
    sleep_until(frozen + FROZEN_MS);
    broker.thaw();
    let thawed = now_ms();

    let said = watch.wait_said_of("late", 30);
    let after = said.at_ms - thawed;
    let most = ON_TIME_MS + CONNECTING_MS + SLACK_MS;
    assert!((0..=most).contains(&after), "{after} ms after the broker goes on: {}", said.body);
    sleep_ms(2_000);
    assert!(watch.said_of("kept").is_empty(), "{:?}", watch.said_of("kept"));
    assert_eq!(standing_subjects(&watch.said()), ["late"]);
    assert!(program.ended().is_none());
}

#[test]
fn a_group_that_was_stopped_raises_nothing_false() {
    let watch = Watch::new(&shared().bootstrap(), &Plan { name: "stopped", inputs: &[2], ..Plan::default() });
    let mut program = watch.start_live();
    let names: Vec<String> = (0..40).map(|n| format!("kept-{n}")).collect();
    let cases: Vec<_> = names.iter().map(|name| opened(name, "s5")).collect();
    let late = opened("late", "s5");
    watch.append(0, &cases);
    watch.append(0, std::slice::from_ref(&late));
    sleep_ms(500);
    program.terminate();
    assert!(program.wait(20).success());
    // In time, and unread until long after their dues.
    let stops: Vec<_> = names.iter().map(|name| resolved(name)).collect();
    assert!(stops[0].at_ms < cases[0].at_ms + 5_000, "the machine was too slow: the cases are due already");
    watch.append(0, &stops);
    let (unread, kept) = (opened("late-unread", "s2"), opened("kept-unread", "s2"));
    watch.append(0, &[unread, kept, resolved("kept-unread")]);
    sleep_until(late.at_ms + 5_000 + GRACE_MS + 2_000);

    let _program = watch.start_live();
    watch.wait_said_of("late", 10);
    watch.wait_said_of("late-unread", 10);
    sleep_ms(1_000);
    let said = watch.said();
    let kept: Vec<_> = said.iter().filter(|one| one.subject().starts_with("kept")).collect();
    assert!(kept.is_empty(), "never, not even to take it back: {kept:?}");
    assert_eq!(standing_subjects(&said), ["late", "late-unread"]);
}

#[test]
fn an_outage_is_told_in_a_few_lines() {
    let mut broker = Broker::start(&Options::default());
    // The assignment is lost meanwhile: members are given up and made anew.
    let (kafka, engine) = ("silence = \"1500ms\"", "workers = 2");
    let plan = Plan { name: "talkative", inputs: &[4], kafka, engine, ..Plan::default() };
    let watch = Watch::new(&broker.bootstrap(), &plan);
    let mut program = watch.start_live();
    let before = program.stderr().lines().count();
    broker.kill();
    sleep_ms(15_000);
    broker.restart();
    watch.wait_live(&mut program);
    wait_until(10, "it says that it is over", || program.stderr().contains("the brokers answer again"));
    let text = program.stderr();
    let lines: Vec<&str> = text.lines().skip(before).collect();
    // A dozen clients meet a closed port twice a second each.
    let of_librdkafka = lines.iter().filter(|line| line.contains("facility=")).count();
    assert!((1..=12).contains(&of_librdkafka), "{lines:#?}");
    assert!(lines.len() <= 60, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("left_out=")), "and how many were left out: {lines:#?}");
    // One that was given up once went round and round for ever.
    wait_until(20, "the clients that were given up are gone", || {
        !program.threads().iter().any(|name| name == "kafka-let-go")
    });
}

#[test]
fn a_broker_that_stutters_is_found_again() {
    let mut broker = Broker::start(&Options::default());
    let watch = Watch::new(&broker.bootstrap(), &Plan { name: "stutter", inputs: &[2], ..Plan::default() });
    let mut program = watch.start_live();
    // Whoever asks a broker that its own controller has just given up is told that there are no brokers.
    for _ in 0..5 {
        broker.freeze();
        sleep_ms(2_500);
        broker.thaw();
        let thawed = now_ms();
        wait_until(BEGIN_SECONDS, "the clocks go on", || watch.clocks_after(thawed + 1_000));
    }
    watch.append(0, &[opened("late", "s2")]);
    assert_eq!(watch.wait_said_of("late", 30).action(), "raised");
    assert!(program.ended().is_none());
}
