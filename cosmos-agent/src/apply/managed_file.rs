//! The managed set on disk (docs/formats.md §10): a strict reader over bytes; the writer is in [`encode`].
//!
//! [`ManagedFile`] borrows from the file's bytes, so that a run which changes nothing allocates nothing per path.

use std::sync::Arc;

use cosmos_model::by_path::ByPath;
use cosmos_model::content::ContentHash;
use cosmos_model::managed::{LeftOut, ManagedEntry, ManagedKind, ManagedSet};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::snapshot::{Attributes, Stat};

mod encode;
mod known;

pub use encode::encode;
pub use known::KnownBlobs;

/// The name of the format without its version digit.
const MAGIC: &[u8] = b"COSMOSM";
const VERSION: u8 = b'1';
/// Bytes of the CRC-32 at the end.
const TRAILER: usize = 4;

const EXISTED: u8 = 1;
const TASK_MADE: u8 = 1 << 1;
const FOUND_KEPT: u8 = 1 << 2;
const UNFINISHED: u8 = 1 << 3;
const LEFT_ALONE: u8 = 1 << 4;
const SECRET: u8 = 1 << 5;
const ALL_FLAGS: u8 = EXISTED | TASK_MADE | FOUND_KEPT | UNFINISHED | LEFT_ALONE | SECRET;

/// Why bytes are no managed set. The run then rebuilds it from the host, removing nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManagedFileError {
    /// The first bytes are others.
    #[error("not a managed set")]
    NotManaged,
    /// Written by a later agent.
    #[error("a managed set of a later format")]
    Later,
    /// The trailer does not fit the bytes: cut off or damaged.
    #[error("a damaged managed set: its checksum does not fit")]
    Checksum,
    /// The checksum fits, the content breaks a rule of the format.
    #[error("a damaged managed set: entry {0} breaks the format")]
    Entry(u32),
    /// The header's lengths do not fit the bytes.
    #[error("a damaged managed set: the header breaks the format")]
    Header,
}

/// One path, as it lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManagedRecord<'a> {
    /// The path; sound as [`RelPath`] asks for.
    pub path: &'a [u8],
    /// What was written.
    pub kind: ManagedKind,
    /// Owner and mode as written.
    pub attributes: Attributes,
    /// How the path looked when we left it.
    pub stat: Stat,
    /// Written or adopted by a run that did not end.
    pub unfinished: bool,
    /// The path's policy leaves its look to the host.
    pub left_alone: bool,
    secret: bool,
    task_made: bool,
    found_kept: bool,
    /// Hash of the content, or of a symlink's target.
    pub hash: ContentHash,
    layer: u16,
    blob: ObjectId,
    found: Option<ContentHash>,
}

impl ManagedRecord<'_> {
    fn to_entry(self) -> (RelPath, ManagedEntry) {
        let entry = ManagedEntry {
            kind: self.kind,
            attributes: self.attributes,
            size: self.stat.size,
            hash: self.hash,
            blob: (self.blob != ObjectId::new([0; 20])).then_some(self.blob),
            stat: self.stat,
            layer: self.layer,
            found: self.found,
            found_kept: self.found_kept,
            task_made: self.task_made,
            unfinished: self.unfinished,
            secret: self.secret,
            left_alone: self.left_alone,
        };
        (RelPath::new(self.path).expect("the reader checked every path"), entry)
    }
}

/// A checked managed set that borrows from the file's bytes.
#[derive(Debug, Clone)]
pub struct ManagedFile<'a> {
    commit: Option<ObjectId>,
    layers: Vec<&'a str>,
    count: u32,
    entries: &'a [u8],
}

