//! How is a crisis said, and what does the guide say to do? In English and in 中文.

use super::{Because, Crisis, Factor, Level};
use crate::names::Text;

impl Level {
    /// Its name.
    pub fn name(self) -> Text {
        match self {
            Level::Primary => Text::new("primary", "初级"),
            Level::Intermediate => Text::new("intermediate", "中级"),
            Level::Advanced => Text::new("advanced", "高级"),
        }
    }

    /// What the guide says to do at this level (clause 7.2.2).
    pub fn response(self) -> Vec<Text> {
        let lines: &[(&str, &str)] = match self {
            Level::Primary => &[
                ("Adjust the service process promptly.", "及时调整服务流程。"),
                ("Improve the service measures.", "改进服务措施。"),
                ("Remove the hidden danger.", "消除危机隐患。"),
            ],
            Level::Intermediate => &[
                ("Start the emergency plan.", "启动应急预案。"),
                ("Organise the relevant departments to respond together.", "组织相关部门协同应对。"),
                ("Strengthen internal communication and external cooperation.", "加强内部沟通与外部协作。"),
            ],
            Level::Advanced => &[
                (
                    "Set up a crisis-handling team that takes full charge.",
                    "成立危机处理小组，全面负责危机应对工作。",
                ),
                ("Seek external professional support where necessary.", "必要时寻求外部专业支持。"),
            ],
        };
        texts(lines)
    }
}

/// What the guide says to do as soon as a crisis is over (clause 7.3.1).
pub fn recovery() -> Vec<Text> {
    texts(&[
        (
            "Reassure and compensate the affected customers, and restore their confidence.",
            "对受影响的客户进行安抚和赔偿，恢复客户信心。",
        ),
        (
            "Optimise the service process so that a similar crisis does not happen again.",
            "优化服务流程，防止类似危机再次发生。",
        ),
        (
            "Train the staff in service awareness and in handling crises.",
            "加强员工培训，提高服务意识和危机应对能力。",
        ),
    ])
}

fn texts(lines: &[(&str, &str)]) -> Vec<Text> {
    lines.iter().map(|(en, zh)| Text::new(*en, *zh)).collect()
}

impl Crisis {
    /// What it says, in one sentence.
    pub fn summary(&self) -> Text {
        let (name, level, began) = (self.series.name(), self.level.name(), self.began);
        let Some(ended) = self.ended else {
            let (en, zh) = self.factors_in_words();
            return Text::new(
                format!("{}: {} service crisis since {began} ({en})", name.en, level.en),
                format!("{}：{}服务危机，始于 {began}（{zh}）", name.zh, level.zh),
            );
        };
        let peak = self.steps.iter().map(|step| step.level).max().unwrap_or(self.level).name();
        Text::new(
            format!("{}: service crisis from {began} to {ended} is over, highest level {}", name.en, peak.en),
            format!("{}：服务危机已结束（{began} 至 {ended}），最高级别为{}", name.zh, peak.zh),
        )
    }

    fn factors_in_words(&self) -> (String, String) {
        let named = [
            ("scope", "影响范围", self.factors.scope),
            ("harm", "危害程度", self.factors.harm),
            ("urgency", "紧急程度", self.factors.urgency),
        ];
        let words = named.map(|(en, zh, factor)| {
            let because = self.because(factor);
            (
                format!("{en} {}/3{}", factor.score, because.en),
                format!("{zh} {}/3{}", factor.score, because.zh),
            )
        });
        let (en, zh): (Vec<String>, Vec<String>) = words.into_iter().unzip();
        (en.join("; "), zh.join("；"))
    }

    /// The number that made a factor, with what leads up to it.
    fn because(&self, factor: Factor) -> Text {
        let e = &self.factors.evidence;
        let say = |en: String, zh: String| Text::new(format!(": {en}"), format!("：{zh}"));
        match factor.because {
            Because::Nothing => Text::default(),
            Because::Customers if e.customers_are_cases => {
                say(format!("{} cases", e.customers), format!("涉及 {} 件", e.customers))
            }
            Because::Customers => {
                say(format!("{} customers", e.customers), format!("受影响客户 {} 位", e.customers))
            }
            Because::Regions => say(format!("{} regions", e.regions), format!("涉及 {} 个地区", e.regions)),
            Because::Products => {
                say(format!("{} products", e.products), format!("涉及 {} 个产品", e.products))
            }
            Because::Ratio => say(
                format!("{} complaints, {:.1} expected", e.complaints, e.complaints_expected),
                format!("投诉 {} 件，预期 {:.1} 件", e.complaints, e.complaints_expected),
            ),
            Because::Breaches => say(
                format!("{} promises broken, {:.1} expected", e.breaches, e.breaches_expected),
                format!("违约 {} 件，预期 {:.1} 件", e.breaches, e.breaches_expected),
            ),
            Because::Satisfaction => say(
                format!("satisfaction down {:.1} points", e.satisfaction_drop),
                format!("满意度指数下降 {:.1} 分", e.satisfaction_drop),
            ),
            Because::Doubling => say(
                format!("doubles in {:.1} h", e.doubling_hours),
                format!("每 {:.1} 小时翻一番", e.doubling_hours),
            ),
        }
    }
}
