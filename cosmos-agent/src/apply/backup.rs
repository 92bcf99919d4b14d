//! The backup store: what was found at a path and is not ours, by content, 0600, bounded.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Seek as _};

use cosmos_model::content::{Content, ContentHash};
use cosmos_model::path::RelPath;
use cosmos_model::snapshot::Stat;
use nix::errno::Errno;
use nix::sys::stat::futimens;
use nix::sys::time::TimeSpec;

use super::ContentError;
use super::folder::StateFolder;
use super::rendered::RenderedFolder;
use crate::fs::{self, Directory, FsError, OnPath as _, stat_of, write};
use crate::observe::{LARGEST, hash_of};

/// How many bytes are copied at a time.
const CHUNK: usize = 64 * 1024;

/// The backups as contents of a plan that puts something back.
pub struct Kept<'a>(pub &'a StateFolder);

impl super::Contents for Kept<'_> {
    fn read(&self, _: &RelPath, content: &Content) -> Result<Vec<u8>, ContentError> {
        let path = self.0.path("backup").join(content.hash.to_string().as_bytes()).expect("a hash is one component");
        let kept = self.0.home().read(&path, content.size)?;
        kept.ok_or_else(|| "it is not kept any more: the backups are bounded by backup-size".into())
    }
}

/// Keeps the content of `file` as `hash`; tells whether that is what the file holds.
pub(super) fn keep_file(state: &StateFolder, file: &mut File, hash: ContentHash) -> Result<bool, FsError> {
    let (path, directory) = place(state, hash)?;
    let mut chunk = vec![0; CHUNK];
    // It may have grown beyond all measure since it was looked at.
    if file.metadata().on("look at", path.as_bytes())?.len() > LARGEST {
        return Ok(false);
    }
    if hash_of(file, &mut chunk).on("read", path.as_bytes())? != hash {
        return Ok(false);
    }
    if freshen(&directory, path.name()).on("keep", path.as_bytes())? {
        return Ok(true);
    }
    file.rewind().on("read", path.as_bytes())?;
    let temporary = [b".", path.name(), b".new"].concat();
    let copied = copy(file, &directory, &temporary, &mut chunk);
    let same = match copied.on("keep", path.as_bytes()) {
        Ok(mut copy) => hash_of(&mut copy, &mut chunk).on("read", path.as_bytes())? == hash,
        Err(error) => {
            // Best effort: the error that matters is the one before.
            let _ = directory.unlink(&temporary);
            return Err(error);
        }
    };
    let end = if same { directory.rename(&temporary, path.name()) } else { directory.unlink(&temporary) };
    end.and_then(|()| directory.sync()).on("keep", path.as_bytes())?;
    Ok(same)
}

/// Keeps `bytes`, a symlink's target, under their hash.
pub(super) fn keep_bytes(state: &StateFolder, bytes: &[u8]) -> Result<(), FsError> {
    let (path, directory) = place(state, ContentHash::of(bytes))?;
    if freshen(&directory, path.name()).on("keep", path.as_bytes())? {
        return Ok(());
    }
    fs::replace(state.home(), &path, bytes, 0o600)
}

fn place(state: &StateFolder, hash: ContentHash) -> Result<(RelPath, Directory), FsError> {
    let folder = state.path("backup");
    state.make()?;
    let directory = fs::make_directories(state.home(), &folder, 0o700)?;
    let path = folder.join(hash.to_string().as_bytes()).expect("a hash is one component");
    Ok((path, directory))
}

/// Makes the backup `name` the youngest, if it is there.
fn freshen(directory: &Directory, name: &[u8]) -> nix::Result<bool> {
    match directory.open_file(name) {
        Ok(file) => futimens(&file, &TimeSpec::UTIME_NOW, &TimeSpec::UTIME_NOW).map(|()| true),
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn copy(from: &mut File, directory: &Directory, name: &[u8], chunk: &mut [u8]) -> nix::Result<File> {
    let as_errno = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EIO as i32));
    let mut to = match directory.create(name) {
        Err(Errno::EEXIST) => directory.unlink(name).and_then(|()| directory.create(name))?,
        created => created?,
    };
    // What grows meanwhile is not followed: the hash then differs, and the step is refused.
    let whole = from.metadata().map_err(as_errno)?.len();
    let mut left = whole;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(chunk.len()).min(chunk.len());
        let count = from.read(&mut chunk[..most]).map_err(as_errno)?;
        if count == 0 {
            break;
        }
        // Holes stay holes: a local user's sparse file takes no more room here than there.
        if chunk[..count].iter().all(|byte| *byte == 0) {
            to.seek_relative(count as i64).map_err(as_errno)?;
        } else {
            write::write_all(&mut to, &chunk[..count])?;
        }
        left -= count as u64;
    }
    to.set_len(whole - left).map_err(as_errno)?;
    write::sync(&to)?;
    to.rewind().map_err(as_errno)?;
    Ok(to)
}

/// Tells whether a backup of `size` bytes is more than a quarter of `bound`: it must not push the others out, and is
/// the first to go.
#[must_use]
pub const fn is_large(size: u64, bound: u64) -> bool {
    size > bound / 4
}

/// Removes backups until the rest fits the bound: the large ones first, the oldest of each first.
///
/// Those in `kept` stay, they are this run's; and while it lasts its large ones take nobody's room. What templates
/// became in earlier generations takes its room from the same bound.
pub(super) fn bound(state: &StateFolder, kept: &BTreeSet<ContentHash>) -> Result<(), FsError> {
    let folder = state.path("backup");
    let Ok(directory) = state.home().directory(folder.as_bytes()) else { return Ok(()) };
    let fresh: BTreeSet<Vec<u8>> = kept.iter().map(|hash| hash.to_string().into_bytes()).collect();
    let (mut total, mut backups) = (RenderedFolder(state).size()?, Vec::new());
    for name in directory.names().on("list", folder.as_bytes())? {
        let Some(stat) = directory.stat(&name).on("look at", folder.as_bytes())? else { continue };
        let Stat { modified, size, .. } = stat_of(&stat);
        let (is_fresh, is_large) = (fresh.contains(&name), is_large(size, state.backup_size()));
        total += if is_fresh && is_large { 0 } else { size };
        if !is_fresh {
            backups.push((!is_large, modified, size, name));
        }
    }
    backups.sort_unstable();
    for (_, _, size, name) in backups {
        if total <= state.backup_size() {
            break;
        }
        directory.unlink(&name).on("remove a backup below", folder.as_bytes())?;
        total -= size;
    }
    Ok(())
}
