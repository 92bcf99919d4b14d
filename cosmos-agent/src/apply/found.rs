//! What was at a path before us: kind, owner, mode and the hash of its content, for `cosmos restore` (docs/formats.md
//! §26).

use std::collections::BTreeMap;

use cosmos_model::managed::ManagedSet;
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Action, Plan};
use cosmos_model::record::Described;
use cosmos_model::snapshot::Observed;
use serde::{Deserialize, Serialize};

use super::folder::StateFolder;
use crate::fs::{self, FsError};

/// The version of a line.
const FORMAT: u32 = 1;

/// Largest list that is read, in bytes: a million paths.
const LIMIT: u64 = 512 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    format: u32,
    path: RelPath,
    found: Described,
}

/// Returns what was found at `path` when it was first managed, if something was.
///
/// # Errors
/// Returns an [`FsError`] when the list cannot be read.
pub fn found_at(state: &StateFolder, path: &RelPath) -> Result<Option<Described>, FsError> {
    Ok(read(state)?.remove(path))
}

/// Writes down what `plan` finds at paths that were never managed, before anything is changed. The first word stays.
pub(super) fn remember(state: &StateFolder, plan: &Plan, before: &ManagedSet) -> Result<(), FsError> {
    let is_first = |path: &RelPath| !before.entries.contains_key(path);
    let replaced = plan.steps().iter().filter(|step| {
        let there = !matches!(step.expects(), Observed::Absent | Observed::Other | Observed::Blocked(_));
        there && !matches!(step.action(), Action::RemoveDirectory) && is_first(step.path())
    });
    let mut replaced = replaced.peekable();
    if replaced.peek().is_none() {
        return Ok(());
    }
    let mut list = read(state)?;
    let known = list.len();
    for step in replaced {
        if let Some(found) = Described::found(step.expects()) {
            list.entry(step.path().clone()).or_insert(found);
        }
    }
    if list.len() == known {
        return Ok(());
    }
    fs::replace(state.home(), &state.path("found.jsonl"), &text(list), 0o600)
}

fn read(state: &StateFolder) -> Result<BTreeMap<RelPath, Described>, FsError> {
    let text = state.home().read(&state.path("found.jsonl"), LIMIT)?.unwrap_or_default();
    Ok(parse(&text))
}

/// Reads a list. A line of another version, or one that is damaged, says nothing: it can only keep one path from being
/// put back.
pub(super) fn parse(text: &[u8]) -> BTreeMap<RelPath, Described> {
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok());
    lines.filter(|line| line.format == FORMAT).map(|line| (line.path, line.found)).collect()
}

pub(super) fn text(list: BTreeMap<RelPath, Described>) -> Vec<u8> {
    let mut text = Vec::new();
    for (path, found) in list {
        let line = serde_json::to_vec(&Line { format: FORMAT, path, found });
        text.extend(line.expect("a line holds text and numbers only"));
        text.push(b'\n');
    }
    text
}
