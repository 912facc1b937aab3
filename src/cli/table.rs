//! Columns that line up, also with characters two columns wide.

use unicode_width::UnicodeWidthStr;

/// Rows of cells; the first row is the header. The first column is set left, the others right.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with a header.
    pub fn new<const N: usize>(header: [&str; N]) -> Table {
        Table { rows: vec![header.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.rows[0].len(), "a row has as many cells as the header");
        self.rows.push(cells.into());
    }

    /// The lines, indented by two.
    pub fn lines(&self) -> String {
        let width = |column: usize| self.rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            text.push(' ');
            for (column, cell) in row.iter().enumerate() {
                let gap = " ".repeat(widths[column] - cell.width());
                text.push(' ');
                if column == 0 {
                    text.push_str(&format!("{cell}{gap}"));
                } else {
                    text.push_str(&format!(" {gap}{cell}"));
                }
            }
            text.truncate(text.trim_end_matches(' ').len());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        let mut table = Table::new(["承诺", "kept"]);
        table.row(["a".into(), "1".into()]);
        assert_eq!(table.lines(), "  承诺  kept\n  a        1\n");
    }
}
