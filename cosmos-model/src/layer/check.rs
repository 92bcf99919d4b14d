//! `[[check]]`: commands that are asked before anything is changed, about staged files or about a layer that leaves
//! (docs/formats.md §4).

use alloc::vec::Vec;

use super::Table;
use super::command::{self, Command};
use crate::document::Document;

/// What the tables `[[check]]` ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checks {
    /// Those that look at staged files.
    pub staged: Vec<Command>,
    /// Those that look at a host which the layer is to leave; no path asks for them.
    pub leaving: Vec<Command>,
}

/// Reads the tables `[[check]]`.
pub(super) fn checks<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Checks {
    let mut checks = Checks::default();
    for (table, span) in document.tables(table, "check") {
        document.only(table, "check.", &["name", "run", "when", "leaving", "timeout"], &[]);
        if document.boolean(table, "leaving") == Some(true) {
            if table.get("when").is_some() {
                let hint = "make two of it: it looks at staged files, or at a host that its layer leaves";
                document.mistake(span.clone(), "a check has 'when' or 'leaving', not both", hint);
            }
            let hint = "name the file by its own path: nothing of the layer has gone yet";
            command::refuse_staged(document, table, "a check of a layer that leaves looks at the host", hint);
            checks.leaving.extend(command::program(document, table, span));
        } else {
            checks.staged.extend(command::command(document, table, span));
        }
    }
    checks
}
