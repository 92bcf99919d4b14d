//! A folder in memory that nobody else reads, for a secret while it is edited.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::sys::statfs::{TMPFS_MAGIC, statfs};

use crate::exit::{Failure, Status};
use crate::operator::Programs;

/// Goes, with what is in it, when it is dropped.
pub struct PrivateFolder(PathBuf);

impl PrivateFolder {
    /// Makes one below the folder that the session keeps in memory, or the system.
    ///
    /// # Errors
    /// Returns a [`Failure`] where there is no memory file system that the caller may write to.
    pub fn make(programs: &Programs) -> Result<Self, Failure> {
        let own = programs.variable("XDG_RUNTIME_DIR").map(PathBuf::from);
        let is_in_memory = |folder: &PathBuf| statfs(folder).is_ok_and(|found| found.filesystem_type() == TMPFS_MAGIC);
        let name = format!("cosmos-secret-{}", std::process::id());
        let candidates = own.into_iter().chain([PathBuf::from("/dev/shm")]).filter(is_in_memory);
        let made = candidates.map(|folder| folder.join(&name)).find(|path| {
            // One that is there is somebody else's: it is not used.
            DirBuilder::new().mode(0o700).create(path).is_ok()
        });
        made.map(Self).ok_or_else(|| {
            let hint = "mount a tmpfs and name it: XDG_RUNTIME_DIR=DIR";
            Failure::of(Status::Failed, "there is no folder in memory to edit a secret in", hint)
        })
    }

    /// Writes a file that only its owner reads.
    ///
    /// # Errors
    /// Returns the system's answer.
    pub fn write(&self, name: &str, content: &[u8]) -> std::io::Result<PathBuf> {
        let path = self.0.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(content)?;
        Ok(path)
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("warning: '{}' holds a secret and could not be removed: {error}", self.0.display());
        }
    }
}
