//! The planner: model − host = plan, one pure function.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::managed::{ManagedEntry, ManagedKind, ManagedSet};
use crate::path::RelPath;
use crate::plan::{Action, Cause, Note, NoteKind, Plan, Step};
use crate::snapshot::{HostSnapshot, Observed};
use crate::staged::{StagedKind, StagedModel};

mod brake;
mod desired;
mod drift;
mod dropped;
mod extent;
mod links;
mod path;
mod recover;
mod restore;

pub use drift::{Difference, Drifted, drift};
pub use extent::Extent;
pub use recover::recover;
pub use restore::restore;

/// What the host's settings say about planning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanSettings {
    /// Whether paths that left the model go (C8; docs/formats.md §1).
    pub remove_dropped: bool,
    /// Whether the brake on removals holds; it does not in classic mode.
    pub brake: bool,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The model gives files to users or groups that the host does not have.
    #[error("{}", unknown_owners(.0))]
    UnknownOwners(Vec<UnknownOwner>),
}

/// A name that the host's user or group database does not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownOwner {
    /// The user or group.
    pub name: String,
    /// Whether it is a group.
    pub is_group: bool,
    /// The first path that should belong to it.
    pub path: RelPath,
}

fn unknown_owners(owners: &[UnknownOwner]) -> String {
    let shown = owners.iter().map(|UnknownOwner { name, is_group, path }| {
        let what = if *is_group { "group" } else { "user" };
        alloc::format!("the host has no {what} '{name}', which should own '{path}'")
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// Compares `model` with what was found and what we wrote before.
///
/// # Errors
/// Returns [`PlanError`] when the model names owners that the host does not have: nothing may be touched then.
pub fn plan(
    model: &StagedModel,
    snapshot: &HostSnapshot,
    managed: &ManagedSet,
    settings: PlanSettings,
) -> Result<Plan, PlanError> {
    plan_within(model, snapshot, managed, settings, &Extent::default())
}

/// As [`plan`], but leaves what is not in `extent` as it is, and managed as it was.
///
/// # Errors
/// As [`plan`]; owners of paths that are left alone may be unknown.
pub fn plan_within(
    model: &StagedModel,
    snapshot: &HostSnapshot,
    managed: &ManagedSet,
    settings: PlanSettings,
    extent: &Extent<'_>,
) -> Result<Plan, PlanError> {
    let mut planning = Planning::new(model, snapshot, managed, settings, extent);
    for (path, entry) in model.entries() {
        planning.entry(path, entry);
    }
    planning.absences();
    planning.finish()
}

/// Returns every path that must be observed before [`plan`], sorted: the model's, the managed ones with the folders
/// above them, and those to delete.
#[must_use]
pub fn paths_of_interest<'a>(model: &'a StagedModel, managed: &'a ManagedSet) -> Vec<Cow<'a, RelPath>> {
    let leaving = managed.entries.keys().filter(|path| !model.entries().contains_key(path));
    let leaving: Vec<&RelPath> = leaving.chain(model.deletions().keys()).collect();
    // A folder above a path that goes may be a symlink by now, so that the path is another's too.
    let above: BTreeSet<RelPath> = leaving.iter().flat_map(|path| path.ancestors()).collect();
    let mut paths: Vec<Cow<'a, RelPath>> = model.entries().keys().chain(leaving).map(Cow::Borrowed).collect();
    paths.extend(above.into_iter().map(Cow::Owned));
    paths.sort();
    paths.dedup();
    paths
}

/// Returns the folders of ours where the model now wants something else: they go only when nothing foreign is in them.
#[must_use]
pub fn folders_giving_way<'a>(model: &'a StagedModel, managed: &'a ManagedSet) -> Vec<&'a RelPath> {
    let gives_way = |(path, entry): &(&RelPath, &ManagedEntry)| {
        let wanted = model.entries().get(path);
        entry.kind == ManagedKind::Directory && wanted.is_some_and(|entry| entry.kind != StagedKind::Directory)
    };
    managed.entries.iter().filter(gives_way).map(|(path, _)| path).collect()
}

/// A plan in the making.
struct Planning<'a> {
    model: &'a StagedModel,
    snapshot: &'a HostSnapshot,
    managed: &'a ManagedSet,
    settings: PlanSettings,
    extent: &'a Extent<'a>,
    links: links::Links,
    removals: Vec<Step>,
    folder_removals: Vec<Step>,
    creations: Vec<Step>,
    notes: Vec<Note>,
    after: Vec<(RelPath, ManagedEntry)>,
    layers: Vec<Arc<str>>,
    unknown: BTreeSet<UnknownOwner>,
    /// Directories that this plan makes anew, the outermost, sorted: what was seen below them will be gone.
    fresh: Vec<RelPath>,
    /// The last directory that cannot be had: nothing below it is planned.
    blocked: Option<RelPath>,
}

impl<'a> Planning<'a> {
    fn new(
        model: &'a StagedModel,
        snapshot: &'a HostSnapshot,
        managed: &'a ManagedSet,
        settings: PlanSettings,
        extent: &'a Extent<'a>,
    ) -> Self {
        Self {
            model,
            snapshot,
            managed,
            settings,
            extent,
            links: links::Links::new(model, snapshot, managed),
            removals: Vec::new(),
            folder_removals: Vec::new(),
            creations: Vec::new(),
            notes: Vec::new(),
            after: Vec::with_capacity(model.entries().len()),
            layers: model.layers().to_vec(),
            unknown: BTreeSet::new(),
            fresh: Vec::new(),
            blocked: None,
        }
    }

    /// Returns what will be at `path` when its step comes.
    fn observed(&self, path: &RelPath) -> Observed {
        if self.is_below_fresh(path) {
            return Observed::Absent;
        }
        let unseen = || Observed::Blocked(String::from("it was not looked at"));
        self.snapshot.paths.get(path).cloned().unwrap_or_else(unseen)
    }

    fn is_below_fresh(&self, path: &RelPath) -> bool {
        let inside_last = self.fresh.last().is_some_and(|last| path.is_below(last));
        inside_last
            || self.fresh.last().is_some_and(|last| last > path) && {
                path.ancestors().any(|above| self.fresh.binary_search(&above).is_ok())
            }
    }

    /// Returns what we wrote at `path`, perhaps under another name of it.
    fn previous(&self, path: &RelPath) -> Option<&'a ManagedEntry> {
        let entries = &self.managed.entries;
        entries.get(path).or_else(|| entries.get(self.links.former_name(path)?))
    }

    fn note(&mut self, path: &RelPath, kind: NoteKind, text: impl Into<String>) {
        self.notes.push(Note { path: path.clone(), kind, text: text.into() });
    }

    /// Leaves a path that somebody holds as it is, whatever the model says.
    fn leave_held(&mut self, path: &RelPath, words: &str) {
        self.note(path, NoteKind::Held, words);
        self.carry(path, true);
    }

    /// Keeps what we know about a path that this plan leaves as it is, perhaps from another name of it.
    fn carry(&mut self, path: &RelPath, left_alone: bool) {
        if let Some(entry) = self.previous(path) {
            let layer = self.layer_of_managed(entry);
            let left_alone = left_alone || entry.left_alone;
            // A directory has no content to look at again.
            let unfinished = entry.unfinished && entry.kind != ManagedKind::Directory;
            self.after.push((path.clone(), ManagedEntry { layer, left_alone, unfinished, ..entry.clone() }));
        }
    }

    /// Returns the position of a managed entry's layer in the plan's list, which grows when the model lost the layer.
    fn layer_of_managed(&mut self, entry: &ManagedEntry) -> u16 {
        let name = managed_layer(self.managed, entry);
        let position = self.layers.iter().position(|layer| **layer == *name);
        let position = position.unwrap_or_else(|| {
            self.layers.push(Arc::from(name));
            self.layers.len() - 1
        });
        u16::try_from(position).unwrap_or(u16::MAX)
    }

    fn finish(mut self) -> Result<Plan, PlanError> {
        if !self.unknown.is_empty() {
            return Err(PlanError::UnknownOwners(self.unknown.into_iter().collect()));
        }
        self.removals.sort_by(|left, right| left.path.cmp(&right.path));
        // What lies deeper goes first: its path is longer, thus later.
        self.folder_removals.sort_by(|left, right| right.path.cmp(&left.path));
        let brake = self.settings.brake.then(|| brake::judge(&self.removals, self.managed, self.model)).flatten();
        // Put before what may be as many as the host has files: there is no room for another list of them.
        let mut steps = self.creations;
        steps.splice(..0, self.removals.into_iter().chain(self.folder_removals));
        self.notes.sort_by(|left, right| left.path.cmp(&right.path));
        let commit = self.model.commit();
        let after = ManagedSet {
            commit: Some(commit),
            layers: self.layers,
            entries: self.after.into(),
            left_out: self.managed.left_out.clone(),
        };
        Ok(Plan { commit, steps, notes: self.notes, brake, after })
    }
}

/// Returns the name of a managed entry's layer, empty when the set does not say.
fn managed_layer<'m>(managed: &'m ManagedSet, entry: &ManagedEntry) -> &'m str {
    managed.layers.get(usize::from(entry.layer)).map_or("", |name| name)
}

/// Returns a removal's step. What goes is not shown anyway, so it does not matter whether it is a secret.
fn removal(path: &RelPath, expects: Observed, cause: Cause, layer: &str, keep: bool) -> Step {
    let path = path.clone();
    Step { path, expects, action: Action::Remove, cause, layer: layer.into(), task: None, keep, secret: false }
}
