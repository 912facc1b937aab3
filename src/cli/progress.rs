//! How far is it? A bar on a terminal, silence elsewhere.

use indicatif::{ProgressBar, ProgressStyle};

use crate::app::replay::Stage;
use crate::source::replay::Progress;

/// A bar for the stage that is running.
pub struct Bar {
    bar: Option<ProgressBar>,
    stage: &'static str,
}

impl Bar {
    /// No bar yet.
    pub fn new() -> Bar {
        Bar { bar: None, stage: "" }
    }

    /// Shows how far a stage is.
    pub fn show(&mut self, stage: Stage) {
        match stage {
            Stage::Reading(Progress::Reading { bytes, total }) => self.draw("reading", bytes, total, true),
            Stage::Reading(Progress::Ordering) => self.draw("ordering", 0, None, false),
            Stage::Judging(done, total) => self.draw("judging", done, Some(total), false),
        }
    }

    fn draw(&mut self, stage: &'static str, done: u64, total: Option<u64>, bytes: bool) {
        if !super::is_terminal() {
            return;
        }
        if self.stage != stage {
            self.finish();
            self.stage = stage;
            self.bar = Some(bar(stage, total, bytes));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(total.map_or(done, |total| done.min(total)));
        }
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(stage: &'static str, total: Option<u64>, bytes: bool) -> ProgressBar {
    let figures = match (total.is_some(), bytes) {
        (true, true) => "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        (true, false) => "{bar:40} {human_pos}/{human_len} {per_sec} {eta}",
        (false, true) => "{spinner} {bytes} {bytes_per_sec}",
        (false, false) => "{spinner} {human_pos} {per_sec}",
    };
    let style = ProgressStyle::with_template(&format!("{{msg:9}} {figures}"));
    let style = style.expect("the template is fixed and tested");
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.set_style(style);
    bar.set_message(stage);
    bar
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_template_is_valid() {
        for (total, bytes) in [(Some(1), true), (Some(1), false), (None, true), (None, false)] {
            super::bar("reading", total, bytes);
        }
    }
}