impl<'a> ManagedFile<'a> {
    /// Checks `bytes` whole: version, checksum, lengths, order, every field.
    ///
    /// # Errors
    /// Returns what is wrong with them.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ManagedFileError> {
        match bytes.split_at_checked(MAGIC.len()) {
            Some((MAGIC, [VERSION, ..])) => {}
            Some((MAGIC, [b'2'..=b'9', ..])) => return Err(ManagedFileError::Later),
            _ => return Err(ManagedFileError::NotManaged),
        }
        let (body, trailer) = bytes.split_last_chunk::<TRAILER>().ok_or(ManagedFileError::Checksum)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*trailer) {
            return Err(ManagedFileError::Checksum);
        }
        let file = Self::header(&body[MAGIC.len() + 1..]).ok_or(ManagedFileError::Header)?;
        file.check()?;
        Ok(file)
    }

    /// Takes bytes that [`Self::parse`] found sound, without checking them again.
    pub(crate) fn of_checked(bytes: &'a [u8]) -> Self {
        Self::header(&bytes[MAGIC.len() + 1..bytes.len() - TRAILER]).expect("parse read the header")
    }

    fn header(mut rest: &'a [u8]) -> Option<Self> {
        let count = number32(&mut rest)?;
        let commit = ObjectId::new(take(&mut rest)?);
        let layers = (0..number32(&mut rest)?)
            .map(|_| {
                let length = u16::from_le_bytes(take(&mut rest)?);
                std::str::from_utf8(split(&mut rest, length.into())?).ok()
            })
            .collect::<Option<Vec<_>>>()?;
        let commit = (commit != ObjectId::new([0; 20])).then_some(commit);
        Some(Self { commit, layers, count, entries: rest })
    }

    fn check(&self) -> Result<(), ManagedFileError> {
        let mut rest = self.entries;
        let mut last: &[u8] = b"";
        for number in 0..self.count {
            let record = record(&mut rest).ok_or(ManagedFileError::Entry(number))?;
            let known_layer = usize::from(record.layer) < self.layers.len();
            if !known_layer || !RelPath::is_sound(record.path) || record.path <= last {
                return Err(ManagedFileError::Entry(number));
            }
            last = record.path;
        }
        if rest.is_empty() { Ok(()) } else { Err(ManagedFileError::Entry(self.count)) }
    }

    /// Returns the commit last applied.
    #[must_use]
    pub const fn commit(&self) -> Option<ObjectId> {
        self.commit
    }

    /// Returns the names of the layers that paths come from.
    #[must_use]
    pub fn layer_names(&self) -> &[&'a str] {
        &self.layers
    }

    /// Returns how many paths are managed.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// Tells whether no path is managed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the paths in byte order.
    pub fn records(&self) -> impl Iterator<Item = ManagedRecord<'a>> {
        let mut rest = self.entries;
        (0..self.count).map(move |_| record(&mut rest).expect("parse checked every entry"))
    }

    /// Returns the first and the second half of the paths.
    pub(crate) fn halves(&self) -> (Self, Self) {
        let (mut rest, count) = (self.entries, self.count / 2);
        for _ in 0..count {
            record(&mut rest).expect("parse checked every entry");
        }
        let first = &self.entries[..self.entries.len() - rest.len()];
        let part = |count, entries| Self { commit: self.commit, layers: self.layers.clone(), count, entries };
        (part(count, first), part(self.count - count, rest))
    }

    /// Returns the set as the planner takes it.
    #[must_use]
    pub fn to_set(&self) -> ManagedSet {
        ManagedSet {
            commit: self.commit,
            layers: self.layers(),
            entries: self.records().map(ManagedRecord::to_entry).collect(),
            left_out: LeftOut::default(),
        }
    }

    /// Returns the set without what lies below `folders`, which are sorted.
    #[must_use]
    pub fn to_set_without(&self, folders: &[RelPath]) -> ManagedSet {
        let mut left_out = LeftOut { folders: folders.to_vec(), files: 0 };
        let mut entries = ByPath::new();
        for record in self.records() {
            if !left_out.has(record.path) {
                let (path, entry) = record.to_entry();
                entries.insert(path, entry);
            } else if record.kind != ManagedKind::Directory {
                left_out.files += 1;
            }
        }
        ManagedSet { commit: self.commit, layers: self.layers(), entries, left_out }
    }

    fn layers(&self) -> Vec<Arc<str>> {
        self.layers.iter().map(|name| Arc::from(*name)).collect()
    }

    /// Returns the paths below the folders of `left_out`, each as it lies in the file.
    fn below(&self, left_out: &LeftOut) -> impl Iterator<Item = (ManagedRecord<'a>, &'a [u8])> {
        let mut rest = self.entries;
        let all = (0..self.count).map(move |_| {
            let start = rest;
            let record = record(&mut rest).expect("parse checked every entry");
            (record, &start[..start.len() - rest.len()])
        });
        all.filter(|(record, _)| left_out.has(record.path))
    }
}

fn split<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (first, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(first)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

fn number32(rest: &mut &[u8]) -> Option<u32> {
    take(rest).map(u32::from_le_bytes)
}

fn number64(rest: &mut &[u8]) -> Option<u64> {
    take(rest).map(u64::from_le_bytes)
}

fn time(rest: &mut &[u8]) -> Option<(i64, u32)> {
    let seconds = i64::from_le_bytes(take(rest)?);
    let nanoseconds = number32(rest).filter(|value| *value < 1_000_000_000)?;
    Some((seconds, nanoseconds))
}

fn record<'a>(rest: &mut &'a [u8]) -> Option<ManagedRecord<'a>> {
    let length = u16::from_le_bytes(take(rest)?);
    let path = split(rest, length.into())?;
    let kind = match take(rest)? {
        [1] => ManagedKind::File,
        [2] => ManagedKind::Symlink,
        [3] => ManagedKind::Directory,
        _ => return None,
    };
    let [flags] = take(rest)?;
    let layer = u16::from_le_bytes(take(rest)?);
    let mode = number32(rest).filter(|mode| *mode <= 0o7777)?;
    let attributes = Attributes { mode, uid: number32(rest)?, gid: number32(rest)? };
    let size = number64(rest)?;
    let hash = ContentHash::new(take(rest)?);
    let blob = ObjectId::new(take(rest)?);
    let (device, inode) = (number64(rest)?, number64(rest)?);
    let stat = Stat { device, inode, size, modified: time(rest)?, changed: time(rest)? };
    let found = if flags & EXISTED == 0 { None } else { Some(ContentHash::new(take(rest)?)) };
    (flags & !ALL_FLAGS == 0).then_some(ManagedRecord {
        path,
        kind,
        attributes,
        stat,
        unfinished: flags & UNFINISHED != 0,
        left_alone: flags & LEFT_ALONE != 0,
        secret: flags & SECRET != 0,
        task_made: flags & TASK_MADE != 0,
        found_kept: flags & FOUND_KEPT != 0,
        layer,
        hash,
        blob,
        found,
    })
}

#[cfg(test)]
mod tests;
