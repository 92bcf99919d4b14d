//! Makes one pack of what is still wanted and drops the rest: old packs, and what refused revisions left behind.

use std::collections::HashSet;

use cosmos_model::object::{self, ObjectKind};
use cosmos_model::object_id::ObjectId;

use super::{Store, StoreError};
use crate::fs::by_path;

impl Store {
    /// Counts the packs, which each fetch adds to; above fifty reading slows down.
    ///
    /// # Errors
    /// Returns [`StoreError`] when the folder of packs cannot be read.
    pub fn packs(&self) -> Result<usize, StoreError> {
        Ok(self.pack_files()?.iter().filter(|name| name.ends_with(".pack")).count())
    }

    /// Keeps what the commits and tags `keep` reach, in one pack, and removes everything else.
    ///
    /// Every object is hashed again on the way. Callers hold the run's lock.
    ///
    /// # Errors
    /// Returns [`StoreError`] and removes nothing when an object is missing or damaged.
    pub fn compact(&mut self, keep: &[ObjectId]) -> Result<(), StoreError> {
        let objects = self.reachable(keep)?;
        let before = self.pack_files()?;
        let count = u32::try_from(objects.len()).expect("a store has fewer than 2^32 objects");
        let mut pack = self.pack(count)?;
        for (id, kind) in objects {
            pack.add(kind, &self.whole(id, kind)?)?;
        }
        let new = format!("pack-{}", pack.commit()?);
        for name in before.iter().filter(|name| !name.starts_with(&new)) {
            let path = self.objects().join("pack").join(name);
            by_path::remove(&path).map_err(|source| self.file(&path, source))?;
        }
        // libgit2 keeps the removed packs open; the next use opens the store again.
        self.odb = std::cell::OnceCell::new();
        Ok(())
    }

    fn pack_files(&self) -> Result<Vec<String>, StoreError> {
        self.odb()?;
        let folder = self.objects().join("pack");
        let entries = std::fs::read_dir(&folder).map_err(|source| self.file(&folder, source))?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
        names.collect::<Result<_, _>>().map_err(|source| self.file(&folder, source))
    }

    fn whole(&self, id: ObjectId, kind: ObjectKind) -> Result<Vec<u8>, StoreError> {
        object::read(self, id, kind).map_err(|source| StoreError::Damaged { source })
    }

    /// Lists what `keep` reaches, each object once.
    fn reachable(&self, keep: &[ObjectId]) -> Result<Vec<(ObjectId, ObjectKind)>, StoreError> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        let mut next = Vec::new();
        for id in keep {
            next.push((*id, self.kind(*id)?));
        }
        while let Some((id, kind)) = next.pop() {
            if !seen.insert(id) {
                continue;
            }
            found.push((id, kind));
            match kind {
                ObjectKind::Blob => {}
                ObjectKind::Tree => next.extend(tree_entries(&self.whole(id, kind)?)),
                ObjectKind::Commit | ObjectKind::Tag => {
                    for (target, kind) in header_targets(&self.whole(id, kind)?) {
                        next.push((target, kind.map_or_else(|| self.kind(target), Ok)?));
                    }
                }
            }
        }
        Ok(found)
    }

    fn kind(&self, id: ObjectId) -> Result<ObjectKind, StoreError> {
        let header = self.odb()?.read_header(super::oid(id)).map_err(|source| self.library("look into", source))?;
        super::kind_of(header.1)
            .ok_or(StoreError::Damaged { source: object::ObjectError::Mismatch { id, kind: ObjectKind::Commit } })
    }
}

/// Reads the ids in the headers of a commit or tag; a tag's target may be of any kind.
fn header_targets(bytes: &[u8]) -> Vec<(ObjectId, Option<ObjectKind>)> {
    let headers = bytes.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
    let target = |line: &[u8]| {
        let (name, id) = line.split_at(line.iter().position(|byte| *byte == b' ')?);
        let kind = match name {
            b"tree" => Some(ObjectKind::Tree),
            b"parent" => Some(ObjectKind::Commit),
            b"object" => None,
            _ => return None,
        };
        Some((ObjectId::from_hex(id.get(1..)?).ok()?, kind))
    };
    headers.filter_map(target).collect()
}

/// Reads the ids in a tree, except those of submodules, which are nobody's objects here.
fn tree_entries(mut bytes: &[u8]) -> Vec<(ObjectId, ObjectKind)> {
    let mut entries = Vec::new();
    while let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
        let (entry, rest) = bytes.split_at(nul);
        let Some((id, rest)) = rest[1..].split_first_chunk() else { break };
        let mode = entry.split(|byte| *byte == b' ').next().unwrap_or_default();
        match mode {
            b"160000" => {}
            b"40000" | b"040000" => entries.push((ObjectId::new(*id), ObjectKind::Tree)),
            _ => entries.push((ObjectId::new(*id), ObjectKind::Blob)),
        }
        bytes = rest;
    }
    entries
}
