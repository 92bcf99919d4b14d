//! What a path should be, with owners as numbers, and how that compares with what was written and found.

use alloc::string::String;

use super::{Planning, UnknownOwner};
use crate::content::{ContentHash, ContentSource};
use crate::layer::Owner;
use crate::managed::{ManagedEntry, ManagedKind};
use crate::object_id::ObjectId;
use crate::path::RelPath;
use crate::plan::Cause;
use crate::snapshot::{Attributes, Observed};
use crate::staged::{StagedEntry, StagedKind};

/// The hash of what has no content.
pub(super) const NO_CONTENT: ContentHash = ContentHash::new([0; 32]);

/// What the model wants at a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Desired {
    pub kind: ManagedKind,
    pub attributes: Attributes,
    pub size: u64,
    pub hash: ContentHash,
    pub blob: Option<ObjectId>,
    pub secret: bool,
}

impl Planning<'_> {
    /// Resolves the owners of `entry`; a directory that exists keeps what the model does not name.
    pub(super) fn desired(&mut self, path: &RelPath, entry: &StagedEntry, observed: &Observed) -> Option<Desired> {
        let standing = match (&entry.kind, observed) {
            (StagedKind::Directory, Observed::Directory(attributes)) => Some(*attributes),
            _ => None,
        };
        let default = self.snapshot.default_owner;
        let uid = self.owner(path, &entry.owner, standing.map_or(default.0, |found| found.uid), false);
        let gid = self.owner(path, &entry.group, standing.map_or(default.1, |found| found.gid), true);
        let mode = entry.mode.or(standing.map(|found| found.mode)).unwrap_or_else(|| default_mode(path, &entry.kind));
        let secret = matches!(&entry.kind, StagedKind::File(content) if content.is_secret());
        let (kind, size, hash, blob) = match &entry.kind {
            StagedKind::File(content) => {
                let blob = match content.source {
                    ContentSource::Blob(id) | ContentSource::Secret(id) => Some(id),
                    ContentSource::Rendered | ContentSource::Filled | ContentSource::Model => None,
                };
                (ManagedKind::File, content.size, content.hash, blob)
            }
            StagedKind::Symlink(target) => (ManagedKind::Symlink, target.len() as u64, ContentHash::of(target), None),
            StagedKind::Directory => (ManagedKind::Directory, 0, NO_CONTENT, None),
        };
        Some(Desired { kind, attributes: Attributes { mode, uid: uid?, gid: gid? }, size, hash, blob, secret })
    }

    fn owner(&mut self, path: &RelPath, owner: &Owner, default: u32, is_group: bool) -> Option<u32> {
        let names = if is_group { &self.snapshot.groups } else { &self.snapshot.users };
        match owner {
            Owner::Default => Some(default),
            Owner::Id(id) => Some(*id),
            Owner::Name(name) => {
                let id = names.get(&**name).copied();
                let named_before = || self.unknown.iter().any(|one| *one.name == **name && one.is_group == is_group);
                if id.is_none() && !named_before() {
                    let (name, path) = (String::from(&**name), path.clone());
                    self.unknown.insert(UnknownOwner { name, is_group, path });
                }
                id
            }
        }
    }
}

/// Returns the mode of something that is made and that no layer names (docs/formats.md §4).
fn default_mode(path: &RelPath, kind: &StagedKind) -> u32 {
    match kind {
        StagedKind::File(_) => 0o644,
        StagedKind::Symlink(_) => 0o777,
        StagedKind::Directory if is_ssh_folder(path.as_bytes()) => 0o700,
        StagedKind::Directory => 0o755,
    }
}

fn is_ssh_folder(path: &[u8]) -> bool {
    path.strip_prefix(b"root/.ssh").is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// Tells whether what was found is what we wrote.
pub(super) fn is_ours(previous: Option<&ManagedEntry>, observed: &Observed) -> bool {
    previous.is_some_and(|entry| match (entry.kind, observed) {
        (ManagedKind::File, Observed::File { hash, .. }) => entry.hash == *hash,
        (ManagedKind::Symlink, Observed::Symlink { target, .. }) => entry.hash == ContentHash::of(target),
        (ManagedKind::Directory, Observed::Directory(_)) => true,
        _ => false,
    })
}

/// Returns the hash of what would be lost if the path were written or removed.
pub(super) fn content_found(observed: &Observed) -> Option<ContentHash> {
    match observed {
        Observed::File { hash, .. } => Some(*hash),
        Observed::Symlink { target, .. } => Some(ContentHash::of(target)),
        _ => None,
    }
}

/// Tells whether the content found must be kept: it is foreign, or was there before us and is not kept yet. Where a
/// secret was written nothing is, since what others made of it is one, too.
pub(super) fn must_keep(previous: Option<&ManagedEntry>, observed: &Observed) -> bool {
    if previous.is_some_and(|entry| entry.secret) {
        return false;
    }
    let Some(content) = content_found(observed) else { return false };
    let unkept_original = previous.is_some_and(|entry| entry.found == Some(content) && !entry.found_kept);
    !is_ours(previous, observed) || unkept_original
}

impl Desired {
    /// Tells whether a difference was made on the host: the model still wants what we wrote.
    pub(super) fn cause(&self, previous: Option<&ManagedEntry>) -> Cause {
        let unchanged = previous.is_some_and(|entry| {
            let same_content = entry.hash == self.hash || (entry.task_made && self.has_blob_of(entry));
            let same_attributes = entry.attributes == self.attributes || entry.task_made;
            let is_directory = self.kind == ManagedKind::Directory;
            !entry.unfinished && entry.kind == self.kind && same_content && (same_attributes || is_directory)
        });
        if unchanged { Cause::Drift } else { Cause::Release }
    }

    /// Tells whether the content found is a task's of ours, and the model's has not changed since (C11).
    pub(super) fn is_task_content(&self, previous: Option<&ManagedEntry>, found: ContentHash) -> bool {
        previous.is_some_and(|entry| entry.task_made && entry.hash == found && self.has_blob_of(entry))
    }

    fn has_blob_of(&self, entry: &ManagedEntry) -> bool {
        self.blob.is_some() && self.blob == entry.blob
    }
}
