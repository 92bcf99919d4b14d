//! Writing the managed set: a whole one, or part of one over the file as it was.

use std::io::{self, Write};
use std::sync::Arc;

use cosmos_model::managed::{ManagedEntry, ManagedKind, ManagedSet};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;

use super::entry::{EXISTED, FOUND_KEPT, LEFT_ALONE, SECRET, TASK_MADE, UNFINISHED};
use super::{MAGIC, ManagedFile, VERSION};

/// Writes the file of `set`, piece by piece, to `to`; what it leaves out is taken from `old`, the file as it was.
///
/// A path longer than 65,535 bytes cannot exist on Linux (4,096) and is left out. A set that leaves out what no file
/// holds any more has no commit, so that the next run looks at everything.
///
/// # Errors
/// Returns what `to` answers.
pub fn encode(set: &ManagedSet, old: Option<&ManagedFile<'_>>, to: &mut dyn Write) -> io::Result<()> {
    let mut entries = set.entries.iter().filter(|(path, _)| path.as_bytes().len() <= usize::from(u16::MAX)).peekable();
    let mut layers = set.layers.clone();
    let renumbered = old.map(|old| renumber(old, &mut layers)).unwrap_or_default();
    let commit = set.commit.filter(|_| old.is_some() || set.left_out.folders.is_empty());
    let kept = || old.iter().flat_map(|old| old.below(&set.left_out));
    let count =
        kept().count() + set.entries.keys().filter(|path| path.as_bytes().len() <= usize::from(u16::MAX)).count();
    let mut pieces = Pieces { bytes: header(commit, &layers, count), checksum: crc32fast::Hasher::new(), to };
    for stays in kept() {
        while let Some((path, entry)) = entries.next_if(|(path, _)| path.as_bytes() < stays.path) {
            push_entry(pieces.next()?, path, entry);
        }
        let bytes = pieces.next()?;
        let layer = bytes.len() + LAYER_AFTER_PATH + stays.path.len();
        bytes.extend_from_slice(stays.raw);
        bytes[layer..layer + 2].copy_from_slice(&renumbered[usize::from(stays.layer())].to_le_bytes());
    }
    for (path, entry) in entries {
        push_entry(pieces.next()?, path, entry);
    }
    pieces.end()
}

/// So many bytes are collected before they are passed on.
const PIECE: usize = 32 << 10;

/// The file on its way out: there is no room for all of it beside the set it is made from.
struct Pieces<'t> {
    bytes: Vec<u8>,
    checksum: crc32fast::Hasher,
    to: &'t mut dyn Write,
}

impl Pieces<'_> {
    /// Returns where the next entry goes.
    fn next(&mut self) -> io::Result<&mut Vec<u8>> {
        if self.bytes.len() >= PIECE {
            self.pass_on()?;
        }
        Ok(&mut self.bytes)
    }

    fn pass_on(&mut self) -> io::Result<()> {
        self.checksum.update(&self.bytes);
        self.to.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        self.pass_on()?;
        self.to.write_all(&self.checksum.finalize().to_le_bytes())
    }
}

/// Where an entry has its layer, the path's bytes not counted: after length, kind and flags.
const LAYER_AFTER_PATH: usize = 4;

/// Returns the positions in `layers` of the layers of `old`, which are added where they are missing.
fn renumber(old: &ManagedFile<'_>, layers: &mut Vec<Arc<str>>) -> Vec<u16> {
    let mut position = |name: &&str| {
        let known = layers.iter().position(|layer| **layer == **name).unwrap_or_else(|| {
            layers.push(Arc::from(*name));
            layers.len() - 1
        });
        u16::try_from(known).expect("a host has far fewer than 65,536 layers")
    };
    old.layers.iter().map(&mut position).collect()
}

/// Returns the first bytes of a file.
fn header(commit: Option<ObjectId>, layers: &[Arc<str>], count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&u32::try_from(count).expect("a host has fewer paths").to_le_bytes());
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
        | flag(entry.secret, SECRET)
}
