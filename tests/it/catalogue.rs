//! Is the guides' catalogue whole, and do its soft duties do what they say? The page against the files, and small stories.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use watchbell::config::{load_lifecycles, load_policy};
use watchbell::event::{Event, decode};
use watchbell::names::metric::Metric;
use watchbell::sla::fold::fold;
use watchbell::sla::outcome::{Verdict, verdict};
use watchbell::sla::policy::Policy;
use watchbell::time::Time;

use crate::promises::facts;

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the repository")
}

fn guide() -> Policy {
    load_policy(Some("guide")).expect("the shipped policy")
}

/// A row of the page: which, its clause, and what keeps it.
struct Row {
    row: String,
    clause: String,
    keepers: Vec<(String, String)>,
}

fn rows(page: &str) -> Vec<Row> {
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| row ");
    let read = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [row, clause, _duty, keepers, _remark] = cells[..] else { panic!("five cells: {line}") };
        let keeper = |text: &str| {
            let (kind, name) = text.split_once('`').unwrap_or((text, ""));
            (kind.trim().to_owned(), name.trim_end_matches('`').to_owned())
        };
        let keepers = keepers.split(", ").map(keeper).collect();
        Row { row: row.into(), clause: clause.into(), keepers }
    };
    page.lines().filter(is_row).map(read).collect()
}

#[test]
fn every_row_of_the_catalogue_is_kept_by_something_that_is_there() {
    let (rows, guide) = (rows(&text("docs/catalogue.md")), guide());
    let expected = [("T", 14), ("V", 15), ("S", 41)]
        .into_iter()
        .flat_map(|(letter, last)| (1..=last).map(move |n| format!("{letter}{n:02}")));
    let told: Vec<&str> = rows.iter().map(|row| row.row.as_str()).collect();
    assert_eq!(told, expected.chain(["ours".to_owned()]).collect::<Vec<_>>());

    let lifecycles = load_lifecycles(None).expect("the shipped ones");
    let warranty = text("src/sla/warranty.rs");
    for Row { row, clause, keepers } in &rows {
        assert!(!clause.is_empty() && !keepers.is_empty(), "{row}");
        for (kind, name) in keepers {
            let is_there = match kind.as_str() {
                "no clock" => name.is_empty(),
                "commitment" => guide.commitments.iter().any(|one| *one.name == **name),
                "objective" => guide.objectives.iter().any(|one| one.name == *name),
                "lifecycle" => lifecycles.iter().any(|one| one.name == *name),
                "metric" => Metric::ALL.iter().any(|one| one.name() == name),
                "function" => warranty.contains(&format!("pub fn {name}(")),
                _ => false,
            };
            assert!(is_there, "{row}: there is no {kind} `{name}`");
        }
    }
    for commitment in &guide.commitments {
        let names_it = |row: &&Row| {
            row.keepers.iter().any(|(kind, name)| kind == "commitment" && **name == *commitment.name)
        };
        let clauses: Vec<&str> = rows.iter().filter(names_it).map(|row| row.clause.as_str()).collect();
        assert!(
            clauses.contains(&commitment.clause.as_str()),
            "`{}` cites {}, its rows {clauses:?}",
            commitment.name,
            commitment.clause
        );
    }
}

/// What is watched unless another policy is given is the same in both files, word for word.
#[test]
fn the_guide_holds_the_default_policy_unchanged() {
    let blocks = |path: &str| -> BTreeSet<String> {
        let file = text(path);
        let entries = file.split("\n\n").filter(|block| block.contains("[[") || block.contains("\n["));
        entries.map(|block| block.trim().to_owned()).collect()
    };
    let (default, guide) = (blocks("config/commitments.toml"), blocks("config/policies/guide.toml"));
    let missing: Vec<&String> = default.difference(&guide).collect();
    assert!(missing.is_empty(), "config/policies/guide.toml lacks\n{missing:#?}");

    let (default, guide) = (load_policy(None).expect("the default"), self::guide());
    for ours in &default.commitments {
        let theirs = guide.commitments.iter().find(|one| one.name == ours.name);
        assert_eq!(format!("{:?}", theirs.expect("it is there")), format!("{ours:?}"));
    }
    for ours in &default.objectives {
        assert!(guide.objectives.contains(ours), "{}", ours.name);
    }
}

