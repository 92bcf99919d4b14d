//! The staged model: what a verified revision says this host should look like.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::by_path::ByPath;
use crate::content::{Content, ContentHash};
use crate::layer::{FilePolicy, Owner};
use crate::object_id::ObjectId;
use crate::path::RelPath;
use crate::secret::Piece;
use crate::triggers::Triggers;
use crate::trust::VerifiedRevision;

mod earlier;
mod packages;
mod rendered;

pub use packages::{Missing, Waiting, Wanted};
pub use rendered::NotRendered;

/// A position in [`StagedModel::layers`]; lower wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerIndex(pub u16);

/// What one path of the model should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StagedKind {
    /// A regular file.
    File(Content),
    /// A symlink with this target, any bytes.
    Symlink(Vec<u8>),
    /// A directory, made where it is missing.
    Directory,
}

/// One path of the model and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedEntry {
    /// What the path should be.
    pub kind: StagedKind,
    /// Permission bits; `None` leaves an existing directory's alone and makes a new one 0755.
    pub mode: Option<u32>,
    /// The owning user.
    pub owner: Owner,
    /// The owning group.
    pub group: Owner,
    /// What happens on drift.
    pub policy: FilePolicy,
    /// The layer that won the path.
    pub layer: LayerIndex,
    /// The task that changed the entry after staging (C5), by name.
    pub changed_by: Option<Arc<str>>,
}

/// A file or symlink of a task folder; the executables among them that are named like tasks run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedTaskFile {
    /// The file's path below its task folder: `030puppet`, `lib/functions.sh`.
    pub path: RelPath,
    /// Its content; never a directory.
    pub kind: StagedKind,
    /// Whether git's executable bit is set.
    pub executable: bool,
    /// The layer that won the name.
    pub layer: LayerIndex,
}

impl StagedTaskFile {
    /// Tells whether the file is run as a task: `[0-9]*`, not `*~`, executable, directly in the folder.
    ///
    /// For a symlink the caller follows it inside the folder and asks about its target's bit.
    #[must_use]
    pub fn is_task(&self) -> bool {
        let name = self.path.as_bytes();
        self.executable && name[0].is_ascii_digit() && !name.ends_with(b"~") && !name.contains(&b'/')
    }
}

/// The merged model of one host. Built from a [`VerifiedRevision`] only, by [`crate::stage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedModel {
    pub(crate) revision: VerifiedRevision,
    pub(crate) layers: Vec<Arc<str>>,
    pub(crate) packages: Wanted,
    pub(crate) entries: ByPath<StagedEntry>,
    /// Every path that `delete/` names.
    pub(crate) named: BTreeMap<RelPath, LayerIndex>,
    /// Those of them that no layer installs.
    pub(crate) deletions: BTreeMap<RelPath, LayerIndex>,
    pub(crate) pre_tasks: Vec<StagedTaskFile>,
    pub(crate) post_tasks: Vec<StagedTaskFile>,
    pub(crate) others: BTreeMap<RelPath, (StagedKind, bool)>,
    pub(crate) retired: Option<String>,
    pub(crate) left_out: Vec<RelPath>,
    pub(crate) rendered: BTreeMap<ContentHash, Vec<u8>>,
    pub(crate) sealed: BTreeMap<ContentHash, Vec<Piece<ObjectId>>>,
    pub(crate) rests_on: RestsOn,
    pub(crate) held: BTreeMap<RelPath, String>,
    pub(crate) triggers: Triggers,
}

/// What a model rests on besides its revision.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct RestsOn {
    /// The facts that templates and conditions looked at.
    pub facts: BTreeSet<String>,
    /// Whether it has modules that come with the agent.
    pub built_in: bool,
}

impl StagedModel {
    /// Returns the revision the model was built from.
    #[must_use]
    pub const fn revision(&self) -> &VerifiedRevision {
        &self.revision
    }

    /// Returns the commit the model was built from.
    #[must_use]
    pub const fn commit(&self) -> ObjectId {
        self.revision.commit()
    }

    /// Returns the names of the layers, first wins.
    #[must_use]
    pub fn layers(&self) -> &[Arc<str>] {
        &self.layers
    }

    /// Returns the names of the modules among them that come with the agent.
    #[must_use]
    pub fn built_in_modules(&self) -> BTreeSet<&str> {
        self.layers.iter().filter_map(|name| crate::stage::built_in_module(name)).collect()
    }

