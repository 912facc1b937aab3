//! How is a signal said in words? One sentence, in English and in 中文.

use super::{Finding, Measure, Signal};
use crate::names::Text;

impl Signal {
    /// What it says, in one sentence.
    pub fn summary(&self) -> Text {
        match self.finding {
            Finding::Spike => self.spike(),
            Finding::NewSeries => self.newcomer(),
        }
    }

    fn spike(&self) -> Text {
        let Signal { observed, window_start, .. } = self;
        let (en, zh) = match self.measure {
            Measure::Complaints => ("complaints", "投诉"),
            Measure::Breaches => ("broken promises", "违约"),
        };
        let (hours, name) = (self.hours(), self.series.name());
        let (expected, times) = (show(self.expected), show(self.ratio()));
        Text::new(
            format!(
                "{}: {observed} {en} in {hours} h since {window_start}, {expected} expected ({times} times)",
                name.en
            ),
            format!(
                "{}：{zh}异常增多，自 {window_start} 起 {hours} 小时内 {observed} 件，预期 {expected} 件（{times} 倍）",
                name.zh
            ),
        )
    }

    fn newcomer(&self) -> Text {
        let Signal { observed, window_start, .. } = self;
        let (hours, name) = (self.hours(), self.series.name());
        Text::new(
            format!(
                "{}: new since {window_start}, {observed} complaints in {hours} h, nothing to compare them with yet",
                name.en
            ),
            format!(
                "{}：{window_start} 起新出现，{hours} 小时内投诉 {observed} 件，尚无历史数据可供比较",
                name.zh
            ),
        )
    }

    fn hours(&self) -> String {
        show((self.window_end - self.window_start).seconds() / 3_600.0)
    }

    /// How many times what was expected there were.
    pub fn ratio(&self) -> f64 {
        self.observed as f64 / self.expected.max(0.01)
    }
}

/// Whole numbers from ten on, one decimal below, and none that is zero.
fn show(value: f64) -> String {
    let text = if value >= 9.95 { format!("{value:.0}") } else { format!("{value:.1}") };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
