//! What was found on a host, at the paths a plan asks about.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::by_path::ByPath;
use crate::content::ContentHash;
use crate::path::RelPath;

/// Owner and mode of something found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// Permission bits with setuid, setgid and sticky: `0o7777` at most.
    pub mode: u32,
    /// Numeric user id.
    pub uid: u32,
    /// Numeric group id.
    pub gid: u32,
}

/// What is at a path. Parents were walked by component; a root-owned symlinked directory was followed (A38).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// Nothing; or a parent is missing.
    Absent,
    /// A regular file.
    File {
        /// Owner and mode.
        attributes: Attributes,
        /// Number of bytes.
        size: u64,
        /// Hash of the bytes: computed, or remembered when size, times and inode are those we left.
        hash: ContentHash,
    },
    /// A symlink as the last component.
    Symlink {
        /// Owner; a symlink's mode has no meaning and is 0o777.
        attributes: Attributes,
        /// Where it points, any bytes.
        target: Vec<u8>,
        /// Whether it leads to a directory and is owned by root (or the caller of an unprivileged root),
        /// so that an overlay directory of this name means the directory behind it.
        to_directory: bool,
    },
    /// A directory.
    Directory(Attributes),
    /// A device, pipe or socket.
    Other,
    /// The path cannot be reached: a parent is no directory, or a symlink of someone else (A39). The text says which.
    Blocked(String),
}

/// How a managed path looked to `stat` when we left it; equal means unchanged unless contents are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Stat {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time: seconds and nanoseconds.
    pub modified: (i64, u32),
    /// Change time: seconds and nanoseconds.
    pub changed: (i64, u32),
}

/// A host as far as one plan is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostSnapshot {
    /// What is at each path that was asked about.
    pub paths: ByPath<Observed>,
    /// For folders of ours where the model wants something else: the first path in them that was not asked about.
    pub foreign: BTreeMap<RelPath, RelPath>,
    /// The numeric ids of the user names the model mentions; a name that is missing here is unknown on the host.
    pub users: BTreeMap<String, u32>,
    /// The numeric ids of the group names the model mentions.
    pub groups: BTreeMap<String, u32>,
    /// User and group that files get by default: 0 and 0, or the caller's in an unprivileged root.
    pub default_owner: (u32, u32),
    /// Paths that a package's conffile list names (docs/formats.md §4, Paths that leave).
    pub conffiles: alloc::collections::BTreeSet<RelPath>,
}
