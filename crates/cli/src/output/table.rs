//! Tables for people.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, ContentArrangement};

/// A table that fits the terminal.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// A table with a head.
    pub(crate) fn new<'a>(head: impl IntoIterator<Item = &'a str>) -> Self {
        let mut table = Self::plain();
        table.0.set_header(head.into_iter().collect::<Vec<_>>());
        table
    }

    /// A table of names and values, without a head.
    pub(crate) fn of_values() -> Self {
        Self::plain()
    }

    fn plain() -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(UTF8_BORDERS_ONLY);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        Self(table)
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.add_row(cells);
    }

    /// Puts the numbers of a column under each other.
    pub(crate) fn align_right(&mut self, column: usize) {
        if let Some(column) = self.0.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }

    /// The table as text.
    pub(crate) fn render(&self) -> String {
        self.0.to_string()
    }

    /// Prints the table on standard output.
    pub(crate) fn print(&self) -> anyhow::Result<()> {
        super::line(&self.render())
    }
}
