//! What did the demonstration come to, for people?

use crate::app::demo::{Seen, Summary};
use crate::crisis::Level;
use crate::names::Lang;

/// The summary in a few lines.
pub fn text(summary: &Summary, lang: Lang) -> String {
    let Summary { events, warnings, breaches, spikes, .. } = summary;
    let mut lines = vec![match lang {
        Lang::En => {
            format!("{events} events: {warnings} warnings, {breaches} broken promises, {spikes} spikes")
        }
        Lang::Zh => format!("{events} 个事件：{warnings} 次预警，{breaches} 项承诺超时，{spikes} 次激增"),
    }];
    if summary.crises.is_empty() {
        lines.push(super::say(lang, "no crisis", "没有危机").into());
    }
    lines.extend(summary.crises.iter().map(|crisis| line(crisis, lang)));
    lines.join("\n")
}

fn line(crisis: &Seen, lang: Lang) -> String {
    let levels: Vec<&str> = crisis.levels.iter().map(|level| name(*level, lang)).collect();
    let everything = super::say(lang, "all", "全部");
    let product = crisis.product.as_deref().unwrap_or(everything);
    let region = crisis.region.as_deref().unwrap_or(everything);
    let levels = levels.join(" → ");
    match (lang, crisis.ended) {
        (Lang::En, true) => format!("crisis: product {product}, region {region}: {levels}, over"),
        (Lang::En, false) => format!("crisis: product {product}, region {region}: {levels}, still going on"),
        (Lang::Zh, true) => format!("危机：产品 {product}，地区 {region}：{levels}，已结束"),
        (Lang::Zh, false) => format!("危机：产品 {product}，地区 {region}：{levels}，仍在持续"),
    }
}

fn name(level: Level, lang: Lang) -> &'static str {
    match level {
        Level::Primary => super::say(lang, "primary", "初级"),
        Level::Intermediate => super::say(lang, "intermediate", "中级"),
        Level::Advanced => super::say(lang, "advanced", "高级"),
    }
}
