//! The table `[packages]`: what must be installed for a layer to work.

use alloc::format;
use alloc::vec::Vec;

use super::Table;
use crate::document::Document;
use crate::package::PackageName;

/// Reads the table; each kind of package has a key of its own, and there is one kind.
pub(super) fn packages<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Vec<PackageName> {
    let Some(packages) = document.table(table, "packages") else { return Vec::new() };
    document.only(packages, "packages.", &["apt"], &[]);
    let mut names = Vec::new();
    for (text, span) in document.strings(packages, "apt") {
        match PackageName::new(text) {
            Ok(name) => names.push(name),
            Err(error) => {
                let shown = crate::escape::for_terminal(text.as_bytes());
                document.mistake(span, format!("'{shown}' is not the name of a package"), format!("{error}"));
            }
        }
    }
    names
}
