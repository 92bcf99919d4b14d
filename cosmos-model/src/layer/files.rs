//! `[files."PATTERN"]`: attributes of installed paths (docs/formats.md §4).

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use super::{Table, command};
use crate::document::Document;
use crate::pattern::PathPattern;

/// Who should own a path, as written; resolved on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The default: root, or the caller in an unprivileged root. An existing directory keeps its owner.
    Default,
    /// A numeric id.
    Id(u32),
    /// A name of the host's user or group database.
    Name(Arc<str>),
}

/// What a run does when the host differs (docs/formats.md §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilePolicy {
    /// Repair and report.
    #[default]
    Enforce,
    /// Report only.
    Report,
    /// Write when absent, then leave it to the host.
    CreateOnly,
}

/// One `[files."PATTERN"]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRule {
    /// Which paths.
    pub pattern: PathPattern,
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owning user.
    pub owner: Option<Owner>,
    /// Owning group.
    pub group: Option<Owner>,
    /// What happens on drift.
    pub policy: Option<FilePolicy>,
}

/// Reads the tables `[files."PATTERN"]`.
pub(super) fn file_rules<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Vec<FileRule> {
    let Some(files) = document.table(table, "files") else { return Vec::new() };
    // The map is sorted by key, but the last table of the text wins.
    let mut tables: Vec<_> = files.iter().collect();
    tables.sort_by_key(|(key, _)| key.span().start);
    let mut rules = Vec::new();
    for (key, value) in tables {
        let text = key.get_ref().as_ref();
        let Some(table) = document.as_table(value, "files.\"PATTERN\"") else { continue };
        let pattern = command::pattern(document, text, key.span());
        let rule = file_rule(document, table, pattern);
        rules.extend(rule);
    }
    rules
}

/// Reads one table; its mistakes are found even where the pattern is one.
fn file_rule<'t>(document: &mut Document<'t>, table: &Table<'t>, pattern: Option<PathPattern>) -> Option<FileRule> {
    document.only(table, "files.", &["mode", "owner", "group", "policy"], &[]);
    let (owner, group_of_owner) = owners(document, table);
    let group = document.string(table, "group").and_then(|(text, span)| owner_name(document, text, span));
    let (mode, policy) = (mode(document, table), policy(document, table));
    Some(FileRule { pattern: pattern?, mode, owner, group: group.or(group_of_owner), policy })
}

fn mode<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Option<u32> {
    let (text, span) = document.string(table, "mode")?;
    let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'7')) && (3..=5).contains(&text.len());
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o7777);
    if mode.is_none() {
        document.mistake(span, "'mode' must be octal digits up to 7777", "write mode = \"0644\"");
    }
    mode
}

fn owners<'t>(document: &mut Document<'t>, table: &Table<'t>) -> (Option<Owner>, Option<Owner>) {
    let Some((text, span)) = document.string(table, "owner") else { return (None, None) };
    match text.split_once(':') {
        Some((owner, group)) => (owner_name(document, owner, span.clone()), owner_name(document, group, span)),
        None => (owner_name(document, text, span), None),
    }
}

/// A number is an id, anything else a name as login programs accept it.
fn owner_name(document: &mut Document<'_>, text: &str, span: Range<usize>) -> Option<Owner> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // The largest id means "leave it" to the system call.
        if let Some(id) = text.parse().ok().filter(|id| *id != u32::MAX) {
            return Some(Owner::Id(id));
        }
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if starts_well && text.len() <= 256 && text.bytes().all(allowed) {
        return Some(Owner::Name(text.into()));
    }
    let shown = crate::escape::for_terminal(text.as_bytes());
    document.mistake(span, format!("'{shown}' is not the name or number of a user or group"), "such as \"root\"");
    None
}

fn policy<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Option<FilePolicy> {
    let (text, span) = document.string(table, "policy")?;
    match text {
        "enforce" => Some(FilePolicy::Enforce),
        "report" => Some(FilePolicy::Report),
        "create-only" => Some(FilePolicy::CreateOnly),
        _ => {
            document.mistake(
                span,
                "'policy' must be \"enforce\", \"report\" or \"create-only\"",
                "leave it out to enforce",
            );
            None
        }
    }
}
