//! The managed set on disk (docs/formats.md §10): a strict reader over bytes, and the writer.
//!
//! [`ManagedFile`] borrows from the file's bytes, so that a run which changes nothing allocates nothing per path.

use std::collections::BTreeMap;

use cosmos_model::content::ContentHash;
use cosmos_model::managed::{LeftOut, ManagedEntry, ManagedKind, ManagedSet};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::snapshot::{Attributes, Stat};
use cosmos_model::stage::KnownContent;

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
const ALL_FLAGS: u8 = EXISTED | TASK_MADE | FOUND_KEPT | UNFINISHED | LEFT_ALONE;

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
            layers: self.layers.iter().map(|name| (*name).to_owned()).collect(),
            entries: self.records().map(ManagedRecord::to_entry).collect(),
            left_out: LeftOut::default(),
        }
    }

    /// Returns the set without what lies below `folders`, which are sorted.
    #[must_use]
    pub fn to_set_without(&self, folders: &[RelPath]) -> ManagedSet {
        let mut left_out = LeftOut { folders: folders.to_vec(), files: 0 };
        let mut entries = BTreeMap::new();
        for record in self.records() {
            if !left_out.has(record.path) {
                entries.extend([record.to_entry()]);
            } else if record.kind != ManagedKind::Directory {
                left_out.files += 1;
            }
        }
        let layers = self.layers.iter().map(|name| (*name).to_owned()).collect();
        ManagedSet { commit: self.commit, layers, entries, left_out }
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

/// The contents of blobs that are known from the managed paths written from them.
#[derive(Debug)]
pub struct KnownBlobs<'a> {
    entries: &'a [u8],
    /// Each blob with where its record starts, sorted.
    places: Vec<(ObjectId, usize)>,
}

impl<'a> KnownBlobs<'a> {
    /// Collects the blobs of `file`.
    #[must_use]
    pub fn of(file: &ManagedFile<'a>) -> Self {
        let mut rest = file.entries;
        let mut places = Vec::with_capacity(file.count as usize);
        for _ in 0..file.count {
            let start = file.entries.len() - rest.len();
            let record = record(&mut rest).expect("parse checked every entry");
            // What a task changed afterwards has another hash than its blob.
            if record.blob != ObjectId::new([0; 20]) && !record.task_made {
                places.push((record.blob, start));
            }
        }
        places.sort_unstable();
        Self { entries: file.entries, places }
    }
}

impl KnownContent for KnownBlobs<'_> {
    fn content_of(&self, id: ObjectId) -> Option<(u64, ContentHash)> {
        let at = self.places.binary_search_by(|(blob, _)| blob.cmp(&id)).ok()?;
        let record = record(&mut &self.entries[self.places[at].1..])?;
        Some((record.stat.size, record.hash))
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
        task_made: flags & TASK_MADE != 0,
        found_kept: flags & FOUND_KEPT != 0,
        layer,
        hash,
        blob,
        found,
    })
}

/// Returns the file's bytes for `set`; what it leaves out is taken from `old`, the file as it was.
///
/// A path longer than 65,535 bytes cannot exist on Linux (4,096) and is left out. A set that leaves out what no file
/// holds any more has no commit, so that the next run looks at everything.
#[must_use]
pub fn encode(set: &ManagedSet, old: Option<&ManagedFile<'_>>) -> Vec<u8> {
    let mut entries = set.entries.iter().filter(|(path, _)| path.as_bytes().len() <= usize::from(u16::MAX)).peekable();
    let mut layers = set.layers.clone();
    let renumbered = old.map(|old| renumber(old, &mut layers)).unwrap_or_default();
    let commit = set.commit.filter(|_| old.is_some() || set.left_out.folders.is_empty());
    let mut bytes = header(commit, &layers, set.entries.len() + old.map_or(0, |old| old.count as usize));
    let mut count: u32 = 0;
    for (record, raw) in old.iter().flat_map(|old| old.below(&set.left_out)) {
        while let Some((path, entry)) = entries.next_if(|(path, _)| path.as_bytes() < record.path) {
            push_entry(&mut bytes, path, entry);
            count += 1;
        }
        let layer = bytes.len() + LAYER_AFTER_PATH + record.path.len();
        bytes.extend_from_slice(raw);
        bytes[layer..layer + 2].copy_from_slice(&renumbered[usize::from(record.layer)].to_le_bytes());
        count += 1;
    }
    for (path, entry) in entries {
        push_entry(&mut bytes, path, entry);
        count += 1;
    }
    bytes[COUNT..COUNT + 4].copy_from_slice(&count.to_le_bytes());
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Where the header has the number of entries.
const COUNT: usize = MAGIC.len() + 1;
/// Where an entry has its layer, the path's bytes not counted: after length, kind and flags.
const LAYER_AFTER_PATH: usize = 4;

/// Returns the positions in `layers` of the layers of `old`, which are added where they are missing.
fn renumber(old: &ManagedFile<'_>, layers: &mut Vec<String>) -> Vec<u16> {
    let mut position = |name: &&str| {
        let known = layers.iter().position(|layer| layer == name).unwrap_or_else(|| {
            layers.push((*name).to_owned());
            layers.len() - 1
        });
        u16::try_from(known).expect("a host has far fewer than 65,536 layers")
    };
    old.layers.iter().map(&mut position).collect()
}

/// Returns the first bytes of a file, with room for `entries` and a count of none.
fn header(commit: Option<ObjectId>, layers: &[String], entries: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64 + entries * 192);
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(commit.unwrap_or(ObjectId::new([0; 20])).as_bytes());
    bytes.extend_from_slice(&u32::try_from(layers.len()).expect("layers are few").to_le_bytes());
    for layer in layers {
        push_short(&mut bytes, layer.as_bytes());
    }
    bytes
}

fn push_short(bytes: &mut Vec<u8>, text: &[u8]) {
    let length = u16::try_from(text.len()).expect("a layer's name is one path component");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text);
}

fn push_entry(bytes: &mut Vec<u8>, path: &RelPath, entry: &ManagedEntry) {
    push_short(bytes, path.as_bytes());
    bytes.push(match entry.kind {
        ManagedKind::File => 1,
        ManagedKind::Symlink => 2,
        ManagedKind::Directory => 3,
    });
    bytes.push(flags(entry));
    bytes.extend_from_slice(&entry.layer.to_le_bytes());
    for number in [entry.attributes.mode & 0o7777, entry.attributes.uid, entry.attributes.gid] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&entry.size.to_le_bytes());
    bytes.extend_from_slice(entry.hash.as_bytes());
    bytes.extend_from_slice(entry.blob.unwrap_or(ObjectId::new([0; 20])).as_bytes());
    bytes.extend_from_slice(&entry.stat.device.to_le_bytes());
    bytes.extend_from_slice(&entry.stat.inode.to_le_bytes());
    for (seconds, nanoseconds) in [entry.stat.modified, entry.stat.changed] {
        bytes.extend_from_slice(&seconds.to_le_bytes());
        bytes.extend_from_slice(&nanoseconds.min(999_999_999).to_le_bytes());
    }
    if let Some(found) = &entry.found {
        bytes.extend_from_slice(found.as_bytes());
    }
}

fn flags(entry: &ManagedEntry) -> u8 {
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    flag(entry.found.is_some(), EXISTED)
        | flag(entry.task_made, TASK_MADE)
        | flag(entry.found_kept, FOUND_KEPT)
        | flag(entry.unfinished, UNFINISHED)
        | flag(entry.left_alone, LEFT_ALONE)
}

#[cfg(test)]
mod tests;
