//! How a folder was left, so that unchanged files are neither read nor written (docs/formats.md §19).

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use cosmos_model::content::ContentHash;
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::snapshot::Stat;

/// The first bytes of the file; the digit is the format's version.
const MAGIC: &[u8] = b"COSMOSF1";
/// The bytes of the SHA-256 at the end.
const TRAILER: usize = 32;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftKind {
    /// A file.
    File,
    /// A symlink.
    Symlink,
    /// A directory: as long as its times stand, nothing came into it and nothing left.
    Directory,
}

/// One path as it was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// What it is.
    pub kind: LeftKind,
    /// The blob it was written from; of a symlink, the blob that holds its target; of a directory, zero.
    pub blob: ObjectId,
    /// Its permission bits.
    pub mode: u32,
    /// How it looked afterwards.
    pub stat: Stat,
}

/// What is in a folder, by path.
pub type Index = BTreeMap<RelPath, Left>;

/// Returns how `found` looks, times and inode included.
#[must_use]
pub fn stat(found: &Metadata) -> Stat {
    let nanoseconds = |value: i64| u32::try_from(value).unwrap_or(0);
    Stat {
        device: found.dev(),
        inode: found.ino(),
        size: found.size(),
        modified: (found.mtime(), nanoseconds(found.mtime_nsec())),
        changed: (found.ctime(), nanoseconds(found.ctime_nsec())),
    }
}

/// Reads the index at `path`. One that is missing or damaged is empty: the folder is then written anew.
///
/// # Errors
/// Returns the system's error when the file is there and cannot be read.
pub fn read(path: &Path) -> io::Result<Index> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(decode(&bytes).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::new()),
        Err(error) => Err(error),
    }
}

/// Writes the index as one file. It is not synced: one that a power cut damages counts as empty.
///
/// # Errors
/// Returns the system's error.
pub fn write(path: &Path, index: &Index) -> io::Result<()> {
    crate::fs::by_path::replace_cached_file(path, &encode(index), 0o600)
}

/// Encodes an index.
#[must_use]
pub fn encode(index: &Index) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for (path, left) in index {
        let length = u16::try_from(path.as_bytes().len()).expect("Linux paths are shorter than 4096 bytes");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(path.as_bytes());
        bytes.push(match left.kind {
            LeftKind::File => 0,
            LeftKind::Symlink => 1,
            LeftKind::Directory => 2,
        });
        bytes.extend_from_slice(&left.mode.to_le_bytes());
        bytes.extend_from_slice(left.blob.as_bytes());
        for number in [left.stat.device, left.stat.inode, left.stat.size] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for (seconds, nanoseconds) in [left.stat.modified, left.stat.changed] {
            bytes.extend_from_slice(&seconds.to_le_bytes());
            bytes.extend_from_slice(&nanoseconds.to_le_bytes());
        }
    }
    let trailer = ContentHash::of(&bytes);
    bytes.extend_from_slice(trailer.as_bytes());
    bytes
}

/// Decodes an index; `None` for bytes that [`encode`] did not make.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Index> {
    let (body, trailer) = bytes.split_at_checked(bytes.len().checked_sub(TRAILER)?)?;
    if ContentHash::of(body).as_bytes() != trailer {
        return None;
    }
    let mut cursor = Cursor(body.strip_prefix(MAGIC)?);
    let mut index = Index::new();
    while !cursor.0.is_empty() {
        let length = u16::from_le_bytes(cursor.take()?);
        let path = cursor.slice(usize::from(length))?;
        let kind = match cursor.take()? {
            [0] => LeftKind::File,
            [1] => LeftKind::Symlink,
            [2] => LeftKind::Directory,
            _ => return None,
        };
        let mode = u32::from_le_bytes(cursor.take()?);
        let blob = ObjectId::new(cursor.take()?);
        let stat = Stat {
            device: u64::from_le_bytes(cursor.take()?),
            inode: u64::from_le_bytes(cursor.take()?),
            size: u64::from_le_bytes(cursor.take()?),
            modified: (i64::from_le_bytes(cursor.take()?), u32::from_le_bytes(cursor.take()?)),
            changed: (i64::from_le_bytes(cursor.take()?), u32::from_le_bytes(cursor.take()?)),
        };
        index.insert(RelPath::new(path).ok()?, Left { kind, blob, mode, stat });
    }
    Some(index)
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(slice)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.slice(N)?.try_into().ok()
    }
}
