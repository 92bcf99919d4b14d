//! The folder the child writes packs to: its own, emptied by the parent, which opens none of its files.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

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
            self.remove(&found)?;
        }
        if let Some(cache) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(cache)?;
        }
        fs::DirBuilder::new().mode(0o700).create(&self.path)?;
        // The folder around it is root's, so nobody can have put another one in its place.
        std::os::unix::fs::lchown(&self.path, Some(uid), Some(gid))
    }

    fn remove(&self, found: &fs::Metadata) -> io::Result<()> {
        if found.is_dir() { fs::remove_dir_all(&self.path) } else { fs::remove_file(&self.path) }
    }

    /// Removes what this child, or that of a killed run, left in it. Nothing in it is followed.
    pub(super) fn empty(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}
