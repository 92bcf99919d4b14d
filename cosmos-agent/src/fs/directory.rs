//! One open directory and what can be done by name inside it: every change of the file system is a call of this file.
//!
//! Names are single components; the last one is never followed when it is a link.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::Result;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat};
use nix::sys::stat::{FileStat, Mode};
use nix::unistd::{Gid, Uid, UnlinkatFlags};

use cosmos_model::snapshot::Attributes;

use super::kind::{Kind, kind_of};

/// A handle of a directory that a walk reached; it stays that directory whatever happens to its name.
#[derive(Debug, Clone)]
pub struct Directory(Arc<OwnedFd>);

impl Directory {
    pub(super) const fn new(handle: Arc<OwnedFd>) -> Self {
        Self(handle)
    }

    /// Opens `name` as a place, whatever it is, without following it.
    pub(super) fn open_path(&self, name: &[u8]) -> Result<OwnedFd> {
        openat(&*self.0, name, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())
    }

    /// Opens the directory `name`; a link to one is `ENOTDIR`.
    pub(super) fn open_directory(&self, name: &[u8]) -> Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        openat(&*self.0, name, flags, Mode::empty()).map(|handle| Self(Arc::new(handle)))
    }

    /// Looks at `name` without following it; `None` when it is not there.
    ///
    /// # Errors
    /// Returns the kernel's answer.
    pub fn stat(&self, name: &[u8]) -> Result<Option<FileStat>> {
        match nix::sys::stat::fstatat(&*self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Looks at the directory itself.
    ///
    /// # Errors
    /// Returns the kernel's answer.
    pub fn stat_self(&self) -> Result<FileStat> {
        nix::sys::stat::fstat(&*self.0)
    }

    /// Opens `name` for reading without following it and without waiting for a pipe's other end.
    ///
    /// # Errors
    /// Returns the kernel's answer; `ELOOP` for a symlink.
    pub fn open_file(&self, name: &[u8]) -> Result<File> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        openat(&*self.0, name, flags, Mode::empty()).map(File::from)
    }

    /// Opens `name` with `flags`, never following it, making it with `mode` if the flags say so.
    pub(super) fn open_writing(&self, name: &[u8], flags: OFlag, mode: u32) -> Result<File> {
        gate()?;
        let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        openat(&*self.0, name, flags, Mode::from_bits_truncate(mode)).map(File::from)
    }

    /// Returns where the symlink `name` points.
    ///
    /// # Errors
    /// Returns the kernel's answer.
    pub fn read_link(&self, name: &[u8]) -> Result<Vec<u8>> {
        nix::fcntl::readlinkat(&*self.0, name).map(std::os::unix::ffi::OsStringExt::into_vec)
    }

    /// Returns the names in the directory, without `.` and `..`, sorted.
    ///
    /// # Errors
    /// Returns the kernel's answer.
    pub fn names(&self) -> Result<Vec<Vec<u8>>> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut listing = nix::dir::Dir::openat(&*self.0, ".", flags, Mode::empty())?;
        let mut names = Vec::new();
        for entry in listing.iter() {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Makes the new file `name`, readable by its owner only, which must not exist in any form.
    pub(crate) fn create(&self, name: &[u8]) -> Result<File> {
        self.open_writing(name, OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL, 0o600)
    }

    pub(crate) fn make_symlink(&self, target: &[u8], name: &[u8]) -> Result<()> {
        gate()?;
        nix::unistd::symlinkat(target, &*self.0, name)
    }

    pub(crate) fn make_directory(&self, name: &[u8], mode: u32) -> Result<()> {
        gate()?;
        nix::sys::stat::mkdirat(&*self.0, name, Mode::from_bits_truncate(mode & 0o777))
    }

    /// Gives the directory `name` of our own the bits that the umask took away when it was made.
    pub(super) fn set_own_mode(&self, name: &[u8], mode: u32) -> Result<()> {
        let place = self.open_directory(name)?.0;
        let stat = nix::sys::stat::fstat(&*place)?;
        let ours = stat.st_uid == nix::unistd::geteuid().as_raw();
        if !ours || stat.st_mode & 0o777 == mode {
            return Ok(());
        }
        gate()?;
        set_mode(&place, mode)
    }

    /// Renames `from` over `to`.
    pub(crate) fn rename(&self, from: &[u8], to: &[u8]) -> Result<()> {
        gate()?;
        nix::fcntl::renameat(&*self.0, from, &*self.0, to)
    }

    /// Renames `from` to `to` where nothing may be; `EINVAL` on a file system that cannot promise it.
    pub(crate) fn rename_new(&self, from: &[u8], to: &[u8]) -> Result<()> {
        gate()?;
        nix::fcntl::renameat2(&*self.0, from, &*self.0, to, RenameFlags::RENAME_NOREPLACE)
    }

    /// Lets `one` and `other` change places in one step; `EINVAL` on a file system that cannot do it.
    pub(crate) fn exchange(&self, one: &[u8], other: &[u8]) -> Result<()> {
        gate()?;
        nix::fcntl::renameat2(&*self.0, one, &*self.0, other, RenameFlags::RENAME_EXCHANGE)
    }

    /// Removes `name`, whatever it is; a directory has to be empty.
    pub(crate) fn remove_one(&self, name: &[u8]) -> Result<()> {
        match self.unlink(name) {
            Err(Errno::EISDIR) => self.remove_directory(name),
            removed => removed,
        }
    }

    pub(crate) fn unlink(&self, name: &[u8]) -> Result<()> {
        gate()?;
        nix::unistd::unlinkat(&*self.0, name, UnlinkatFlags::NoRemoveDir)
    }

    pub(crate) fn remove_directory(&self, name: &[u8]) -> Result<()> {
        gate()?;
        nix::unistd::unlinkat(&*self.0, name, UnlinkatFlags::RemoveDir)
    }

    /// Sets the owner of the symlink `name`; its mode has no meaning.
    pub(crate) fn own_symlink(&self, name: &[u8], attributes: Attributes) -> Result<()> {
        gate()?;
        let (uid, gid) = (Uid::from_raw(attributes.uid), Gid::from_raw(attributes.gid));
        nix::unistd::fchownat(&*self.0, name, Some(uid), Some(gid), AtFlags::AT_SYMLINK_NOFOLLOW)
    }

    /// Sets owner and mode of what `name` is, provided that `accepts` still agrees on the opened place.
    ///
    /// Returns whether it did: the decision is about the descriptor, not about the name (A39).
    pub(crate) fn set_attributes(
        &self,
        name: &[u8],
        attributes: Attributes,
        accepts: impl FnOnce(&FileStat) -> bool,
    ) -> Result<bool> {
        let place = self.open_path(name)?;
        let stat = nix::sys::stat::fstat(&place)?;
        if !accepts(&stat) {
            return Ok(false);
        }
        gate()?;
        let has_mode = kind_of(&stat) != Kind::Symlink;
        // A change of the owner takes a program's capabilities away: it is not made in vain.
        if (stat.st_uid, stat.st_gid) != (attributes.uid, attributes.gid) {
            if has_mode {
                // In between nobody may do what both the old and the new mode forbid somebody else.
                set_mode(&place, stat.st_mode & attributes.mode & 0o777)?;
            }
            let (uid, gid) = (Uid::from_raw(attributes.uid), Gid::from_raw(attributes.gid));
            nix::unistd::fchownat(&place, "", Some(uid), Some(gid), AtFlags::AT_EMPTY_PATH)?;
        }
        if has_mode {
            set_mode(&place, attributes.mode)?;
        }
        Ok(true)
    }

    /// Puts the directory's entries on disk.
    pub(crate) fn sync(&self) -> Result<()> {
        gate()?;
        nix::unistd::fsync(self.readable()?)
    }

    /// Puts the whole file system of the directory on disk.
    pub(crate) fn sync_file_system(&self) -> Result<()> {
        gate()?;
        nix::unistd::syncfs(self.readable()?)
    }

    /// Opens the directory for reading: neither `fsync` nor `syncfs` takes a handle that is a mere place.
    fn readable(&self) -> Result<OwnedFd> {
        openat(&*self.0, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
    }
}

/// Sets the mode of the very inode `place` stands for.
///
/// A handle that is a mere place takes no `fchmod`, and opening the file may be forbidden by the mode that is to be
/// changed; its name below `/proc/self/fd` is neither followed anew nor subject to that mode.
fn set_mode(place: &OwnedFd, mode: u32) -> Result<()> {
    use std::os::fd::AsRawFd as _;
    let name = format!("/proc/self/fd/{}", place.as_raw_fd());
    let follow = nix::sys::stat::FchmodatFlags::FollowSymlink;
    nix::sys::stat::fchmodat(nix::fcntl::AT_FDCWD, name.as_str(), Mode::from_bits_truncate(mode), follow)
}

/// Every change passes here first, so that tests can let the n-th one fail.
pub(super) fn gate() -> Result<()> {
    #[cfg(test)]
    super::faults::count()?;
    Ok(())
}
