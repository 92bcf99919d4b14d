//! Files written by their whole path, in folders that only we write: whole, or not at all.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::write::ABOVE;

/// The name under which a file is written beside its place; one run at a time writes here.
pub const TEMPORARY: &str = ".cosmos-new";

/// Replaces `path` by a file with this content and mode; nobody sees half of it, and a power cut leaves old or new.
///
/// # Errors
/// Returns the system's error; the old file is then still there.
pub fn replace_file(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    write_beside(path, content, mode, true)?;
    File::open(folder_of(path))?.sync_all()
}

/// Replaces `path` by a file that is whole or not there, but may be lost in a power cut: for what can be written again.
///
/// # Errors
/// Returns the system's error; the old file is then still there.
pub fn replace_cached_file(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    write_beside(path, content, mode, false)
}

/// Replaces `path` by a symlink to `target`.
///
/// # Errors
/// Returns the system's error; what was there before then still is.
pub fn replace_symlink(path: &Path, target: &OsStr) -> io::Result<()> {
    let temporary = temporary(path);
    remove_leftover(&temporary)?;
    std::os::unix::fs::symlink(target, &temporary)?;
    std::fs::rename(&temporary, path).inspect_err(|_| discard(&temporary))
}

/// Puts a file that another library wrote beside its place into that place.
///
/// # Errors
/// Returns the system's error; what was there before then still is.
pub fn put(new: &Path, path: &Path) -> io::Result<()> {
    std::fs::rename(new, path)
}

/// Makes a directory with exactly this mode.
///
/// # Errors
/// Returns the system's error.
pub fn make_directory(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::DirBuilder::new().mode(mode).create(path)?;
    set_mode(path, mode)
}

/// Makes a directory with this mode, and every missing one above it 0755, where the umask allows it.
///
/// # Errors
/// Returns the system's error.
pub fn make_directories(path: &Path, mode: u32) -> io::Result<()> {
    if let Some(above) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(ABOVE).create(above)?;
    }
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(path)
}

/// Gives a directory the mode and the owner that one made now would have.
///
/// # Errors
/// Returns the system's error.
pub fn reset_directory(path: &Path, mode: u32) -> io::Result<()> {
    let (user, group) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    std::os::unix::fs::lchown(path, Some(user), Some(group))?;
    set_mode(path, mode)
}

/// Removes whatever is at `path`, a directory with all it holds; nothing there is no error.
///
/// # Errors
/// Returns the system's error.
pub fn remove(path: &Path) -> io::Result<()> {
    let found = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if found.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
}

/// Removes a directory if it is empty.
///
/// # Errors
/// Returns the system's error, but not that it is missing, not empty, or no directory any more.
pub fn remove_if_empty(path: &Path) -> io::Result<()> {
    use io::ErrorKind::{DirectoryNotEmpty, NotADirectory, NotFound};
    match std::fs::remove_dir(path) {
        Err(error) if matches!(error.kind(), NotFound | DirectoryNotEmpty | NotADirectory) => Ok(()),
        removed => removed,
    }
}

fn write_beside(path: &Path, content: &[u8], mode: u32, sync: bool) -> io::Result<()> {
    let temporary = temporary(path);
    remove_leftover(&temporary)?;
    let write = || {
        let mut file = File::options().write(true).create_new(true).mode(mode).open(&temporary)?;
        // The caller's umask took bits away.
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.write_all(content)?;
        if sync {
            file.sync_all()?;
        }
        std::fs::rename(&temporary, path)
    };
    write().inspect_err(|_| discard(&temporary))
}

fn temporary(path: &Path) -> PathBuf {
    folder_of(path).join(TEMPORARY)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().expect("files are written below a folder")
}

/// Removes what a killed run left.
fn remove_leftover(temporary: &Path) -> io::Result<()> {
    match std::fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn discard(temporary: &Path) {
    // The write's own error is what the caller hears of; a leftover is removed by the next write here.
    let _ = std::fs::remove_file(temporary);
}

/// Sets the permission bits of a path.
///
/// # Errors
/// Returns the system's error.
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}