    /// Returns the packages that layers need, and which layers.
    #[must_use]
    pub const fn packages(&self) -> &Wanted {
        &self.packages
    }

    /// Returns the overlay: every path with what it should be, directories included.
    #[must_use]
    pub const fn entries(&self) -> &ByPath<StagedEntry> {
        &self.entries
    }

    /// Returns the paths that `delete/` names and no layer installs.
    #[must_use]
    pub const fn deletions(&self) -> &BTreeMap<RelPath, LayerIndex> {
        &self.deletions
    }

    /// Returns every path that `delete/` names, also those that a layer installs.
    #[must_use]
    pub const fn named_for_deletion(&self) -> &BTreeMap<RelPath, LayerIndex> {
        &self.named
    }

    /// Returns the files of the merged `pre-tasks.d/`, by name.
    #[must_use]
    pub fn pre_tasks(&self) -> &[StagedTaskFile] {
        &self.pre_tasks
    }

    /// Returns the files of the merged `post-tasks.d/`, by name.
    #[must_use]
    pub fn post_tasks(&self) -> &[StagedTaskFile] {
        &self.post_tasks
    }

    /// Returns those of a task folder's files that run, in order; a symlink runs when the file beside it would.
    pub fn runnable<'t>(&self, files: &'t [StagedTaskFile]) -> impl Iterator<Item = &'t StagedTaskFile> {
        files.iter().filter(|file| match &file.kind {
            StagedKind::Symlink(target) => files.iter().any(|other| {
                let named = StagedTaskFile { executable: other.executable, ..(*file).clone() };
                other.path.as_bytes() == target.strip_prefix(b"./").unwrap_or(target) && named.is_task()
            }),
            _ => file.is_task(),
        })
    }

    /// Returns what classic layers carry beside the four folders, with the executable bit (C3).
    #[must_use]
    pub const fn others(&self) -> &BTreeMap<RelPath, (StagedKind, bool)> {
        &self.others
    }

    /// Returns when and why the host was retired, as its layer words it.
    #[must_use]
    pub fn retired(&self) -> Option<&str> {
        self.retired.as_deref()
    }

    /// Returns the folders below which nothing differs from the revision that [`crate::stage::stage_since`] compared
    /// with, sorted: what is in them is not among the entries. None in a whole model.
    #[must_use]
    pub fn left_out(&self) -> &[RelPath] {
        &self.left_out
    }

    /// Returns the bytes of rendered files, by their hash.
    #[must_use]
    pub const fn rendered(&self) -> &BTreeMap<ContentHash, Vec<u8>> {
        &self.rendered
    }

    /// Returns the pieces of files in which secrets are printed, by the hash of the whole.
    #[must_use]
    pub const fn sealed(&self) -> &BTreeMap<ContentHash, Vec<Piece<ObjectId>>> {
        &self.sealed
    }

    /// Returns what the model rests on besides its revision.
    #[must_use]
    pub const fn rests_on(&self) -> &RestsOn {
        &self.rests_on
    }

    /// Lets a plan leave these paths, and what lies below them, as they are; each with the words to say about it.
    pub fn hold(&mut self, held: BTreeMap<RelPath, String>) {
        self.held = held;
    }

    /// Returns why `path` is left as it is, if it is.
    #[must_use]
    pub fn held(&self, path: &RelPath) -> Option<&str> {
        if self.held.is_empty() {
            return None;
        }
        let own = self.held.get(path);
        own.or_else(|| path.ancestors().find_map(|above| self.held.get(&above))).map(String::as_str)
    }

    /// Returns what the layers say about checks, services, tasks and probes; nothing in classic mode.
    #[must_use]
    pub const fn triggers(&self) -> &Triggers {
        &self.triggers
    }

    /// Replaces the overlay by what pre-tasks made of it (C5); each changed entry names its task.
    ///
    /// What a task took out of the overlay is no longer installed, so `delete/` means it again.
    pub fn amend(&mut self, entries: ByPath<StagedEntry>) {
        self.deletions = not_installed(&self.named, &entries);
        self.entries = entries;
    }
}

/// Returns the paths named for deletion that the overlay does not install (docs/formats.md §4).
pub(crate) fn not_installed(
    named: &BTreeMap<RelPath, LayerIndex>,
    entries: &ByPath<StagedEntry>,
) -> BTreeMap<RelPath, LayerIndex> {
    let left = named.iter().filter(|(path, _)| !entries.contains_key(path));
    left.map(|(path, layer)| (path.clone(), *layer)).collect()
}
