//! `[[port]]`: where services of a layer listen (docs/formats.md §4).

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::Table;
use crate::document::Document;

/// One `[[port]]` table, as written: what it means depends on parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The service that listens, as `[[service]]` names it.
    pub service: String,
    /// An expression for the port's number.
    pub number: String,
    /// An expression for a list of addresses; without it the service listens at all of them.
    pub addresses: Option<String>,
    /// Where the table stands.
    pub place: String,
}

/// Reads the tables `[[port]]`.
pub(super) fn ports<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Vec<Port> {
    let mut ports = Vec::new();
    for (table, span) in document.tables(table, "port") {
        document.only(table, "port.", &["service", "number", "addresses"], &[]);
        let text = |document: &mut Document<'t>, key| document.string(table, key).map(|(text, _)| text.to_string());
        let (service, number) = (text(document, "service"), text(document, "number"));
        let addresses = text(document, "addresses");
        match (service, number) {
            (Some(service), Some(number)) => {
                ports.push(Port { service, number, addresses, place: document.place(&span) });
            }
            _ => {
                let hint = "write service = \"unbound\" and number = \"53\"";
                document.mistake(span, "a port needs its 'service' and its 'number'", hint);
            }
        }
    }
    ports
}
