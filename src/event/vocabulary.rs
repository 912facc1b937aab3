//! Which types of events are standard? The list is open: a type that is not here is accepted, counted, and moves
//! only what a policy says it moves.

/// A standard type of event.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The name, past tense, `entity.verb`.
    pub name: &'static str,
    /// What it says happened.
    pub meaning: &'static str,
}

/// Moves the clock of its partition to its time; in replay and tests only.
pub const CLOCK_ADVANCE: &str = "clock.advance";

const fn kind(name: &'static str, meaning: &'static str) -> Kind {
    Kind { name, meaning }
}

/// The standard types, in the order of a case's life.
pub const STANDARD: &[Kind] = &[
    kind("ticket.opened", "a ticket of any `kind` exists"),
    kind("ticket.submitted", "the customer sent the request"),
    kind("ticket.received", "the department has the request"),
    kind("ticket.acknowledged", "the customer was told that it arrived"),
    kind("ticket.contacted", "somebody spoke with the customer"),
    kind("ticket.responded", "the customer got an answer"),
    kind("ticket.classified", "the category was decided"),
    kind("ticket.flagged_emergency", "it was recognised as an emergency"),
    kind("ticket.department_received", "the handling department has it"),
    kind("ticket.assigned", "a team or person has it"),
    kind("ticket.owner_named", "a responsible person was named"),
    kind("ticket.scheduled", "an appointment was made"),
    kind("ticket.arrived", "the engineer arrived"),
    kind("ticket.user_absent", "nobody was there at the appointment"),
    kind("ticket.plan_proposed", "a plan was put to the customer"),
    kind("ticket.plan_accepted", "the customer agreed to the plan"),
    kind("ticket.started", "work began"),
    kind("ticket.progress_notified", "the customer was told of progress"),
    kind("ticket.paused", "work waits for somebody else"),
    kind("ticket.resumed", "work goes on"),
    kind("ticket.priority_changed", "the priority is another one now"),
    kind("ticket.customer_replied", "the customer wrote"),
    kind("ticket.agent_replied", "we wrote"),
    kind("ticket.extended", "the customer was given a new date"),
    kind("ticket.resolved", "the work is done"),
    kind("ticket.result_notified", "the customer was told the result"),
    kind("ticket.accepted", "the customer signed off"),
    kind("ticket.rejected", "the customer refused the result"),
    kind("ticket.reopened", "it is open again"),
    kind("ticket.merged", "it goes on in another ticket"),
    kind("ticket.cancelled", "it was taken back"),
    kind("ticket.closed", "nothing more will happen"),
    kind("ticket.remedy_offered", "something was offered for a broken promise"),
    kind("ticket.remedy_delivered", "the remedy was delivered"),
    kind("call.queued", "a caller waits"),
    kind("call.answered", "an agent took the call"),
    kind("call.abandoned", "the caller hung up waiting"),
    kind("call.transferred", "the call went to another queue or agent"),
    kind("call.ended", "the call is over"),
    kind("agent.state_changed", "an agent is available, busy or away"),
    kind("survey.sent", "a survey was sent"),
    kind("feedback.survey", "a survey was answered, or an opinion given"),
    kind("feedback.complaint", "somebody complained"),
    kind("feedback.suggestion", "somebody made a suggestion"),
    kind("cost.recorded", "money was spent on a case"),
    kind(CLOCK_ADVANCE, "moves the clock of its partition (tests and replay only)"),
];

/// Whether `name` is a standard type.
pub fn is_standard(name: &str) -> bool {
    STANDARD.iter().any(|kind| kind.name == name)
}
