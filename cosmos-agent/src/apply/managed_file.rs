//! The managed set on disk (docs/formats.md §10): a strict reader over bytes; the writer is in [`encode`].
//!
//! [`ManagedFile`] borrows from the file's bytes, so that a run which changes nothing allocates nothing per path.

use std::sync::Arc;

use cosmos_model::by_path::ByPath;
use cosmos_model::managed::{LeftOut, ManagedSet};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;

mod encode;
mod entry;
mod known;

pub use encode::encode;
pub use entry::ManagedRecord;
use entry::{Entry, number32, split, take};
pub use known::KnownBlobs;

/// The name of the format without its version digit.
const MAGIC: &[u8] = b"COSMOSM";
const VERSION: u8 = b'1';
/// Bytes of the CRC-32 at the end.
const TRAILER: usize = 4;

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
            let record = Entry::next(&mut rest).and_then(|entry| entry.record());
            let record = record.ok_or(ManagedFileError::Entry(number))?;
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
        self.entries().map(|entry| entry.record().expect(CHECKED))
    }

    /// Returns the entries in byte order, unread.
    fn entries(&self) -> impl Iterator<Item = Entry<'a>> {
        let mut rest = self.entries;
        (0..self.count).map(move |_| Entry::next(&mut rest).expect(CHECKED))
    }

    /// Returns the first and the second half of the paths.
    pub(crate) fn halves(&self) -> (Self, Self) {
        let (mut rest, count) = (self.entries, self.count / 2);
        for _ in 0..count {
            Entry::next(&mut rest).expect(CHECKED);
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
        let (mut entries, mut files, mut below) = (Vec::new(), 0, left_out.in_order());
        for entry in self.entries() {
            if !below.has(entry.path) {
                entries.push(entry.record().expect(CHECKED).to_entry());
            } else if !entry.is_directory() {
                files += 1;
            }
        }
        left_out.files = files;
        ManagedSet { commit: self.commit, layers: self.layers(), entries: ByPath::from(entries), left_out }
    }

    fn layers(&self) -> Vec<Arc<str>> {
        self.layers.iter().map(|name| Arc::from(*name)).collect()
    }

    /// Returns the entries below the folders of `left_out`.
    fn below(&self, left_out: &LeftOut) -> impl Iterator<Item = Entry<'a>> {
        let mut below = left_out.in_order();
        self.entries().filter(move |entry| below.has(entry.path))
    }
}

/// Why an entry reads.
const CHECKED: &str = "parse checked every entry";

#[cfg(test)]
mod tests;
