//! The page as Markdown (CommonMark, with GitHub's tables).

use super::Page;
use crate::names::Lang;

/// The page as Markdown.
pub fn markdown(page: &Page) -> String {
    let mut text = format!("# {}\n", escaped(&page.title));
    for line in &page.lead {
        text.push_str(&format!("\n{}\n", escaped(line)));
    }
    text.push_str(&format!("\n## {}\n\n", escaped(&page.caption)));
    for (n, row) in page.table.iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
        if n == 0 {
            // What follows the promise and its limit are figures.
            let aligned = |column| if column < 2 { "---" } else { "---:" };
            let rule: Vec<&str> = (0..row.len()).map(aligned).collect();
            text.push_str(&format!("| {} |\n", rule.join(" | ")));
        }
    }
    for note in &page.notes {
        text.push_str(&format!("\n{}\n", escaped(note)));
    }
    for section in &page.sections {
        let between = if page.lang == Lang::Zh { "" } else { " " };
        let sentences: Vec<String> = section.sentences.iter().map(|one| escaped(one)).collect();
        text.push_str(&format!("\n## {}\n\n{}\n", escaped(&section.title), sentences.join(between)));
    }
    text
}

/// What would be markup, as itself. A text is one line here, so a mark that means something only where a line begins
/// is harmless unless the text begins with it.
fn escaped(text: &str) -> String {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let is_item = digits > 0 && [". ", ") "].iter().any(|mark| text[digits..].starts_with(mark));
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let begins = (at == 0 && "#-+=".contains(c)) || (is_item && at == digits);
        match c {
            '\n' | '\r' => safe.push(' '),
            c if begins || "\\`*_[]<>|&~".contains(c) => safe.extend(['\\', c]),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_in_a_text_is_markup() {
        for (text, expected) in [
            ("a|b *c* _d_ `e` <b> [x](y) & \\", "a\\|b \\*c\\* \\_d\\_ \\`e\\` \\<b\\> \\[x\\](y) \\& \\\\"),
            ("# no title\nnor two lines", "\\# no title nor two lines"),
            ("1. no list", "1\\. no list"),
            ("80.5 % within 2.5 h", "80.5 % within 2.5 h"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
