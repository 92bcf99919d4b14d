//! The folder the child writes packs to: its own, emptied by the parent, which opens none of its files.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::fs::by_path;
use crate::sandbox::Identity;

/// The folder's name inside the agent's cache folder. It stays between runs, empty.
const NAME: &str = "fetch";

/// The child's folder.
pub(super) struct ScratchFolder {
    path: PathBuf,
    owner: Option<Identity>,
}

impl ScratchFolder {
    /// Names the folder in `cache` for a child that becomes `owner`.
    pub(super) fn of(cache: &Path, owner: Option<Identity>) -> Self {
        Self { path: cache.join(NAME), owner }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder, unless it is there and the child's.
    pub(super) fn make(&self) -> io::Result<()> {
        let (uid, gid) = match self.owner {
            Some(owner) => (owner.uid, owner.gid),
            None => (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw()),
        };
        if let Ok(found) = fs::symlink_metadata(&self.path) {
            if found.is_dir() && found.uid() == uid && found.mode() & 0o077 == 0 {
                return Ok(());
            }
            by_path::remove(&self.path)?;
        }
        if let Some(cache) = self.path.parent() {
            by_path::make_directories(cache, 0o700)?;
        }
        by_path::make_directory(&self.path, 0o700)?;
        // The folder around it is root's, so nobody can have put another one in its place.
        std::os::unix::fs::lchown(&self.path, Some(uid), Some(gid))
    }

    /// Removes what this child, or that of a killed run, left in it. Nothing in it is followed.
    pub(super) fn empty(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            by_path::remove(&entry?.path())?;
        }
        Ok(())
    }
}
