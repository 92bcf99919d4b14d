//! What `[[check]]` and `[[probe]]` have in common: a program, the paths that ask for it, how long it may take.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::ops::Range;

use super::Table;
use crate::document::Document;
use crate::pattern::PathPattern;

/// What a check's arguments name the staged tree by.
pub const STAGED: &str = "{staged}";

/// A program that a layer asks for when paths change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What messages call it: its own word, else the program's name.
    pub name: String,
    /// The program and its arguments; the program is an absolute path, or a name that is looked for in the fixed PATH.
    pub run: Vec<String>,
    /// Which paths ask for it; none where it is asked when its layer leaves.
    pub when: Vec<PathPattern>,
    /// How long it may take, in seconds.
    pub timeout: Option<u64>,
}

/// Reads the keys `name`, `run`, `when` and `timeout` of the `table` that stands at `span`.
pub(super) fn command<'t>(document: &mut Document<'t>, table: &Table<'t>, span: Range<usize>) -> Option<Command> {
    let when = patterns(document, table, "when");
    if table.get("when").is_none() || (when.is_empty() && document.strings(table, "when").is_empty()) {
        document.mistake(span.clone(), "'when' must name at least one path", "such as when = [\"etc/unbound/**\"]");
    }
    program(document, table, span).map(|command| Command { when, ..command })
}

/// Reads the keys `name`, `run` and `timeout` of the `table` that stands at `span`.
pub(super) fn program<'t>(document: &mut Document<'t>, table: &Table<'t>, span: Range<usize>) -> Option<Command> {
    let run = words(document, table, &span);
    let timeout = document.duration(table, "timeout");
    let program = run.first().map(|program| program.rsplit('/').next().unwrap_or(program));
    let name = document.string(table, "name").map(|(name, _)| name).or(program);
    let name = name.map(|name| crate::escape::for_terminal(name.as_bytes())).unwrap_or_default();
    Some(Command { name, run, when: Vec::new(), timeout }).filter(|command| !command.run.is_empty())
}

/// Refuses words that name the staged tree where there is none; `what` looks at the host.
pub(super) fn refuse_staged<'t>(document: &mut Document<'t>, table: &Table<'t>, what: &str, hint: &str) {
    let staged = |word: &&(&str, _)| word.0.contains(STAGED);
    if let Some((_, span)) = document.strings(table, "run").iter().find(staged) {
        document.mistake(span.clone(), format!("{what}, where '{STAGED}' means nothing"), hint);
    }
}

fn words<'t>(document: &mut Document<'t>, table: &Table<'t>, span: &Range<usize>) -> Vec<String> {
    let words = document.strings(table, "run");
    let program = words.first().map_or("", |(program, _)| *program);
    let plain = program.starts_with('/') || !program.contains('/');
    if program.is_empty() || !plain {
        let hint = "write run = [\"/usr/bin/program\", \"argument\"], or a name that is in the fixed PATH";
        document.mistake(span.clone(), "'run' must begin with a program, by its absolute path or name", hint);
    }
    for (_, span) in words.iter().filter(|(word, _)| word.contains('\0')) {
        document.mistake(span.clone(), "a word of 'run' cannot hold a NUL byte", "remove it");
    }
    words.into_iter().map(|(word, _)| word.to_string()).collect()
}

/// Reads a list of path patterns.
pub(super) fn patterns<'t>(document: &mut Document<'t>, table: &Table<'t>, key: &str) -> Vec<PathPattern> {
    let texts = document.strings(table, key);
    texts.into_iter().filter_map(|(text, span)| pattern(document, text, span)).collect()
}

/// Reads one path pattern.
pub(super) fn pattern(document: &mut Document<'_>, text: &str, span: Range<usize>) -> Option<PathPattern> {
    let pattern = PathPattern::new(text).map_err(|error| {
        let shown = crate::escape::for_terminal(text.as_bytes());
        document.mistake(span, format!("'{shown}' is not a path pattern: {error}"), "such as etc/ssh/*_key");
    });
    pattern.ok()
}
