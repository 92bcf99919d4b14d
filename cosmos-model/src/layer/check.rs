//! `[[check]]`: commands that look at staged files before anything is changed (docs/formats.md §4).

use alloc::vec::Vec;

use super::Table;
use super::command::{self, Command};
use crate::document::Document;

/// Reads the tables `[[check]]`.
pub(super) fn checks<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Vec<Command> {
    let mut checks = Vec::new();
    for (table, span) in document.tables(table, "check") {
        document.only(table, "check.", &["name", "run", "when", "timeout"], &[]);
        checks.extend(command::command(document, table, span));
    }
    checks
}
