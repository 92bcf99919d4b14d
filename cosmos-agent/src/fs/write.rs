//! Writing whole files of the agent's own: state, settings, backups. Managed files are written by [`crate::apply`].

use std::fs::File;
use std::io::{self, Write};

use cosmos_model::path::RelPath;
use cosmos_model::snapshot::Attributes;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, Mode};
use nix::unistd::{Gid, Uid};

use super::directory::{Directory, gate};
use super::error::{FsError, OnPath};
use super::kind::{Kind, kind_of};
use super::walk::{Obstacle, Root};
use super::writeback;

/// Writes all of `bytes`.
pub(crate) fn write_all(file: &mut File, bytes: &[u8]) -> nix::Result<()> {
    gate()?;
    file.write_all(bytes).map_err(as_errno)
}

/// Sets owner and mode on the open file, the owner first: changing it clears setuid.
pub(crate) fn set_attributes(file: &File, attributes: Attributes) -> nix::Result<()> {
    gate()?;
    nix::unistd::fchown(file, Some(Uid::from_raw(attributes.uid)), Some(Gid::from_raw(attributes.gid)))?;
    nix::sys::stat::fchmod(file, Mode::from_bits_truncate(attributes.mode))
}

/// Puts the file's bytes on disk.
pub(crate) fn sync(file: &File) -> nix::Result<()> {
    gate()?;
    nix::unistd::fsync(file)
}

/// Puts `bytes` at `path` as one change that survives a power cut: the file is the old or the new one.
///
/// The folder must exist ([`make_directories`]).
///
/// # Errors
/// Returns an [`FsError`]; the old file is then untouched.
pub fn replace(root: &Root, path: &RelPath, bytes: &[u8], mode: u32) -> Result<(), FsError> {
    replace_together(root, &[(path, bytes)], mode)
}

/// Writes a content to a file that is being made, as it comes.
pub type Pieces<'c> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'c;

/// Does what [`replace`] does with a content that `write` writes, as it comes: it may be as long as a host has files.
/// `meanwhile` is done while the content is on its way to the disk, and the file put in place only where that
/// succeeded.
///
/// # Errors
/// As [`replace`]; or what `meanwhile` returns.
pub fn replace_in_pieces(
    root: &Root,
    path: &RelPath,
    write: &mut Pieces<'_>,
    mode: u32,
    meanwhile: &mut dyn FnMut() -> Result<(), FsError>,
) -> Result<(), FsError> {
    let directory = folder(root, path)?;
    let temporary = temporary_name(path.name());
    let place = |file: &File| {
        sync(file)?;
        directory.rename(&temporary, path.name())?;
        directory.sync()
    };
    let file = write_temporary(&directory, path.name(), write, mode).on("write", path.as_bytes());
    let written = file.and_then(|file| {
        writeback::begin(&file);
        meanwhile()?;
        place(&file).on("write", path.as_bytes())
    });
    if written.is_err() {
        // Best effort: the error that matters is the one before, and the next replacement takes the name over.
        let _ = directory.unlink(&temporary);
    }
    written
}

/// Makes the file `path` with a content that `write` writes, as it comes, and puts it on disk; what is there already is
/// replaced as by [`replace_in_pieces`].
///
/// Where none was, a run that is killed before this returns leaves a part of it: whoever reads it has to see that. In
/// exchange the disk is waited for once, while a rename has to wait until the content is there.
///
/// # Errors
/// As [`replace`]; nothing is left then.
pub fn make_in_pieces(root: &Root, path: &RelPath, write: &mut Pieces<'_>, mode: u32) -> Result<(), FsError> {
    let directory = folder(root, path)?;
    let made = match directory.create(path.name()) {
        Err(Errno::EEXIST) => return replace_in_pieces(root, path, write, mode, &mut || Ok(())),
        created => created.on("write", path.as_bytes())?,
    };
    let written = fill(made, write, mode).and_then(|file| sync(&file)).and_then(|()| directory.sync());
    if written.is_err() {
        // Best effort: the error that matters is the one before, and who reads a part sees that it is one.
        let _ = directory.unlink(path.name());
    }
    written.on("write", path.as_bytes())
}

