//! The page as HTML: one file that needs nothing else, in light and dark, on paper and on small screens.

use super::Page;
use crate::names::Lang;

/// Colours keep a contrast of at least 7 : 1 in both schemes. The table scrolls by itself where the screen is narrow.
const STYLE: &str = include_str!("commitments.css");

/// The page as HTML.
pub fn html(page: &Page) -> String {
    let lang = match page.lang {
        Lang::En => "en",
        Lang::Zh => "zh-Hans",
    };
    let title = escaped(&page.title);
    let lead: String = page.lead.iter().map(|line| format!("<p>{}</p>\n", escaped(line))).collect();
    let notes: String =
        page.notes.iter().map(|note| format!("<p class=\"note\">{}</p>\n", escaped(note))).collect();
    let sections: String = page.sections.iter().enumerate().map(|(n, section)| {
        let sentences: String =
            section.sentences.iter().map(|one| format!("<li>{}</li>\n", escaped(one))).collect();
        let (n, title) = (n + 1, escaped(&section.title));
        format!(
            "<section aria-labelledby=\"promise-{n}\">\n<h2 id=\"promise-{n}\">{title}</h2>\n<ul>\n{sentences}</ul>\n</section>\n"
        )
    }).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n{lead}{}{notes}{sections}</main>\n</body>\n</html>\n",
        table(page)
    )
}

/// A region of its own that can be reached by keyboard, so that it can be scrolled.
fn table(page: &Page) -> String {
    let caption = escaped(&page.caption);
    let mut text = format!(
        "<section class=\"wide\" aria-labelledby=\"limits\" tabindex=\"0\">\n<table>\n\
         <caption id=\"limits\">{caption}</caption>\n"
    );
    let mut rows = page.table.iter();
    if let Some(header) = rows.next() {
        let cells: String =
            header.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escaped(cell))).collect();
        text.push_str(&format!("<thead>\n<tr>{cells}</tr>\n</thead>\n"));
    }
    text.push_str("<tbody>\n");
    for row in rows {
        let cell = |(column, cell): (usize, &String)| match column {
            0 => format!("<th scope=\"row\">{}</th>", escaped(cell)),
            _ => format!("<td>{}</td>", escaped(cell)),
        };
        let cells: String = row.iter().enumerate().map(cell).collect();
        text.push_str(&format!("<tr>{cells}</tr>\n"));
    }
    text.push_str("</tbody>\n</table>\n</section>\n");
    text
}

/// What would be markup, as itself; also within quotes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
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
        assert_eq!(escaped("<b>\"A\" & 'B'</b>"), "&lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt;");
    }
}
