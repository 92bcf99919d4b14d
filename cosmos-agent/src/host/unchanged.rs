//! The way of a run that changes nothing: one look at each managed path, no allocation per path, and content only
//! where that was asked for.

use std::io::Read as _;
use std::thread;

use cosmos_model::content::ContentHash;
use cosmos_model::managed::ManagedKind;
use nix::errno::Errno;
use nix::sys::stat::{FileStat, fstat};

use crate::apply::managed_file::{ManagedFile, ManagedRecord};
use crate::fs::{Cursor, Directory, FsError, Kind, Obstacle, OnPath as _, Root, kind_of, stat_of};
use crate::observe::{attributes_of, hash_of};

/// From so many paths on, a second thread looks at half of them: starting it costs what a hundred looks do.
const MANY: u32 = 1_000;

/// What a look at every managed path brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Looked<'a> {
    /// The first path that is not as we left it.
    different: Option<&'a [u8]>,
    /// Whether a symlink was on the way to any.
    met_links: bool,
}

/// Returns the first managed path that does not look as we left it; `None` when all do.
///
/// A path whose policy leaves it to the host only has to be there.
///
/// # Errors
/// Returns the first path that the kernel does not let us look at.
pub fn first_difference<'a>(root: &Root, managed: &ManagedFile<'a>) -> Result<Option<&'a [u8]>, FsError> {
    Ok(look(root, managed, looks_as_left)?.different)
}

/// Tells whether every managed path looks as we left it, and none was reached through a symlink.
///
/// # Errors
/// As [`first_difference`].
pub fn is_plainly_untouched(root: &Root, managed: &ManagedFile<'_>) -> Result<bool, FsError> {
    Ok(look(root, managed, looks_as_left)? == Looked::default())
}

/// Returns the first managed path that does not look as we left it, or holds something else.
///
/// # Errors
/// As [`first_difference`], and for a file that cannot be read.
pub fn first_other_content<'a>(root: &Root, managed: &ManagedFile<'a>) -> Result<Option<&'a [u8]>, FsError> {
    Ok(look(root, managed, holds_what_was_left)?.different)
}

/// How one path, in an open folder, is compared with what we left there; the bytes are room to read into.
type Compare = fn(&ManagedRecord<'_>, &Directory, &[u8], &mut Vec<u8>) -> nix::Result<bool>;

fn look<'a>(root: &Root, managed: &ManagedFile<'a>, compare: Compare) -> Result<Looked<'a>, FsError> {
    let spare = managed.len() >= MANY && thread::available_parallelism().is_ok_and(|threads| threads.get() > 1);
    if !spare {
        return look_along(root, managed, compare);
    }
    let (first, second) = managed.halves();
    thread::scope(|scope| {
        let other = scope.spawn(|| look_along(root, &second, compare));
        let first = look_along(root, &first, compare);
        let second = other.join().expect("looking does not panic");
        let (first, second) = (first?, second?);
        let different = first.different.or(second.different);
        Ok(Looked { different, met_links: first.met_links || second.met_links })
    })
}

fn look_along<'a>(root: &Root, managed: &ManagedFile<'a>, compare: Compare) -> Result<Looked<'a>, FsError> {
    let (mut cursor, mut room) = (Cursor::new(root), Vec::new());
    for record in managed.records() {
        let same = match cursor.folder_of(record.path) {
            Ok((directory, name)) => compare(&record, directory, name, &mut room).on("look at", record.path)?,
            Err(Obstacle::Failed(error)) => return Err(error),
            Err(Obstacle::Missing | Obstacle::Blocked(_)) => false,
        };
        if !same {
            return Ok(Looked { different: Some(record.path), met_links: cursor.met_links() });
        }
    }
    Ok(Looked { different: None, met_links: cursor.met_links() })
}

fn looks_as_left(
    record: &ManagedRecord<'_>,
    directory: &Directory,
    name: &[u8],
    _room: &mut Vec<u8>,
) -> nix::Result<bool> {
    Ok(directory.stat(name)?.is_some_and(|stat| is_as_left(record, &stat)))
}

/// Compares content too; of a file, all is asked of the open descriptor.
fn holds_what_was_left(
    record: &ManagedRecord<'_>,
    directory: &Directory,
    name: &[u8],
    room: &mut Vec<u8>,
) -> nix::Result<bool> {
    if record.left_alone || record.kind == ManagedKind::Directory {
        return looks_as_left(record, directory, name, room);
    }
    if record.kind == ManagedKind::Symlink {
        let same = looks_as_left(record, directory, name, room)?;
        return Ok(same && ContentHash::of(&directory.read_link(name)?) == record.hash);
    }
    let mut file = match directory.open_file(name) {
        Ok(file) => file,
        Err(Errno::ENOENT | Errno::ELOOP | Errno::ENXIO) => return Ok(false),
        Err(errno) => return Err(errno),
    };
    if !is_as_left(record, &fstat(&file)?) {
        return Ok(false);
    }
    let as_errno = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EIO as i32));
    let hash = match usize::try_from(record.stat.size) {
        Ok(size) if size <= ONE_READ => {
            room.resize(ONE_READ, 0);
            let count = file.read(&mut room[..size.max(1)]).map_err(as_errno)?;
            ContentHash::of(&room[..count])
        }
        _ => hash_of(&mut file, room).map_err(as_errno)?,
    };
    Ok(hash == record.hash)
}

/// Files up to this size, in bytes, are read by one call.
const ONE_READ: usize = 64 * 1024;

/// A directory's times change with what is put into it, so its owner and mode are compared; all else by `stat`,
/// whose change time moves with owner and mode too.
fn is_as_left(record: &ManagedRecord<'_>, stat: &FileStat) -> bool {
    if record.left_alone {
        return true;
    }
    let looks_alike = match record.kind {
        ManagedKind::Directory => kind_of(stat) == Kind::Directory && attributes_of(stat) == record.attributes,
        ManagedKind::File | ManagedKind::Symlink => stat_of(stat) == record.stat,
    };
    looks_alike && !record.unfinished
}
