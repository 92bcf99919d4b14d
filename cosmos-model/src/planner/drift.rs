//! Drift: what the host is, minus what we left there.

use alloc::vec::Vec;

use super::desired::is_ours;
use crate::content::ContentHash;
use crate::layer::FilePolicy;
use crate::managed::{ManagedEntry, ManagedKind, ManagedSet};
use crate::path::RelPath;
use crate::record::Described;
use crate::snapshot::{HostSnapshot, Observed};
use crate::staged::{StagedKind, StagedModel};

/// The first way in which a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Difference {
    /// Other bytes, or another target.
    Content,
    /// Other permission bits.
    Mode,
    /// Another user or group.
    Owner,
    /// Nothing is there.
    Missing,
    /// Something else is there, or in the way.
    Type,
}

/// One path that differs from what we left (docs/formats.md §13).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Drifted {
    /// The path.
    pub path: RelPath,
    /// How it differs.
    pub what: Difference,
    /// What we left, or what a path that is only reported should be.
    pub expected: Described,
    /// What was found; `None` where nothing is.
    pub found: Option<Described>,
}

/// Compares the host with what was applied; what the model newly wants is no drift, a path to report on is, and one
/// that could not be applied since something is in the way.
#[must_use]
pub fn drift(model: &StagedModel, snapshot: &HostSnapshot, managed: &ManagedSet) -> Vec<Drifted> {
    let mut drifted = Vec::new();
    for (path, entry) in managed.entries.iter().filter(|(_, entry)| !entry.left_alone) {
        let Some(observed) = snapshot.paths.get(path) else { continue };
        let named_mode = model.entries().get(path).is_none_or(|staged| staged.mode.is_some());
        if let Some(what) = difference(entry, observed, named_mode) {
            let found = Described::found(observed);
            drifted.push(Drifted { path: path.clone(), what, expected: Described::managed(entry), found });
        }
    }
    for (path, entry) in model.entries().iter().filter(|(_, entry)| entry.policy == FilePolicy::Report) {
        let found = snapshot.paths.get(path);
        let (StagedKind::File(content), Some(observed)) = (&entry.kind, found) else { continue };
        let what = match observed {
            Observed::File { hash, .. } if *hash == content.hash => continue,
            Observed::File { .. } => Difference::Content,
            Observed::Absent => Difference::Missing,
            _ => Difference::Type,
        };
        let expected = Described::wanted(entry);
        drifted.push(Drifted { path: path.clone(), what, expected, found: Described::found(observed) });
    }
    let is_applied = managed.commit == Some(model.commit());
    for (path, entry) in model.entries().iter().filter(|(_, entry)| entry.policy == FilePolicy::Enforce) {
        let Some(observed) = snapshot.paths.get(path).filter(|_| is_applied) else { continue };
        // What we left there and is of another kind now is on the list already.
        let is_listed = managed.entries.get(path).is_some_and(|left| left.kind == kind_of(&entry.kind));
        if !is_listed && is_in_the_way(observed, &entry.kind) {
            let (expected, found) = (Described::wanted(entry), Described::found(observed));
            drifted.push(Drifted { path: path.clone(), what: Difference::Type, expected, found });
        }
    }
    drifted.sort_by(|left, right| left.path.cmp(&right.path));
    drifted
}

const fn kind_of(wanted: &StagedKind) -> ManagedKind {
    match wanted {
        StagedKind::File(_) => ManagedKind::File,
        StagedKind::Symlink(_) => ManagedKind::Symlink,
        StagedKind::Directory => ManagedKind::Directory,
    }
}

/// Tells whether a run leaves what was found where it is, and the path of the model undone.
const fn is_in_the_way(observed: &Observed, wanted: &StagedKind) -> bool {
    match (observed, wanted) {
        (Observed::Other | Observed::Blocked(_), _)
        | (Observed::Directory(_), StagedKind::File(_) | StagedKind::Symlink(_))
        | (Observed::File { .. } | Observed::Symlink { to_directory: false, .. }, StagedKind::Directory) => true,
        (Observed::Absent | Observed::File { .. } | Observed::Symlink { .. } | Observed::Directory(_), _) => false,
    }
}

fn difference(entry: &ManagedEntry, observed: &Observed, named_mode: bool) -> Option<Difference> {
    let attributes = match (entry.kind, observed) {
        (_, Observed::Absent) => return Some(Difference::Missing),
        (ManagedKind::File, Observed::File { attributes, .. })
        | (ManagedKind::Symlink, Observed::Symlink { attributes, .. }) => *attributes,
        (ManagedKind::Directory, Observed::Symlink { to_directory: true, .. }) => return None,
        // A directory whose attributes no layer names may be changed by whoever uses it.
        (ManagedKind::Directory, Observed::Directory(_)) if !named_mode => return None,
        (ManagedKind::Directory, Observed::Directory(attributes)) => *attributes,
        _ => return Some(Difference::Type),
    };
    if !is_ours(Some(entry), observed) {
        Some(Difference::Content)
    } else if (attributes.uid, attributes.gid) != (entry.attributes.uid, entry.attributes.gid) {
        Some(Difference::Owner)
    } else {
        let differs = entry.kind != ManagedKind::Symlink && attributes.mode != entry.attributes.mode;
        differs.then_some(Difference::Mode)
    }
}

/// Returns the hash a file of this description has.
pub(super) fn hash_of(described: &Described) -> ContentHash {
    match (&described.sha256, &described.target) {
        (Some(hash), _) => *hash,
        (None, Some(target)) => ContentHash::of(&crate::escape::undo(target).unwrap_or_default()),
        (None, None) => super::desired::NO_CONTENT,
    }
}
