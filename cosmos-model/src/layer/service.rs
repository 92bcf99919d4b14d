//! `[[service]]`: which services read which paths (docs/formats.md §4).

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::Table;
use super::command;
use crate::document::Document;
use crate::pattern::PathPattern;

/// One `[[service]]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The unit's name; without a suffix, a service's.
    pub name: String,
    /// Which paths it reads again when it is reloaded.
    pub reload: Vec<PathPattern>,
    /// Which paths it reads only when it starts.
    pub restart: Vec<PathPattern>,
    /// Whether it is to run, now and after each boot; `None` leaves that alone.
    pub enabled: Option<bool>,
}

/// The longest name of a unit.
const LONGEST: usize = 255;

/// Reads the tables `[[service]]`.
pub(super) fn services<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Vec<Service> {
    let mut services: Vec<Service> = Vec::new();
    for (table, span) in document.tables(table, "service") {
        document.only(table, "service.", &["name", "reload", "restart", "enabled"], &[]);
        let (reload, restart) =
            (command::patterns(document, table, "reload"), command::patterns(document, table, "restart"));
        let enabled = document.boolean(table, "enabled");
        let Some((name, at)) = document.string(table, "name") else {
            if table.get("name").is_none() {
                document.mistake(span, "a service needs its 'name'", "write name = \"unbound\"");
            }
            continue;
        };
        let shown = crate::escape::for_terminal(name.as_bytes());
        if !is_unit(name) {
            document.mistake(at, format!("'{shown}' is not the name of a service"), "such as \"unbound\"");
        } else if services.iter().any(|other| other.name == name) {
            document.mistake(at, format!("'{shown}' stands here twice"), "make it one table");
        } else {
            services.push(Service { name: name.to_string(), reload, restart, enabled });
        }
    }
    services
}

fn is_unit(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":_.@\\-".contains(&byte);
    !name.is_empty() && name.len() <= LONGEST && !name.starts_with(['-', '.']) && name.bytes().all(allowed)
}
