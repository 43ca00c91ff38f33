//! A table, for eyes and for documents.

use std::fmt::Write as _;

/// Rows of as many cells as there are columns.
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these columns.
    pub fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|name| (*name).to_owned()).collect(), rows: vec![] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Columns side by side: names to the left, figures to the right.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for row in std::iter::once(&self.head).chain(&self.rows) {
            let cells: Vec<String> = (0..).zip(row).map(|(at, cell)| self.padded(at, cell)).collect();
            let _ = writeln!(text, "{}", cells.join("  ").trim_end());
        }
        text
    }

    /// As Markdown has it.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|---|{}\n", "---:|".repeat(self.head.len().max(1) - 1));
        line(&self.head) + &rule + &self.rows.iter().map(|row| line(row)).collect::<String>()
    }

    fn padded(&self, column: usize, cell: &str) -> String {
        let length = |row: &Vec<String>| row.get(column).map_or(0, |cell| cell.chars().count());
        let width = std::iter::once(&self.head).chain(&self.rows).map(length).max().unwrap_or(0);
        if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_for_eyes_and_ruled_for_documents() {
        let mut table = Table::new(&["setting", "rate"]);
        table.row(vec!["full".to_owned(), "9".to_owned()]);
        table.row(vec!["relaxed".to_owned(), "1000".to_owned()]);
        assert_eq!(table.text(), "setting  rate\nfull        9\nrelaxed  1000\n");
        assert_eq!(table.markdown(), "| setting | rate |\n|---|---:|\n| full | 9 |\n| relaxed | 1000 |\n");
    }
}
