//! `policy-rc.d`: no service is started because its package is installed; it has no configuration of ours yet.

use cosmos_model::path::RelPath;
use nix::errno::Errno;

use crate::fs::{self, FsError, Root};

/// What invoke-rc.d asks before it starts anything. By this text the file is known as ours.
const SCRIPT: &[u8] =
    b"#!/bin/sh\n# Made by cosmos while it installs packages, and removed afterwards: no service starts.\nexit 101\n";

/// More than any such script of somebody else, in bytes.
const LARGEST: u64 = 1 << 20;

/// While it lives no service starts by itself, unless the host has a word of its own on that.
pub(super) struct NoServices<'r> {
    root: &'r Root,
}

fn path() -> RelPath {
    "usr/sbin/policy-rc.d".parse().expect("a fixed path")
}

impl<'r> NoServices<'r> {
    /// Puts the file there, unless there is one: an administrator's stays in force, that of a killed run is taken over.
    pub(super) fn begin(root: &'r Root) -> Result<Self, FsError> {
        match fs::make_new(root, &path(), SCRIPT, 0o755) {
            Err(error) if error.errno() != Some(Errno::EEXIST) => Err(error),
            Ok(()) | Err(_) => Ok(Self { root }),
        }
    }

    /// Removes the file if it is ours.
    pub(super) fn end(root: &Root) -> Result<(), FsError> {
        let path = path();
        match root.read(&path, LARGEST) {
            Ok(Some(text)) if text == SCRIPT => fs::remove(root, &path),
            _ => Ok(()),
        }
    }
}

impl Drop for NoServices<'_> {
    fn drop(&mut self) {
        // What stays is removed by the next run: until all packages are there, each one looks.
        let _ = Self::end(self.root);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> (tempfile::TempDir, Root, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("usr/sbin")).unwrap();
        let root = Root::open(folder.path()).unwrap();
        let file = folder.path().join("usr/sbin/policy-rc.d");
        (folder, root, file)
    }

    #[test]
    fn it_is_there_while_packages_are_installed_and_gone_afterwards() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, root, file) = host();
        let quiet = NoServices::begin(&root).unwrap();
        assert_eq!(std::process::Command::new(&file).status().unwrap().code(), Some(101));
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o755);
        drop(quiet);
        assert!(!file.exists());
        assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 0, "nothing else is left");
    }

    #[test]
    fn that_of_an_administrator_stays_and_is_not_touched() {
        let (_folder, root, file) = host();
        std::fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
        drop(NoServices::begin(&root).unwrap());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "#!/bin/sh\nexit 0\n");
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/nowhere", &file).unwrap();
        drop(NoServices::begin(&root).unwrap());
        assert!(file.is_symlink());
    }

    #[test]
    fn that_of_a_killed_run_goes_with_the_next_one() {
        let (_folder, root, file) = host();
        std::mem::forget(NoServices::begin(&root).unwrap());
        assert!(file.exists());
        drop(NoServices::begin(&root).unwrap());
        assert!(!file.exists());
    }
}
