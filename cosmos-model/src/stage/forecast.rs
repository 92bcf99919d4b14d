//! What a host would be, for an operator who is about to sign it, and how that differs from what it is told now.
//! Nobody can apply this: only a verified revision is staged.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::build::{Files, files, task_files};
use super::repository::Repository;
use super::{Inputs, KnownContent, StageError, native};
use crate::by_path::ByPath;
use crate::content::ContentHash;
use crate::host_name::HostName;
use crate::layer::Command;
use crate::object::ObjectSource;
use crate::object::tree::NameRules;
use crate::object_id::ObjectId;
use crate::path::RelPath;
use crate::staged::{StagedEntry, StagedKind, StagedTaskFile};
use crate::triggers::{Said, Triggers};

/// What one host would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forecast {
    /// Every path that its layers install.
    pub entries: ByPath<StagedEntry>,
    /// The bytes of rendered files, by their hash.
    pub rendered: BTreeMap<ContentHash, Vec<u8>>,
    /// Its tasks, by folder and name.
    pub tasks: BTreeMap<String, StagedTaskFile>,
    /// The names of its layers.
    pub layers: Vec<String>,
    /// What its layers say about checks, services, tasks and probes.
    pub triggers: Triggers,
}

/// How one path of a host changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It comes.
    Created,
    /// Its content, or what it is, changes.
    Content,
    /// Only owner, mode or policy change.
    Attributes,
    /// It goes, as far as hosts let go of it.
    Removed,
}

/// A path that changes, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<'f> {
    /// The path.
    pub path: &'f RelPath,
    /// How.
    pub change: Change,
    /// What it is now.
    pub before: Option<&'f StagedEntry>,
    /// What it would be.
    pub after: Option<&'f StagedEntry>,
}

/// Works out what `host` would be by the tree.
///
/// # Errors
/// Returns [`StageError`] as staging would.
pub fn forecast(
    tree: ObjectId,
    host: &HostName,
    agent: (u64, u64, u64),
    objects: &dyn ObjectSource,
    known: &dyn KnownContent,
    inputs: &Inputs<'_>,
) -> Result<Forecast, StageError> {
    let mut repository = Repository::new(objects, known, NameRules::Native);
    let mut parts = native::layers(&mut repository, tree, host, agent, inputs.built_in)?;
    let Files { entries, rendered, .. } = files(&mut repository, Some(host), &mut parts, inputs);
    let mut tasks = BTreeMap::new();
    for (folder, merged) in [("pre-tasks.d", parts.pre_tasks), ("post-tasks.d", parts.post_tasks)] {
        let files = task_files(&mut repository, &parts.names, folder, merged);
        tasks
            .extend(files.into_iter().map(|file| (super::repository::below_bytes(folder, file.path.as_bytes()), file)));
    }
    if repository.mistakes.is_empty() {
        Ok(Forecast { entries, rendered, tasks, layers: parts.names, triggers: parts.triggers })
    } else {
        Err(StageError::mistakes(repository.mistakes))
    }
}

impl Forecast {
    /// Returns the files and symlinks that change when `next` follows, and the directories whose attributes do.
    #[must_use]
    pub fn changes<'f>(&'f self, next: &'f Self) -> Vec<Changed<'f>> {
        let mut changes = Vec::new();
        for (path, after) in &next.entries {
            let before = self.entries.get(path);
            let change = match before {
                None if after.kind == StagedKind::Directory && after.mode.is_none() => continue,
                None => Change::Created,
                Some(before) if !same_content(before, after) => Change::Content,
                Some(before) if attributes(before) != attributes(after) => Change::Attributes,
                Some(_) => continue,
            };
            changes.push(Changed { path, change, before, after: Some(after) });
        }
        let gone = self
            .entries
            .iter()
            .filter(|(path, entry)| entry.kind != StagedKind::Directory && !next.entries.contains_key(path));
        changes.extend(gone.map(|(path, before)| Changed {
            path,
            change: Change::Removed,
            before: Some(before),
            after: None,
        }));
        changes.sort_by_key(|changed| changed.path);
        changes
    }

    /// Returns what layers are asked, by the host, that leave it when `next` follows.
    pub fn asked<'f>(&'f self, next: &'f Self) -> impl Iterator<Item = &'f Said<Command>> {
        let layers = || next.layers.iter().map(String::as_str);
        self.triggers.leaving.iter().filter(move |said| next.triggers.asks(layers(), &said.layer))
    }

    /// Returns the names of the tasks that come, change or go when `next` follows.
    #[must_use]
    pub fn changed_tasks<'f>(&'f self, next: &'f Self) -> Vec<&'f str> {
        let same = |one: &StagedTaskFile, other: &StagedTaskFile| {
            one.executable == other.executable && same_kind(&one.kind, &other.kind)
        };
        let changed =
            next.tasks.iter().filter(|(name, task)| !self.tasks.get(*name).is_some_and(|old| same(old, task)));
        let gone = self.tasks.keys().filter(|name| !next.tasks.contains_key(*name));
        changed.map(|(name, _)| name.as_str()).chain(gone.map(String::as_str)).collect()
    }
}

fn same_content(one: &StagedEntry, other: &StagedEntry) -> bool {
    same_kind(&one.kind, &other.kind)
}

/// Tells whether two are alike, wherever their bytes come from.
fn same_kind(one: &StagedKind, other: &StagedKind) -> bool {
    match (one, other) {
        (StagedKind::File(one), StagedKind::File(other)) => one.hash == other.hash,
        (one, other) => one == other,
    }
}

fn attributes(entry: &StagedEntry) -> impl PartialEq + '_ {
    (entry.mode, &entry.owner, &entry.group, entry.policy)
}