/// What came of one commitment, by the end of June 2027, for events as `DDTHH:MM type name=value …` in March 2026 (the 2nd
/// is a Monday) or with a full date, in Shanghai.
fn told(policy: &Policy, name: &str, story: &str) -> String {
    let line = |(n, line): (usize, &str)| {
        let mut words = line.split_whitespace();
        let (time, kind) = (words.next().expect("a time"), words.next().expect("a type"));
        let at = if time.len() > 8 { time.to_owned() } else { format!("2026-03-{time}") };
        let attributes: String = words
            .map(|word| word.split_once('=').expect("name=value"))
            .map(|(name, value)| format!(",\"{name}\":\"{value}\""))
            .collect();
        format!(
            r#"{{"id":"e{n:02}","source":"s","type":"{kind}","subject":"T","time":"{at}:00+08:00"{attributes}}}"#
        )
    };
    let json: Vec<String> = story.split(',').map(str::trim).enumerate().map(line).collect();
    let events: Vec<Event<'_>> = json.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    let clocks = fold(policy, &facts(policy, &events));
    let now = Time::parse("2027-06-30T00:00:00+08:00").expect("an instant");
    let is_asked = |commitment: u16| *policy.commitments[usize::from(commitment)].name == *name;
    let clocks = clocks.iter().filter(|clock| is_asked(clock.commitment));
    let word = |one| match verdict(policy, one, now) {
        Verdict::Kept => "kept",
        Verdict::Breached => "broken",
        Verdict::Open => "open",
        Verdict::Cancelled => "cancelled",
    };
    clocks.map(word).collect::<Vec<_>>().join(" ")
}

fn stories(stories: &[(&str, &str, &str)]) {
    let guide = guide();
    for (name, story, expected) in stories {
        assert_eq!(told(&guide, name, story), *expected, "{name}: {story}");
    }
}

#[test]
fn what_a_case_was_told_is_held_against_it() {
    const REPAIR: &str =
        "02T09:00 ticket.received kind=repair, 02T10:00 ticket.scheduled visit_by=2026-03-03T12:00:00+08:00";
    let visit = |more: &str| format!("{REPAIR}, {more}");
    let absent = "03T11:30 ticket.user_absent, 03T13:00 ticket.scheduled visit_by=2026-03-05T12:00:00+08:00";
    let moved = "03T09:00 ticket.scheduled visit_by=2026-03-04T12:00:00+08:00";
    let told = "02T09:00 ticket.received kind=service, 02T12:00 ticket.responded repair_by=2026-03-06T18:00:00+08:00, 03T09:00 ticket.plan_accepted";
    let complaint = "02T09:00 ticket.received kind=complaint, 02T09:30 ticket.acknowledged expected_by=2026-03-05T18:00:00+08:00";
    stories(&[
        ("visit_as_agreed", &visit("03T12:00 ticket.arrived"), "kept"),
        ("visit_as_agreed", &visit("03T12:01 ticket.arrived"), "broken"),
        ("visit_as_agreed", &visit(&format!("{absent}, 05T12:00 ticket.arrived")), "cancelled kept"),
        ("visit_as_agreed", &visit(&format!("{absent}, 05T12:01 ticket.arrived")), "cancelled broken"),
        ("visit_as_agreed", &visit(&format!("{moved}, 04T11:00 ticket.arrived")), "kept"),
        ("visit_as_agreed", &visit("03T12:00 ticket.arrived, 04T09:00 ticket.scheduled"), "kept"),
        ("visit_as_agreed", "02T09:00 ticket.scheduled", ""),
        ("repair_as_told", &format!("{told}, 06T18:00 ticket.resolved"), "kept"),
        ("repair_as_told", &format!("{told}, 06T18:01 ticket.resolved"), "broken"),
        // What was agreed to is not moved by what is said afterwards.
        (
            "repair_as_told",
            &format!(
                "{told}, 04T09:00 ticket.paused repair_by=2026-03-20T18:00:00+08:00, 09T09:00 ticket.resolved"
            ),
            "broken",
        ),
        ("repair_as_told", &format!("{told}, 04T09:00 ticket.cancelled"), "cancelled"),
        ("complaint_as_told", &format!("{complaint}, 05T17:00 ticket.resolved"), "kept"),
        ("complaint_as_told", &format!("{complaint}, 05T19:00 ticket.resolved"), "broken"),
        (
            "complaint_as_told",
            &format!(
                "{complaint}, 05T12:00 ticket.extended reason=parts new_due=2026-03-09T18:00:00+08:00, 09T12:00 ticket.resolved"
            ),
            "kept",
        ),
        (
            "complaint_as_told",
            &format!(
                "{complaint}, 05T12:00 ticket.extended new_due=2026-03-09T18:00:00+08:00, 09T12:00 ticket.resolved"
            ),
            "broken",
        ),
        ("complaint_as_told", "02T09:00 ticket.received kind=complaint, 02T09:30 ticket.acknowledged", ""),
        (
            "approved_done",
            "02T09:00 ticket.received kind=return, 02T10:00 ticket.approved, 11T23:59 ticket.refunded",
            "kept",
        ),
        (
            "approved_done",
            "02T09:00 ticket.received kind=return, 02T10:00 ticket.approved, 12T00:01 ticket.refunded",
            "broken",
        ),
        (
            "approved_done",
            "02T09:00 ticket.received kind=repair, 02T10:00 ticket.assessed in_warranty=true in_scope=true, 12T00:01 ticket.resolved",
            "kept",
        ),
        (
            "improvement_milestone",
            "02T09:00 improvement.planned milestone_by=2026-03-05T18:00:00+08:00, 05T09:00 improvement.milestone_done milestone_by=2026-03-10T18:00:00+08:00, 11T09:00 improvement.milestone_done",
            "kept broken",
        ),
        (
            "improvement_evaluated",
            "02T09:00 improvement.planned evaluate_by=2026-03-05T18:00:00+08:00, 05T09:00 improvement.effect_measured",
            "kept",
        ),
    ]);
}

