//! `[tasks."NAME"]`: when a task of the same name runs, and for how long (docs/formats.md §4).

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::Table;
use super::command;
use crate::document::Document;
use crate::pattern::PathPattern;

/// One `[tasks."NAME"]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRule {
    /// The task's name, without its folder.
    pub name: String,
    /// Where the table stands: file, line and column.
    pub place: String,
    /// How long it may run, in seconds.
    pub timeout: Option<u64>,
    /// It runs only when one of these changed; always where the list is left out.
    pub when_changed: Option<Vec<PathPattern>>,
    /// It runs until it ended well once.
    pub once: bool,
}

/// Reads the tables `[tasks."NAME"]`.
pub(super) fn task_rules<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Vec<TaskRule> {
    let Some(tasks) = document.table(table, "tasks") else { return Vec::new() };
    let mut rules = Vec::new();
    for (key, value) in tasks {
        let name = key.get_ref().as_ref();
        let Some(table) = document.as_table(value, "tasks.\"NAME\"") else { continue };
        document.only(table, "tasks.", &["timeout", "when-changed", "once"], &[]);
        if !name.starts_with(|first: char| first.is_ascii_digit()) || name.contains('/') {
            let shown = crate::escape::for_terminal(name.as_bytes());
            let hint = "such as [tasks.\"030puppet\"], without a folder";
            document.mistake(key.span(), format!("'{shown}' is not the name of a task"), hint);
        }
        let when_changed = table.get("when-changed").map(|_| command::patterns(document, table, "when-changed"));
        rules.push(TaskRule {
            name: name.to_string(),
            place: document.place(&key.span()),
            timeout: document.duration(table, "timeout"),
            when_changed,
            once: document.boolean(table, "once").unwrap_or_default(),
        });
    }
    rules
}