/// Puts several files of one folder in place in the order given, all on their way to the disk before the first is
/// waited for, with one sync of the folder.
///
/// Each is the old or the new one, and all are on disk when this returns; between them a power cut may leave the
/// first ones new and the last ones old, never the other way round.
///
/// # Errors
/// Returns an [`FsError`] that names the file; the old one is then untouched.
pub fn replace_together(root: &Root, files: &[(&RelPath, &[u8])], mode: u32) -> Result<(), FsError> {
    replace_together_then(root, files, mode, &mut |_| Ok(None))
}

/// Does what [`replace_together`] does, and appends `line` to the file `log` of the same folder, made 0600 when it is
/// not there: later than all of them, and waited for with the folder.
///
/// # Errors
/// As [`replace_together`] and [`append`].
pub fn replace_together_and_append(
    root: &Root,
    files: &[(&RelPath, &[u8])],
    mode: u32,
    (log, line): (&RelPath, &[u8]),
) -> Result<(), FsError> {
    replace_together_then(root, files, mode, &mut |directory| {
        let mut file = open_log(directory, log.name(), 0o600).on("open", log.as_bytes())?;
        write_all(&mut file, line).on("write", log.as_bytes())?;
        writeback::begin(&file);
        Ok(Some((log.clone(), file)))
    })
}

/// Appends to a file, when the others are in place and before their folder is on disk; it is on disk after that.
type Append<'a> = dyn FnMut(&Directory) -> Result<Option<(RelPath, File)>, FsError> + 'a;

fn replace_together_then(
    root: &Root,
    files: &[(&RelPath, &[u8])],
    mode: u32,
    then: &mut Append<'_>,
) -> Result<(), FsError> {
    let Some((first, _)) = files.first() else { return Ok(()) };
    let directory = folder(root, first)?;
    let written =
        write_temporaries(&directory, files, mode).and_then(|()| put_in_place(&directory, files)).and_then(|()| {
            let appended = then(&directory)?;
            directory.sync().on("write", first.as_bytes())?;
            appended.map_or(Ok(()), |(path, file)| sync(&file).on("write", path.as_bytes()))
        });
    if written.is_err() {
        for (path, _) in files {
            // Best effort: the error that matters is the one before, and the next replacement takes the name over.
            let _ = directory.unlink(&temporary_name(path.name()));
        }
    }
    written
}

fn write_temporaries(directory: &Directory, files: &[(&RelPath, &[u8])], mode: u32) -> Result<(), FsError> {
    let written = files.iter().map(|(path, bytes)| {
        let file = write_temporary(directory, path.name(), &mut whole(bytes), mode).on("write", path.as_bytes())?;
        writeback::begin(&file);
        Ok(file)
    });
    let written = written.collect::<Result<Vec<_>, FsError>>()?;
    let mut each = files.iter().zip(&written);
    each.try_for_each(|((path, _), file)| sync(file).on("write", path.as_bytes()))
}

fn put_in_place(directory: &Directory, files: &[(&RelPath, &[u8])]) -> Result<(), FsError> {
    files.iter().try_for_each(|(path, _)| {
        directory.rename(&temporary_name(path.name()), path.name()).on("write", path.as_bytes())
    })
}

/// Puts `bytes` at `path` whole or not at all, without waiting for the disk: for what a reboot makes worthless.
///
/// # Errors
/// Returns an [`FsError`]; the old file is then untouched.
pub fn replace_passing(root: &Root, path: &RelPath, bytes: &[u8], mode: u32) -> Result<(), FsError> {
    let directory = folder(root, path)?;
    let temporary = temporary_name(path.name());
    let written = write_temporary(&directory, path.name(), &mut whole(bytes), mode)
        .and_then(|_| directory.rename(&temporary, path.name()));
    if written.is_err() {
        // Best effort, as above.
        let _ = directory.unlink(&temporary);
    }
    written.on("write", path.as_bytes())
}

