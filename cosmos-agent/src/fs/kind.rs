//! What a look at a path tells: its kind, and whether it was touched.

use cosmos_model::snapshot::Stat;
use nix::sys::stat::FileStat;

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
