//! Who watches what, and what if they come and go? Two programs in one group, a third, one that leaves, one that dies.

use super::super::broker::shared;
use super::super::program::Program;
use super::super::wait_until;
use super::watch::{BEGIN_SECONDS, Cut, Event, Plan, Watch, fold, now_ms, opened_at, resolved_at, sleep_ms};

const PARTITIONS: i32 = 6;
/// How often cases are appended.
const STEP_MS: u64 = 100;

/// Cases that come while the group changes: every second one is resolved in time.
struct Traffic {
    count: usize,
}

impl Traffic {
    /// Appends cases for so long.
    fn go_on(&mut self, watch: &Watch, ms: u64) {
        for _ in 0..ms / STEP_MS {
            let mut events: Vec<Event> = Vec::new();
            for n in self.count..self.count + 10 {
                let at = now_ms();
                events.push(opened_at(&format!("case-{n}"), "s3", at));
                if n % 2 == 0 {
                    events.push(resolved_at(&format!("case-{n}"), at + 1));
                }
            }
            self.count += 10;
            watch.append(0, &events);
            sleep_ms(STEP_MS);
        }
    }

    /// Waits until all that must stand does, and nothing else ever did.
    fn check(&self, watch: &Watch) {
        let expected = self.count / 2;
        wait_until(BEGIN_SECONDS, "every alert is there", || watch.said().len() >= expected);
        sleep_ms(1_500);
        let said = watch.said();
        assert!(said.iter().all(|one| one.action() == "raised"), "nothing had to be set right");
        let standing = fold(&said);
        assert_eq!((said.len(), standing.len()), (expected, expected));
        for body in standing.values() {
            let number = body["subject"].as_str().and_then(|name| name.strip_prefix("case-")).expect("ours");
            assert_eq!(number.parse::<usize>().expect("a number") % 2, 1, "{body}");
        }
    }
}

/// Waits until the group of one topic is spread over so many owners, all of them alive.
fn wait_spread(watch: &Watch, owners: usize) {
    let mut since = now_ms();
    wait_until(BEGIN_SECONDS, &format!("the logs are spread over {owners}"), || {
        let cuts = watch.cuts();
        let mut names: Vec<&str> = cuts.values().map(|cut| cut.owner.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let spread = names.len() == owners && !names.contains(&"");
        let is_so = spread && watch.clocks_after(since);
        since = if spread { since } else { now_ms() };
        is_so
    });
}

fn assert_no_differences(programs: &[&Program]) {
    for program in programs {
        let text = program.stderr();
        assert!(!text.contains("differs"), "what was said is what stands: {text}");
    }
}

/// A third joins, one leaves, one is killed.
fn come_and_go(watch: &Watch) {
    let mut traffic = Traffic { count: 0 };
    let (mut first, mut second) = (watch.start(), watch.start());
    wait_spread(watch, 2);
    traffic.go_on(watch, 3_000);
    let mut third = watch.start();
    traffic.go_on(watch, 3_000);
    wait_spread(watch, 3);
    first.terminate();
    traffic.go_on(watch, 3_000);
    assert!(first.wait(20).success());
    wait_spread(watch, 2);
    second.kill();
    traffic.go_on(watch, 3_000);
    wait_spread(watch, 1);
    traffic.check(watch);
    assert_no_differences(&[&first, &second, &third]);
    assert!(third.ended().is_none());
}

#[test]
fn a_classic_group_comes_and_goes() {
    let kafka = "silence = \"1500ms\"";
    let plan = Plan { name: "classic", inputs: &[PARTITIONS], kafka, ..Plan::default() };
    come_and_go(&Watch::new(&shared().bootstrap(), &plan));
}

#[test]
fn a_group_of_the_new_protocol_comes_and_goes() {
    let kafka = "protocol = \"consumer\"";
    let plan = Plan { name: "kip848", inputs: &[PARTITIONS], kafka, ..Plan::default() };
    come_and_go(&Watch::new(&shared().bootstrap(), &plan));
}

#[test]
fn a_static_member_keeps_its_logs() {
    let at = shared().bootstrap();
    let plan = |kafka| Plan {
        name: "static",
        inputs: &[PARTITIONS],
        kafka,
        engine: "workers = 2",
        ..Plan::default()
    };
    let (one, two) = ("instance_id = \"one\"\nsilence = \"20s\"", "instance_id = \"two\"\nsilence = \"20s\"");
    let watch = Watch::new(&at, &plan(one));
    let process = |cut: &Cut| cut.owner.rsplit('-').nth(2).expect("a process").to_owned();
    let worker = |cut: &Cut| cut.owner.rsplit('-').nth(1).expect("a worker's number").to_owned();
    let mut first = watch.start();
    wait_spread(&watch, 2);
    let staying = watch.cuts().values().map(process).next().expect("it owns them all");
    watch.set_up(&plan(two), &at);
    let mut second = watch.start();
    wait_spread(&watch, 4);
    let before = watch.cuts();

    second.terminate();
    assert!(second.wait(20).success());
    let second = watch.start();
    wait_spread(&watch, 4);
    for (place, now) in &watch.cuts() {
        let cut = &before[place];
        // The process that stayed kept what it had, and the one that came back has what it had, worker for worker.
        assert_eq!(worker(now), worker(cut), "{place:?}");
        assert_eq!(process(now) == staying, process(cut) == staying, "{place:?}");
        assert!(process(now) == staying || now.owner != cut.owner, "{place:?} is in a new process's hands");
    }
    assert!(first.ended().is_none());
    for program in [&first, &second] {
        assert!(!program.stderr().contains("begins anew"), "nobody puts another out");
    }
}
