//! One path of the managed set as it lies in the file, read or passed by.

use cosmos_model::content::ContentHash;
use cosmos_model::managed::{ManagedEntry, ManagedKind};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::snapshot::{Attributes, Stat};

pub(super) const EXISTED: u8 = 1;
pub(super) const TASK_MADE: u8 = 1 << 1;
pub(super) const FOUND_KEPT: u8 = 1 << 2;
pub(super) const UNFINISHED: u8 = 1 << 3;
pub(super) const LEFT_ALONE: u8 = 1 << 4;
pub(super) const SECRET: u8 = 1 << 5;
const ALL_FLAGS: u8 = EXISTED | TASK_MADE | FOUND_KEPT | UNFINISHED | LEFT_ALONE | SECRET;

/// Bytes of an entry between its path and the hash of what was found, if there is one.
const FIELDS: usize = 116;

/// Where the fields begin that are looked at by themselves: flags, layer, blob.
const AT_FLAGS: usize = 1;
const AT_LAYER: usize = 2;
const AT_BLOB: usize = 56;

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
    pub(super) layer: u16,
    blob: ObjectId,
    found: Option<ContentHash>,
}

impl ManagedRecord<'_> {
    /// Returns path and entry as the planner takes them.
    pub(super) fn to_entry(self) -> (RelPath, ManagedEntry) {
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

/// An entry whose fields are not read: most of them are passed by when little changed.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    /// The path.
    pub path: &'a [u8],
    fields: &'a [u8; FIELDS],
    found: Option<&'a [u8; 32]>,
    /// All of it.
    pub raw: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Takes the first entry of `rest`, which goes on behind it.
    pub(super) fn next(rest: &mut &'a [u8]) -> Option<Self> {
        let start = *rest;
        let length = u16::from_le_bytes(take(rest)?);
        let path = split(rest, length.into())?;
        let (fields, after) = rest.split_first_chunk()?;
        *rest = after;
        let found = if fields[AT_FLAGS] & EXISTED == 0 {
            None
        } else {
            let (found, after) = rest.split_first_chunk()?;
            *rest = after;
            Some(found)
        };
        Some(Self { path, fields, found, raw: &start[..start.len() - rest.len()] })
    }

    /// Tells whether it is a directory's.
    pub(super) const fn is_directory(&self) -> bool {
        self.fields[0] == 3
    }

    /// Returns the position of its layer.
    pub(super) const fn layer(&self) -> u16 {
        u16::from_le_bytes([self.fields[AT_LAYER], self.fields[AT_LAYER + 1]])
    }

    /// Returns the blob whose bytes its content is, and whether that is what is encrypted in it; none where a task
    /// changed it afterwards.
    pub(super) fn blob(&self) -> Option<(ObjectId, bool)> {
        let (blob, flags) = (*self.fields[AT_BLOB..].first_chunk()?, self.fields[AT_FLAGS]);
        (blob != [0; 20] && flags & TASK_MADE == 0).then(|| (ObjectId::new(blob), flags & SECRET != 0))
    }

    /// Reads all of it; `None` where a field breaks the format.
    pub(super) fn record(&self) -> Option<ManagedRecord<'a>> {
        let rest = &mut &self.fields[..];
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
        let found = self.found.copied().map(ContentHash::new);
        (flags & !ALL_FLAGS == 0).then_some(ManagedRecord {
            path: self.path,
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
}

pub(super) fn split<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (first, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(first)
}

pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

pub(super) fn number32(rest: &mut &[u8]) -> Option<u32> {
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
