//! How is it said to a customer? Events and attributes as parts of plain sentences, "you" being the customer and "we"
//! the organisation.
//!
//! An English event completes "when …", a Chinese one "自…起" and "至…为止". What is not listed here is shown by the name
//! that the policy has for it.

use super::Text;

/// An event as part of a sentence; `None` for a type that has no words.
pub fn event(kind: &str) -> Option<Text> {
    find(EVENTS, kind)
}

/// An attribute that is true, known, or has a value: `the fault is confirmed`, `priority`.
pub fn attribute(name: &str) -> Option<Text> {
    find(ATTRIBUTES, name)
}

/// The cases in which an attribute has a value: `kind = complaint` are complaints.
pub fn cases(attribute: &str, value: &str) -> Option<Text> {
    let found = CASES.iter().find(|(name, one, ..)| *name == attribute && *one == value);
    found.map(|(.., en, zh)| Text::new(*en, *zh))
}

fn find(table: &[(&str, &str, &str)], name: &str) -> Option<Text> {
    let found = table.iter().find(|(known, ..)| *known == name);
    found.map(|(_, en, zh)| Text::new(*en, *zh))
}

#[rustfmt::skip]
const EVENTS: &[(&str, &str, &str)] = &[
    ("ticket.opened", "your request is registered", "您的申请登记"),
    ("ticket.submitted", "you send us your request", "您提交申请"),
    ("ticket.received", "we receive your request", "我们收到您的申请"),
    ("ticket.acknowledged", "we confirm to you that it arrived", "我们向您确认收到"),
    ("ticket.contacted", "we speak with you", "我们与您取得联系"),
    ("ticket.responded", "we answer you", "我们作出响应"),
    ("ticket.classified", "your case is classified", "完成分类"),
    ("ticket.flagged_emergency", "it is recognised as an emergency", "被认定为紧急情况"),
    ("ticket.department_received", "the department in charge receives it", "处理部门收到"),
    ("ticket.assigned", "it is given to a team or a person", "分派到处理人员"),
    ("ticket.owner_named", "a person responsible is named", "明确责任人"),
    ("ticket.scheduled", "an appointment is made with you", "与您约定时间"),
    ("ticket.arrived", "our engineer arrives", "工程师到达"),
    ("ticket.user_absent", "nobody is there at the appointment", "预约时间无人在场"),
    ("ticket.plan_proposed", "we propose a plan to you", "我们向您提出方案"),
    ("ticket.plan_accepted", "you agree to the plan", "您同意方案"),
    ("ticket.started", "work begins", "开始处理"),
    ("ticket.progress_notified", "we tell you how far it is", "我们向您通报进展"),
    ("ticket.paused", "work has to wait for somebody else", "因等待他方而暂停处理"),
    ("ticket.resumed", "work goes on", "恢复处理"),
    ("ticket.priority_changed", "the priority changes", "优先级变更"),
    ("ticket.customer_replied", "you write to us", "您回复我们"),
    ("ticket.agent_replied", "we write to you", "我们回复您"),
    ("ticket.extended", "you are given a new date", "我们告知您新的期限"),
    ("ticket.resolved", "the work is done", "处理完毕"),
    ("ticket.result_notified", "we tell you the result", "我们告知您结果"),
    ("ticket.accepted", "you accept the result", "您确认验收"),
    ("ticket.rejected", "you refuse the result", "您不接受处理结果"),
    ("ticket.reopened", "your case is opened again", "重新受理"),
    ("ticket.merged", "it is joined with another request", "并入另一申请"),
    ("ticket.cancelled", "it is withdrawn", "申请被撤销"),
    ("ticket.closed", "your case is closed", "您的申请关闭"),
    ("ticket.claim_submitted", "the claim is handed in", "提交报销申请"),
    ("ticket.remedy_offered", "we offer you a remedy", "我们向您提出补救"),
    ("ticket.remedy_delivered", "you receive the remedy", "补救兑现"),
    ("call.queued", "your call begins to wait", "来电进入等待"),
    ("call.answered", "we take your call", "我们接听"),
    ("call.abandoned", "you hang up", "您挂断电话"),
    ("call.transferred", "your call is passed on", "来电被转接"),
    ("call.ended", "the call ends", "通话结束"),
    ("agent.state_changed", "an agent becomes free or busy", "座席状态变化"),
    ("survey.sent", "we ask for your opinion", "我们征求您的意见"),
    ("feedback.survey", "you give us your opinion", "您给出评价"),
    ("feedback.complaint", "you complain", "您提出投诉"),
    ("feedback.suggestion", "you make a suggestion", "您提出建议"),
    ("cost.recorded", "a cost is recorded", "费用入账"),
    ("clock.advance", "time passes", "时间推移"),
];

#[rustfmt::skip]
const ATTRIBUTES: &[(&str, &str, &str)] = &[
    ("emergency", "in an emergency", "属紧急情况"),
    ("fault_confirmed", "the fault is confirmed", "确认故障"),
    ("contact_confirmed", "the way to reach you is confirmed", "确认联系方式"),
    ("process_told", "told how it is handled", "告知处理流程"),
    ("expected_time_told", "told how long it takes", "告知预计处理时间"),
    ("fee_sheet", "with the fee sheet", "附费用清单"),
    ("contract", "with the contract", "附合同"),
    ("invoices", "with the invoices", "附发票"),
    ("kind", "kind of request", "申请类型"),
    ("warranty", "warranty", "保修状态"),
    ("priority", "priority", "优先级"),
    ("category", "category", "类别"),
    ("channel", "channel", "渠道"),
    ("region", "region", "地区"),
    ("product", "product", "产品"),
    ("promised_by", "the time we agreed with you", "与您约定的时间"),
];

#[rustfmt::skip]
const CASES: &[(&str, &str, &str, &str)] = &[
    ("kind", "service", "service", "服务"),
    ("kind", "repair", "repairs", "维修"),
    ("kind", "replacement", "replacements", "更换"),
    ("kind", "complaint", "complaints", "投诉"),
    ("kind", "claim", "claims for reimbursement", "报销申请"),
    ("warranty", "in", "products in warranty", "保修期内的产品"),
    ("warranty", "out", "products out of warranty", "保修期外的产品"),
    ("emergency", "true", "emergencies", "紧急情况"),
    ("reimbursable", "true", "services whose cost is reimbursed", "费用可报销的服务"),
];