/// Makes the file `path`, whole or not at all; whatever is there already stays, and is an error of `EEXIST`.
///
/// # Errors
/// Returns an [`FsError`]; nothing is changed then.
pub fn make_new(root: &Root, path: &RelPath, bytes: &[u8], mode: u32) -> Result<(), FsError> {
    let directory = folder(root, path)?;
    let temporary = temporary_name(path.name());
    let made = write_temporary(&directory, path.name(), &mut whole(bytes), mode)
        .and_then(|file| sync(&file))
        .and_then(|()| directory.rename_new(&temporary, path.name()));
    if made.is_err() {
        // Best effort, as above.
        let _ = directory.unlink(&temporary);
    }
    made.on("make", path.as_bytes())
}

/// Writes what is to become the file `name` beside it; it is not on disk yet.
fn write_temporary(directory: &Directory, name: &[u8], write: &mut Pieces<'_>, mode: u32) -> nix::Result<File> {
    let name = &temporary_name(name);
    let file = match directory.create(name) {
        // Left by a run that was killed: only one run writes at a time, so it is nobody's.
        Err(Errno::EEXIST) => directory.unlink(name).and_then(|()| directory.create(name))?,
        created => created?,
    };
    fill(file, write, mode)
}

/// Gives a file that was just made its mode and content.
fn fill(mut file: File, write: &mut Pieces<'_>, mode: u32) -> nix::Result<File> {
    gate()?;
    nix::sys::stat::fchmod(&file, Mode::from_bits_truncate(mode))?;
    gate()?;
    write(&mut file).map_err(as_errno)?;
    Ok(file)
}

/// Returns what writes `bytes` in one piece.
fn whole(bytes: &[u8]) -> impl FnMut(&mut dyn Write) -> io::Result<()> {
    |to| to.write_all(bytes)
}

fn as_errno(error: io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EIO as i32))
}

/// A fixed name: the agent's own folders are written by one run at a time and by nobody else.
fn temporary_name(name: &[u8]) -> Vec<u8> {
    [b".", name, b".new"].concat()
}

/// Appends `bytes` to the file `path`, made with `mode` when it is not there, and puts them on disk.
///
/// # Errors
/// Returns an [`FsError`] when the folder is missing or the write fails.
pub fn append(root: &Root, path: &RelPath, bytes: &[u8], mode: u32) -> Result<(), FsError> {
    let mut file = open_log(&folder(root, path)?, path.name(), mode).on("open", path.as_bytes())?;
    write_all(&mut file, bytes).and_then(|()| sync(&file)).on("write", path.as_bytes())
}

fn open_log(directory: &Directory, name: &[u8], mode: u32) -> nix::Result<File> {
    directory.open_writing(name, OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT, mode)
}

/// Opens `path` for reading and writing without changing it, made 0600 when it is not there.
///
/// # Errors
/// Returns an [`FsError`] when the folder is missing or the path is a link.
pub fn open_private(root: &Root, path: &RelPath) -> Result<File, FsError> {
    folder(root, path)?.open_writing(path.name(), OFlag::O_RDWR | OFlag::O_CREAT, 0o600).on("open", path.as_bytes())
}

/// Makes `path` an empty file if it is not there, and sets its times to now.
///
/// # Errors
/// Returns an [`FsError`] when the kernel refuses.
pub fn touch(root: &Root, path: &RelPath) -> Result<(), FsError> {
    if let Some(folder) = path.parent() {
        make_directories(root, &folder, 0o755)?;
    }
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT;
    let file = folder(root, path)?.open_writing(path.name(), flags, 0o644).on("open", path.as_bytes())?;
    let now = nix::sys::time::TimeSpec::UTIME_NOW;
    nix::sys::stat::futimens(&file, &now, &now).on("touch", path.as_bytes())
}

/// Renames `path` to `name` in the same folder, replacing what is there.
///
/// # Errors
/// Returns an [`FsError`] when the kernel refuses.
pub fn rename(root: &Root, path: &RelPath, name: &[u8]) -> Result<(), FsError> {
    let directory = folder(root, path)?;
    directory.rename(path.name(), name).and_then(|()| directory.sync()).on("rename", path.as_bytes())
}

