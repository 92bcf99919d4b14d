//! Staged files over the root, for this process alone: an overlay in memory on each folder at the top that changes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Component, Path, PathBuf};

use cosmos_model::snapshot::Attributes;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::files::{Laid, StagedFile, StagedFiles};

/// Lays `staged` over the root of this process, and makes the folders `needs` where they are missing. What is written
/// at the top of any of them stays in memory.
pub(super) fn lay(staged: &StagedFiles, needs: &[&Path]) -> Result<(), String> {
    let mut tops = BTreeSet::new();
    for file in &staged.files {
        tops.insert(top_of(&full(file)).map_err(|error| format!("'{}': {error}", file.path))?);
    }
    for folder in needs {
        tops.insert(top_of(folder).map_err(|error| format!("'{}': {error}", folder.display()))?);
    }
    unshare(CloneFlags::CLONE_NEWNS).map_err(|errno| errno.to_string())?;
    let nothing = None::<&str>;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).map_err(|errno| errno.to_string())?;
    let memory = Some("mode=0700");
    mount(Some("cosmos"), &staged.scratch, Some("tmpfs"), MsFlags::empty(), memory)
        .map_err(|errno| errno.to_string())?;
    for top in &tops {
        cover(&staged.scratch, top).map_err(|error| format!("'{}': {error}", top.display()))?;
    }
    needs.iter().try_for_each(fs::create_dir_all).map_err(|error| error.to_string())?;
    staged.files.iter().try_for_each(|file| {
        // Somebody may have turned a folder into a link meanwhile: nothing is written outside the overlays.
        let covered = top_of(&full(file)).is_ok_and(|top| tops.contains(&top));
        let laid = if covered { put(&full(file), &file.laid) } else { Err(io::ErrorKind::InvalidInput.into()) };
        laid.map_err(|error| format!("'{}': {error}", file.path))
    })
}

fn full(file: &StagedFile) -> PathBuf {
    Path::new("/").join(OsStr::from_bytes(file.path.as_bytes()))
}

/// Returns the folder at the top in which `path` really lies: what exists of the way there is followed.
fn top_of(path: &Path) -> io::Result<PathBuf> {
    let above = path.ancestors().skip(1).find(|above| above.exists()).unwrap_or(Path::new("/"));
    let real = above.canonicalize()?;
    let first = |path: &Path| {
        path.components().find(|one| matches!(one, Component::Normal(_))).map(|one| Path::new("/").join(one))
    };
    let missing = if real == Path::new("/") { first(path).filter(|top| top.is_dir()) } else { None };
    first(&real).or(missing).ok_or_else(|| io::Error::other("it lies at the top of the root"))
}

/// Covers `top` by an overlay whose changes stay in memory.
fn cover(scratch: &Path, top: &Path) -> io::Result<()> {
    let name = top.file_name().unwrap_or_default();
    // Names of folders at the top that would need quoting are nobody's; they are refused, not guessed at.
    if name.as_bytes().iter().any(|byte| matches!(byte, b',' | b':' | b'\\')) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let (upper, work) = (scratch.join(name).join("upper"), scratch.join(name).join("work"));
    fs::create_dir_all(&upper)?;
    fs::create_dir_all(&work)?;
    // The folder itself looks as it did, to programs that do not trust one that others may write to.
    fs::set_permissions(&upper, fs::metadata(top)?.permissions())?;
    let mut options = Vec::new();
    for (key, folder) in [("lowerdir=", top), (",upperdir=", &upper), (",workdir=", &work)] {
        options.extend_from_slice(key.as_bytes());
        options.extend_from_slice(folder.as_os_str().as_bytes());
    }
    mount(Some("cosmos"), top, Some("overlay"), MsFlags::empty(), Some(OsStr::from_bytes(&options)))?;
    Ok(())
}

fn put(path: &Path, laid: &Laid) -> io::Result<()> {
    match laid {
        Laid::File(bytes, attributes) => {
            clear(path)?;
            fs::write(path, bytes)?;
            dress(path, attributes)
        }
        Laid::Symlink(target) => {
            clear(path)?;
            symlink(OsStr::from_bytes(target), path)
        }
        Laid::Directory(attributes) => {
            if !path.is_dir() {
                clear(path)?;
                fs::create_dir_all(path)?;
            }
            dress(path, attributes)
        }
        Laid::Attributes(attributes) => dress(path, attributes),
        Laid::Gone => clear(path),
    }
}

fn dress(path: &Path, attributes: &Attributes) -> io::Result<()> {
    chown(path, Some(attributes.uid), Some(attributes.gid))?;
    fs::set_permissions(path, fs::Permissions::from_mode(attributes.mode))
}

/// Makes room at `path`; a folder that something else lies in stays, as it would on the host.
fn clear(path: &Path) -> io::Result<()> {
    let found = match path.symlink_metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let cleared = if found.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
    cleared.or_else(|error| if error.kind() == io::ErrorKind::DirectoryNotEmpty { Ok(()) } else { Err(error) })
}