#[test]
fn soft_duties_have_clocks_that_start_stop_and_are_taken_back() {
    let urgent = "02T09:00 ticket.received kind=service emergency=true";
    let owned = "02T09:00 ticket.received kind=complaint, 02T10:00 ticket.owner_named";
    let looked_into = &format!("{owned}, 02T11:00 ticket.investigation_started");
    let done = "02T09:00 ticket.received kind=complaint, 03T09:00 ticket.resolved";
    let refused = "02T09:00 ticket.received kind=repair, 03T09:00 ticket.rejected";
    let missed = "02T09:00 ticket.received kind=service, 03T09:30 commitment.missed";
    stories(&[
        ("emergency_acknowledged", &format!("{urgent}, 02T09:30 ticket.acknowledged"), "kept"),
        ("emergency_acknowledged", &format!("{urgent}, 02T09:31 ticket.contacted"), "broken"),
        ("emergency_acknowledged", &format!("{urgent}, 02T09:10 ticket.cancelled"), "cancelled"),
        ("emergency_acknowledged", "02T09:00 ticket.received kind=service", ""),
        (
            "repair_started",
            "02T09:00 ticket.received kind=service, 02T10:00 ticket.plan_accepted, 02T12:00 ticket.started",
            "kept",
        ),
        (
            "repair_started",
            "02T09:00 ticket.received kind=service, 02T10:00 ticket.plan_accepted, 02T12:01 ticket.started",
            "broken",
        ),
        (
            "rejection_coordinated",
            &format!(
                "{refused}, 04T09:00 ticket.plan_proposed, 05T09:00 ticket.rejected, 06T10:00 ticket.started"
            ),
            "kept broken",
        ),
        ("enquiry_answered", "02T09:00 ticket.received kind=suggestion, 05T09:00 ticket.responded", "kept"),
        ("enquiry_answered", "02T09:00 ticket.received kind=enquiry, 05T09:00 ticket.responded", "broken"),
        (
            "answer_by_channel",
            "02T09:00 ticket.received kind=service channel=mail, 02T12:00 ticket.responded",
            "kept",
        ),
        (
            "answer_by_channel",
            "02T09:00 ticket.received kind=service channel=chat, 02T12:00 ticket.responded",
            "broken",
        ),
        ("investigation_started", looked_into, "kept"),
        ("investigation_started", &format!("{owned}, 02T14:01 ticket.investigation_started"), "broken"),
        ("investigation_started", &format!("{owned}, 02T14:00 ticket.merged"), "cancelled"),
        // Thursday is the third working day; silence over a week-end is none of working days.
        (
            "progress_told",
            &format!(
                "{looked_into}, 05T20:00 ticket.progress_notified, 10T20:00 ticket.progress_notified, 12T09:00 ticket.resolved"
            ),
            "kept kept kept",
        ),
        (
            "progress_told",
            &format!(
                "{looked_into}, 05T20:00 ticket.progress_notified, 11T09:00 ticket.progress_notified, 12T09:00 ticket.resolved"
            ),
            "kept broken kept",
        ),
        ("progress_told", &format!("{looked_into}, 03T09:00 ticket.cancelled"), "cancelled"),
        ("progress_told", looked_into, "broken"),
        (
            "production_notified",
            "02T09:00 ticket.received kind=complaint, 02T10:00 ticket.classified category=product_quality, 03T10:00 ticket.production_notified",
            "kept",
        ),
        (
            "production_notified",
            "02T09:00 ticket.received kind=complaint, 02T10:00 ticket.classified category=product_quality",
            "broken",
        ),
        (
            "production_notified",
            "02T09:00 ticket.received kind=complaint, 02T10:00 ticket.classified category=other",
            "",
        ),
        ("result_told", &format!("{done}, 04T09:00 ticket.result_notified"), "kept"),
        ("result_told", &format!("{done}, 04T09:01 ticket.result_notified"), "broken"),
        (
            "survey_after_complaint",
            &format!("{done}, 04T09:00 ticket.result_notified, 05T09:00 survey.sent"),
            "kept",
        ),
        (
            "survey_after_complaint",
            &format!("{done}, 04T09:00 ticket.result_notified, 06T09:00 survey.sent"),
            "broken",
        ),
        (
            "survey_after_service",
            "02T09:00 ticket.received kind=service, 03T09:00 ticket.closed, 03T10:00 survey.sent",
            "kept",
        ),
        ("survey_after_service", "02T09:00 ticket.received kind=service, 03T09:00 ticket.closed", "broken"),
        // Each broken promise is followed up anew.
        (
            "missed_followed_up",
            &format!(
                "{missed}, 03T13:30 ticket.contacted, 04T09:00 commitment.missed, 04T14:00 ticket.contacted"
            ),
            "kept broken",
        ),
        ("missed_remedied", &format!("{missed}, 05T09:30 ticket.remedy_delivered"), "kept"),
        (
            "missed_remedied",
            &format!("{missed}, 03T10:00 ticket.contacted, 05T09:31 ticket.remedy_delivered"),
            "broken",
        ),
    ]);
}