/// Removes the file or symlink `path`, for good; one that is not there is no error.
///
/// # Errors
/// Returns an [`FsError`] when the kernel refuses.
pub fn remove(root: &Root, path: &RelPath) -> Result<(), FsError> {
    match unlink(root, path)? {
        Some(directory) => directory.sync().on("remove", path.as_bytes()),
        None => Ok(()),
    }
}

/// Removes the file or symlink `path` if it is there; a power cut soon afterwards may bring it back.
///
/// # Errors
/// Returns an [`FsError`] when the kernel refuses.
pub fn remove_passing(root: &Root, path: &RelPath) -> Result<(), FsError> {
    unlink(root, path).map(|_| ())
}

/// Removes what a run that was killed while it replaced `path` left beside it.
///
/// # Errors
/// Returns an [`FsError`] when the kernel refuses.
pub fn remove_leftover(root: &Root, path: &RelPath) -> Result<(), FsError> {
    let name = temporary_name(path.name());
    let temporary = path.parent().map_or_else(|| RelPath::new(&name), |folder| folder.join(&name));
    temporary.map_or(Ok(()), |temporary| remove_passing(root, &temporary))
}

/// Returns the folder that something was removed from.
fn unlink(root: &Root, path: &RelPath) -> Result<Option<Directory>, FsError> {
    let parent = path.parent();
    let directory = match root.directory(parent.as_ref().map_or(&[], RelPath::as_bytes)) {
        Ok(directory) => directory,
        Err(Obstacle::Missing) => return Ok(None),
        Err(obstacle) => return Err(obstacle.into_error(path.as_bytes())),
    };
    match directory.unlink(path.name()) {
        Ok(()) => Ok(Some(directory)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno).on("remove", path.as_bytes()),
    }
}

/// The mode of folders above one of ours: `/var/lib` is everybody's, also where we had to make it.
pub(super) const ABOVE: u32 = 0o755;

/// Makes the directory `path` with `mode`, and those above it that are missing with 0755, whatever the umask;
/// existing ones are left as they are.
///
/// # Errors
/// Returns an [`FsError`] when something else is in the way.
pub fn make_directories(root: &Root, path: &RelPath, mode: u32) -> Result<Directory, FsError> {
    let above = path.ancestors().map(|folder| (folder, ABOVE));
    for (folder, mode) in above.chain([(path.clone(), mode)]) {
        match root.directory(folder.as_bytes()) {
            Ok(_) => {}
            Err(Obstacle::Missing) => make_one(root, &folder, mode)?,
            Err(obstacle) => return Err(obstacle.into_error(folder.as_bytes())),
        }
    }
    root.directory(path.as_bytes()).map_err(|obstacle| obstacle.into_error(path.as_bytes()))
}

fn make_one(root: &Root, path: &RelPath, mode: u32) -> Result<(), FsError> {
    let directory = folder(root, path)?;
    let made = match directory.make_directory(path.name(), mode) {
        Ok(()) => directory.set_own_mode(path.name(), mode),
        Err(Errno::EEXIST) => Ok(()),
        Err(errno) => Err(errno),
    };
    made.and_then(|()| directory.sync()).on("make directory", path.as_bytes())
}

/// Sets owner and mode of the directory `path`; anything else of that name is left alone.
pub(crate) fn set_directory_attributes(root: &Root, path: &RelPath, attributes: Attributes) -> Result<(), FsError> {
    let is_directory = |stat: &FileStat| kind_of(stat) == Kind::Directory;
    let set = folder(root, path)?.set_attributes(path.name(), attributes, is_directory);
    set.map(|_| ()).on("set owner and mode of", path.as_bytes())
}

fn folder(root: &Root, path: &RelPath) -> Result<Directory, FsError> {
    let parent = path.parent();
    root.directory(parent.as_ref().map_or(&[], RelPath::as_bytes))
        .map_err(|obstacle| obstacle.into_error(path.as_bytes()))
}

#[cfg(test)]
mod tests;
