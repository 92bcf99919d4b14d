//! The managed set: every path a host has from us, what we wrote, and what was there before.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::by_path::ByPath;
use crate::content::ContentHash;
use crate::object_id::ObjectId;
use crate::path::RelPath;
use crate::snapshot::{Attributes, Stat};

/// What kind of thing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManagedKind {
    /// A regular file.
    File,
    /// A symlink.
    Symlink,
    /// A directory that we made.
    Directory,
}

/// One managed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedEntry {
    /// What was written.
    pub kind: ManagedKind,
    /// Owner and mode as written, after tasks of ours changed them.
    pub attributes: Attributes,
    /// Size of the content in bytes.
    pub size: u64,
    /// Hash of the content, or of a symlink's target; all zero for a directory.
    pub hash: ContentHash,
    /// The blob it came from, which saves reading blobs whose hash is already known.
    pub blob: Option<ObjectId>,
    /// How the path looked when we left it.
    pub stat: Stat,
    /// Position of the owning layer in [`ManagedSet::layers`].
    pub layer: u16,
    /// The hash of what was there before us; `None` when we created the path.
    pub found: Option<ContentHash>,
    /// What was found is kept in the backup store.
    pub found_kept: bool,
    /// A task of ours changed the path after we wrote it (C11).
    pub task_made: bool,
    /// Written or adopted by a run that did not end, or a directory that has yet to give way: looked at again.
    pub unfinished: bool,
    /// What was written is a secret: what is found there is neither kept nor shown.
    pub secret: bool,
    /// The path's policy is `create-only` or `report`: a changed look is the host's business.
    pub left_alone: bool,
}

/// Every managed path of a host, by path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManagedSet {
    /// The commit last applied.
    pub commit: Option<ObjectId>,
    /// Names of the layers that entries point at.
    pub layers: Vec<Arc<str>>,
    /// The paths.
    pub entries: ByPath<ManagedEntry>,
    /// What a set of part of a host leaves out; nothing in a whole one.
    pub left_out: LeftOut,
}

/// Folders of a host in which a run changes nothing: what is managed below them is not in the set, and stays managed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// The folders, sorted; they are in the set themselves if they are managed.
    pub folders: Vec<RelPath>,
    /// How many files and symlinks are managed below them.
    pub files: usize,
}

impl LeftOut {
    /// Tells whether `path` lies below one of the folders.
    #[must_use]
    pub fn has(&self, path: &[u8]) -> bool {
        self.folder_of(path).is_some()
    }

    /// Returns what answers as [`LeftOut::has`] does, sooner about a path below the same folder as the one before.
    #[must_use]
    pub const fn in_order(&self) -> InOrder<'_> {
        InOrder { left_out: self, last: None }
    }

    fn folder_of(&self, path: &[u8]) -> Option<&RelPath> {
        let mut slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        slashes.find_map(|(end, _)| {
            let found = self.folders.binary_search_by(|folder| folder.as_bytes().cmp(&path[..end]));
            found.ok().map(|at| &self.folders[at])
        })
    }
}

/// Asks about paths one after the other.
#[derive(Debug, Clone)]
pub struct InOrder<'l> {
    left_out: &'l LeftOut,
    last: Option<&'l RelPath>,
}

impl InOrder<'_> {
    /// Tells whether `path` lies below one of the folders.
    pub fn has(&mut self, path: &[u8]) -> bool {
        let same = |folder: &RelPath| path.strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"));
        if !self.last.is_some_and(same) {
            self.last = self.left_out.folder_of(path);
        }
        self.last.is_some()
    }
}
