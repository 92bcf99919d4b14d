//! `[[probe]]`: commands that look at the host after everything was changed (docs/formats.md §4).

use alloc::vec::Vec;

use super::Table;
use super::command::{self, Command};
use crate::document::Document;

/// One `[[probe]]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What is run, and when; `timeout` is that of one try.
    pub command: Command,
    /// For how long it is tried again, in seconds.
    pub within: Option<u64>,
}

/// Reads the tables `[[probe]]`.
pub(super) fn probes<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Vec<Probe> {
    let mut probes = Vec::new();
    for (table, span) in document.tables(table, "probe") {
        document.only(table, "probe.", &["name", "run", "when", "timeout", "within"], &[]);
        let within = document.duration(table, "within");
        let hint = "name the file by its own path, or make it a [[check]]";
        command::refuse_staged(document, table, "a probe looks at the host", hint);
        probes.extend(command::command(document, table, span).map(|command| Probe { command, within }));
    }
    probes
}