#[test]
fn periodic_duties_run_from_one_time_to_the_next() {
    stories(&[
        (
            "engineer_trained",
            "2024-03-01T09:00 staff.joined, 2025-03-01T20:00 training.held content=service_skill, 2026-06-01T09:00 training.held content=product, 2026-06-02T09:00 staff.left",
            "kept broken cancelled",
        ),
        // Security training does for security only.
        (
            "engineer_trained",
            "2025-03-01T09:00 staff.joined, 2025-04-01T09:00 training.held content=security, 2025-05-01T09:00 training.held content=law, 2025-06-01T09:00 staff.left",
            "kept cancelled",
        ),
        (
            "staff_assessed",
            "2026-01-01T09:00 assessment.published, 2026-04-01T09:00 assessment.published, 2026-08-01T09:00 assessment.published, 2026-08-02T09:00 staff.left",
            "kept broken cancelled",
        ),
        ("appeal_decided", "02T09:00 assessment.appealed, 09T20:00 assessment.appeal_decided", "kept"),
        ("appeal_decided", "02T09:00 assessment.appealed, 10T09:00 assessment.appeal_decided", "broken"),
        ("fee_paid", "02T09:00 fee.audit_passed, 17T20:00 fee.paid", "kept"),
        ("fee_paid", "02T09:00 fee.audit_passed, 18T00:01 fee.paid", "broken"),
        (
            "expense_audited",
            "2026-01-01T09:00 budget.set, 2026-04-03T09:00 expense.audit_finished, 2026-04-04T09:00 budget.closed",
            "kept cancelled",
        ),
        (
            "budget_adjusted",
            "02T09:00 budget.reviewed adjust=false, 03T09:00 budget.reviewed adjust=true, 10T20:00 budget.adjusted",
            "kept",
        ),
        (
            "warning_acknowledged",
            "02T09:00 warning.raised, 02T09:05 warning.acknowledged department=quality, 02T09:15 warning.acknowledged department=service",
            "kept",
        ),
        (
            "warning_acknowledged",
            "02T09:00 warning.raised, 02T09:05 warning.acknowledged department=quality, 02T09:15 warning.acknowledged department=quality",
            "broken",
        ),
        ("crisis_measure", "02T09:00 crisis.graded level=primary, 02T20:00 crisis.measure_recorded", "kept"),
        (
            "crisis_measure",
            "02T09:00 crisis.graded level=primary, 02T10:00 crisis.regraded level=advanced, 02T10:01 crisis.measure_recorded",
            "broken",
        ),
        ("recovery_started", "02T09:00 crisis.ended, 02T10:00 recovery.started", "kept"),
        ("recovery_started", "02T09:00 crisis.ended, 02T10:01 recovery.started", "broken"),
        ("security_plan_started", "02T09:00 incident.detected, 02T09:59 incident.plan_started", "kept"),
    ]);
}
