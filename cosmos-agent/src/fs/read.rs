//! Looking: kinds, stats, contents.

use std::fs::File;
use std::io::Read as _;

use cosmos_model::path::RelPath;
use cosmos_model::snapshot::Stat;
use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::error::{FsError, OnPath};
use super::walk::{Obstacle, Root};

/// What kind of thing a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symlink.
    Symlink,
    /// A device, pipe or socket.
    Other,
}

/// Returns the kind that `stat` tells of.
#[must_use]
pub const fn kind_of(stat: &FileStat) -> Kind {
    match stat.st_mode & nix::libc::S_IFMT {
        nix::libc::S_IFREG => Kind::File,
        nix::libc::S_IFDIR => Kind::Directory,
        nix::libc::S_IFLNK => Kind::Symlink,
        _ => Kind::Other,
    }
}

/// Returns the part of `stat` that tells whether a path was touched.
#[must_use]
pub fn stat_of(stat: &FileStat) -> Stat {
    // Nanoseconds are below 10^9 and sizes not negative, whatever the width the C library gives them.
    let nanoseconds = |value: i64| u32::try_from(value).unwrap_or(0);
    Stat {
        device: stat.st_dev,
        inode: stat.st_ino,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified: (stat.st_mtime, nanoseconds(stat.st_mtime_nsec)),
        changed: (stat.st_ctime, nanoseconds(stat.st_ctime_nsec)),
    }
}

impl Root {
    /// Opens the regular file `path` for reading; `None` when it is not there.
    ///
    /// # Errors
    /// Returns an [`FsError`] when the walk is blocked, or the path is no regular file.
    pub fn open_file(&self, path: &RelPath) -> Result<Option<File>, FsError> {
        let folder = path.parent();
        let directory = match self.directory(folder.as_ref().map_or(&[], RelPath::as_bytes)) {
            Ok(directory) => directory,
            Err(Obstacle::Missing) => return Ok(None),
            Err(obstacle) => return Err(obstacle.into_error(path.as_bytes())),
        };
        let file = match directory.open_file(path.name()) {
            Ok(file) => file,
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(errno).on("open", path.as_bytes()),
        };
        let stat = nix::sys::stat::fstat(&file).on("look at", path.as_bytes())?;
        if kind_of(&stat) != Kind::File {
            return Err(Errno::EINVAL).on("read as a regular file", path.as_bytes());
        }
        Ok(Some(file))
    }

    /// Reads the regular file `path` whole; `None` when it is not there.
    ///
    /// # Errors
    /// As [`Root::open_file`], and when the file is longer than `limit` bytes.
    pub fn read(&self, path: &RelPath, limit: u64) -> Result<Option<Vec<u8>>, FsError> {
        let Some(file) = self.open_file(path)? else { return Ok(None) };
        // One read and no growing for a file that keeps its size; one more byte shows that it ended.
        let size = file.metadata().on("look at", path.as_bytes())?.len().min(limit);
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).on("read", path.as_bytes())?;
        if bytes.len() as u64 > limit {
            return Err(Errno::EFBIG).on("read", path.as_bytes());
        }
        Ok(Some(bytes))
    }
}
