//! Writing the managed set: a whole one, or part of one over the file as it was.

use cosmos_model::managed::{ManagedEntry, ManagedKind, ManagedSet};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;

use super::{EXISTED, FOUND_KEPT, LEFT_ALONE, MAGIC, ManagedFile, TASK_MADE, UNFINISHED, VERSION};

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
