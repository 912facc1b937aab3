//! A clock as a line of signs: what it was doing in each sixtieth of its time.

use super::say;
use crate::names::Lang;
use crate::sla::picture::{Picture, Segment, State};

/// How many signs a bar has.
const CELLS: i64 = 60;

/// What the signs mean, once for a page.
pub fn legend(lang: Lang) -> &'static str {
    say(
        lang,
        "█ open  · closed  ‖ paused  ▓ warned  ✗ breached  ░ left  ◆ due",
        "█ 计时  · 非营业  ‖ 暂停  ▓ 预警  ✗ 超时  ░ 剩余  ◆ 到期",
    )
}

/// The bar; empty for a clock that has just started and has no goal.
pub fn bar(picture: &Picture) -> String {
    let (Some(first), Some(last)) = (picture.segments.first(), picture.segments.last()) else {
        return String::new();
    };
    let (from, until) = (first.start_ms, last.end_ms);
    // In 128 bits: a bar of a century times its cells is still exact.
    let edge = |cell: i64| from + (i128::from(until - from) * i128::from(cell) / i128::from(CELLS)) as i64;
    let cell_of = |at: i64| (0..CELLS).rev().find(|cell| edge(*cell) <= at);
    let due = picture.due_ms.and_then(|due| cell_of(due.min(until)));
    let sign = |cell: i64| match due {
        Some(due) if due == cell => '◆',
        _ => sign(longest(&picture.segments, edge(cell), edge(cell + 1))),
    };
    (0..CELLS).map(sign).collect()
}

/// The state that takes most of a stretch; of equals the earlier.
fn longest(segments: &[Segment], from: i64, to: i64) -> State {
    let first = segments.partition_point(|one| one.end_ms <= from).min(segments.len() - 1);
    let overlap = |one: &Segment| one.end_ms.min(to) - one.start_ms.max(from);
    let within = segments[first..].iter().take_while(|one| one.start_ms < to);
    let all =
        within.fold(
            (State::Left, 0),
            |best, one| {
                if overlap(one) > best.1 { (one.state, overlap(one)) } else { best }
            },
        );
    // A bar shorter than its cells in milliseconds has cells of no length.
    if all.1 > 0 { all.0 } else { segments[first].state }
}

fn sign(state: State) -> char {
    match state {
        State::Open => '█',
        State::Closed => '·',
        State::Paused => '‖',
        State::Warned => '▓',
        State::Breached => '✗',
        State::Left => '░',
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn picture(segments: &[(i64, i64, State)], due_ms: Option<i64>) -> Picture {
        let segment = |(start_ms, end_ms, state): &(i64, i64, State)| Segment {
            start_ms: *start_ms,
            end_ms: *end_ms,
            state: *state,
        };
        Picture { segments: segments.iter().map(segment).collect(), due_ms, closed_drawn: true }
    }

    #[test]
    fn every_state_has_its_place_and_every_bar_the_same_width() {
        let drawn = [
            (0, 10, State::Open),
            (10, 20, State::Closed),
            (20, 30, State::Paused),
            (30, 40, State::Warned),
            (40, 50, State::Breached),
            (50, 60, State::Left),
        ];
        let expected = format!(
            "{}{}{}{}◆{}{}",
            "█".repeat(10),
            "·".repeat(10),
            "‖".repeat(10),
            "▓".repeat(10),
            "✗".repeat(9),
            "░".repeat(10)
        );
        assert_eq!(bar(&picture(&drawn, Some(40))), expected);
        // Due at the very end is in the last cell; shorter than its cells, and as long as a century: as wide.
        for (until, due) in [(60, Some(60)), (7, Some(7)), (3_155_760_000_000, None)] {
            let bar = bar(&picture(&[(0, until, State::Open)], due));
            assert_eq!(bar.width(), CELLS as usize, "{bar}");
            assert_eq!(bar.ends_with('◆'), due.is_some(), "{bar}");
        }
        assert_eq!(bar(&picture(&[], None)), "");
    }
}
